// SPDX-License-Identifier: Apache-2.0
// What outlives the broker, what tools see, what becomes of offsets, and the way between the protocols.
#include <gtest/gtest.h>

#include "coordinator/classic/test_group.h"
#include "protocol/consumer_protocol.h"

namespace cms::coordinator {
namespace {

using Phase = ClassicGroup::Phase;

std::string subscription(std::vector<std::string> topics) {
  protocol::ConsumerSubscription message;
  message.topics = std::move(topics);
  return std::string(base::as_text(protocol::to_bytes(message, 3)));
}

TEST(ClassicLog, StableGroupGoesOnAfterARestartIfItsMembersAreHeardOfInTime) {
  TestGroup test;
  const auto ids = test.settle({{}, {.instance_id = "s", .session_timeout_ms = 20'000}});
  const auto before = test.group->describe_classic();
  const std::int32_t generation = test.group->generation();
  test.restart();
  EXPECT_EQ(test.group->describe_classic()->members, before->members);
  EXPECT_EQ(test.group->generation(), generation);
  EXPECT_TRUE(test.group->members().is_leader(ids[0]));
  test.advance(9'999);
  EXPECT_EQ(test.heartbeat(ids[0], generation), ErrorCode::none);
  EXPECT_EQ(test.heartbeat(ids[1], generation, "s"), ErrorCode::none);
  EXPECT_EQ(test.assignment(test.sync(ids[1], generation, {}, "s")), ids[1]);
  EXPECT_EQ(test.phase(), Phase::stable);
}

TEST(ClassicLog, MemberNotHeardOfAfterARestartIsRemoved) {
  TestGroup test;
  const auto ids = test.settle({{}, {}});
  test.restart();
  test.advance(9'000);
  test.heartbeat(ids[0], test.group->generation());
  test.advance(1'000);
  EXPECT_EQ(test.phase(), Phase::preparing_rebalance);
  EXPECT_EQ(test.group->members().size(), 1U);
}

TEST(ClassicLog, RestartInARebalanceGoesBackToTheLastGenerationThatHadItsAssignment) {
  TestGroup test;
  const auto ids = test.settle({{}});
  const std::int32_t generation = test.group->generation();
  test.join({.member_id = ids[0]});
  ASSERT_EQ(test.phase(), Phase::completing_rebalance);
  test.restart();
  EXPECT_EQ(test.phase(), Phase::stable);
  EXPECT_EQ(test.heartbeat(ids[0], generation + 1), ErrorCode::illegal_generation);
  EXPECT_EQ(test.heartbeat(ids[0], generation), ErrorCode::none);
}

TEST(ClassicLog, RecordWithMembersListedTwiceIsTaken) {
  GroupMetadataValue value;
  value.protocol_type = "consumer";
  value.leader = "nobody";
  for (const char* id : {"a", "a", "b", "c"}) {
    value.members.push_back({.member_id = id,
                             .group_instance_id = {},
                             .client_id = {},
                             .client_host = {},
                             .rebalance_timeout_ms = -1,
                             .session_timeout_ms = 7,
                             .subscription = {},
                             .assignment = {}});
  }
  value.members[2].group_instance_id = "s";
  value.members[3].group_instance_id = "s";
  const ClassicState state = state_of("g", value);
  ASSERT_EQ(state.members.size(), 2U);
  EXPECT_EQ(state.members[0].rebalance_timeout_ms, 7);
  TestGroup test;
  const auto group = ClassicGroup::restore(test.environment(), state);
  EXPECT_EQ(group->members().leader(), "a");
}

TEST(ClassicLog, TombstoneIsOfWhatWasWritten) {
  TestGroup test;
  Effects effects;
  test.group->append_tombstones(effects);
  EXPECT_TRUE(effects.records.empty());
  test.join({});
  test.group->append_tombstones(effects);
  ASSERT_EQ(effects.records.size(), 1U);
  EXPECT_EQ(effects.records[0].key, test.log[0].key);
  EXPECT_FALSE(effects.records[0].value.has_value());
}

TEST(ClassicDescribe, ShowsStateMembersAndWhenStableTheirBytes) {
  TestGroup test;
  EXPECT_EQ(test.group->describe_classic()->group_state, "Empty");
  const auto ids = test.settle({{.protocols = {{"other", "o"}, {"range", "r"}}, .client_id = "app"}, {}});
  auto group = *test.group->describe_classic();
  EXPECT_EQ(group.group_state, "Stable");
  EXPECT_EQ(group.protocol_type, "consumer");
  EXPECT_EQ(group.protocol_data, "range");
  ASSERT_EQ(group.members.size(), 2U);
  EXPECT_EQ(group.members[0].member_id, ids[0]);
  EXPECT_EQ(group.members[0].client_id, "app");
  EXPECT_EQ(group.members[0].client_host, "/127.0.0.1");
  EXPECT_EQ(base::as_text(group.members[0].member_metadata.bytes()), "r");
  EXPECT_EQ(base::as_text(group.members[0].member_assignment.bytes()), ids[0]);
  test.join({.member_id = ids[0]});
  group = *test.group->describe_classic();
  EXPECT_EQ(group.group_state, "PreparingRebalance");
  EXPECT_EQ(group.protocol_data, "");
  EXPECT_TRUE(group.members[0].member_metadata.empty());
  test.join({.member_id = ids[1]});
  EXPECT_EQ(test.group->describe_classic()->group_state, "CompletingRebalance");
}

TEST(ClassicDescribe, GroupWithMembersIsNotDeleted) {
  TestGroup test;
  EXPECT_EQ(test.group->why_not_deleted(), ErrorCode::none);
  test.settle({{}});
  EXPECT_EQ(test.group->why_not_deleted(), ErrorCode::non_empty_group);
}

TEST(ClassicOffsets, AgeFromTheCommitWhereNobodyEverJoined) {
  TestGroup test;
  EXPECT_EQ(test.group->aging(), Group::Aging::from_commit);
}

TEST(ClassicOffsets, OfTopicsSubscribedToDoNotAge) {
  TestGroup test;
  test.settle({{.protocols = {{"range", subscription({"a", "b"})}}}, {.protocols = {{"range", subscription({"c"})}}}});
  EXPECT_EQ(test.group->aging(), Group::Aging::only_unsubscribed);
  for (const char* topic : {"a", "b", "c"}) EXPECT_TRUE(test.group->is_subscribed_to(topic)) << topic;
  EXPECT_FALSE(test.group->is_subscribed_to("d"));
  test.restart();
  EXPECT_TRUE(test.group->is_subscribed_to("c"));
  EXPECT_FALSE(test.group->is_subscribed_to("d"));
}

TEST(ClassicOffsets, DoNotAgeWhileNobodyCanTellTheSubscriptions) {
  TestGroup garbled;
  garbled.settle({{.protocols = {{"range", "no subscription"}}}});
  EXPECT_EQ(garbled.group->aging(), Group::Aging::none);
  EXPECT_TRUE(garbled.group->is_subscribed_to("anything"));
  TestGroup connect;
  connect.settle({{.protocol_type = "connect"}});
  EXPECT_EQ(connect.group->aging(), Group::Aging::none);
  EXPECT_FALSE(connect.group->is_subscribed_to("anything"));
}

TEST(ClassicOffsets, AgeSinceTheGroupIsEmpty) {
  TestGroup test;
  const auto ids = test.settle({{.protocols = {{"range", subscription({"a"})}}}});
  test.advance(5'000);
  const base::TimestampMs left_ms = test.now.wall_ms;
  test.leave({{ids[0], {}, {}}});
  test.advance(5'000);
  EXPECT_EQ(test.group->aging(), Group::Aging::from_empty);
  EXPECT_EQ(test.group->empty_since_ms(), left_ms);
  EXPECT_FALSE(test.group->is_subscribed_to("a"));
  test.restart();
  EXPECT_EQ(test.group->empty_since_ms(), left_ms);
}

TEST(ClassicConversion, ReleaseTellsAllWhoWaitToJoinAgainAndGivesTheState) {
  TestGroup test;
  const auto ids = test.settle({{}, {}});
  Effects effects;
  const Ticket waiting = test.join({.member_id = ids[0]});
  const ClassicState state = test.group->release(effects);
  ASSERT_EQ(effects.replies.size(), 1U);
  EXPECT_EQ(effects.replies[0].ticket, waiting);
  EXPECT_EQ(std::get<protocol::JoinGroupResponse>(effects.replies[0].response).error_code,
            ErrorCode::rebalance_in_progress);
  EXPECT_EQ(state.members.size(), 2U);
  EXPECT_EQ(state.leader, ids[0]);
  EXPECT_TRUE(effects.records.empty());
}

TEST(ClassicConversion, ConvertedGroupIsLoggedAndItsMembersMayBeMadeToRejoin) {
  TestGroup test;
  const auto ids = test.settle({{}, {}});
  const ClassicState state = test.group->state();
  for (const bool rebalance : {false, true}) {
    test.group = ClassicGroup::restore(test.environment(), state);
    Effects effects;
    test.group->converted(test.now, rebalance, effects);
    EXPECT_EQ(effects.records.size(), 1U);
    EXPECT_EQ(test.phase(), rebalance ? Phase::preparing_rebalance : Phase::stable);
    EXPECT_LT(test.group->wake_at_ms(), never);
  }
}

}  // namespace
}  // namespace cms::coordinator
