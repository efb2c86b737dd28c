// SPDX-License-Identifier: Apache-2.0
// The parts of `cms group` and `cms top` that need no broker.
#include "client/commands/group.h"

#include <limits>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/commands/reset_target.h"
#include "client/commands/top_screen.h"
#include "client/commands/topic_selection.h"

namespace cms::client {
namespace {

using Kind = ResetTarget::Kind;

TEST(TopicSelectionTest, TopicsAndPartitionsAreTakenApart) {
  const struct {
    const char* text;
    TopicSelection meant;
  } cases[] = {{"orders", {"orders", {}}}, {"orders:0", {"orders", {0}}}, {"a.b_c-d:3,0,7", {"a.b_c-d", {3, 0, 7}}}};
  for (const auto& [text, meant] : cases) {
    const auto selection = TopicSelection::parse(text);
    ASSERT_TRUE(selection) << text;
    EXPECT_EQ(*selection, meant) << text;
  }
}

TEST(TopicSelectionTest, NonsenseIsRefusedAndTheFormIsShown) {
  for (const char* text : {"", ":0", "t:", "t:x", "t:-1", "t:1,", "t:1;2", "t:99999999999"}) {
    const auto selection = TopicSelection::parse(text);
    ASSERT_FALSE(selection) << text;
    EXPECT_NE(selection.error().message().find("orders:0,3"), std::string::npos);
  }
}

TEST(TopicSelectionTest, RunsOfPartitionsAreShownShort) {
  EXPECT_EQ(shown({}), "-");
  EXPECT_EQ(shown({{"a", 0}}), "a:0");
  EXPECT_EQ(shown({{"a", 0}, {"a", 1}, {"a", 2}, {"a", 5}, {"b", 6}, {"b", 7}}), "a:0-2,5 b:6-7");
}

TEST(DurationTest, EveryUnitAndMixturesAreRead) {
  const struct {
    const char* text;
    std::int64_t ms;
  } cases[] = {{"P7D", 604'800'000}, {"PT1H", 3'600'000}, {"PT90M", 5'400'000},      {"PT5S", 5'000},
               {"PT0.5S", 500},      {"PT1.2345S", 1234}, {"P1DT2H30M", 95'400'000}, {"P1DT2H3M4S", 93'784'000},
               {"P0DT0H0M0S", 0},    {"PT0S", 0}};
  for (const auto& [text, ms] : cases) {
    const auto duration = parse_duration_ms(text);
    ASSERT_TRUE(duration) << text;
    EXPECT_EQ(*duration, ms) << text;
  }
}

TEST(DurationTest, WhatHasNoFixedLengthOrNoSenseIsRefused) {
  for (const char* text : {"",
                           "P",
                           "PT",
                           "7D",
                           "P1M",
                           "P1Y",
                           "P1W",
                           "P1H",
                           "PT1D",
                           "P1DT",
                           "PT5",
                           "PT1S2M",
                           "PT1H1H",
                           "P-1D",
                           "PT0.5H",
                           "PT.5S",
                           "PT1.S",
                           "P1TD",
                           "TP1D",
                           "P99999999999999999999D",
                           "P9223372036854775807D",
                           "P106751991167D PT1H",
                           "PTT1S"})
    EXPECT_FALSE(parse_duration_ms(text)) << text;
}

std::int64_t reset(ResetTarget target, ResetFrom from) {
  const auto offset = new_offset(target, from);
  EXPECT_TRUE(offset);
  return offset ? *offset : -1;
}

TEST(ResetTargetTest, EachTargetIsAnOffsetThatThePartitionHas) {
  const ResetFrom from{100, 200, 150, 170};
  EXPECT_EQ(reset({Kind::earliest, 0}, from), 100);
  EXPECT_EQ(reset({Kind::latest, 0}, from), 200);
  EXPECT_EQ(reset({Kind::offset, 120}, from), 120);
  EXPECT_EQ(reset({Kind::offset, 5}, from), 100);
  EXPECT_EQ(reset({Kind::offset, 500}, from), 200);
  EXPECT_EQ(reset({Kind::time, 1}, from), 170);
  EXPECT_EQ(reset({Kind::shift, -30}, from), 120);
  EXPECT_EQ(reset({Kind::shift, -300}, from), 100);
  EXPECT_EQ(reset({Kind::shift, 300}, from), 200);
  EXPECT_EQ(reset({Kind::shift, std::numeric_limits<std::int64_t>::max()}, from), 200);
  EXPECT_EQ(reset({Kind::shift, std::numeric_limits<std::int64_t>::min()}, from), 100);
  EXPECT_EQ(reset({Kind::current, 0}, from), 150);
}

TEST(ResetTargetTest, WithNothingCommittedOrNoRecordThatYoungItIsTheEnd) {
  const ResetFrom nothing{100, 200, std::nullopt, std::nullopt};
  EXPECT_EQ(reset({Kind::current, 0}, nothing), 200);
  EXPECT_EQ(reset({Kind::time, 1}, nothing), 200);
  EXPECT_EQ(new_offset({Kind::shift, 1}, nothing).error().kind(), ErrorKind::not_found);
}

TEST(GroupStateTest, RebalancingStatesAreToldFromTheOthers) {
  GroupDescription group;
  for (const char* state : {"PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling"}) {
    group.state = state;
    EXPECT_TRUE(group.is_rebalancing()) << state;
    EXPECT_EQ(meaning_of_state(state).substr(0, 11), "rebalancing") << state;
  }
  for (const char* state : {"Stable", "Empty", "Dead", "Unheard"}) {
    group.state = state;
    EXPECT_FALSE(group.is_rebalancing()) << state;
  }
  EXPECT_EQ(meaning_of_state("Unheard"), "");
}

Look look_at(int seconds) {
  Look look;
  look.at = std::chrono::seconds(seconds);
  look.time_ms = 1'800'000'000'000;
  return look;
}

TEST(TopScreenTest, RatesAndLagsComeFromTwoLooks) {
  Look before = look_at(10);
  before.ends = {{{"busy", 0}, 100}, {{"busy", 1}, 100}, {{"idle", 0}, 7}};
  before.committed["g"][{"busy", 0}].offset = 50;
  Look now = look_at(12);
  now.ends = {{{"busy", 0}, 300}, {{"busy", 1}, 104}, {{"idle", 0}, 7}, {{"made", 0}, 900}};
  now.groups = {{"empty", "classic", "Empty", ""}, {"g", "consumer", "Stable", "consumer"}};
  now.committed["g"][{"busy", 0}].offset = 150;
  now.committed["g"][{"busy", 1}].offset = 104;
  now.committed["g"][{"gone", 0}].offset = 5;
  const TopScreen screen = compare(before, now);
  ASSERT_EQ(screen.topics.size(), 3u);
  EXPECT_EQ(screen.topics[0].name, "busy");
  EXPECT_EQ(screen.topics[0].partitions, 2u);
  EXPECT_DOUBLE_EQ(screen.topics[0].records_per_second, 102);
  EXPECT_DOUBLE_EQ(screen.topics[1].records_per_second, 0);
  ASSERT_EQ(screen.groups.size(), 2u);
  EXPECT_EQ(screen.groups[0].name, "g");
  EXPECT_EQ(screen.groups[0].lag, 150);
  EXPECT_EQ(screen.groups[0].partitions, 3u);
  EXPECT_DOUBLE_EQ(screen.groups[0].records_per_second, 50);
  EXPECT_EQ(screen.lag, 150);
  const auto json = nlohmann::json::parse(screen.to_json(-1));
  EXPECT_EQ(json["groups"][0]["lag"], 150);
  EXPECT_EQ(json["topics"][0]["topic"], "busy");
}

TEST(TopScreenTest, OffsetsSetBackCountAsNothing) {
  Look before = look_at(0);
  before.ends = {{{"t", 0}, 100}};
  before.committed["g"][{"t", 0}].offset = 90;
  Look now = look_at(1);
  now.ends = {{{"t", 0}, 10}};
  now.groups = {{"g", "classic", "Empty", "consumer"}};
  now.committed["g"][{"t", 0}].offset = 20;
  const TopScreen screen = compare(before, now);
  EXPECT_DOUBLE_EQ(screen.topics[0].records_per_second, 0);
  EXPECT_DOUBLE_EQ(screen.groups[0].records_per_second, 0);
  EXPECT_EQ(screen.groups[0].lag, 0);
}

TEST(TopScreenTest, ScreenIsNeverLongerThanTheTerminal) {
  for (const int topics : {0, 1, 3, 40}) {
    for (const int groups : {0, 1, 3, 40}) {
      Look look = look_at(0);
      for (int i = 0; i < topics; ++i) look.ends[{"topic" + std::to_string(i), 0}] = 1;
      for (int i = 0; i < groups; ++i) look.groups.push_back({"group" + std::to_string(i), "classic", "Empty", ""});
      const TopScreen screen = compare(look, look);
      const auto lines = [&](std::size_t lines_max) {
        const std::string text = screen.to_text("broker:9092", lines_max);
        return std::count(text.begin(), text.end(), '\n');
      };
      EXPECT_EQ(lines(0), 5 + topics + groups);
      EXPECT_LE(lines(24), 24) << topics << " topics, " << groups << " groups";
      EXPECT_EQ(lines(24), std::min(24, 5 + topics + groups)) << topics << " topics, " << groups << " groups";
      EXPECT_LE(lines(7), 7) << topics << " topics, " << groups << " groups";
    }
  }
}

}  // namespace
}  // namespace cms::client
