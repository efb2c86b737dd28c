// SPDX-License-Identifier: Apache-2.0
#include "client/bench/sweep.h"

#include <gtest/gtest.h>

#include "client/bench/html_report.h"

namespace cms::client::bench {
namespace {

// A broker that holds 1,000 records a second by schedule and gets 1,500 through in the closed loop.
constexpr double held = 1'000;
constexpr double closed_loop = 1'500;

Outcome outcome_of(const Workload& workload) {
  const double due = workload.is_closed_loop() ? closed_loop : workload.producer_rate;
  Outcome outcome;
  outcome.workload = workload;
  outcome.measured_seconds = 2;
  const bool too_much = !workload.is_closed_loop() && due > held;
  outcome.received = static_cast<std::uint64_t>(2 * (too_much ? held : due));
  for (int i = 1; i <= 100; ++i) outcome.end_to_end.record(i * 1'000);
  return outcome;
}

TEST(SweepTest, TheHighestRateThatHoldsIsFoundAndPartsOfItAreRun) {
  std::vector<double> rates;
  const auto swept = sweep({}, {10, 50}, [&](const Workload& workload) -> Result<Outcome> {
    rates.push_back(workload.producer_rate);
    return outcome_of(workload);
  });
  ASSERT_TRUE(swept) << swept.error().message();
  EXPECT_DOUBLE_EQ(swept->closed_loop_per_second, 1'500);
  EXPECT_DOUBLE_EQ(swept->highest_per_second, 900);
  ASSERT_EQ(rates.size(), 7u);  // closed, 100, 85, 70 and 60 %, and the two points
  EXPECT_DOUBLE_EQ(rates[5], 90);
  EXPECT_DOUBLE_EQ(rates[6], 450);
  EXPECT_NE(to_text(*swept, "kafka").find("900/s"), std::string::npos);
}

TEST(SweepTest, AnErrorOfARunIsTheSweeps) {
  const auto swept = sweep({}, {10}, [](const Workload& workload) -> Result<Outcome> {
    if (workload.is_closed_loop()) return outcome_of(workload);
    return base::Error(base::ErrorKind::io, "the broker is gone");
  });
  ASSERT_FALSE(swept);
  EXPECT_EQ(swept.error().message(), "the broker is gone");
}

TEST(SweepTest, WhereNoRateHoldsThatIsSaid) {
  const auto swept = sweep({}, {10}, [](const Workload& workload) -> Result<Outcome> {
    Outcome outcome = outcome_of(workload);
    if (!workload.is_closed_loop()) outcome.received = 0;
    return outcome;
  });
  EXPECT_FALSE(swept);
}

TEST(SweepTest, AnInterruptedSweepHasThePointsItMade) {
  int runs = 0;
  const auto swept = sweep({}, {10, 50, 90}, [&](const Workload& workload) -> Result<Outcome> {
    Outcome outcome = outcome_of(workload);
    outcome.interrupted = ++runs == 7;  // the second point
    return outcome;
  });
  ASSERT_TRUE(swept);
  EXPECT_EQ(swept->points.size(), 1u);
}

TEST(SweepTest, ARateHoldsWhenEachSubscriptionGetsItAndSoon) {
  Workload workload;
  workload.producer_rate = 100;
  workload.subscriptions_per_topic = 3;
  Outcome outcome = outcome_of(workload);
  EXPECT_FALSE(holds(outcome));  // a third of what was due
  outcome.received *= 3;
  EXPECT_TRUE(holds(outcome));
  for (int i = 0; i < 200; ++i) outcome.end_to_end.record(20'000'000);
  EXPECT_FALSE(holds(outcome));
}

TEST(SweepTest, ThePageShowsASweepOverTheRate) {
  const auto swept = sweep({}, {10, 50, 90}, [](const Workload& workload) -> Result<Outcome> {
    Outcome outcome = outcome_of(workload);
    outcome.sent = outcome.received;
    return outcome;
  });
  ASSERT_TRUE(swept);
  const auto page = to_html({{"swept", nlohmann::json::parse(to_json(*swept, "kafka", {}).dump())}});
  ASSERT_TRUE(page) << page.error().message();
  EXPECT_NE(page->find("over the rate"), std::string::npos);
  EXPECT_NE(page->find("50 % of swept"), std::string::npos);
}

}  // namespace
}  // namespace cms::client::bench
