// SPDX-License-Identifier: Apache-2.0
#include "client/range_assignor.h"

#include <gtest/gtest.h>

namespace cms::client {
namespace {

using Partitions = std::vector<std::int32_t>;

Partitions of(const std::map<std::string, protocol::ConsumerAssignment>& assignments, const std::string& member,
              const std::string& topic) {
  for (const auto& assigned : assignments.at(member).assigned_partitions) {
    if (assigned.topic == topic) return assigned.partitions;
  }
  return {};
}

TEST(RangeAssignorTest, EachTopicIsDividedInRunsAndTheFirstGetWhatIsLeftOver) {
  const auto made =
      assign_ranges({{"b", {}, {"t", "u"}}, {"a", {}, {"t", "u"}}, {"c", {}, {"t"}}}, {{"t", 7}, {"u", 3}});
  EXPECT_EQ(of(made, "a", "t"), (Partitions{0, 1, 2}));
  EXPECT_EQ(of(made, "b", "t"), (Partitions{3, 4}));
  EXPECT_EQ(of(made, "c", "t"), (Partitions{5, 6}));
  EXPECT_EQ(of(made, "a", "u"), (Partitions{0, 1}));
  EXPECT_EQ(of(made, "b", "u"), (Partitions{2}));
  EXPECT_EQ(of(made, "c", "u"), Partitions{});
}

TEST(RangeAssignorTest, MembersBeyondThePartitionsGetNothingAndAreTold) {
  const auto made = assign_ranges({{"a", {}, {"t"}}, {"b", {}, {"t"}}, {"c", {}, {"gone"}}}, {{"t", 1}});
  EXPECT_EQ(made.size(), 3u);
  EXPECT_EQ(of(made, "a", "t"), (Partitions{0}));
  EXPECT_TRUE(made.at("b").assigned_partitions.empty());
  EXPECT_TRUE(made.at("c").assigned_partitions.empty());
}

TEST(RangeAssignorTest, StaticMembersKeepTheirPlaceWhateverTheirMemberId) {
  const auto made = assign_ranges({{"z", "one", {"t"}}, {"a", {}, {"t"}}, {"b", "two", {"t"}}}, {{"t", 3}});
  EXPECT_EQ(of(made, "z", "t"), (Partitions{0}));
  EXPECT_EQ(of(made, "b", "t"), (Partitions{1}));
  EXPECT_EQ(of(made, "a", "t"), (Partitions{2}));
}

TEST(RangeAssignorTest, TopicThatNobodyWantsIsNobodys) {
  EXPECT_TRUE(assign_ranges({{"a", {}, {}}}, {{"t", 5}}).at("a").assigned_partitions.empty());
}

}  // namespace
}  // namespace cms::client
