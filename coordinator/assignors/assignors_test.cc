// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "coordinator/assignors/assignor.h"

namespace cms::coordinator {
namespace {

base::Uuid topic_id(std::size_t number) {
  base::Uuid id;
  id.bytes[14] = static_cast<std::byte>((number + 1) >> 8);
  id.bytes[15] = static_cast<std::byte>(number + 1);
  return id;
}

// A group that keeps what its input refers to.
class TestGroup {
 public:
  explicit TestGroup(std::vector<std::int32_t> partition_counts) : counts_(std::move(partition_counts)) {}

  void add(const std::string& member, std::vector<std::uint32_t> subscription, const std::string& instance = "") {
    members_[member] = {.subscription = std::move(subscription), .instance = instance, .owned = {}};
  }
  void remove(const std::string& member) { members_.erase(member); }
  void set_count(std::size_t topic, std::int32_t count) { counts_[topic] = count; }
  const Partitions& owned(const std::string& member) const { return members_.at(member).owned; }
  std::size_t load(const std::string& member) const {
    std::size_t sum = 0;
    for (const auto& [topic, partitions] : owned(member)) sum += partitions.size();
    return sum;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [name, member] : members_) all.push_back(name);
    return all;
  }

  // Returns how many partitions have changed hands between members that were and still are there.
  std::size_t assign(Assignor assignor) {
    AssignorInput input;
    std::map<std::uint32_t, std::uint32_t> index;  // only topics that somebody is subscribed to
    for (const auto& [name, member] : members_)
      for (const std::uint32_t topic : member.subscription) index[topic] = 0;
    for (auto& [topic, at] : index) {
      at = static_cast<std::uint32_t>(input.topics.size());
      input.topics.push_back({.id = topic_id(topic), .partition_count = counts_[topic]});
    }
    for (const auto& [name, member] : members_) {
      std::vector<std::uint32_t> subscription;
      for (const std::uint32_t topic : member.subscription) subscription.push_back(index[topic]);
      auto found = std::ranges::find(input.subscriptions, subscription);
      if (found == input.subscriptions.end()) found = input.subscriptions.insert(found, subscription);
      input.members.push_back({.member_id = name,
                               .instance_id = member.instance,
                               .rack_id = {},
                               .subscription = static_cast<std::size_t>(found - input.subscriptions.begin()),
                               .owned = &member.owned});
    }
    const AssignorOutput output = assignor(input);
    check(input, output);
    std::size_t moved = 0;
    std::size_t at = 0;
    for (auto& [name, member] : members_) {
      for (const auto& [topic, partitions] : member.owned) {
        const auto kept = output[at].find(topic);
        for (const std::int32_t partition : partitions)
          moved += kept == output[at].end() || !std::ranges::binary_search(kept->second, partition);
      }
      member.owned = output[at++];
    }
    return moved;
  }

 private:
  struct Member {
    std::vector<std::uint32_t> subscription;
    std::string instance;
    Partitions owned;
  };

  static void check(const AssignorInput& input, const AssignorOutput& output) {
    RC_ASSERT(output.size() == input.members.size());
    std::map<base::Uuid, std::set<std::int32_t>> seen;
    for (std::size_t member = 0; member < output.size(); ++member) {
      for (const auto& [topic, partitions] : output[member]) {
        RC_ASSERT(!partitions.empty());
        RC_ASSERT(std::ranges::is_sorted(partitions));
        bool subscribed = false;
        for (const std::uint32_t candidate : input.subscriptions[input.members[member].subscription])
          subscribed |= input.topics[candidate].id == topic;
        RC_ASSERT(subscribed);
        for (const std::int32_t partition : partitions) RC_ASSERT(seen[topic].insert(partition).second);
      }
    }
    for (const AssignorTopic& topic : input.topics) {
      RC_ASSERT(static_cast<std::int32_t>(seen[topic.id].size()) == topic.partition_count);
      if (topic.partition_count > 0) RC_ASSERT(*seen[topic.id].rbegin() == topic.partition_count - 1);
    }
  }

  std::vector<std::int32_t> counts_;
  std::map<std::string, Member> members_;
};

std::string member_name(std::size_t number) { return "member-" + std::to_string(1000 + number); }

TestGroup any_group(bool homogeneous) {
  const auto counts = *rc::gen::container<std::vector<std::int32_t>>(*rc::gen::inRange(1, 8), rc::gen::inRange(0, 20));
  TestGroup group(counts);
  const auto member_count = *rc::gen::inRange<std::size_t>(1, 20);
  std::vector<std::uint32_t> all;
  for (std::uint32_t topic = 0; topic < counts.size(); ++topic) all.push_back(topic);
  for (std::size_t member = 0; member < member_count; ++member) {
    std::vector<std::uint32_t> subscription = all;
    if (!homogeneous) std::erase_if(subscription, [](std::uint32_t) { return *rc::gen::arbitrary<bool>(); });
    group.add(member_name(member), subscription);
  }
  return group;
}

void expect_even(const TestGroup& group) {
  std::size_t least = SIZE_MAX;
  std::size_t most = 0;
  for (const std::string& name : group.names()) {
    least = std::min(least, group.load(name));
    most = std::max(most, group.load(name));
  }
  RC_ASSERT(most - least <= 1U);
}

RC_GTEST_PROP(UniformAssignor, MembersWithTheSameSubscriptionHaveWithinOneTheSame, ()) {
  TestGroup group = any_group(true);
  group.assign(assign_uniform);
  expect_even(group);
  RC_ASSERT(group.assign(assign_uniform) == 0U);  // nothing moves without a reason
}

RC_GTEST_PROP(UniformAssignor, OnlyWhatALeaverHadMoves, ()) {
  TestGroup group = any_group(true);
  group.assign(assign_uniform);
  const std::vector<std::string> names = group.names();
  RC_PRE(names.size() > 1U);
  group.remove(*rc::gen::elementOf(names));
  RC_ASSERT(group.assign(assign_uniform) == 0U);
  expect_even(group);
}

RC_GTEST_PROP(UniformAssignor, WhatANewcomerTakesIsAllThatMoves, ()) {
  TestGroup group({9, 4, *rc::gen::inRange(0, 30)});
  const auto member_count = *rc::gen::inRange<std::size_t>(1, 20);
  for (std::size_t member = 0; member < member_count; ++member) group.add(member_name(member), {0, 1, 2});
  group.assign(assign_uniform);
  group.add("newcomer", {0, 1, 2});
  const std::size_t moved = group.assign(assign_uniform);
  RC_ASSERT(moved == group.load("newcomer"));
  expect_even(group);
}

RC_GTEST_PROP(UniformAssignor, DifferentSubscriptionsAreServedAndNothingMovesWithoutAReason, ()) {
  TestGroup group = any_group(false);
  group.assign(assign_uniform);
  RC_ASSERT(group.assign(assign_uniform) == 0U);
  const std::vector<std::string> names = group.names();
  if (names.size() > 1) {
    group.remove(*rc::gen::elementOf(names));
    group.assign(assign_uniform);
  }
}

RC_GTEST_PROP(RangeAssignor, EveryPartitionHasOneOwnerWhateverTheSubscriptions, ()) {
  TestGroup group = any_group(*rc::gen::arbitrary<bool>());
  group.assign(assign_range);
}

TEST(UniformAssignor, ANewcomerTakesExactlyItsShare) {
  TestGroup group({10, 7, 1});
  for (std::size_t i = 0; i < 5; ++i) group.add(member_name(i), {0, 1, 2});
  group.assign(assign_uniform);
  group.add(member_name(5), {0, 1, 2});
  EXPECT_EQ(group.assign(assign_uniform), 3U);
  EXPECT_EQ(group.load(member_name(5)), 3U);
}

TEST(UniformAssignor, PartitionsOfATopicThatGrewGoToThoseWithLess) {
  TestGroup group({4});
  for (std::size_t i = 0; i < 4; ++i) group.add(member_name(i), {0});
  group.assign(assign_uniform);
  group.set_count(0, 6);
  EXPECT_EQ(group.assign(assign_uniform), 0U);
  group.set_count(0, 8);
  EXPECT_EQ(group.assign(assign_uniform), 0U);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(group.load(member_name(i)), 2U);
}

TEST(UniformAssignor, ATopicSpreadsOverTheMembers) {
  TestGroup group({4, 4, 4});
  for (std::size_t i = 0; i < 4; ++i) group.add(member_name(i), {0, 1, 2});
  group.assign(assign_uniform);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(group.owned(member_name(i)).size(), 3U);  // one of each topic
}

TEST(UniformAssignor, AMemberWithOneTopicIsRelievedByThoseWithMore) {
  TestGroup group({6, 6});
  group.add("a", {0});
  group.add("b", {0, 1});
  group.assign(assign_uniform);
  EXPECT_EQ(group.load("a"), 6U);
  EXPECT_EQ(group.load("b"), 6U);
  group.add("c", {1});
  group.assign(assign_uniform);
  EXPECT_GE(group.load("c"), 3U);
  EXPECT_LE(group.load("b"), 4U);
}

TEST(RangeAssignor, TopicsWithTheSameCountAreCutAlike) {
  TestGroup group({7, 7, 3});
  for (std::size_t i = 0; i < 3; ++i) group.add(member_name(i), {0, 1, 2});
  group.assign(assign_range);
  for (std::size_t i = 0; i < 3; ++i) {
    const Partitions& owned = group.owned(member_name(i));
    EXPECT_EQ(owned.at(topic_id(0)), owned.at(topic_id(1)));
    EXPECT_EQ(owned.at(topic_id(2)), std::vector<std::int32_t>{static_cast<std::int32_t>(i)});
  }
  EXPECT_EQ(group.owned(member_name(0)).at(topic_id(0)), (std::vector<std::int32_t>{0, 1, 2}));
  EXPECT_EQ(group.owned(member_name(1)).at(topic_id(0)), (std::vector<std::int32_t>{3, 4}));
  EXPECT_EQ(group.owned(member_name(2)).at(topic_id(0)), (std::vector<std::int32_t>{5, 6}));
}

TEST(RangeAssignor, AStaticMemberKeepsItsPlaceUnderAnotherMemberId) {
  TestGroup group({6});
  group.add("x", {0}, "instance-1");
  group.add("y", {0}, "instance-2");
  group.add("z", {0});
  group.assign(assign_range);
  const Partitions before = group.owned("y");
  group.remove("y");
  group.add("a", {0}, "instance-2");
  group.assign(assign_range);
  EXPECT_EQ(group.owned("a"), before);
}

TEST(Assignors, AreFoundByTheirNames) {
  EXPECT_EQ(find_assignor("uniform"), &assign_uniform);
  EXPECT_EQ(find_assignor("range"), &assign_range);
  EXPECT_EQ(find_assignor("sticky"), nullptr);
}

TEST(Assignors, AGroupWithoutMembersOwnsNothing) {
  EXPECT_TRUE(assign_uniform({}).empty());
  EXPECT_TRUE(assign_range({}).empty());
}

}  // namespace
}  // namespace cms::coordinator
