// SPDX-License-Identifier: Apache-2.0
#include "client/bench/generator.h"

#include <algorithm>
#include <deque>

#include <gtest/gtest.h>

namespace cms::client::bench {
namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t answer_after_ns = ms;

// An endpoint in a time of its own: answers and delivers each record a millisecond after it came, except while it
// stands still. What goes wrong on the way can be chosen.
class SimulatedDriver final : public Driver {
 public:
  // From when to when it neither takes nor answers anything.
  std::int64_t stall_from_ns = 0;
  std::int64_t stall_until_ns = 0;

  std::uint64_t dropped = none;
  std::uint64_t repeated = none;
  std::uint64_t changed = none;
  std::uint64_t misplaced = none;
  std::uint64_t never_acknowledged = none;

  Result<void> open_producers(const Workload& workload, const std::vector<std::string>&, Listener& listener) override {
    workload_ = workload;
    listener_ = &listener;
    return {};
  }
  Result<void> open_consumers() override {
    consumers_open_ = true;
    return {};
  }
  Result<bool> send(const OutgoingRecord& record) override {
    if (stalls()) return false;
    under_way_.push_back({record.producer, record.partition, std::string(record.value), record.intended_ns,
                          now_ns_ + answer_after_ns, count_++});
    return true;
  }
  Result<void> poll(std::int64_t until_ns) override {
    std::int64_t next = std::max(until_ns, now_ns_ + 100);
    if (!under_way_.empty() && !stalls())
      next = std::min(next, std::max(under_way_.front().answered_ns, now_ns_ + 100));
    now_ns_ = next;
    for (; !stalls() && !under_way_.empty() && under_way_.front().answered_ns <= now_ns_; under_way_.pop_front())
      answer(under_way_.front());
    if (!consumers_open_) return {};
    for (; !kept_.empty(); kept_.pop_front()) deliver(kept_.front());
    return {};
  }
  std::int64_t now_ns() const override { return now_ns_; }

 private:
  struct Record {
    int producer;
    std::int32_t partition;
    std::string value;
    std::int64_t intended_ns;
    std::int64_t answered_ns;
    std::uint64_t number;
  };
  static constexpr std::uint64_t none = ~std::uint64_t{0};

  bool stalls() const { return now_ns_ >= stall_from_ns && now_ns_ < stall_until_ns; }
  void answer(const Record& record) {
    if (record.number != never_acknowledged) listener_->acknowledged(record.producer, record.intended_ns);
    if (record.number == dropped) return;
    kept_.push_back(record);
    if (record.number == repeated) kept_.push_back(record);
    if (record.number == changed) kept_.back().value.back() ^= 1;
    if (record.number == misplaced) kept_.back().partition ^= 1;
  }
  void deliver(const Record& record) {
    const int topic = record.producer / workload_.producers_per_topic;
    for (int i = 0; i < workload_.subscriptions_per_topic; ++i)
      listener_->received(topic * workload_.subscriptions_per_topic + i, record.partition, record.value);
  }

  Workload workload_;
  Listener* listener_ = nullptr;
  bool consumers_open_ = false;
  std::int64_t now_ns_ = 1'000;
  std::uint64_t count_ = 0;
  std::deque<Record> under_way_;
  std::deque<Record> kept_;
};

Workload of_seconds(double seconds, double warm_up = 0) {
  Workload workload;
  workload.message_size = 100;
  workload.producer_rate = 1'000;
  workload.test_minutes = seconds / 60;
  workload.warmup_minutes = warm_up / 60;
  return workload;
}

Outcome run(const Workload& workload, SimulatedDriver& driver) {
  RunOptions options;
  options.drain_ns = 1'000 * ms;
  auto payloads = Payloads::make(workload, 1);
  EXPECT_TRUE(payloads);
  Generator generator(workload, driver, std::move(*payloads), std::move(options));
  auto outcome = generator.run(std::vector<std::string>(static_cast<std::size_t>(workload.topics), "t"));
  EXPECT_TRUE(outcome);
  return std::move(*outcome);
}

TEST(GeneratorTest, SendsWhatTheRateSaysAndChecksAllOfIt) {
  SimulatedDriver driver;
  Workload workload = of_seconds(3, 1);
  workload.topics = 2;
  workload.partitions_per_topic = 3;
  workload.producers_per_topic = 2;
  workload.subscriptions_per_topic = 2;
  const Outcome outcome = run(workload, driver);
  EXPECT_TRUE(outcome.is_correct());
  EXPECT_NEAR(static_cast<double>(outcome.sent), 3'000, 5);
  EXPECT_NEAR(static_cast<double>(outcome.sent_total), 4'000, 5);
  EXPECT_EQ(outcome.received_total, 2 * outcome.sent_total);
  EXPECT_NEAR(static_cast<double>(outcome.publish.count()), 3'000, 5);  // the warm-up is not among them
  EXPECT_NEAR(static_cast<double>(outcome.end_to_end.percentile(50)), 1e6, 1e5);
  EXPECT_EQ(outcome.seconds.size(), 4u);
}

TEST(GeneratorTest, AStalledEndpointIsSeenInEveryRecordThatWasDueMeanwhile) {
  SimulatedDriver driver;
  driver.stall_from_ns = 1'000 * ms;
  driver.stall_until_ns = 2'000 * ms;
  const Outcome outcome = run(of_seconds(10), driver);
  EXPECT_TRUE(outcome.is_correct());
  EXPECT_NEAR(static_cast<double>(outcome.sent), 10'000, 10);  // none is left out
  // A tenth of the records was due in that second, evenly: the latencies of these fall from a second to nothing. Who
  // counts from the sending would see one slow record of ten thousand.
  for (const auto& [percent, expected_ms] : {std::pair(99.0, 900.0), {95.0, 500.0}, {91.0, 100.0}}) {
    EXPECT_NEAR(static_cast<double>(outcome.publish.percentile(percent)) / ms, expected_ms, 30) << percent;
    EXPECT_NEAR(static_cast<double>(outcome.end_to_end.percentile(percent)) / ms, expected_ms, 30) << percent;
  }
  EXPECT_LT(outcome.publish.percentile(85), 3 * ms);
}

TEST(GeneratorTest, PoissonArrivalsHaveTheRateAndAreIrregular) {
  Schedule schedule(Arrivals::poisson, 1'000, 0, 5);
  std::vector<double> gaps;
  for (int i = 0; i < 20'000; ++i) {
    const std::int64_t before = schedule.due_ns();
    schedule.advance();
    gaps.push_back(static_cast<double>(schedule.due_ns() - before) / ms);
  }
  double sum = 0;
  double squares = 0;
  for (const double gap : gaps) sum += gap, squares += gap * gap;
  const double mean = sum / 20'000;
  EXPECT_NEAR(mean, 1, 0.05);
  EXPECT_NEAR(squares / 20'000 - mean * mean, 1, 0.1);  // of an exponential distribution with mean 1
}

TEST(GeneratorTest, AConstantRateDoesNotDrift) {
  Schedule schedule(Arrivals::constant, 3, 500, 5);
  for (int i = 0; i < 3'000'000; ++i) schedule.advance();
  EXPECT_EQ(schedule.due_ns(), 500 + std::int64_t{1'000'000} * 1'000'000'000);
}

TEST(GeneratorTest, WhatIsLostRepeatedOrChangedIsTold) {
  const auto outcome_with = [](auto set) {
    SimulatedDriver driver;
    set(driver);
    Workload workload = of_seconds(1);
    workload.partitions_per_topic = 2;
    return run(workload, driver);
  };
  EXPECT_EQ(outcome_with([](SimulatedDriver& driver) { driver.dropped = 7; }).missing, 1u);
  EXPECT_EQ(outcome_with([](SimulatedDriver& driver) { driver.dropped = 999; }).missing, 1u);  // nothing comes behind
  EXPECT_EQ(outcome_with([](SimulatedDriver& driver) { driver.repeated = 7; }).repeated, 1u);
  EXPECT_EQ(outcome_with([](SimulatedDriver& driver) { driver.changed = 7; }).corrupted, 1u);
  EXPECT_EQ(outcome_with([](SimulatedDriver& driver) { driver.misplaced = 7; }).corrupted, 1u);
  const Outcome silent = outcome_with([](SimulatedDriver& driver) { driver.never_acknowledged = 7; });
  EXPECT_EQ(silent.unacknowledged, 1u);
  EXPECT_FALSE(silent.is_correct());
}

TEST(GeneratorTest, TheClosedLoopKeepsItsRecordsInFlight) {
  SimulatedDriver driver;
  Workload workload = of_seconds(1);
  workload.producer_rate = 0;
  workload.records_in_flight = 10;
  const Outcome outcome = run(workload, driver);
  EXPECT_TRUE(outcome.is_correct());
  EXPECT_NEAR(static_cast<double>(outcome.sent), 10'000, 1'500);  // ten each millisecond
  EXPECT_LT(outcome.publish.max(), 2 * ms);
}

TEST(GeneratorTest, ABacklogIsCollectedBeforeConsumersBegin) {
  SimulatedDriver driver;
  Workload workload = of_seconds(1);
  workload.backlog_gb = 50'000 * 1e-9;  // 500 records
  const Outcome outcome = run(workload, driver);
  EXPECT_TRUE(outcome.is_correct());
  EXPECT_GE(outcome.backlog.records, 500u);
  EXPECT_GT(outcome.backlog.build_seconds, 0.4);
  EXPECT_GT(outcome.backlog.drain_seconds, 0);
}

TEST(LedgerTest, ARecordThatWasNeverSentIsCorrupted) {
  Ledger ledger(1, 1);
  EXPECT_FALSE(ledger.received(0, {0, 0, 0}));
  EXPECT_FALSE(ledger.received(0, {0, 0, 9}));
  EXPECT_EQ(ledger.corrupted_total(), 2u);
}

TEST(PayloadTest, EveryChangedByteIsNoticed) {
  Workload workload;
  workload.message_size = 64;
  workload.randomized_payloads = true;
  auto payloads = Payloads::make(workload, 3);
  ASSERT_TRUE(payloads);
  const std::string value(payloads->next({17, 1'234'567, 5}));
  const auto stamp = read_stamp(value);
  ASSERT_TRUE(stamp);
  EXPECT_EQ(stamp->sequence, 17u);
  EXPECT_EQ(stamp->intended_ns, 1'234'567);
  EXPECT_EQ(stamp->stream, 5u);
  for (std::size_t i = 0; i < value.size(); ++i) {
    std::string changed = value;
    changed[i] ^= 0x10;
    EXPECT_FALSE(read_stamp(changed)) << i;
  }
}

}  // namespace
}  // namespace cms::client::bench
