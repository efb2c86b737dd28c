// SPDX-License-Identifier: Apache-2.0
// Native subscribers: what Kafka producers append is pushed to them.
#include <poll.h>
#include <sys/resource.h>

#include "tests/metrics.h"
#include "tests/native_test.h"

namespace cms::tests {
namespace {

class NativeSubscribeTest : public NativeTest {};
INSTANTIATE_TEST_SUITE_P(Native, NativeSubscribeTest, native_kinds, name_of_kind);

TEST_P(NativeSubscribeTest, RecordsOfAKafkaProducerArriveInEveryDurability) {
  for (const std::string durability : {"persistent", "volatile", "transient"}) {
    const std::string name = topic() + durability;
    create_topic(wire_, name, 1, {{"cms.durability", durability}});
    cms::Session session = open();
    Received received;
    cms::Subscriber subscriber = session.subscriber(received.options());
    ASSERT_TRUE(subscriber.subscribe({.topics = name}));
    ASSERT_TRUE(poll_until(session, [&] { return received.opened.size() == 1; }));
    for (int i = 0; i < 100; ++i) append(wire_, name, batch_of(std::to_string(i)));
    ASSERT_TRUE(poll_until(session, [&] { return received.records.size() >= 100; })) << received.records.size();
    EXPECT_EQ(received.values(), numbers(0, 100)) << durability;
    for (int i = 0; i < 100; ++i) EXPECT_EQ(received.records[static_cast<std::size_t>(i)].offset, i);
    EXPECT_TRUE(received.gaps.empty());
  }
}

TEST_P(NativeSubscribeTest, CompressedBatchesArriveRecordByRecord) {
  create_topic(wire_, topic());
  cms::Session session = open();
  Received received;
  cms::Subscriber subscriber = session.subscriber(received.options());
  ASSERT_TRUE(subscriber.subscribe({.topics = topic(), .start = cms::Start::earliest()}));
  std::vector<std::string> expected;
  for (const auto codec : {records::Codec::none, records::Codec::gzip, records::Codec::snappy, records::Codec::lz4,
                           records::Codec::zstd}) {
    const std::vector<std::string> values = numbers(0, 1000);
    records::BatchOptions options;
    options.codec = codec;
    append(wire_, topic(), batch_holding(values, options));
    expected.insert(expected.end(), values.begin(), values.end());
  }
  ASSERT_TRUE(poll_until(session, [&] { return received.records.size() >= expected.size(); }));
  EXPECT_EQ(received.values(), expected);
}

TEST_P(NativeSubscribeTest, ABatchLargerThanAMessageComesWhole) {
  create_topic(wire_, topic(), 1, {{"max.message.bytes", "8000000"}});
  cms::Session session = open({.ring_bytes = 64 << 10});
  Received received;
  cms::Subscriber subscriber = session.subscriber(received.options());
  ASSERT_TRUE(subscriber.subscribe({.topics = topic(), .start = cms::Start::earliest()}));
  const std::string large(3'000'000, 'x');
  append(wire_, topic(), batch_of("before"));
  append(wire_, topic(), batch_of(large));
  append(wire_, topic(), batch_of("behind"));
  ASSERT_TRUE(poll_until(session, [&] { return received.records.size() >= 3; }));
  EXPECT_TRUE(received.values() == (std::vector<std::string>{"before", large, "behind"}));
}

TEST_P(NativeSubscribeTest, ASubscriptionBeginsWhereItIsToldTo) {
  create_topic(wire_, topic());
  const std::int64_t begun_ms = now_ms();
  append(wire_, topic(), batch_at({begun_ms - 5000, begun_ms - 4000, begun_ms - 3000, begun_ms - 2000}));
  const auto first_of = [&](const cms::Start& start) {
    cms::Session session = open();
    Received received;
    cms::Subscriber subscriber = session.subscriber(received.options());
    EXPECT_TRUE(subscriber.subscribe({.topics = topic(), .start = start}));
    EXPECT_TRUE(poll_until(session, [&] { return !received.records.empty(); }));
    return received.records.empty() ? -1 : received.records.front().offset;
  };
  EXPECT_EQ(first_of(cms::Start::earliest()), 0);
  EXPECT_EQ(first_of(cms::Start::offset(2)), 2);
  EXPECT_EQ(first_of(cms::Start::time(begun_ms - 3500)), 2);
}

TEST_P(NativeSubscribeTest, PartitionsKeepTheirOrderAndOnlyThoseAskedForCome) {
  create_topic(wire_, topic(), 3);
  cms::Session session = open();
  Received received;
  cms::Subscriber subscriber = session.subscriber(received.options());
  ASSERT_TRUE(subscriber.subscribe({.topics = topic(), .start = cms::Start::earliest(), .partitions = {0, 2}}));
  for (int i = 0; i < 50; ++i) {
    for (std::int32_t partition = 0; partition < 3; ++partition)
      append(wire_, topic(), batch_of(std::to_string(i)), partition);
  }
  ASSERT_TRUE(poll_until(session, [&] { return received.records.size() >= 100; }));
  std::int64_t next[3] = {0, 0, 0};
  for (const Arrived& record : received.records) EXPECT_EQ(record.offset, next[record.partition]++);
  EXPECT_EQ(next[1], 0);
}

TEST_P(NativeSubscribeTest, TopicsMadeLaterJoinPrefixesAndPatterns) {
  cms::Session session = open();
  Received by_prefix;
  Received by_pattern;
  cms::Subscriber first = session.subscriber(by_prefix.options());
  cms::Subscriber second = session.subscriber(by_pattern.options());
  ASSERT_TRUE(first.subscribe({.topics = topic() + ".a", .match = cms::Match::prefix}));
  ASSERT_TRUE(second.subscribe({.topics = topic() + ".*.temperature", .match = cms::Match::pattern}));
  for (const std::string name : {".attic.temperature", ".barn.temperature", ".attic.wind"}) {
    create_topic(wire_, topic() + name);
    append(wire_, topic() + name, batch_of(name));
  }
  const auto sorted = [](std::vector<std::string> values) {
    std::sort(values.begin(), values.end());
    return values;
  };
  ASSERT_TRUE(poll_until(session, [&] { return by_prefix.records.size() >= 2 && by_pattern.records.size() >= 2; }));
  EXPECT_EQ(sorted(by_prefix.values()), (std::vector<std::string>{".attic.temperature", ".attic.wind"}));
  EXPECT_EQ(sorted(by_pattern.values()), (std::vector<std::string>{".attic.temperature", ".barn.temperature"}));
}

TEST_P(NativeSubscribeTest, NothingComesAfterAnUnsubscribe) {
  create_topic(wire_, topic());
  cms::Session session = open();
  Received received;
  cms::Subscriber subscriber = session.subscriber(received.options());
  const auto subscription = subscriber.subscribe({.topics = topic()});
  ASSERT_TRUE(subscription);
  ASSERT_TRUE(poll_until(session, [&] { return !received.opened.empty(); }));
  append(wire_, topic(), batch_of("first"));
  ASSERT_TRUE(poll_until(session, [&] { return !received.records.empty(); }));
  ASSERT_TRUE(subscriber.unsubscribe(*subscription));
  append(wire_, topic(), batch_of("second"));
  EXPECT_FALSE(poll_until(
      session, [&] { return received.records.size() > 1; }, milliseconds(300)));
  EXPECT_EQ(subscriber.unsubscribe(*subscription).error().code, Code::not_found);
}

TEST_P(NativeSubscribeTest, ASeekGoesBackAlsoFromWithinACallback) {
  create_topic(wire_, topic());
  append(wire_, topic(), batch_holding(numbers(0, 10)));
  cms::Session session = open();
  Received received;
  std::uint32_t subscription = 0;
  std::optional<cms::Subscriber> subscriber;
  bool sought = false;
  received.also = [&](const cms::ReceivedRecord& record) {
    if (record.offset != 5 || std::exchange(sought, true)) return;
    EXPECT_TRUE(subscriber->seek(subscription, cms::Start::offset(2)));
  };
  subscriber.emplace(session.subscriber(received.options()));
  subscription = *subscriber->subscribe({.topics = topic(), .start = cms::Start::earliest()});
  ASSERT_TRUE(poll_until(session, [&] { return received.records.size() >= 14; }));
  std::vector<std::string> expected = numbers(0, 6);
  for (const std::string& value : numbers(2, 10)) expected.push_back(value);
  EXPECT_EQ(received.values(), expected);
}

TEST_P(NativeSubscribeTest, WhatWasOnItsWayBeforeASeekIsNotShownAfterIt) {
  create_topic(wire_, topic());
  append(wire_, topic(), batch_holding(numbers(0, 10)));
  cms::Session session = open();
  Received received;
  cms::Subscriber subscriber = session.subscriber(received.options());
  constexpr auto pushed = "cms_pushed_records_total";
  const double before = metric(broker(), pushed).value_or(0);
  const auto subscription = subscriber.subscribe({.topics = topic(), .start = cms::Start::earliest()});
  ASSERT_TRUE(subscription);
  ASSERT_TRUE(becomes(broker(), pushed, before + 10));  // and not polled yet
  ASSERT_TRUE(subscriber.seek(*subscription, cms::Start::offset(4)));
  ASSERT_TRUE(becomes(broker(), pushed, before + 20));  // a batch comes whole
  ASSERT_TRUE(subscriber.seek(*subscription, cms::Start::offset(7)));
  append(wire_, topic(), batch_of("10"));
  ASSERT_TRUE(poll_until(session, [&] { return !received.records.empty() && received.records.back().value == "10"; }));
  EXPECT_EQ(received.values(), numbers(7, 11));
  EXPECT_EQ(received.opened.size(), 1u);
}

TEST_P(NativeSubscribeTest, ASlowCallbackWithLittleInFlightGetsEverything) {
  create_topic(wire_, topic());
  cms::Session session = open();
  Received received;
  received.also = [](const cms::ReceivedRecord&) { std::this_thread::sleep_for(milliseconds(1)); };
  cms::Subscriber subscriber = session.subscriber(received.options());
  ASSERT_TRUE(subscriber.subscribe({.topics = topic(), .start = cms::Start::earliest(), .bytes_in_flight_max = 2000}));
  for (int i = 0; i < 300; ++i) append(wire_, topic(), batch_of(std::to_string(i)));
  ASSERT_TRUE(poll_until(session, [&] { return received.records.size() >= 300; })) << received.records.size();
  EXPECT_EQ(received.values(), numbers(0, 300));
}

TEST_P(NativeSubscribeTest, NextGivesTheRecordsOneByOne) {
  create_topic(wire_, topic());
  append(wire_, topic(), batch_holding(numbers(0, 100)));
  cms::Session session = open();
  cms::Subscriber subscriber = session.subscriber({});
  ASSERT_TRUE(subscriber.subscribe({.topics = topic(), .start = cms::Start::earliest()}));
  for (int i = 0; i < 100; ++i) {
    const auto record = subscriber.next(patience);
    ASSERT_TRUE(record && *record != nullptr);
    EXPECT_EQ((*record)->value->text(), std::to_string(i));
    EXPECT_EQ(subscriber.positions().begin()->second, i + 1);
  }
  const auto none = subscriber.next(milliseconds(20));
  ASSERT_TRUE(none);
  EXPECT_EQ(*none, nullptr);
}

TEST_P(NativeSubscribeTest, WhatAGroupCommittedIsSeenByKafkasToolsAndTakenUp) {
  create_topic(wire_, topic());
  append(wire_, topic(), batch_holding(numbers(0, 10)));
  const std::string group = topic() + "-group";
  {
    cms::Session session = open();
    cms::Subscriber subscriber = session.subscriber({});
    ASSERT_TRUE(subscriber.subscribe({.topics = topic(), .start = cms::Start::committed(group)}));
    for (int i = 0; i < 4; ++i) {
      const auto record = subscriber.next(patience);
      ASSERT_TRUE(record && *record != nullptr);
      EXPECT_EQ((*record)->offset, i);
    }
    const auto committed = subscriber.commit(group);
    ASSERT_TRUE(committed) << committed.error().message;
  }
  const Finished shown =
      run_program({program_path("cms"), "-b", broker().address(), "group", "describe", group, "-o", "json"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_NE(shown.out.find(topic()), std::string::npos) << shown.out;
  cms::Session session = open();
  cms::Subscriber subscriber = session.subscriber({});
  ASSERT_TRUE(subscriber.subscribe({.topics = topic(), .start = cms::Start::committed(group)}));
  const auto record = subscriber.next(patience);
  ASSERT_TRUE(record && *record != nullptr);
  EXPECT_EQ((*record)->offset, 4);
}

TEST_P(NativeSubscribeTest, RecordsThatRetentionTookAreAGap) {
  create_topic(wire_, topic());
  append(wire_, topic(), batch_holding(numbers(0, 5)));
  append(wire_, topic(), batch_holding(numbers(5, 10)));
  delete_records(wire_, topic(), 5);
  cms::Session session = open();
  Received received;
  cms::Subscriber subscriber = session.subscriber(received.options());
  ASSERT_TRUE(subscriber.subscribe({.topics = topic(), .start = cms::Start::earliest()}));
  ASSERT_TRUE(poll_until(session, [&] { return received.records.size() >= 5; }));
  EXPECT_EQ(received.records.front().offset, 5);
}

TEST_P(NativeSubscribeTest, ADeletedTopicEndsWithAnError) {
  create_topic(wire_, topic());
  cms::Session session = open();
  Received received;
  cms::Subscriber subscriber = session.subscriber(received.options());
  ASSERT_TRUE(subscriber.subscribe({.topics = topic()}));
  ASSERT_TRUE(poll_until(session, [&] { return !received.opened.empty(); }));
  delete_topic(wire_, topic());
  EXPECT_TRUE(poll_until(session, [&] { return !received.closed.empty(); }));
}

TEST_P(NativeSubscribeTest, KeysAndHeadersArrive) {
  create_topic(wire_, topic());
  records::BatchBuilder builder;
  const records::HeaderView headers[] = {{"trace", base::as_bytes("7f3a")}, {"none", std::nullopt}, {"", ByteSpan()}};
  builder.add({now_ms(), base::as_bytes("key"), base::as_bytes("value"), headers});
  append(wire_, topic(), builder.finish());
  cms::Session session = open();
  cms::Subscriber subscriber = session.subscriber({});
  ASSERT_TRUE(subscriber.subscribe({.topics = topic(), .start = cms::Start::earliest()}));
  const auto record = subscriber.next(patience);
  ASSERT_TRUE(record && *record != nullptr);
  EXPECT_EQ((*record)->key->text(), "key");
  std::vector<std::pair<std::string, std::optional<std::string>>> found;
  for (const cms::Header& header : (*record)->headers)
    found.emplace_back(header.key, header.value ? std::optional<std::string>(header.value->text()) : std::nullopt);
  EXPECT_EQ(found, (decltype(found){{"trace", "7f3a"}, {"none", std::nullopt}, {"", ""}}));
}

TEST_P(NativeSubscribeTest, AnIdleSessionUsesNoCpu) {
  create_topic(wire_, topic());
  cms::Session session = open();
  Received received;
  cms::Subscriber subscriber = session.subscriber(received.options());
  ASSERT_TRUE(subscriber.subscribe({.topics = topic()}));
  ASSERT_TRUE(poll_until(session, [&] { return !received.opened.empty(); }));
  const auto used = [] {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_utime.tv_sec * 1'000'000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_sec * 1'000'000 +
           usage.ru_stime.tv_usec;
  };
  const auto before_us = used();
  ASSERT_TRUE(session.poll(milliseconds(1000)));
  EXPECT_LT(used() - before_us, 50'000);
}

TEST_P(NativeSubscribeTest, TheDescriptorIsReadableWhenThereIsSomethingToDo) {
  create_topic(wire_, topic());
  cms::Session session = open();
  Received received;
  cms::Subscriber subscriber = session.subscriber(received.options());
  ASSERT_TRUE(subscriber.subscribe({.topics = topic()}));
  pollfd waiting{session.descriptor(), POLLIN, 0};
  ASSERT_TRUE(poll_until(session, [&] { return !received.opened.empty(); }));
  while (*session.poll(milliseconds(0)) > 0) {
  }
  EXPECT_EQ(::poll(&waiting, 1, 100), 0);
  append(wire_, topic(), batch_of("something"));
  while (received.records.empty()) {
    ASSERT_EQ(::poll(&waiting, 1, static_cast<int>(patience.count())), 1);
    ASSERT_TRUE(session.poll(milliseconds(0)));
  }
}

}  // namespace
}  // namespace cms::tests
