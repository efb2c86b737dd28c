// SPDX-License-Identifier: Apache-2.0
// Push end to end: Kafka producers to native subscribers, native publishers to Kafka consumers and to each other.
#include "tests/push_test.h"

#include <algorithm>

#include "tests/group_requests.h"

namespace cms::tests {
namespace {

using protocol::StartAt;
using protocol::SubscribeRequest;
using protocol::TopicMatch;

using Values = std::vector<std::string>;

class PushDeliveryTest : public PushTest {};

TEST_P(PushDeliveryTest, PrivateKeysAreToldToOurOwnClientsOnly) {
  const auto told = [&](const std::string& name) {
    const auto answer =
        wire_.call(protocol::ApiVersionsRequest{.client_software_name = name, .client_software_version = "1"});
    return std::ranges::any_of(answer.api_keys, [](const auto& api) { return protocol::is_private(api.api_key); });
  };
  EXPECT_TRUE(told("cms"));
  EXPECT_FALSE(told("librdkafka"));
}

TEST_P(PushDeliveryTest, WhatKafkaClientsProduceIsPushedInEveryDurability) {
  PushClient client = open();
  ASSERT_EQ(client.opened().error_code, ErrorCode::none);
  for (const std::string durability : {"persistent", "volatile", "transient"}) {
    SCOPED_TRACE(durability);
    const std::string name = topic() + "." + durability;
    create_topic(wire_, name, 1, {{"cms.durability", durability}});
    SubscribeRequest request;
    request.subscription = durability == "persistent" ? 1 : durability == "volatile" ? 2 : 3;
    request.topics = name;
    const auto answer = client.subscribe(request);
    ASSERT_EQ(answer.error_code, ErrorCode::none);
    EXPECT_EQ(answer.streams, 1);
    append(wire_, name, batch_of("one"));
    append(wire_, name, batch_holding({"two", "three"}));
    EXPECT_TRUE(client.await_values(name, {"one", "two", "three"}));
  }
  EXPECT_EQ(client.wrong, Values{});
}

TEST_P(PushDeliveryTest, LiveBeginsBehindWhatIsThere) {
  create_topic(wire_, topic());
  append(wire_, topic(), batch_of("before"));
  PushClient client = open();
  client.subscribe(topic());
  append(wire_, topic(), batch_of("after"));
  EXPECT_TRUE(client.await_values(topic(), {"after"}));
  EXPECT_EQ(client.find(topic())->opened_at, 1);
}

TEST_P(PushDeliveryTest, StartsAtTheEarliestRecordAtAnOffsetOrAtATime) {
  const std::int64_t now = now_ms();
  create_topic(wire_, topic());
  append(wire_, topic(), batch_at({now - 3000, now - 2000}));
  append(wire_, topic(), batch_at({now - 1000}));
  const auto from = [&](StartAt start, std::int64_t value) {
    PushClient client = open();
    EXPECT_EQ(client.subscribe(topic(), start, value).error_code, ErrorCode::none);
    client.await([&] { return client.find(topic()) != nullptr && client.find(topic())->next == 3; });
    return client.find(topic()) == nullptr ? std::size_t{99} : client.find(topic())->records.size();
  };
  EXPECT_EQ(from(StartAt::earliest, 0), 3u);
  EXPECT_EQ(from(StartAt::offset, 1), 2u);
  EXPECT_EQ(from(StartAt::time, now - 2500), 2u);
  EXPECT_EQ(from(StartAt::time, now - 1500), 1u);
}

TEST_P(PushDeliveryTest, ResumePointsComeBeforeTheStart) {
  const base::Uuid id = create_topic(wire_, topic());
  append(wire_, topic(), batch_holding({"0", "1", "2", "3"}));
  PushClient client = open();
  SubscribeRequest request;
  request.topics = topic();
  request.start = StartAt::earliest;
  request.resume = {{.topic_id = id, .partition = 0, .next_offset = 2}};
  client.subscribe(request);
  EXPECT_TRUE(client.await_values(topic(), {"2", "3"}));
}

TEST_P(PushDeliveryTest, OrderHoldsPerPartitionAndNothingIsMissing) {
  create_topic(wire_, topic(), 4, {{"cms.durability", "volatile"}});
  PushClient client = open();
  ASSERT_EQ(client.subscribe(topic()).streams, 4);
  std::vector<Values> expected(4);
  for (int i = 0; i < 400; ++i) {
    const auto partition = static_cast<std::size_t>(i % 4);
    expected[partition].push_back(std::to_string(i));
    append(wire_, topic(), batch_of(expected[partition].back()), static_cast<std::int32_t>(partition));
  }
  for (std::size_t partition = 0; partition < 4; ++partition) {
    EXPECT_TRUE(client.await_values(topic(), expected[partition], static_cast<std::int32_t>(partition)));
  }
  EXPECT_EQ(client.wrong, Values{});
}

TEST_P(PushDeliveryTest, OnlyTheListedPartitionsAreDelivered) {
  create_topic(wire_, topic(), 3);
  PushClient client = open();
  SubscribeRequest request;
  request.topics = topic();
  request.partitions = {2, 0};
  EXPECT_EQ(client.subscribe(request).streams, 2);
  for (int partition = 0; partition < 3; ++partition) append(wire_, topic(), batch_of("v"), partition);
  EXPECT_TRUE(client.await_values(topic(), {"v"}, 0));
  EXPECT_TRUE(client.await_values(topic(), {"v"}, 2));
  EXPECT_EQ(client.find(topic(), 1), nullptr);
}

TEST_P(PushDeliveryTest, TopicsAndPartitionsThatMatchJoinByThemselvesFromTheirStart) {
  PushClient client = open();
  SubscribeRequest request;
  request.subscription = 1;
  request.match = TopicMatch::prefix;
  request.topics = "/cms/topics/" + topic();
  EXPECT_EQ(client.subscribe(request).streams, 0);
  request.subscription = 2;
  request.match = TopicMatch::pattern;
  request.topics = topic() + ".*.b";
  EXPECT_EQ(client.subscribe(request).streams, 0);

  create_topic(wire_, topic() + ".a.b");
  append(wire_, topic() + ".a.b", batch_of("first"));
  EXPECT_TRUE(client.await([&] { return client.streams.size() == 2; }));
  for (const auto& [number, stream] : client.streams) {
    EXPECT_TRUE(client.await([&, n = number] { return client.streams[n].records.size() == 1; }));
  }
  protocol::CreatePartitionsRequest more;
  more.topics.push_back({.name = topic() + ".a.b", .count = 2, .assignments = {}});
  more.timeout_ms = 10'000;
  ASSERT_EQ(wire_.call(more).results.at(0).error_code, ErrorCode::none);
  EXPECT_TRUE(client.await([&] { return client.streams.size() == 4; }));
}

TEST_P(PushDeliveryTest, ADeletedTopicEndsItsStreamAndANewOneOpensAnother) {
  create_topic(wire_, topic());
  PushClient client = open();
  client.subscribe(topic());
  append(wire_, topic(), batch_of("old"));
  ASSERT_TRUE(client.await_values(topic(), {"old"}));
  const std::uint32_t first = client.find(topic())->number;
  ASSERT_EQ(delete_topic(wire_, topic()), ErrorCode::none);
  EXPECT_TRUE(client.await([&] { return client.streams[first].closed.has_value(); }));
  EXPECT_EQ(client.streams[first].closed, ErrorCode::unknown_topic_or_partition);
  create_topic(wire_, topic());
  append(wire_, topic(), batch_of("new"));
  EXPECT_TRUE(client.await([&] { return client.streams.size() == 2; }));
  EXPECT_TRUE(client.await_values(topic(), {"new"}));
}

TEST_P(PushDeliveryTest, ASubscriberStaysWhenTheDurabilityOfAnUnusedTopicChanges) {
  create_topic(wire_, topic());
  PushClient client = open();
  client.subscribe(topic());
  ASSERT_TRUE(client.await([&] { return client.find(topic()) != nullptr; }));
  set_config(wire_, topic(), "cms.durability", "volatile");
  append(wire_, topic(), batch_of("value"));
  EXPECT_TRUE(client.await_values(topic(), {"value"}));
  EXPECT_EQ(client.streams.begin()->second.closed, ErrorCode::none);
}

TEST_P(PushDeliveryTest, StartsWhereAGroupHasCommitted) {
  create_topic(wire_, topic(), 2);
  append(wire_, topic(), batch_holding({"0", "1", "2"}), 0);
  append(wire_, topic(), batch_holding({"3"}), 1);
  const std::string group = topic() + "-group";
  await_coordinator(wire_, group);
  ASSERT_EQ(commit(wire_, group, topic(), 0, 1), ErrorCode::none);
  PushClient client = open();
  SubscribeRequest request;
  request.topics = topic();
  request.start = StartAt::committed;
  request.start_value = 1;  // the other partition from its start
  request.group_id = group;
  ASSERT_EQ(client.subscribe(request).error_code, ErrorCode::none);
  EXPECT_TRUE(client.await_values(topic(), {"1", "2"}, 0));
  EXPECT_TRUE(client.await_values(topic(), {"3"}, 1));
}

TEST_P(PushDeliveryTest, NothingComesAfterUnsubscribing) {
  create_topic(wire_, topic());
  PushClient client = open();
  client.subscribe(topic());
  append(wire_, topic(), batch_of("one"));
  ASSERT_TRUE(client.await_values(topic(), {"one"}));
  EXPECT_EQ(client.wire().call(protocol::UnsubscribeRequest{.subscription = 1}).error_code, ErrorCode::none);
  EXPECT_TRUE(client.await([&] { return client.find(topic())->closed.has_value(); }));
  EXPECT_EQ(client.find(topic())->closed, ErrorCode::none);
  append(wire_, topic(), batch_of("two"));
  client.listen(milliseconds(100));
  EXPECT_EQ(client.values(topic()), Values{"one"});
  EXPECT_EQ(client.wire().call(protocol::UnsubscribeRequest{.subscription = 1}).error_code,
            ErrorCode::resource_not_found);
}

TEST_P(PushDeliveryTest, ASeekClosesTheStreamAndOpensAnotherAtTheNewPlace) {
  create_topic(wire_, topic());
  append(wire_, topic(), batch_holding({"0", "1", "2"}));
  PushClient client = open();
  client.subscribe(topic());
  ASSERT_TRUE(client.await([&] { return client.find(topic()) != nullptr; }));
  const std::uint32_t first = client.find(topic())->number;
  EXPECT_EQ(client.wire().call(protocol::SeekRequest{.subscription = 1, .streams = {}, .start_value = 1}).error_code,
            ErrorCode::none);
  EXPECT_TRUE(client.await_values(topic(), {"1", "2"}));
  EXPECT_TRUE(client.await([&] { return client.streams[first].closed.has_value(); }));
}

TEST_P(PushDeliveryTest, ABatchLargerThanAMessageComesInPieces) {
  create_topic(wire_, topic(), 1, {{"max.message.bytes", "4000000"}});
  PushClient client = open({.ring_bytes = 65'536});
  client.subscribe(topic());
  const std::string large(1'500'000, 'x');
  append(wire_, topic(), batch_of(large));
  append(wire_, topic(), batch_of("small"));
  EXPECT_TRUE(client.await_values(topic(), {large, "small"}));
  EXPECT_EQ(client.wrong, Values{});
}

TEST_P(PushDeliveryTest, RecordsThatHaveLeftMemoryAreReadFromFiles) {
  create_topic(wire_, topic());
  Values expected;
  for (int i = 0; i < 60; ++i) {
    expected.push_back(std::to_string(i) + std::string(100'000, 'c'));
    append(wire_, topic(), batch_of(expected.back()));
  }
  PushClient client = open();
  client.subscribe(topic(), StartAt::earliest);
  EXPECT_TRUE(client.await_values(topic(), expected));
  EXPECT_EQ(client.wrong, Values{});
}

TEST_P(PushDeliveryTest, WhatRetentionRemovesBeforeItWasSentIsToldAsAGap) {
  create_topic(wire_, topic(), 1, {{"cms.durability", "volatile"}, {"retention.bytes", "100000"}});
  PushClient client = open({.ring_bytes = 65'536, .receive_window = 4096});
  client.subscribe(topic());
  const std::string value(10'000, 'r');
  for (int i = 0; i < 2000; ++i) append(wire_, topic(), batch_of(value));
  ASSERT_TRUE(client.await([&] { return client.find(topic()) != nullptr && client.find(topic())->next == 2000; }));
  const PushClient::Stream& stream = *client.find(topic());
  std::size_t lost = 0;
  for (const auto& gap : stream.gaps) lost += static_cast<std::size_t>(gap.to - gap.from);
  EXPECT_GE(stream.gaps.size(), 1u);
  EXPECT_EQ(stream.records.size() + lost, 2000u);
  EXPECT_EQ(client.wrong, Values{});
}

TEST_P(PushDeliveryTest, ASlowSubscriberDoesNotHoldOthersBack) {
  create_topic(wire_, topic(), 1, {{"cms.durability", "volatile"}});
  PushClient slow = open({.ring_bytes = 65'536, .receive_window = 4096});
  PushClient quick = open();
  slow.subscribe(topic());
  quick.subscribe(topic());
  Values expected;
  for (int i = 0; i < 300; ++i) {
    expected.push_back(std::to_string(i) + std::string(5000, 's'));
    append(wire_, topic(), batch_of(expected.back()));
  }
  EXPECT_TRUE(quick.await_values(topic(), expected));
  EXPECT_TRUE(slow.await_values(topic(), expected));
}

TEST_P(PushDeliveryTest, ASubscriptionWithoutCreditStopsAndGoesOnWithIt) {
  create_topic(wire_, topic(), 1, {{"cms.durability", "volatile"}});
  PushClient client = open();
  SubscribeRequest request;
  request.subscription = 7;
  request.topics = topic();
  request.bytes_in_flight_max = 1000;
  client.subscribe(request);
  Values expected;
  for (int i = 0; i < 10; ++i) {
    expected.push_back(std::to_string(i) + std::string(400, 'c'));
    append(wire_, topic(), batch_of(expected.back()));
  }
  client.listen(milliseconds(200));
  ASSERT_NE(client.find(topic()), nullptr);
  EXPECT_LE(client.find(topic())->bytes, 1000u);
  EXPECT_GT(client.find(topic())->bytes, 0u);
  for (int i = 0; i < 20 && client.values(topic()) != expected; ++i) {
    client.give_credit(7, client.find(topic())->bytes);
    client.listen(milliseconds(50));
  }
  EXPECT_EQ(client.values(topic()), expected);
}

TEST_P(PushDeliveryTest, CreditForMoreThanWasSentEndsTheChannel) {
  create_topic(wire_, topic());
  PushClient client = open();
  SubscribeRequest request;
  request.subscription = 7;
  request.topics = topic();
  request.bytes_in_flight_max = 1000;
  client.subscribe(request);
  client.give_credit(7, 1);
  EXPECT_TRUE(client.is_closed());
  EXPECT_TRUE(serves(broker().port()));
}

TEST_P(PushDeliveryTest, GarbageEndsTheChannelAndNothingElse) {
  PushClient other = open();
  for (const std::string garbage : {"", "x", "garbage that is long enough for a header"}) {
    PushClient client = open();
    client.send({base::as_bytes(garbage)});
    EXPECT_TRUE(client.is_closed()) << garbage;
  }
  create_topic(wire_, topic());
  other.subscribe(topic());
  append(wire_, topic(), batch_of("still"));
  EXPECT_TRUE(other.await_values(topic(), {"still"}));
}

TEST_P(PushDeliveryTest, ASilentClientIsGivenUpAndABeatingOneIsNot) {
  PushClient silent = open({.heartbeat_ms = 50});
  PushClient beating = open({.heartbeat_ms = 50});
  EXPECT_EQ(silent.opened().heartbeat_ms, 50);
  for (int i = 0; i < 20; ++i) {
    beating.beat();
    beating.listen(milliseconds(30));
  }
  EXPECT_GT(beating.heartbeats, 2u);
  EXPECT_TRUE(silent.is_closed());
  create_topic(wire_, topic());
  EXPECT_EQ(beating.subscribe(topic()).error_code, ErrorCode::none);
}

TEST_P(PushDeliveryTest, WhatMakesNoSenseIsRefused) {
  PushClient client = open();
  EXPECT_EQ(client.wire().call(protocol::OpenChannelRequest{.layout_version = 1}).error_code,
            ErrorCode::invalid_request);
  EXPECT_EQ(client.subscribe("not a name").error_code, ErrorCode::invalid_request);
  EXPECT_EQ(client.subscribe(topic()).error_code, ErrorCode::none);  // it need not exist yet
  EXPECT_EQ(client.subscribe(topic()).error_code, ErrorCode::duplicate_resource);
  EXPECT_EQ(client.publish_to(1, topic(), false).error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(wire_.call(SubscribeRequest()).error_code, ErrorCode::invalid_request);
  EXPECT_EQ(wire_.call(protocol::OpenChannelRequest{.kind = 9, .layout_version = 1}).error_code,
            ErrorCode::unsupported_endpoint_type);
}

TEST_P(PushDeliveryTest, RdmaIsRefusedWithTheReason) {
  const auto answer = wire_.call(protocol::OpenChannelRequest{.kind = 2, .layout_version = 1});
  EXPECT_EQ(answer.error_code, ErrorCode::unsupported_endpoint_type);
  EXPECT_TRUE(answer.error_message.has_value());
}

class PushPutTest : public PushTest {};

TEST_P(PushPutTest, WhatIsPutReachesKafkaConsumersInEveryDurability) {
  PushClient client = open();
  std::int32_t number = 0;
  for (const std::string durability : {"persistent", "volatile", "transient"}) {
    SCOPED_TRACE(durability);
    const std::string name = topic() + "." + durability;
    create_topic(wire_, name, 2, {{"cms.durability", durability}});
    const auto opened = client.publish_to(++number, name);
    ASSERT_EQ(opened.error_code, ErrorCode::none);
    EXPECT_EQ(opened.partitions, 2);
    std::uint64_t last = 0;
    for (const std::string value : {"a", "b", "c"}) last = client.put(number, batch_of(value), 1);
    EXPECT_TRUE(client.await_result(last));
    EXPECT_EQ(client.results.back().base_offset, 2);
    const auto read = read_all(wire_, name, 0, 1);
    ASSERT_EQ(read.size(), 3u);
    EXPECT_EQ(read[2].value, "c");
  }
  EXPECT_EQ(client.results.size(), 9u);
}

TEST_P(PushPutTest, ResultsComeInTheOrderOfThePuts) {
  create_topic(wire_, topic());
  PushClient client = open();
  client.publish_to(1, topic());
  for (int i = 0; i < 500; ++i) client.put(1, batch_of(std::to_string(i)));
  ASSERT_TRUE(client.await([&] { return client.results.size() == 500; }));
  for (std::size_t i = 0; i < 500; ++i) {
    ASSERT_EQ(client.results[i].put_id, i + 1);
    ASSERT_EQ(client.results[i].base_offset, static_cast<Offset>(i));
  }
}

TEST_P(PushPutTest, OneClientMayPutToATopicThatItIsSubscribedTo) {
  PushClient client = open();
  ASSERT_EQ(client.publish_to(1, topic()).error_code, ErrorCode::none);  // made by asking for it
  client.subscribe(topic());
  client.put(1, batch_of("there and back"));
  EXPECT_TRUE(client.await_values(topic(), {"there and back"}));
}

TEST_P(PushPutTest, ABatchSentTwiceHasOneOffset) {
  create_topic(wire_, topic());
  const std::int64_t producer = new_producer_id(wire_);
  PushClient client = open();
  client.publish_to(1, topic());
  const std::uint64_t first = client.put(1, numbered(producer, 0, 0));
  const std::uint64_t again = client.put(1, numbered(producer, 0, 0));
  const std::uint64_t gap = client.put(1, numbered(producer, 0, 5));
  EXPECT_TRUE(client.await_result(first));
  EXPECT_TRUE(client.await_result(again));
  EXPECT_TRUE(client.await_result(gap, ErrorCode::out_of_order_sequence_number));
  EXPECT_EQ(client.results[1].base_offset, 0);
  EXPECT_EQ(end_offset(wire_, topic()), 1);
}

TEST_P(PushPutTest, ABatchThatIsDamagedIsRefusedAndTheChannelGoesOn) {
  create_topic(wire_, topic());
  PushClient client = open();
  client.publish_to(1, topic());
  Batch damaged = batch_of("value");
  damaged.back() ^= std::byte{1};
  const std::uint64_t bad = client.put(1, damaged);
  const std::uint64_t nowhere = client.put(1, batch_of("value"), 17);
  const std::uint64_t good = client.put(1, batch_of("value"));
  EXPECT_TRUE(client.await_result(bad, ErrorCode::corrupt_message));
  EXPECT_TRUE(client.await_result(nowhere, ErrorCode::unknown_topic_or_partition));
  EXPECT_TRUE(client.await_result(good));
  EXPECT_EQ(end_offset(wire_, topic()), 1);
}

TEST_P(PushPutTest, ALargeBatchIsPutInPiecesAndOneThatIsTooLargeIsRefused) {
  create_topic(wire_, topic(), 1, {{"max.message.bytes", "1000000"}});
  PushClient client = open({.ring_bytes = 65'536});
  EXPECT_EQ(client.publish_to(1, topic()).batch_bytes_max, 1'000'000);
  const std::string value(700'000, 'p');
  const std::uint64_t large = client.put(1, batch_of(value));
  const std::uint64_t too_large = client.put(1, batch_of(std::string(1'200'000, 'p')));
  const std::uint64_t small = client.put(1, batch_of("small"));
  EXPECT_TRUE(client.await_result(large));
  EXPECT_TRUE(client.await_result(too_large, ErrorCode::message_too_large));
  EXPECT_TRUE(client.await_result(small));
  EXPECT_EQ(end_offset(wire_, topic()), 2);
}

TEST_P(PushPutTest, APutThatWantsNoResultGetsNoneUnlessItFails) {
  create_topic(wire_, topic());
  PushClient client = open();
  client.publish_to(1, topic());
  client.put(1, batch_of("quiet"), 0, protocol::push::Put::no_result);
  const std::uint64_t bad = client.put(1, batch_of("lost"), 9, protocol::push::Put::no_result);
  const std::uint64_t last = client.put(1, batch_of("told"));
  EXPECT_TRUE(client.await_result(bad, ErrorCode::unknown_topic_or_partition));
  EXPECT_TRUE(client.await_result(last));
  EXPECT_EQ(client.results.size(), 2u);
  EXPECT_EQ(end_offset(wire_, topic()), 2);
}

TEST_P(PushPutTest, APutToADeletedTopicIsRefused) {
  create_topic(wire_, topic());
  PushClient client = open();
  client.publish_to(1, topic());
  ASSERT_EQ(delete_topic(wire_, topic()), ErrorCode::none);
  EXPECT_TRUE(client.await_result(client.put(1, batch_of("v")), ErrorCode::unknown_topic_id));
}

INSTANTIATE_TEST_SUITE_P(Kinds, PushDeliveryTest, ::testing::Values(ChannelKind::tcp, ChannelKind::shared_memory),
                         kind_name);
INSTANTIATE_TEST_SUITE_P(Kinds, PushPutTest, ::testing::Values(ChannelKind::tcp, ChannelKind::shared_memory),
                         kind_name);

}  // namespace
}  // namespace cms::tests
