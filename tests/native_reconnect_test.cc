// SPDX-License-Identifier: Apache-2.0
// A broker that is killed and comes back under native publishers and subscribers.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "tests/native_test.h"

namespace cms::tests {
namespace {

// One that nobody listened on a moment ago.
std::string free_address() {
  const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(probe, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no free port");
  ::close(probe);
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

class NativeReconnectTest : public ::testing::TestWithParam<cms::ChannelKind> {
 protected:
  cms::Session open() const { return open_session(address_, GetParam()); }
  void restart() {
    broker_.kill();
    broker_.start();
  }

  const std::string address_ = free_address();
  BrokerProcess broker_{BrokerSetup{.listen = {address_}}};
};
INSTANTIATE_TEST_SUITE_P(Native, NativeReconnectTest, native_kinds, name_of_kind);

TEST_P(NativeReconnectTest, NothingIsLostAndNothingComesTwiceOnAPersistentTopic) {
  Wire wire(broker_.port());
  create_topic(wire, "orders");
  cms::Session publishing = open();
  cms::Session subscribing = open();
  Received received;
  cms::Subscriber subscriber = subscribing.subscriber(received.options());
  ASSERT_TRUE(subscriber.subscribe({.topics = "orders", .start = cms::Start::earliest()}));
  std::vector<std::int64_t> offsets;
  cms::PublisherOptions options;
  options.wait = patience;
  options.on_acknowledged = [&](const cms::Acknowledgement& acknowledged) {
    EXPECT_EQ(acknowledged.error, nullptr);
    offsets.push_back(acknowledged.offset);
  };
  cms::Publisher publisher = publishing.publisher(std::move(options));
  constexpr int rounds = 3;
  constexpr int each = 2000;
  for (int round = 0; round < rounds; ++round) {
    for (const std::string& value : numbers(round * each, (round + 1) * each)) {
      const auto published = publisher.publish("orders", {.value = value});
      ASSERT_TRUE(published) << published.error().message;
      if (std::stoi(value) % 100 != 0) continue;
      ASSERT_TRUE(subscribing.poll(milliseconds(0)));
    }
    restart();  // most of them are not answered yet
  }
  const auto flushed = publisher.flush(patience);
  ASSERT_TRUE(flushed) << flushed.error().message;
  ASSERT_TRUE(poll_until(subscribing, [&] { return received.records.size() >= rounds * each; }))
      << received.records.size();
  EXPECT_FALSE(poll_until(
      subscribing, [&] { return received.records.size() > rounds * each; }, milliseconds(200)));
  EXPECT_TRUE(received.values() == numbers(0, rounds * each));
  EXPECT_EQ(offsets.size(), static_cast<std::size_t>(rounds * each));
  EXPECT_GE(publishing.reconnects(), 1u);
  EXPECT_TRUE(received.gaps.empty());
  Wire again(broker_.port());
  EXPECT_EQ(read_all(again, "orders").size(), static_cast<std::size_t>(rounds * each));
}

// These are written straight into the ring, which is gone with the broker.
TEST_P(NativeReconnectTest, LargeRecordsAreSentAgainAsTheyWere) {
  Wire wire(broker_.port());
  create_topic(wire, "orders");
  cms::Session session = open();
  cms::Publisher publisher = session.publisher({.wait = patience});
  constexpr int each = 40;
  std::vector<std::string> expected;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < each; ++i) {
      std::string value = std::to_string(expected.size()) + std::string(5000 + 700 * static_cast<std::size_t>(i), 'a');
      for (std::size_t at = 8; at < value.size(); ++at)
        value[at] = static_cast<char>('a' + (at * 7 + expected.size()) % 26);
      expected.push_back(value);
      const auto published = publisher.publish("orders", {.value = value, .key = cms::View("key")});
      ASSERT_TRUE(published) << published.error().message;
      std::ranges::fill(value, '!');  // it is the caller's again
      if (i % 8 == 0) {
        ASSERT_TRUE(session.poll(milliseconds(0)));
      }
    }
    restart();  // the last ones are not answered yet
  }
  const auto flushed = publisher.flush(patience);
  ASSERT_TRUE(flushed) << flushed.error().message;
  EXPECT_GE(session.reconnects(), 1u);
  Wire again(broker_.port());
  std::vector<std::string> stored;
  for (const auto& record : read_all(again, "orders")) stored.push_back(record.value);
  EXPECT_TRUE(stored == expected) << stored.size();
}

TEST_P(NativeReconnectTest, LoansSurviveTheBroker) {
  Wire wire(broker_.port());
  create_topic(wire, "orders");
  cms::Session session = open();
  cms::Publisher publisher = session.publisher();
  auto first = publisher.loan("orders", 5);
  auto second = publisher.loan("orders", 6);
  ASSERT_TRUE(first && second);
  restart();
  ASSERT_TRUE(poll_until(session, [&] { return session.reconnects() == 1; }));
  std::memcpy(second->value().data(), "second", 6);
  std::memcpy(first->value().data(), "first", 5);
  ASSERT_TRUE(second->send());
  ASSERT_TRUE(first->send());
  const auto flushed = publisher.flush(patience);
  ASSERT_TRUE(flushed) << flushed.error().message;
  Wire again(broker_.port());
  EXPECT_EQ(values_in(fetch(again, "orders", 0).records), (std::vector<std::string>{"first", "second"}));
}

TEST_P(NativeReconnectTest, WhatAVolatileTopicLostIsAGap) {
  Wire wire(broker_.port());
  create_topic(wire, "ticks", 1, {{"cms.durability", "volatile"}});
  cms::Session session = open();
  Received received;
  cms::Subscriber subscriber = session.subscriber(received.options());
  ASSERT_TRUE(subscriber.subscribe({.topics = "ticks", .start = cms::Start::earliest()}));
  append(wire, "ticks", batch_holding(numbers(0, 10)));
  ASSERT_TRUE(poll_until(session, [&] { return received.records.size() == 10; }));
  append(wire, "ticks", batch_holding(numbers(10, 20)));  // not seen: nobody polls
  restart();
  Wire again(broker_.port());
  const Offset next = append(again, "ticks", batch_of("new"));
  ASSERT_TRUE(poll_until(session, [&] { return received.values().back() == "new"; }));
  const std::size_t seen = received.records.size() - 1;  // what had arrived before the broker died counts
  ASSERT_EQ(received.gaps.empty(), next == static_cast<Offset>(seen));
  if (!received.gaps.empty()) {
    EXPECT_EQ(received.gaps.front().first, static_cast<Offset>(seen));
    EXPECT_EQ(received.gaps.back().second, next);
  }
}

TEST_P(NativeReconnectTest, ASessionThatDoesNotComeBackSaysSo) {
  cms::Session session = open_session(address_, GetParam(), {.reconnect = false});
  broker_.kill();
  const auto deadline = std::chrono::steady_clock::now() + patience;
  cms::Result<std::size_t> polled = std::size_t{0};
  while (polled && std::chrono::steady_clock::now() < deadline) polled = session.poll(milliseconds(50));
  ASSERT_FALSE(polled);
  EXPECT_EQ(polled.error().code, Code::lost);
  EXPECT_TRUE(session.lost());
  broker_.start();
}

TEST_P(NativeReconnectTest, WithoutNumbersWhatWasNotAnsweredIsReportedLost) {
  Wire wire(broker_.port());
  create_topic(wire, "orders");
  cms::Session session = open();
  std::size_t lost = 0;
  std::size_t stored = 0;
  cms::PublisherOptions options;
  options.idempotent = false;
  options.on_acknowledged = [&](const cms::Acknowledgement& acknowledged) {
    ++(acknowledged.error != nullptr ? lost : stored);
    EXPECT_TRUE(acknowledged.error == nullptr || acknowledged.error->code == Code::lost);
  };
  cms::Publisher publisher = session.publisher(std::move(options));
  ASSERT_TRUE(publisher.open("orders"));
  ::kill(broker_.pid(), SIGSTOP);
  for (const std::string& value : numbers(0, 4)) ASSERT_TRUE(publisher.publish("orders", {.value = value}));
  restart();
  (void)publisher.flush(patience);
  EXPECT_EQ(lost, 4u);
  EXPECT_EQ(stored, 0u);
}

}  // namespace
}  // namespace cms::tests
