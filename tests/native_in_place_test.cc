// SPDX-License-Identifier: Apache-2.0
// Subscribers that read records where they lie in the broker's log.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <set>

#include "tests/metrics.h"
#include "tests/native_test.h"

namespace cms::tests {
namespace {

constexpr auto in_place_bytes = "cms_pushed_in_place_bytes_total";
constexpr auto log_memory_bytes = "cms_log_memory_bytes";
constexpr auto shared_memory_channels = "cms_push_channels{kind=\"shm\"}";

class NativeInPlaceTest : public BrokerTest {
 protected:
  static cms::Session open(cms::SessionOptions options = {}) {
    options.read_in_place = true;
    return open_session(broker().address(), cms::ChannelKind::shared_memory, std::move(options));
  }
  static double figure(const std::string& name) { return metric(broker(), name).value_or(0); }
};

std::string value_of(int number, std::size_t bytes) {
  std::string value = std::to_string(number);
  value.resize(std::max(bytes, value.size()), static_cast<char>('a' + number % 26));
  return value;
}

TEST_F(NativeInPlaceTest, RecordsOfEveryDurabilityAreShownWhereTheyLie) {
  for (const std::string durability : {"persistent", "volatile", "transient"}) {
    const std::string name = topic() + durability;
    create_topic(wire_, name, 1, {{"cms.durability", durability}});
    cms::Session session = open();
    EXPECT_TRUE(session.reads_in_place());
    Received received;
    received.also = [](const cms::ReceivedRecord& record) { EXPECT_TRUE(record.still_whole()); };
    cms::Subscriber subscriber = session.subscriber(received.options());
    ASSERT_TRUE(subscriber.subscribe({.topics = name}));
    ASSERT_TRUE(poll_until(session, [&] { return received.opened.size() == 1; }));
    const double before = figure(in_place_bytes);
    std::vector<std::string> expected;
    for (int i = 0; i < 100; ++i) {
      expected.push_back(value_of(i, i % 2 == 0 ? 5000 : 10));  // small ones are copied
      append(wire_, name, batch_of(expected.back()));
    }
    ASSERT_TRUE(poll_until(session, [&] { return received.records.size() >= 100; })) << received.records.size();
    EXPECT_EQ(received.values(), expected) << durability;
    EXPECT_TRUE(received.gaps.empty());
    // Not quite all: what lies over the end of a chunk is copied.
    EXPECT_GE(figure(in_place_bytes) - before, 40 * 5000) << durability;
  }
}

TEST_F(NativeInPlaceTest, KeysHeadersAndCompressedBatchesComeAsTheyWerePublished) {
  create_topic(wire_, topic());
  cms::Session session = open();
  std::vector<std::string> shown;
  cms::SubscriberOptions options;
  options.on_record = [&](const cms::ReceivedRecord& record) {
    std::string text = std::string(record.key ? record.key->text() : "-") + " " + std::string(record.value->text());
    for (const cms::Header& header : record.headers)
      text += " " + std::string(header.key) + "=" + std::string(header.value ? header.value->text() : "-");
    shown.push_back(std::move(text));
  };
  cms::Subscriber subscriber = session.subscriber(options);
  ASSERT_TRUE(subscriber.subscribe({.topics = topic(), .start = cms::Start::earliest()}));
  cms::Publisher publisher = session.publisher();
  const std::string value(2000, 'v');
  const std::vector<cms::Header> headers{{"trace", cms::View("7")}, {"none", std::nullopt}};
  ASSERT_TRUE(publisher.publish(topic(), {.value = cms::View(value), .key = cms::View("k"), .headers = headers}));
  ASSERT_TRUE(poll_until(session, [&] { return shown.size() == 1; }));
  EXPECT_EQ(shown[0], "k " + value + " trace=7 none=-");
  std::vector<std::string> expected = shown;
  for (const auto codec : {records::Codec::gzip, records::Codec::snappy, records::Codec::lz4, records::Codec::zstd}) {
    records::BatchOptions batch;
    batch.codec = codec;
    const std::vector<std::string> values = numbers(0, 2000);
    append(wire_, topic(), batch_holding(values, batch));
    for (const std::string& number : values) expected.push_back("- " + number);
  }
  ASSERT_TRUE(poll_until(session, [&] { return shown.size() >= expected.size(); }));
  EXPECT_EQ(shown, expected);
}

TEST_F(NativeInPlaceTest, ABatchLargerThanAMessageComesInOnePiece) {
  create_topic(wire_, topic(), 1, {{"max.message.bytes", "8000000"}, {"cms.durability", "volatile"}});
  cms::Session session = open({.ring_bytes = 64 << 10});
  Received received;
  cms::Subscriber subscriber = session.subscriber(received.options());
  ASSERT_TRUE(subscriber.subscribe({.topics = topic(), .start = cms::Start::earliest(), .bytes_in_flight_max = 1000}));
  const double before = figure(in_place_bytes);
  const std::string large(3'000'000, 'x');
  for (int i = 0; i < 3; ++i) append(wire_, topic(), batch_of(large));
  ASSERT_TRUE(poll_until(session, [&] { return received.records.size() >= 3; }));
  EXPECT_TRUE(received.values() == std::vector<std::string>(3, large));
  EXPECT_GE(figure(in_place_bytes) - before, 9'000'000);
}

TEST_F(NativeInPlaceTest, WhatIsOvertakenBeforeItIsReadIsAGapAndNothingIsTorn) {
  create_topic(wire_, topic(), 1, {{"cms.durability", "volatile"}, {"retention.bytes", "1048576"}});
  cms::Session session = open();
  Received received;
  cms::Subscriber subscriber = session.subscriber(received.options());
  ASSERT_TRUE(subscriber.subscribe({.topics = topic()}));
  ASSERT_TRUE(poll_until(session, [&] { return received.opened.size() == 1; }));
  constexpr int count = 1000;
  for (int i = 0; i < count; ++i) append(wire_, topic(), batch_of(value_of(i, 10'000)));  // ten times what is kept
  const auto last = [&] { return !received.records.empty() && received.records.back().offset == count - 1; };
  ASSERT_TRUE(poll_until(session, last));
  EXPECT_FALSE(received.gaps.empty());
  std::set<std::int64_t> offsets;
  for (const Arrived& record : received.records) {
    EXPECT_TRUE(record.value == value_of(static_cast<int>(record.offset), 10'000)) << record.offset;
    offsets.insert(record.offset);
  }
  for (const auto& [from, to] : received.gaps) {
    for (std::int64_t offset = from; offset < to; ++offset) EXPECT_TRUE(offsets.insert(offset).second) << offset;
  }
  EXPECT_EQ(offsets.size(), static_cast<std::size_t>(count));
}

TEST_F(NativeInPlaceTest, ARecordThatIsOvertakenDuringItsCallbackSaysSo) {
  create_topic(wire_, topic(), 1, {{"cms.durability", "volatile"}, {"retention.bytes", "1048576"}});
  cms::Session session = open();
  Received received;
  std::vector<bool> whole;
  received.also = [&](const cms::ReceivedRecord& record) {
    if (!whole.empty()) return;
    whole.push_back(record.still_whole());
    for (int i = 0; i < 300; ++i) append(wire_, topic(), batch_of(value_of(i, 10'000)));
    whole.push_back(record.still_whole());
  };
  cms::Subscriber subscriber = session.subscriber(received.options());
  ASSERT_TRUE(subscriber.subscribe({.topics = topic(), .start = cms::Start::earliest()}));
  append(wire_, topic(), batch_of(value_of(0, 10'000)));
  ASSERT_TRUE(poll_until(session, [&] { return !received.records.empty() && received.records.back().offset == 300; }));
  EXPECT_EQ(whole, (std::vector<bool>{true, false}));
}

TEST_F(NativeInPlaceTest, PollStyleShowsWholeRecords) {
  create_topic(wire_, topic(), 1, {{"cms.durability", "volatile"}, {"retention.bytes", "1048576"}});
  cms::Session session = open();
  cms::Subscriber subscriber = session.subscriber({});
  ASSERT_TRUE(subscriber.subscribe({.topics = topic(), .start = cms::Start::earliest()}));
  int seen = 0;
  std::int64_t offset = -1;
  for (int i = 0; i < 500; ++i) {
    append(wire_, topic(), batch_of(value_of(i, 10'000)));
    if (i % 150 != 0) continue;
    while (offset < i) {
      const auto next = subscriber.next(patience);
      ASSERT_TRUE(next && *next != nullptr);
      EXPECT_GT((*next)->offset, offset);
      offset = (*next)->offset;
      EXPECT_TRUE((*next)->value->text() == value_of(static_cast<int>(offset), 10'000));
      ++seen;
    }
  }
  EXPECT_GT(seen, 10);
}

// What this process has mapped of the broker's logs.
bool sees_in_chunks(std::string_view wanted, std::size_t& mapped) {
  std::ifstream maps("/proc/self/maps");
  bool found = false;
  mapped = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.find("memfd:cms-chunk") == std::string::npos) continue;
    std::uintptr_t begin = 0, end = 0;
    EXPECT_EQ(std::sscanf(line.c_str(), "%lx-%lx", &begin, &end), 2);
    EXPECT_NE(line.find(" r--s "), std::string::npos) << line;
    const auto* const memory = reinterpret_cast<const char*>(begin);
    found |= ::memmem(memory, end - begin, wanted.data(), wanted.size()) != nullptr;
    mapped += end - begin;
  }
  return found;
}

TEST_F(NativeInPlaceTest, ASubscriberNeverHasTheMemoryOfAnotherTopic) {
  const std::string own = topic() + "-own";
  const std::string other = topic() + "-other";
  for (const std::string& name : {own, other})
    create_topic(wire_, name, 1, {{"cms.durability", "volatile"}, {"retention.bytes", "1048576"}});
  cms::Session session = open();
  Received received;
  cms::Subscriber subscriber = session.subscriber(received.options());
  ASSERT_TRUE(subscriber.subscribe({.topics = own}));
  ASSERT_TRUE(poll_until(session, [&] { return received.opened.size() == 1; }));
  std::string mine(10'000, 'm');
  mine += "this is mine";
  std::string secret(10'000, 's');
  secret += "this is another's secret";
  std::size_t mapped = 0;
  for (int round = 0; round < 5; ++round) {
    const std::size_t before = received.records.size();
    for (int i = 0; i < 150; ++i) {  // more than either keeps: chunks go round
      append(wire_, own, batch_of(mine));
      append(wire_, other, batch_of(secret));
      (void)session.poll(milliseconds(0));
    }
    ASSERT_TRUE(poll_until(session, [&] { return received.records.size() > before; }));
    EXPECT_TRUE(sees_in_chunks("this is mine", mapped));
    EXPECT_FALSE(sees_in_chunks("another's secret", mapped));
    EXPECT_GT(mapped, 0u);
    if (round == 3) {  // what was its own goes to others, without what it has mapped
      ASSERT_EQ(delete_topic(wire_, own), ErrorCode::none);
      break;
    }
  }
  for (int i = 0; i < 300; ++i) append(wire_, other, batch_of(secret));
  EXPECT_FALSE(sees_in_chunks("another's secret", mapped));
}

TEST_F(NativeInPlaceTest, ManySubscribersShareOneCopy) {
  create_topic(wire_, topic(), 1, {{"cms.durability", "volatile"}});
  constexpr std::size_t subscribers = 64;
  std::vector<cms::Session> sessions;
  std::vector<std::unique_ptr<Received>> received;
  std::vector<cms::Subscriber> all;
  for (std::size_t i = 0; i < subscribers; ++i) {
    sessions.push_back(open({.ring_bytes = 64 << 10}));
    received.push_back(std::make_unique<Received>());
    all.push_back(sessions.back().subscriber(received.back()->options()));
    ASSERT_TRUE(all.back().subscribe({.topics = topic(), .start = cms::Start::earliest()}));
  }
  const double pushed = figure(in_place_bytes);
  const double memory = figure(log_memory_bytes);
  std::vector<std::string> expected;
  for (int i = 0; i < 20; ++i) {
    expected.push_back(value_of(i, 100'000));
    append(wire_, topic(), batch_of(expected.back()));
  }
  for (std::size_t i = 0; i < subscribers; ++i) {
    ASSERT_TRUE(poll_until(sessions[i], [&] { return received[i]->records.size() == 20; })) << i;
    EXPECT_TRUE(received[i]->values() == expected);
  }
  EXPECT_GE(figure(in_place_bytes) - pushed, 64.0 * 20 * 100'000);
  EXPECT_LE(figure(log_memory_bytes) - memory, 16e6);
}

TEST_F(NativeInPlaceTest, AKilledSubscriberLeavesNothingBehind) {
  create_topic(wire_, topic(), 1, {{"cms.durability", "volatile"}, {"retention.bytes", "1048576"}});
  ASSERT_TRUE(becomes(broker(), shared_memory_channels, 0));
  int ready[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    cms::Session session = open();
    Received received;
    received.also = [&](const cms::ReceivedRecord&) {
      const char byte = 1;
      if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
      ::pause();
    };
    cms::Subscriber subscriber = session.subscriber(received.options());
    if (!subscriber.subscribe({.topics = topic(), .start = cms::Start::earliest()})) ::_exit(1);
    while (session.poll(milliseconds(1000))) continue;
    ::_exit(1);
  }
  append(wire_, topic(), batch_of(value_of(0, 10'000)));
  char byte;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  EXPECT_TRUE(becomes(broker(), shared_memory_channels, 0));
  for (int i = 1; i < 300; ++i) append(wire_, topic(), batch_of(value_of(i, 10'000)));
}

TEST_F(NativeInPlaceTest, OverTcpEverythingIsCopied) {
  cms::SessionOptions options;
  options.read_in_place = true;
  cms::Session session = open_session(broker().address(), cms::ChannelKind::tcp, options);
  EXPECT_FALSE(session.reads_in_place());
  create_topic(wire_, topic());
  Received received;
  cms::Subscriber subscriber = session.subscriber(received.options());
  ASSERT_TRUE(subscriber.subscribe({.topics = topic(), .start = cms::Start::earliest()}));
  append(wire_, topic(), batch_of(value_of(0, 10'000)));
  ASSERT_TRUE(poll_until(session, [&] { return received.records.size() == 1; }));
}

}  // namespace
}  // namespace cms::tests
