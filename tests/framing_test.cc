// SPDX-License-Identifier: Apache-2.0
// Connections, frames, headers, versions.
#include <algorithm>

#include "base/endian.h"
#include "protocol/api.h"
#include "tests/broker_test.h"

namespace cms::tests {
namespace {

using protocol::ApiVersionsRequest;
using protocol::ApiVersionsResponse;

class FramingTest : public BrokerTest {};

std::vector<std::byte> size_prefix(std::int32_t size) {
  std::vector<std::byte> bytes(4);
  base::store_big(bytes.data(), size);
  return bytes;
}

ApiVersionsRequest versions_request() { return {.client_software_name = "wire", .client_software_version = "1.0"}; }

const ApiVersionsResponse::Api* api_in(const ApiVersionsResponse& response, ApiKey key) {
  const auto found = std::ranges::find(response.api_keys, key, &ApiVersionsResponse::Api::api_key);
  return found == response.api_keys.end() ? nullptr : &*found;
}

TEST_F(FramingTest, NegativeOrTooLargeSizeClosesTheConnectionWithoutAllocatingIt) {
  const std::size_t before = broker().resident_bytes();
  for (const std::int32_t size : {-1, std::numeric_limits<std::int32_t>::min(), (100 << 20) + 1, 0x7fffffff}) {
    Wire wire = connect();
    wire.send_bytes(size_prefix(size));
    EXPECT_TRUE(wire.is_closed()) << size;
  }
  // One that is allowed is not allocated before its bytes are there either.
  Wire waiting = connect();
  waiting.send_bytes(size_prefix(100 << 20));
  EXPECT_TRUE(serves(broker().port()));
  EXPECT_LT(broker().resident_bytes(), before + (16 << 20) + sanitizer_bytes_max);
}

TEST_F(FramingTest, AnswersCarryTheCorrelationIdsInTheOrderOfTheirRequests) {
  create_topic(wire_, topic());
  // Some wait for a worker, some for the disk, some for nothing.
  std::vector<Batch> batches;
  for (int i = 0; i < 20; ++i) batches.push_back(batch_of(std::to_string(i)));
  for (const Batch& batch : batches) {
    wire_.send(produce_request(topic(), 0, batch), named_produce);
    wire_.send(versions_request());
    wire_.send(about({topic()}));
    wire_.send(protocol::InitProducerIdRequest{});
  }
  for (int i = 0; i < 20; ++i) {  // receive() compares each correlation id
    EXPECT_EQ(wire_.receive<protocol::ProduceResponse>().responses.at(0).partition_responses.at(0).base_offset, i);
    EXPECT_EQ(wire_.receive<ApiVersionsResponse>().error_code, ErrorCode::none);
    EXPECT_EQ(wire_.receive<protocol::MetadataResponse>().topics.size(), 1u);
    EXPECT_EQ(wire_.receive<protocol::InitProducerIdResponse>().error_code, ErrorCode::none);
  }
}

TEST_F(FramingTest, ProduceRequestsOfOneConnectionAreAppendedInTheOrderReceived) {
  create_topic(wire_, topic());
  std::vector<std::string> values;
  std::vector<std::byte> frames;
  for (int i = 0; i < 200; ++i) {
    values.push_back(std::to_string(i));
    const Batch batch = batch_of(values.back());
    const auto frame = frame_of(produce_request(topic(), 0, batch, i % 3 == 0 ? 1 : -1), named_produce, i);
    frames.insert(frames.end(), frame.begin(), frame.end());
  }
  wire_.send_bytes(frames);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(base::load_big<std::int32_t>(wire_.receive_frame().data()), i);
  Wire reader = connect();
  EXPECT_EQ(values_in(fetch(reader, topic(), 0).records), values);
}

TEST_F(FramingTest, RequestThatWaitsDelaysOnlyWhatIsBehindItOnItsConnection) {
  create_topic(wire_, topic());
  Wire waiting = connect();
  waiting.send(fetch_request(topic(), 0, {.max_wait_ms = 600'000}), named_fetch);
  waiting.send(versions_request());
  for (int i = 0; i < 4; ++i) {  // connections of every core
    Wire other = connect();
    EXPECT_EQ(ask_versions(other).error_code, ErrorCode::none);
    EXPECT_EQ(metadata_of(other, topic()).error_code, ErrorCode::none);
  }
  EXPECT_TRUE(waiting.is_quiet(milliseconds(0)));
  append(wire_, topic(), batch_of("woken"));
  EXPECT_EQ(values_in(receive_fetched(waiting).records), std::vector<std::string>{"woken"});
  EXPECT_EQ(waiting.receive<ApiVersionsResponse>().error_code, ErrorCode::none);
}

TEST_F(FramingTest, ProduceWithAcksZeroIsNotAnsweredAndItsFailureCloses) {
  create_topic(wire_, topic());
  const Batch batch = batch_of("silent");
  wire_.send_unanswered(produce_request(topic(), 0, batch, 0), named_produce);
  wire_.send(versions_request());  // the next answer is this one's
  EXPECT_EQ(wire_.receive<ApiVersionsResponse>().error_code, ErrorCode::none);
  Wire reader = connect();
  EXPECT_EQ(values_in(fetch(reader, topic(), 0, {.max_wait_ms = 30'000}).records), std::vector<std::string>{"silent"});
  wire_.send_unanswered(produce_request("no-such-topic", 0, batch, 0), named_produce);
  EXPECT_TRUE(wire_.is_closed());
  EXPECT_EQ(end_offset(reader, topic()), 1);
}

TEST_F(FramingTest, UnknownApiOrVersionOrGarbledBodyClosesTheConnection) {
  const auto refused = [&](const std::vector<std::byte>& frame) {
    Wire wire = connect();
    wire.send_bytes(frame);
    return wire.is_closed();
  };
  EXPECT_TRUE(refused(raw_frame(9999, 0, 1, {}, false)));
  EXPECT_TRUE(refused(raw_frame(-1, 0, 1, {}, false)));
  EXPECT_TRUE(refused(raw_frame(3, 99, 1, {}, true)));
  EXPECT_TRUE(refused(raw_frame(3, -1, 1, {}, false)));
  EXPECT_TRUE(refused(raw_frame(1, 3, 1, {}, false)));  // Fetch before batches
  const std::vector garbage(7, std::byte{0xff});
  EXPECT_TRUE(refused(raw_frame(3, 12, 1, garbage, true)));
  EXPECT_TRUE(refused(raw_frame(0, 7, 1, garbage, false)));
  EXPECT_TRUE(refused(raw_frame(3, 1, 1, {}, false)));  // no body at all
  EXPECT_TRUE(serves(broker().port()));
}

TEST_F(FramingTest, WhatCameBeforeABadRequestIsAnswered) {
  create_topic(wire_, topic());
  const Batch batch = batch_of("good");
  std::vector<std::byte> frames = frame_of(produce_request(topic(), 0, batch), named_produce, 1);  // waits for the disk
  const std::vector<std::byte> bad = raw_frame(9999, 0, 2, {}, false);
  frames.insert(frames.end(), bad.begin(), bad.end());
  wire_.send_bytes(frames);
  EXPECT_EQ(base::load_big<std::int32_t>(wire_.receive_frame().data()), 1);
  EXPECT_TRUE(wire_.is_closed());
}

TEST_F(FramingTest, UnknownVersionOfApiVersionsIsAnsweredInVersionZeroAndTheConnectionGoesOn) {
  for (const Version version : {Version{5}, Version{99}, Version{-1}, Version{32767}}) {
    const std::vector body(30, std::byte{0x55});
    wire_.send_bytes(raw_frame(18, version, 77, body, true));
    const ByteSpan frame = wire_.receive_frame();
    EXPECT_EQ(base::load_big<std::int32_t>(frame.data()), 77);
    ApiVersionsResponse response;
    ASSERT_TRUE(protocol::read(frame.subspan(4), 0, response).ok());
    EXPECT_EQ(response.error_code, ErrorCode::unsupported_version);
    ASSERT_EQ(response.api_keys.size(), 1u);
    EXPECT_EQ(response.api_keys[0].api_key, ApiKey::api_versions);
    EXPECT_EQ(response.api_keys[0].min_version, 0);
    EXPECT_EQ(response.api_keys[0].max_version, 4);
  }
  EXPECT_EQ(ask_versions(wire_).error_code, ErrorCode::none);
}

TEST_F(FramingTest, ApiVersionsAnswerHasTheOldHeaderAlsoWhereItsBodyIsFlexible) {
  wire_.send_bytes(frame_of(versions_request(), 3, 5));
  const ByteSpan frame = wire_.receive_frame();
  ApiVersionsResponse response;
  // Straight behind the correlation id, with no section of tags.
  ASSERT_TRUE(protocol::read(frame.subspan(4), 3, response).ok());
  EXPECT_GT(response.api_keys.size(), 10u);
}

TEST_F(FramingTest, ApiVersionsRefusesMalformedClientSoftware) {
  const auto answer = [&](const std::string& name, const std::string& version) {
    return wire_.call(ApiVersionsRequest{.client_software_name = name, .client_software_version = version}).error_code;
  };
  EXPECT_EQ(answer("librdkafka", "2.0.2"), ErrorCode::none);
  EXPECT_EQ(answer("a", "1"), ErrorCode::none);
  EXPECT_EQ(answer("", "1.0"), ErrorCode::invalid_request);
  EXPECT_EQ(answer("name", ""), ErrorCode::invalid_request);
  EXPECT_EQ(answer("-name", "1.0"), ErrorCode::invalid_request);
  EXPECT_EQ(answer("na me", "1.0"), ErrorCode::invalid_request);
  EXPECT_EQ(answer("name", "1.0."), ErrorCode::invalid_request);
}

TEST_F(FramingTest, ApiVersionsIsAnsweredAtAnyTime) {
  for (Version version = 0; version <= 4; ++version)
    EXPECT_EQ(ask_versions(wire_, version).error_code, ErrorCode::none);
  metadata_of(wire_, "any");
  EXPECT_EQ(ask_versions(wire_).error_code, ErrorCode::none);
}

TEST_F(FramingTest, FeaturesAreToldFromVersionThreeAndThoseFromZeroFromVersionFour) {
  const auto third = ask_versions(wire_, 3);
  const auto fourth = ask_versions(wire_, 4);
  EXPECT_TRUE(ask_versions(wire_, 2).supported_features.empty());
  for (const auto& feature : third.supported_features) EXPECT_GT(feature.min_version, 0) << feature.name;
  EXPECT_GE(fourth.supported_features.size(), third.supported_features.size());
  const auto finalized =
      std::ranges::find(fourth.finalized_features, "metadata.version", &ApiVersionsResponse::FinalizedFeature::name);
  ASSERT_NE(finalized, fourth.finalized_features.end());
  EXPECT_GT(finalized->max_version_level, 0);
  EXPECT_GE(fourth.finalized_features_epoch, 0);
}

TEST_F(FramingTest, ClientIdMayBeNullAndIsNotCompactInEitherHeader) {
  for (const Version version : {Version{8}, Version{9}, Version{12}}) {  // of Metadata, flexible from 9
    for (const std::optional<std::string>& client : {std::optional<std::string>{}, std::optional<std::string>{"it"}}) {
      wire_.send_bytes(frame_of(about({"unknown"}), version, 3, client));
      EXPECT_EQ(base::load_big<std::int32_t>(wire_.receive_frame().data()), 3);
    }
  }
}

TEST_F(FramingTest, UnknownTagsAreSkippedAndUnorderedOrDoubleOnesRefused) {
  const auto versions_with_tags = [](std::initializer_list<int> tag_bytes) {
    std::vector body{std::byte{5},   std::byte{'w'}, std::byte{'i'}, std::byte{'r'},
                     std::byte{'e'}, std::byte{2},   std::byte{'1'}};
    for (const int byte : tag_bytes) body.push_back(static_cast<std::byte>(byte));
    return raw_frame(18, 3, 9, body, true);
  };
  wire_.send_bytes(versions_with_tags({2, 90, 1, 0xff, 91, 0}));  // two tags: 90 of one byte, 91 empty
  EXPECT_EQ(base::load_big<std::int32_t>(wire_.receive_frame().data()), 9);
  Wire unordered = connect();
  unordered.send_bytes(versions_with_tags({2, 91, 0, 90, 1, 0xff}));
  EXPECT_TRUE(unordered.is_closed());
  Wire twice = connect();
  twice.send_bytes(versions_with_tags({2, 90, 0, 90, 0}));
  EXPECT_TRUE(twice.is_closed());
  // A default is not written: without an error in it, a produce answer carries no leader.
  create_topic(wire_, topic());
  const Batch batch = batch_of("x");
  wire_.send_bytes(frame_of(produce_request(topic(), 0, batch), named_produce, 4));
  const ByteSpan frame = wire_.receive_frame();
  EXPECT_EQ(std::to_integer<int>(frame.back()), 0);  // no tags at the end
}

TEST_F(FramingTest, LowVersionsAreOfferedForClientsThatLookForThem) {
  const auto response = ask_versions(wire_);
  const auto range = [&](ApiKey key, Version low, Version high) {
    const auto* const api = api_in(response, key);
    return api != nullptr && api->min_version <= low && api->max_version >= high;
  };
  EXPECT_TRUE(range(ApiKey::produce, 0, 7));
  EXPECT_TRUE(range(ApiKey::fetch, 4, 10));
  EXPECT_TRUE(range(ApiKey::find_coordinator, 0, 0));
  EXPECT_TRUE(range(ApiKey::list_offsets, 1, 1));
  EXPECT_TRUE(range(ApiKey::init_producer_id, 0, 0));
  // Message sets are not served: who sends them is told by a close.
  for (Version version = 0; version <= 2; ++version) {
    Wire old = connect();
    const std::vector body(16, std::byte{0});
    old.send_bytes(raw_frame(0, version, 1, body, false));
    EXPECT_TRUE(old.is_closed()) << version;
  }
}

TEST_F(FramingTest, OfferedVersionsAgreeWithEachOtherAboutIdsAndEpochs) {
  const auto response = ask_versions(wire_);
  ASSERT_GE(api_in(response, ApiKey::produce)->max_version, 13);
  ASSERT_GE(api_in(response, ApiKey::fetch)->max_version, 13);
  create_topic(wire_, topic());
  const auto found = metadata_of(wire_, topic());
  EXPECT_FALSE(found.topic_id.is_zero());
  EXPECT_GE(found.partitions.at(0).leader_epoch, 0);
  append(wire_, topic(), batch_of("x"));
  EXPECT_GE(list_offset(wire_, topic(), -1).leader_epoch, 0);
}

TEST_F(FramingTest, WhatIsOfferedIsServedInEveryVersionAndNothingElseIs) {
  const auto offered = ask_versions(wire_);
  std::vector<ApiKey> keys;
  protocol::for_each_api([&](auto pair) {
    using Request = typename decltype(pair)::Request;
    if constexpr (!protocol::is_private(Request::api_key)) {  // those are told to our own client only
      const auto* const api = api_in(offered, Request::api_key);
      if (api == nullptr) return;  // refused: WhatIsNotOfferedClosesTheConnection
      keys.push_back(Request::api_key);
      EXPECT_EQ(api->max_version, Request::versions.last) << protocol::name_of(Request::api_key);
      for (Version version = Request::versions.first; version <= Request::versions.last; ++version) {
        Request request{};
        if constexpr (std::is_same_v<Request, ApiVersionsRequest>) request = versions_request();
        if constexpr (std::is_same_v<Request, protocol::ProduceRequest>) request.acks = 1;
        Wire wire = connect();
        wire.call(request, version);  // throws when it is not answered, or not as this version says
      }
    }
  });
  EXPECT_EQ(offered.api_keys.size(), keys.size());
  EXPECT_GE(keys.size(), 34u);
}

// Whatever Kafka has beside what is offered: transactions, share groups, streams groups, access control ...
TEST_F(FramingTest, WhatIsNotOfferedClosesTheConnection) {
  const auto offered = ask_versions(wire_);
  constexpr std::int16_t last_of_kafka = 100;
  int refused = 0;
  for (std::int16_t key = 0; key <= last_of_kafka; ++key) {
    if (api_in(offered, static_cast<ApiKey>(key)) != nullptr) continue;
    Wire wire = connect();
    wire.send_bytes(raw_frame(key, 0, 1, std::vector(40, std::byte{0}), false));
    EXPECT_TRUE(wire.is_closed()) << key;
    ++refused;
  }
  EXPECT_EQ(offered.api_keys.size() + static_cast<std::size_t>(refused), last_of_kafka + 1u);
  EXPECT_TRUE(serves(broker().port()));
}

TEST_F(FramingTest, ListenersTellTheAddressOfTheListenerThatWasAsked) {
  const storage::TestDirectory directory;
  BrokerProcess several({.settings = {"advertised.listeners=PLAINTEXT2://two.example:1234"},
                         .listen = {"127.0.0.1:0", "127.0.0.1:0", "unix:" + (directory / "socket")}});
  const std::string& text = several.banner();
  const auto second = static_cast<std::uint16_t>(std::stoi(text.substr(text.find(':', text.find(", ")) + 1)));
  const auto node = [](Wire& wire) {
    const auto response = wire.call(about({}));
    const auto cluster = wire.call(protocol::DescribeClusterRequest{});
    EXPECT_EQ(cluster.brokers.at(0).host, response.brokers.at(0).host);
    EXPECT_EQ(cluster.brokers.at(0).port, response.brokers.at(0).port);
    return response.brokers.at(0).host + ":" + std::to_string(response.brokers.at(0).port);
  };
  Wire one(several.port());
  EXPECT_EQ(node(one), "127.0.0.1:" + std::to_string(several.port()));
  Wire two(second);
  EXPECT_EQ(node(two), "two.example:1234");
  Wire local(directory / "socket");
  EXPECT_EQ(ask_versions(local).error_code, ErrorCode::none);
}

TEST(IdleConnectionTest, IdleConnectionIsClosedInItsTimeAndNotWhileARequestWaits) {
  BrokerProcess broker({.settings = {"connections.max.idle.ms=1500"}});
  Wire busy(broker.port());
  Wire waiting(broker.port());
  Wire idle(broker.port());
  create_topic(busy, "t");
  ask_versions(waiting);
  waiting.send(fetch_request("t", 0, {.max_wait_ms = 600'000}), named_fetch);
  ask_versions(idle);
  const auto since = std::chrono::steady_clock::now();
  while (!idle.is_closed(milliseconds(100))) {
    ask_versions(busy);
    ASSERT_LT(std::chrono::steady_clock::now() - since, patience);
  }
  EXPECT_GE(std::chrono::steady_clock::now() - since, milliseconds(1500));
  append(busy, "t", batch_of("late"));
  EXPECT_EQ(values_in(receive_fetched(waiting).records), std::vector<std::string>{"late"});
}

}  // namespace
}  // namespace cms::tests
