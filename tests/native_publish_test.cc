// SPDX-License-Identifier: Apache-2.0
// Native publishers: what they put, Kafka consumers read.
#include <cstring>

#include "tests/metrics.h"
#include "tests/native_test.h"

namespace cms::tests {
namespace {

class NativePublishTest : public NativeTest {
 protected:
  std::vector<std::string> stored(std::int32_t partition = 0, const std::string& suffix = "") {
    std::vector<std::string> values;
    for (const ReadRecord& record : read_all(wire_, topic() + suffix, 0, partition)) values.push_back(record.value);
    return values;
  }
};
INSTANTIATE_TEST_SUITE_P(Native, NativePublishTest, native_kinds, name_of_kind);

struct Acknowledged {
  std::vector<std::uint64_t> tickets;
  std::vector<std::int64_t> offsets;
  std::vector<cms::Error> errors;

  cms::PublisherOptions options() {
    cms::PublisherOptions options;
    options.on_acknowledged = [this](const cms::Acknowledgement& acknowledged) {
      tickets.push_back(acknowledged.ticket);
      offsets.push_back(acknowledged.offset);
      if (acknowledged.error != nullptr) errors.push_back(*acknowledged.error);
    };
    return options;
  }
};

TEST_P(NativePublishTest, AKafkaConsumerReadsWhatWasPublished) {
  for (const std::string durability : {"persistent", "volatile"}) {
    create_topic(wire_, topic() + durability, 1, {{"cms.durability", durability}});
    cms::Session session = open();
    Acknowledged acknowledged;
    cms::Publisher publisher = session.publisher(acknowledged.options());
    for (const std::string& value : numbers(0, 200))
      ASSERT_TRUE(publisher.publish(topic() + durability, {.value = value, .key = "k"}));
    const auto flushed = publisher.flush(patience);
    ASSERT_TRUE(flushed) << flushed.error().message;
    EXPECT_EQ(stored(0, durability), numbers(0, 200));
    ASSERT_EQ(acknowledged.offsets.size(), 200u);
    for (std::size_t i = 0; i < 200; ++i) {
      EXPECT_EQ(acknowledged.offsets[i], static_cast<std::int64_t>(i));
      EXPECT_EQ(acknowledged.tickets[i], i + 1);
    }
    EXPECT_EQ(publisher.unacknowledged_bytes(), 0u);
  }
}

TEST_P(NativePublishTest, ATransientRecordIsHandedOn) {
  create_topic(wire_, topic(), 1, {{"cms.durability", "transient"}});
  cms::Session session = open();
  Received received;
  cms::Subscriber subscriber = session.subscriber(received.options());
  ASSERT_TRUE(subscriber.subscribe({.topics = topic()}));
  ASSERT_TRUE(poll_until(session, [&] { return !received.opened.empty(); }));
  cms::Publisher publisher = session.publisher();
  for (const std::string& value : numbers(0, 50)) ASSERT_TRUE(publisher.publish(topic(), {.value = value}));
  ASSERT_TRUE(publisher.flush(patience));
  ASSERT_TRUE(poll_until(session, [&] { return received.records.size() >= 50; }));
  EXPECT_EQ(received.values(), numbers(0, 50));
}

TEST_P(NativePublishTest, PublishersWithoutNumbersStoreTheSame) {
  create_topic(wire_, topic());
  cms::Session session = open();
  cms::Publisher publisher = session.publisher({.idempotent = false, .batches_in_flight_max = 100});
  for (const std::string& value : numbers(0, 500)) ASSERT_TRUE(publisher.publish(topic(), {.value = value}));
  ASSERT_TRUE(publisher.flush(patience));
  EXPECT_EQ(stored(), numbers(0, 500));
}

TEST_P(NativePublishTest, KeysGoWhereKafkasClientsSendThem) {
  create_topic(wire_, topic(), 4);
  cms::Session session = open();
  cms::Publisher publisher = session.publisher();
  for (const std::string& key : numbers(0, 100)) ASSERT_TRUE(publisher.publish(topic(), {.value = key, .key = key}));
  ASSERT_TRUE(publisher.publish(topic(), {.value = "here", .partition = 2}));
  ASSERT_TRUE(publisher.flush(patience));
  const Finished produced =
      run_program({program_path("cms"), "-b", broker().address(), "topic", "create", topic() + "-kafka", "-p", "4"});
  ASSERT_EQ(produced.exit_code, 0) << produced.err;
  std::string lines;
  for (const std::string& key : numbers(0, 100)) lines += key + ":" + key + "\n";
  run_program({program_path("cms"), "-b", broker().address(), "produce", topic() + "-kafka", "-k", ":"}, lines);
  for (std::int32_t partition = 0; partition < 4; ++partition) {
    std::vector<std::string> expected = stored(partition, "-kafka");
    if (partition == 2) expected.emplace_back("here");
    EXPECT_EQ(stored(partition), expected);
  }
  EXPECT_EQ(publisher.publish(topic(), {.value = "nowhere", .partition = 4}).error().code, Code::not_found);
}

TEST_P(NativePublishTest, ARecordLargerThanAMessageGoesInPiecesAndTooLargeOnesAreRefused) {
  create_topic(wire_, topic(), 1, {{"max.message.bytes", "4000000"}});
  cms::Session session = open({.ring_bytes = 64 << 10});
  cms::Publisher publisher = session.publisher();
  const std::string large(3'000'000, 'y');
  ASSERT_TRUE(publisher.publish(topic(), {.value = "before"}));
  ASSERT_TRUE(publisher.publish(topic(), {.value = large}));
  ASSERT_TRUE(publisher.publish(topic(), {.value = "behind"}));
  const auto flushed = publisher.flush(patience);
  ASSERT_TRUE(flushed) << flushed.error().message;
  EXPECT_TRUE(stored() == (std::vector<std::string>{"before", large, "behind"}));
  EXPECT_EQ(publisher.publish(topic(), {.value = std::string(4'000'000, 'z')}).error().code, Code::too_large);
}

TEST_P(NativePublishTest, LoansLeaveInTheOrderTheyWereTaken) {
  create_topic(wire_, topic());
  cms::Session session = open();
  cms::Publisher publisher = session.publisher();
  std::vector<cms::Loan> loans;
  for (int i = 0; i < 20; ++i) {
    auto loan = publisher.loan(topic(), 3, {.key = "k"});
    ASSERT_TRUE(loan);
    ASSERT_EQ(loan->value().size(), 3u);
    std::memcpy(loan->value().data(), std::to_string(100 + i).data(), 3);
    loans.push_back(std::move(*loan));
  }
  ASSERT_TRUE(publisher.publish(topic(), {.value = "behind", .key = "k"}));
  loans[3].abandon();
  loans.erase(loans.begin() + 5);  // abandons it too
  std::reverse(loans.begin(), loans.end());
  for (cms::Loan& loan : loans) (void)loan.send();
  const auto flushed = publisher.flush(patience);
  ASSERT_TRUE(flushed) << flushed.error().message;
  std::vector<std::string> expected;
  for (const int i : {0, 1, 2, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19})
    expected.push_back(std::to_string(100 + i));
  expected.emplace_back("behind");
  EXPECT_EQ(stored(), expected);
}

TEST_P(NativePublishTest, ALoanHeldTooLongExpiresAndHoldsNobodyUp) {
  create_topic(wire_, topic());
  cms::Session session = open();
  cms::Publisher publisher = session.publisher({.loan_timeout = milliseconds(50)});
  auto loan = publisher.loan(topic(), 8);
  ASSERT_TRUE(loan);
  ASSERT_TRUE(publisher.publish(topic(), {.value = "behind"}));
  ASSERT_TRUE(publisher.flush(patience));
  EXPECT_EQ(stored(), std::vector<std::string>{"behind"});
  std::memset(loan->value().data(), 'x', 8);  // still ours to write to
  EXPECT_EQ(loan->send().error().code, Code::expired);
  ASSERT_TRUE(publisher.publish(topic(), {.value = "more"}));
  ASSERT_TRUE(publisher.flush(patience));
  EXPECT_EQ(stored(), (std::vector<std::string>{"behind", "more"}));
}

TEST_P(NativePublishTest, LoansInTheRingLeaveInOrderAndOneThatExpiresHarmsNobody) {
  create_topic(wire_, topic(), 2);
  cms::Session session = open({.heartbeat = milliseconds(500)});
  cms::Publisher publisher =
      session.publisher({.idempotent = false, .batches_in_flight_max = 100, .loans_in_ring = true});
  std::vector<cms::Loan> loans;
  for (int i = 0; i < 20; ++i) {
    auto loan = publisher.loan(topic(), 3, {.partition = i % 2});
    ASSERT_TRUE(loan);
    std::memcpy(loan->value().data(), std::to_string(100 + i).data(), 3);
    loans.push_back(std::move(*loan));
  }
  loans[4].abandon();
  std::reverse(loans.begin(), loans.end());
  for (cms::Loan& loan : loans) (void)loan.send();
  ASSERT_TRUE(publisher.flush(patience));
  EXPECT_EQ(stored(0), (std::vector<std::string>{"100", "102", "106", "108", "110", "112", "114", "116", "118"}));
  EXPECT_EQ(stored(1).size(), 10u);

  auto held = publisher.loan(topic(), 8, {.partition = 0});
  ASSERT_TRUE(held);
  ASSERT_TRUE(poll_until(session, [&] { return session.reconnects() == 1; }));
  std::memset(held->value().data(), 'x', 8);
  EXPECT_EQ(held->send().error().code, Code::expired);
  ASSERT_TRUE(publisher.publish(topic(), {.value = "more", .partition = 0}));
  ASSERT_TRUE(publisher.flush(patience));
  EXPECT_EQ(stored(0).back(), "more");
}

TEST_P(NativePublishTest, AFullWindowIsToldAndWaitedFor) {
  create_topic(wire_, topic());
  cms::Session session = open();
  cms::Publisher publisher = session.publisher({.unacknowledged_records_max = 10});
  int taken = 0;
  cms::Result<std::uint64_t> published = publisher.publish(topic(), {.value = "0"});
  while (published) published = publisher.publish(topic(), {.value = std::to_string(++taken)});
  EXPECT_EQ(published.error().code, Code::would_block);
  EXPECT_EQ(taken, 10);
  ASSERT_TRUE(publisher.flush(patience));
  cms::Publisher waiting =
      session.publisher({.unacknowledged_records_max = 10, .wait = patience, .batches_in_flight_max = 2});
  for (const std::string& value : numbers(10, 300)) {
    const auto one = waiting.publish(topic(), {.value = value});
    ASSERT_TRUE(one) << one.error().message;
  }
  ASSERT_TRUE(waiting.flush(patience));
  EXPECT_EQ(stored(), numbers(0, 300));
}

TEST_P(NativePublishTest, APublishFromACallbackAnswers) {
  create_topic(wire_, topic());
  cms::Session session = open();
  cms::Publisher publisher = session.publisher();
  Received received;
  received.also = [&](const cms::ReceivedRecord& record) {
    EXPECT_TRUE(publisher.publish(topic() + "-echo", {.value = *record.value}));
  };
  cms::Subscriber subscriber = session.subscriber(received.options());
  ASSERT_TRUE(subscriber.subscribe({.topics = topic(), .start = cms::Start::earliest()}));
  append(wire_, topic(), batch_holding(numbers(0, 30)));
  ASSERT_TRUE(poll_until(session, [&] { return received.records.size() == 30; }));
  ASSERT_TRUE(publisher.flush(patience));
  EXPECT_EQ(stored(0, "-echo"), numbers(0, 30));
}

TEST_P(NativePublishTest, ATopicThatIsDeletedIsAnErrorAndThenMadeAgain) {
  create_topic(wire_, topic());
  cms::Session session = open();
  cms::Publisher publisher = session.publisher();
  ASSERT_TRUE(publisher.publish(topic(), {.value = "first"}));
  ASSERT_TRUE(publisher.flush(patience));
  delete_topic(wire_, topic());
  ASSERT_TRUE(publisher.publish(topic(), {.value = "lost"}));
  EXPECT_FALSE(publisher.flush(patience));
  ASSERT_TRUE(publisher.publish(topic(), {.value = "again"}));
  const auto flushed = publisher.flush(patience);
  ASSERT_TRUE(flushed) << flushed.error().message;
  EXPECT_EQ(stored(), std::vector<std::string>{"again"});
}

TEST_P(NativePublishTest, ADeletedTopicsMemoryIsGivenBackWhileItsPublisherIsThere) {
  const BrokerProcess own;
  Wire wire(own.port());
  create_topic(wire, topic(), 1, {{"cms.durability", "volatile"}});
  cms::Session session = open_session(own.address(), GetParam(), {.heartbeat = milliseconds(200)});
  cms::Publisher publisher = session.publisher();
  ASSERT_TRUE(publisher.publish(topic(), {.value = std::string(100'000, 'x')}));
  ASSERT_TRUE(publisher.flush(patience));
  const auto held = [&own] { return metric(own, "cms_log_memory_bytes"); };
  ASSERT_GE(held(), 100'000);
  delete_topic(wire, topic());
  EXPECT_TRUE(poll_until(session, [&] { return held() < 100'000; })) << *held();
  EXPECT_EQ(session.reconnects(), 0u);
}

TEST(NativeSessionTest, AnAddressWithoutABrokerIsAnErrorInWords) {
  const auto session = cms::Session::connect({.bootstrap = "127.0.0.1:1"});
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, Code::lost);
  EXPECT_NE(session.error().message.find("127.0.0.1:1"), std::string::npos) << session.error().message;
}

}  // namespace
}  // namespace cms::tests
