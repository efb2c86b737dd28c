// SPDX-License-Identifier: Apache-2.0
// What a client may send that it should not. In every case another connection keeps working and the broker's memory
// stays where it was.
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <random>

#include "base/endian.h"
#include "records/test_batches.h"
#include "tests/broker_test.h"

namespace cms::tests {
namespace {

constexpr std::size_t mebibyte = 1 << 20;

class BadInputTest : public BrokerTest {
 protected:
  void SetUp() override {
    ask_versions(wire_);
    resident_before_ = broker().resident_bytes();
  }

  void TearDown() override {
    EXPECT_EQ(ask_versions(wire_).error_code, ErrorCode::none);
    EXPECT_EQ(metadata_of(wire_, "no-such-topic").error_code, ErrorCode::unknown_topic_or_partition);
    EXPECT_LT(broker().resident_bytes(), resident_before_ + growth_max_ + sanitizer_bytes_max);
  }

  // What the broker may keep afterwards.
  std::size_t growth_max_ = 16 * mebibyte;

 private:
  std::size_t resident_before_ = 0;
};

std::vector<std::byte> body_of(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

bool closes(std::uint16_t port, ByteSpan frame) {
  Wire wire(port);
  wire.send_bytes(frame);
  return wire.is_closed();
}

TEST_F(BadInputTest, CountsThatDoNotFitAreRefusedBeforeAnythingIsAllocated) {
  const auto refused = [](int key, Version version, std::initializer_list<int> body, bool flexible) {
    return closes(broker().port(), raw_frame(static_cast<std::int16_t>(key), version, 1, body_of(body), flexible));
  };
  EXPECT_TRUE(refused(3, 1, {0x7f, 0xff, 0xff, 0xff}, false));                   // topics
  EXPECT_TRUE(refused(3, 1, {0xff, 0xff, 0xff, 0xfe}, false));                   // -2
  EXPECT_TRUE(refused(3, 9, {0xff, 0xff, 0xff, 0xff, 0x07}, true));              // compact
  EXPECT_TRUE(refused(3, 9, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, true));  // a varint without end
  EXPECT_TRUE(refused(3, 1, {0, 0, 0, 1, 0x7f, 0xff, 'a'}, false));              // a name
  EXPECT_TRUE(refused(19, 2, {0, 0, 0, 1, 0, 1, 'a', 0, 0, 0, 1, 0, 1, 0x7f, 0xff, 0xff, 0xff}, false));
  EXPECT_TRUE(refused(1, 4, {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0}, false));
  EXPECT_TRUE(refused(0, 3, {0xff, 0xff, 0, 1, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff}, false));
  EXPECT_TRUE(refused(
      0, 3, {0xff, 0xff, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 't', 0, 0, 0, 1, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff},
      false));
}

TEST_F(BadInputTest, RequestsCutOffAnywhereAreRefusedOrAnswered) {
  int frames = 0;
  protocol::for_each_api([&](auto pair) {
    using Request = typename decltype(pair)::Request;
    Request request{};
    if constexpr (std::is_same_v<Request, protocol::MetadataRequest>) request = about({"some-topic"});
    if constexpr (std::is_same_v<Request, protocol::FetchRequest>) request = fetch_request("some-topic", 0);
    const std::vector<std::byte> whole = frame_of(request, Request::versions.last, 1);
    for (std::size_t size = 4; size < whole.size(); ++size) {
      std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      base::store_big(cut.data(), static_cast<std::int32_t>(size - 4));
      Wire wire = connect();
      wire.send_bytes(cut);
      wire.shut_down_sending();
      wire.receive_some(1);  // an answer, or the end
      ++frames;
    }
  });
  EXPECT_GT(frames, 200);
}

TEST_F(BadInputTest, FramesGarbledAtRandomHarmNobody) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  growth_max_ = 64 * mebibyte;  // some of them make topics
  for (int round = 0; round < 60; ++round) {
    protocol::for_each_api([&](auto pair) {
      using Request = typename decltype(pair)::Request;
      const auto span = static_cast<unsigned>(Request::versions.last - Request::versions.first + 1);
      const auto version = static_cast<Version>(Request::versions.first + static_cast<Version>(random() % span));
      std::vector<std::byte> frame = frame_of(Request{}, version, 1);
      const std::size_t changes = 1 + random() % 4;
      for (std::size_t i = 0; i < changes; ++i)
        frame[4 + random() % (frame.size() - 4)] = static_cast<std::byte>(random());
      for (std::size_t extra = random() % 40; extra > 0; --extra) frame.push_back(static_cast<std::byte>(random()));
      base::store_big(frame.data(), static_cast<std::int32_t>(frame.size() - 4));
      Wire wire = connect();
      wire.send_bytes(frame);
    });
    ASSERT_EQ(ask_versions(wire_).error_code, ErrorCode::none) << "round " << round;
  }
}

TEST_F(BadInputTest, OtherProtocolsAreClosed) {
  EXPECT_TRUE(closes(broker().port(), base::as_bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
  EXPECT_TRUE(closes(broker().port(), base::as_bytes("SSH-2.0-OpenSSH_9.2\r\n")));
  EXPECT_TRUE(
      closes(broker().port(), body_of({0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03})));  // TLS
}

TEST_F(BadInputTest, TopicsAndPartitionsThatCannotBeAreRefused) {
  for (const std::int32_t partitions : {0x7fffffff, 1'000'000}) {
    EXPECT_NE(wire_.call(new_topic(topic(), partitions)).topics.at(0).error_code, ErrorCode::none);
  }
  create_topic(wire_, topic());
  protocol::CreatePartitionsRequest request;
  request.topics = {{topic(), 0x7fffffff, std::nullopt}};
  EXPECT_NE(wire_.call(request).results.at(0).error_code, ErrorCode::none);
  EXPECT_EQ(metadata_of(wire_, topic()).partitions.size(), 1u);
}

TEST_F(BadInputTest, DecompressionBombsAreStreamedNotHeld) {
  create_topic(wire_, topic());
  create_topic(wire_, topic() + "Plain", 1, {{"compression.type", "uncompressed"}});
  const std::string zeros(64 * mebibyte, '0');
  growth_max_ = 24 * mebibyte;
  for (const records::Codec codec : records::testing::compressing_codecs) {
    const Batch bomb = batch_of(zeros, {.codec = codec});
    if (bomb.size() > mebibyte) continue;  // snappy and lz4 do not get it below the topic's limit
    produce(wire_, topic(), bomb);         // it is right, if large; whether it is taken is the broker's choice
    EXPECT_EQ(produce(wire_, topic() + "Plain", bomb).error_code, ErrorCode::message_too_large);
  }
  // Compressed bytes that are no records at all, and a count that no batch can hold.
  for (const records::Codec codec : records::testing::compressing_codecs) {
    Batch lies = batch_of(std::string(mebibyte, '0'), {.codec = codec});
    lies = records::testing::with_field(std::move(lies), records::layout::record_count, std::int32_t{0x7fffffff});
    lies = records::testing::with_field(std::move(lies), records::layout::last_offset_delta, std::int32_t{0x7ffffffe});
    EXPECT_NE(produce(wire_, topic(), lies).error_code, ErrorCode::none);
    Batch noise = batch_of(std::string(1000, '0'), {.codec = codec});
    for (std::size_t i = records::layout::records; i < noise.size(); ++i) noise[i] = static_cast<std::byte>(i * 37);
    records::seal(noise);
    EXPECT_NE(produce(wire_, topic(), noise).error_code, ErrorCode::none);
  }
}

TEST_F(BadInputTest, RequestThatNeverEndsHoldsOnlyWhatHasArrived) {
  std::vector<Wire> wires;
  for (int i = 0; i < 50; ++i) {
    Wire& wire = wires.emplace_back(broker().port());
    std::vector<std::byte> beginning = raw_frame(0, 7, 1, {}, false);
    base::store_big(beginning.data(), std::int32_t{90 << 20});
    beginning.resize(50'000);
    wire.send_bytes(beginning);
  }
  EXPECT_TRUE(serves(broker().port()));
  EXPECT_LT(broker().resident_bytes(), 200 * mebibyte + sanitizer_bytes_max);
}

TEST_F(BadInputTest, SlowReaderHoldsUpOnlyItself) {
  create_topic(wire_, topic());
  const Batch batch = batch_of(std::string(900'000, 'x'));
  for (int i = 0; i < 10; ++i) append(wire_, topic(), batch);
  growth_max_ = 64 * mebibyte;  // the records themselves, and what is being sent
  Wire slow(broker().port(), 4096);
  constexpr int requests = 100;  // 900 MB of answers
  std::vector<std::byte> frames;
  for (int i = 0; i < requests; ++i) {
    const auto frame = frame_of(fetch_request(topic(), 0), named_fetch, i);
    frames.insert(frames.end(), frame.begin(), frame.end());
  }
  slow.send_bytes(frames);
  for (int i = 0; i < 20; ++i) {
    Wire other = connect();
    EXPECT_FALSE(fetch(other, topic(), 9).records.empty());
    EXPECT_LT(broker().resident_bytes(), 300 * mebibyte + sanitizer_bytes_max);
  }
  for (int i = 0; i < 5; ++i) EXPECT_EQ(base::load_big<std::int32_t>(slow.receive_frame().data()), i);
}

TEST_F(BadInputTest, WhoNeverReadsIsNotReadFromEither) {
  Wire deaf(broker().port(), 4096);
  const std::vector<std::byte> request = frame_of(protocol::ApiVersionsRequest{"wire", "1"}, 3, 1);
  std::vector<std::byte> many;
  for (int i = 0; i < 2000; ++i) many.insert(many.end(), request.begin(), request.end());
  // Until the broker takes no more: both its socket buffers are full then.
  std::size_t sent = 0;
  while (sent < 512 * mebibyte) {
    const ssize_t taken = ::send(deaf.descriptor(), many.data(), many.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (taken < 0 && deaf.is_quiet(milliseconds(0)) == false) {
      // Answers are waiting for us, as they should; give the broker a moment to take more, or not.
      pollfd writable{deaf.descriptor(), POLLOUT, 0};
      if (::poll(&writable, 1, 200) == 0) break;
    }
    if (taken > 0) sent += static_cast<std::size_t>(taken);
  }
  EXPECT_LT(sent, 512 * mebibyte);
}

TEST(SilentConnectionTest, ConnectionWithoutAWholeFirstRequestIsClosedInTime) {
  BrokerProcess broker({.settings = {"connection.handshake.timeout.ms=500"}});
  const auto begun = std::chrono::steady_clock::now();
  Wire greeted(broker.port());
  ask_versions(greeted);
  Wire silent(broker.port());
  Wire half(broker.port());
  half.send_bytes(ByteSpan(frame_of(about({}), 9, 1)).first(9));
  EXPECT_TRUE(silent.is_closed());
  EXPECT_TRUE(half.is_closed());
  EXPECT_GE(std::chrono::steady_clock::now() - begun, milliseconds(500));
  EXPECT_EQ(ask_versions(greeted).error_code, ErrorCode::none);  // idle for longer, and welcome
}

TEST(SilentConnectionTest, ConnectionsAboveTheLimitAreTurnedAway) {
  BrokerProcess broker({.settings = {"max.connections=10"}});
  std::vector<Wire> wires;
  for (int i = 0; i < 10; ++i) ask_versions(wires.emplace_back(broker.port()));
  EXPECT_TRUE(Wire(broker.port()).is_closed());
  wires.pop_back();
  const auto deadline = std::chrono::steady_clock::now() + patience;
  bool welcome = false;
  while (!welcome && std::chrono::steady_clock::now() < deadline) {
    try {
      Wire again(broker.port());
      welcome = ask_versions(again).error_code == ErrorCode::none;
    } catch (const std::runtime_error&) {  // the one that left is not counted out yet
    }
  }
  EXPECT_TRUE(welcome);
}

TEST_F(BadInputTest, BurstOfConnectsIsTakenAndServed) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const std::size_t count = std::min<std::size_t>(10'000, limit.rlim_cur - 200);
  growth_max_ = 4096 * count + 16 * mebibyte;
  std::vector<Wire> wires;
  wires.reserve(count);
  for (std::size_t i = 0; i < count; ++i) wires.emplace_back(broker().port());
  EXPECT_EQ(ask_versions(wire_).error_code, ErrorCode::none);
  for (std::size_t i = 0; i < count; i += 50) EXPECT_EQ(ask_versions(wires[i]).error_code, ErrorCode::none);
  EXPECT_LT(broker().resident_bytes(), 200 * mebibyte + 4096 * count + sanitizer_bytes_max);
}

TEST_F(BadInputTest, ConnectionsThatGoInTheMiddleLeaveNothingBehind) {
  create_topic(wire_, topic());
  const Batch batch = batch_of(std::string(100'000, 'x'));
  for (int i = 0; i < 200; ++i) {
    Wire wire = connect();
    if (i % 2 == 0) wire.send(fetch_request(topic(), 1'000'000, {.max_wait_ms = 600'000}), named_fetch);
    if (i % 2 == 1)
      wire.send_bytes(ByteSpan(frame_of(produce_request(topic(), 0, batch), named_produce, 1)).first(50'000));
  }
  EXPECT_EQ(end_offset(wire_, topic()), 0);
  EXPECT_EQ(append(wire_, topic(), batch), 0);
}

}  // namespace
}  // namespace cms::tests
