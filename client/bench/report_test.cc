// SPDX-License-Identifier: Apache-2.0
#include "client/bench/report.h"

#include <cmath>

#include <gtest/gtest.h>

#include "client/bench/chart.h"
#include "client/bench/html_report.h"
#include "client/commands/ping.h"

namespace cms::client::bench {
namespace {

Outcome outcome_at(double rate, std::int64_t latency_ns) {
  Outcome outcome;
  outcome.workload.name = "<one> & only";
  outcome.workload.producer_rate = rate;
  outcome.measured_seconds = 1;
  outcome.sent = outcome.received = outcome.sent_total = outcome.received_total = static_cast<std::uint64_t>(rate);
  for (int i = 1; i <= 1'000; ++i) {
    outcome.end_to_end.record(latency_ns * i / 1'000);
    outcome.publish.record(latency_ns * i / 2'000);
  }
  Second second;
  second.length = 1;
  second.end_to_end_encoded = outcome.end_to_end.encode();
  outcome.seconds.push_back(second);
  return outcome;
}

nlohmann::json described(double rate, std::int64_t latency_ns) {
  return nlohmann::json::parse(to_json(outcome_at(rate, latency_ns), "kafka", {}).dump());
}

TEST(ReportTest, TheJsonHoldsTheFiguresAndTheHistogram) {
  const auto run = described(100, 2'000'000);
  EXPECT_EQ(run.at("sent_per_second"), 100);
  EXPECT_NEAR(run.at("latency_us").at("end_to_end").at("p50").get<double>(), 1'000, 2);
  EXPECT_TRUE(run.at("correctness").at("correct").get<bool>());
  EXPECT_EQ(run.at("seconds").size(), 1u);
}

TEST(ReportTest, TwoRunsAreComparedByTheirRatioAndTheirDifferences) {
  const auto text = compare(described(100, 1'000'000), described(200, 2'000'000));
  ASSERT_TRUE(text) << text.error().message();
  EXPECT_NE(text->find("producerRate differs: 100.0 and 200.0"), std::string::npos) << *text;
  EXPECT_NE(text->find("2.000"), std::string::npos) << *text;
  EXPECT_FALSE(compare(described(100, 1), nlohmann::json{{"format", "cms-bench-1"}}));
  EXPECT_FALSE(compare(described(100, 1), nlohmann::json::array()));
}

nlohmann::json closed_loop_run(const std::string& system, std::size_t size, double records_per_second) {
  Outcome outcome = outcome_at(0, 1'000);
  outcome.workload.message_size = size;
  outcome.received = static_cast<std::uint64_t>(records_per_second);
  outcome.system = system;
  outcome.broker = ProcessUsage{
      .cpu_seconds = 0.5, .context_switches = 7, .resident_bytes = 12'300'000, .system_calls = outcome.received / 2};
  return nlohmann::json::parse(to_json(outcome, "kafka", {}).dump());
}

TEST(ReportTest, WhatTheBrokerUsedIsTold) {
  const auto run = closed_loop_run("ours", 100, 1'000'000);
  EXPECT_EQ(run.at("system"), "ours");
  EXPECT_DOUBLE_EQ(run.at("broker").at("cpu_us_per_record").get<double>(), 0.5);
  EXPECT_DOUBLE_EQ(run.at("broker").at("system_calls_per_record").get<double>(), 0.5);
  EXPECT_DOUBLE_EQ(run.at("broker").at("resident_mb").get<double>(), 12.3);
  const auto text = compare(run, closed_loop_run("ours", 100, 500'000));
  ASSERT_TRUE(text) << text.error().message();
  EXPECT_NE(text->find("broker's processor, us a record"), std::string::npos) << *text;
}

TEST(ReportTest, ThePageShowsThroughputOverWhatRunsDifferIn) {
  const auto page = to_html({{"a", closed_loop_run("ours", 100, 2'000'000)},
                             {"b", closed_loop_run("ours", 1'000, 1'000'000)},
                             {"c", closed_loop_run("theirs", 100, 900'000)}});
  ASSERT_TRUE(page) << page.error().message();
  EXPECT_NE(page->find("What goes through, over the size of a record"), std::string::npos);
  EXPECT_NE(page->find("processor time, over the size of a record"), std::string::npos);
  EXPECT_EQ(page->find("over partitions"), std::string::npos);
  EXPECT_NE(page->find("What the broker used"), std::string::npos);
}

TEST(ReportTest, ThePageShowsTheStagesOfAPush) {
  nlohmann::json stages{{"channel", "shm"}, {"durability", "volatile"}, {"bytes", 100}};
  for (const char* const step : push_steps) stages["stages_us"][step] = {{"p50", 1.5}};
  const auto page = to_html({{"ping", stages}});
  ASSERT_TRUE(page) << page.error().message();
  EXPECT_NE(page->find("shm, volatile, 100 B"), std::string::npos);
  EXPECT_NE(page->find("5 pushed to delivered"), std::string::npos);
  EXPECT_NE(page->find("7.5 us"), std::string::npos);
}

TEST(ReportTest, ARunThatLostRecordsSaysSoInWords) {
  Outcome outcome = outcome_at(100, 1'000);
  outcome.missing = 3;
  outcome.problems = {"subscription 0, stream 0: records 4 to 6 were passed over"};
  const std::string text = to_text(outcome, "kafka");
  EXPECT_NE(text.find("NOT AS THEY WERE SENT"), std::string::npos);
  EXPECT_NE(text.find("records 4 to 6"), std::string::npos);
  EXPECT_FALSE(to_json(outcome, "kafka", {}).at("correctness").at("correct").get<bool>());
}

TEST(ReportTest, ThePageNeedsNothingFromOutsideAndEscapesNames) {
  const auto page = to_html({{"a<b>", described(100, 1'000'000)}, {"c", described(1'000, 5'000'000)}});
  ASSERT_TRUE(page) << page.error().message();
  EXPECT_EQ(page->find("http"), std::string::npos);
  EXPECT_EQ(page->find("<script"), std::string::npos);
  EXPECT_EQ(page->find("a<b>"), std::string::npos);
  EXPECT_NE(page->find("a&lt;b&gt;"), std::string::npos);
  EXPECT_NE(page->find("over the rate"), std::string::npos);
  EXPECT_NE(page->find("99.99"), std::string::npos);
  EXPECT_FALSE(to_html({{"x", nlohmann::json::object()}}));
}

TEST(ReportTest, RunsWithoutARecordHaveNoChartAndAreNoError) {
  Outcome empty;
  const auto page = to_html({{"empty", nlohmann::json::parse(to_json(empty, "kafka", {}).dump())}});
  ASSERT_TRUE(page) << page.error().message();
  EXPECT_EQ(page->find("<svg"), std::string::npos);
}

TEST(ChartTest, LogarithmicTicksEncloseTheRange) {
  for (const auto& [low, high] : {std::pair(3.0, 700.0), {1.0, 1.0}, {0.02, 0.03}, {999.0, 1001.0}}) {
    const auto ticks = logarithmic_ticks(low, high);
    ASSERT_GE(ticks.size(), 2u);
    EXPECT_LE(std::pow(10, ticks.front().at), low * 1.0001);
    EXPECT_GE(std::pow(10, ticks.back().at), high * 0.9999);
  }
}

}  // namespace
}  // namespace cms::client::bench
