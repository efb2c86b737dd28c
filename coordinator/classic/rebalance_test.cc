// SPDX-License-Identifier: Apache-2.0
// SyncGroup, time-outs, what leaves and what stays.
#include <gtest/gtest.h>

#include "coordinator/classic/test_group.h"

namespace cms::coordinator {
namespace {

using Phase = ClassicGroup::Phase;

// Two members that have been told generation 2 and have not synced; the first leads.
struct Completing {
  Completing() {
    ids = test.settle({{}});
    const Ticket joining = test.join_with_id({});
    test.join({.member_id = ids[0]});
    ids.push_back(test.joined(joining).member_id);
    CHECK(test.phase() == Phase::completing_rebalance);
    generation = test.group->generation();
  }
  TestGroup test;
  std::vector<std::string> ids;
  std::int32_t generation = 0;
};

TEST(ClassicSync, WaitsForTheLeadersAndGivesEachItsOwn) {
  Completing at;
  const Ticket follower = at.test.sync(at.ids[1], at.generation);
  EXPECT_FALSE(at.test.has_answer(follower));
  const Ticket leader =
      at.test.sync(at.ids[0], at.generation, {{at.ids[0], "one"}, {at.ids[1], "two"}, {"ghost", "x"}});
  EXPECT_EQ(at.test.assignment(leader), "one");
  EXPECT_EQ(at.test.assignment(follower), "two");
  EXPECT_EQ(at.test.phase(), Phase::stable);
}

TEST(ClassicSync, MemberTheLeaderForgotGetsAnEmptyAssignment) {
  Completing at;
  const Ticket follower = at.test.sync(at.ids[1], at.generation);
  at.test.sync(at.ids[0], at.generation, {{at.ids[0], "one"}});
  EXPECT_EQ(at.test.synced(follower).error_code, ErrorCode::none);
  EXPECT_EQ(at.test.assignment(follower), "");
}

TEST(ClassicSync, InAStableGroupReturnsThePresentAssignment) {
  TestGroup test;
  const auto ids = test.settle({{}, {}});
  EXPECT_EQ(test.assignment(test.sync(ids[1], test.group->generation())), ids[1]);
}

TEST(ClassicSync, DuringTheJoinPhaseSaysRebalanceInProgress) {
  TestGroup test;
  const auto ids = test.settle({{}, {}});
  test.join({.member_id = ids[0]});
  EXPECT_EQ(test.synced(test.sync(ids[1], test.group->generation())).error_code, ErrorCode::rebalance_in_progress);
}

TEST(ClassicSync, WhoWaitsWhenARebalanceBeginsIsToldSo) {
  Completing at;
  const Ticket follower = at.test.sync(at.ids[1], at.generation);
  at.test.join({.version = 3});
  EXPECT_EQ(at.test.synced(follower).error_code, ErrorCode::rebalance_in_progress);
}

TEST(ClassicSync, SecondSyncOfAWaitingMemberTakesThePlaceOfTheFirst) {
  Completing at;
  const Ticket first = at.test.sync(at.ids[1], at.generation);
  const Ticket second = at.test.sync(at.ids[1], at.generation);
  EXPECT_EQ(at.test.synced(first).error_code, ErrorCode::rebalance_in_progress);
  at.test.sync(at.ids[0], at.generation);
  EXPECT_EQ(at.test.synced(second).error_code, ErrorCode::none);
}

TEST(ClassicSync, StrangersAndOtherGenerationsAreRefused) {
  Completing at;
  const auto error = [&](const Ticket ticket) { return at.test.synced(ticket).error_code; };
  EXPECT_EQ(error(at.test.sync("ghost", at.generation)), ErrorCode::unknown_member_id);
  EXPECT_EQ(error(at.test.sync(at.ids[0], at.generation - 1)), ErrorCode::illegal_generation);
  EXPECT_EQ(error(at.test.sync(at.ids[0], at.generation + 1)), ErrorCode::illegal_generation);
  EXPECT_EQ(at.test.phase(), Phase::completing_rebalance);
}

TEST(ClassicSync, FromVersionFiveTypeAndNameMustBeThoseOfTheGroup) {
  TestGroup test;
  const auto ids = test.settle({{}});
  const auto sync = [&](std::optional<std::string> type, std::optional<std::string> name) {
    protocol::SyncGroupRequest request{"group", test.group->generation(), ids[0], {}, type, name, {}};
    return test.synced(test.sync(request, 5)).error_code;
  };
  EXPECT_EQ(sync("consumer", "range"), ErrorCode::none);
  EXPECT_EQ(sync("connect", "range"), ErrorCode::inconsistent_group_protocol);
  EXPECT_EQ(sync("consumer", "sticky"), ErrorCode::inconsistent_group_protocol);
  EXPECT_EQ(sync({}, {}), ErrorCode::inconsistent_group_protocol);
}

TEST(ClassicSync, MemberThatDoesNotSyncInTimeIsDropped) {
  TestGroup test;
  const auto ids = test.settle({{.rebalance_timeout_ms = 20'000}});
  const Ticket joining = test.join_with_id({.session_timeout_ms = 60'000, .rebalance_timeout_ms = 10'000});
  test.join({.member_id = ids[0], .session_timeout_ms = 60'000, .rebalance_timeout_ms = 20'000});
  const std::int32_t generation = test.group->generation();
  test.sync(ids[0], generation, {{ids[0], "all"}});
  EXPECT_EQ(test.phase(), Phase::stable);
  test.advance(19'999);
  EXPECT_EQ(test.phase(), Phase::stable);
  test.advance(1);
  EXPECT_EQ(test.heartbeat(test.joined(joining).member_id, generation), ErrorCode::unknown_member_id);
  EXPECT_EQ(test.heartbeat(ids[0], generation), ErrorCode::rebalance_in_progress);
}

TEST(ClassicSync, AssignmentTooLargeForTheLogIsAnErrorForAllAndTheyRejoin) {
  Completing at;
  at.test.options.record_bytes_max = 2'000;
  const std::size_t records = at.test.log.size();
  const Ticket follower = at.test.sync(at.ids[1], at.generation);
  const Ticket leader = at.test.sync(at.ids[0], at.generation, {{at.ids[0], std::string(2'000, 'x')}});
  EXPECT_EQ(at.test.synced(leader).error_code, ErrorCode::unknown_server_error);
  EXPECT_EQ(at.test.synced(follower).error_code, ErrorCode::unknown_server_error);
  EXPECT_EQ(at.test.log.size(), records);
  EXPECT_EQ(at.test.phase(), Phase::preparing_rebalance);
}

TEST(ClassicRebalance, WaitsForAllToRejoinAndTheGenerationRisesByOne) {
  TestGroup test;
  const auto ids = test.settle({{}, {}, {}});
  const std::int32_t before = test.group->generation();
  const Ticket a = test.join({.member_id = ids[0]});
  const Ticket b = test.join({.member_id = ids[1]});
  EXPECT_FALSE(test.has_answer(a));
  test.join({.member_id = ids[2]});
  EXPECT_EQ(test.joined(a).generation_id, before + 1);
  EXPECT_EQ(test.joined(b).generation_id, before + 1);
}

TEST(ClassicRebalance, DropsThoseMissingAfterTheLargestRebalanceTimeout) {
  TestGroup test;
  const auto ids = test.settle({{.session_timeout_ms = 100'000, .rebalance_timeout_ms = 10'000},
                                {.session_timeout_ms = 100'000, .rebalance_timeout_ms = 30'000}});
  const Ticket ticket = test.join({.member_id = ids[0], .session_timeout_ms = 100'000, .rebalance_timeout_ms = 10'000});
  test.advance(29'999);
  EXPECT_FALSE(test.has_answer(ticket));
  test.advance(1);
  EXPECT_EQ(test.joined(ticket).members.size(), 1U);
  EXPECT_EQ(test.heartbeat(ids[1], test.group->generation()), ErrorCode::unknown_member_id);
}

TEST(ClassicRebalance, VersionZeroWaitsForTheSessionTimeout) {
  TestGroup test;
  const Joiner old{.session_timeout_ms = 8'000, .rebalance_timeout_ms = -1, .version = 0};
  const auto ids = test.settle({old, old});
  Joiner again = old;
  again.member_id = ids[0];
  const Ticket ticket = test.join(again);
  test.advance(7'000);
  test.heartbeat(ids[1], test.group->generation());
  test.advance(1'000);
  EXPECT_EQ(test.joined(ticket).members.size(), 1U);
}

TEST(ClassicRebalance, LeaderKeepsItsPlaceUnlessItIsMissing) {
  TestGroup test;
  const auto ids = test.settle({{}, {}});
  const Ticket b = test.join({.member_id = ids[1], .protocols = {{"range", "other"}}});
  test.join({.member_id = ids[0]});
  EXPECT_EQ(test.joined(b).leader, ids[0]);
  test.leave({{ids[0], {}, {}}});
  const Ticket alone = test.join({.member_id = ids[1]});
  EXPECT_EQ(test.joined(alone).leader, ids[1]);
  EXPECT_EQ(test.joined(alone).members.size(), 1U);
}

TEST(ClassicRebalance, SilentMemberIsRemovedAfterItsSessionAndTheOthersRebalance) {
  TestGroup test;
  const auto ids = test.settle({{}, {.session_timeout_ms = 6'000}});
  test.advance(5'999);
  EXPECT_EQ(test.heartbeat(ids[0], test.group->generation()), ErrorCode::none);
  test.advance(1);
  EXPECT_EQ(test.phase(), Phase::preparing_rebalance);
  EXPECT_EQ(test.heartbeat(ids[1], test.group->generation()), ErrorCode::unknown_member_id);
}

TEST(ClassicRebalance, AnyRequestKeepsAMemberAlive) {
  TestGroup test;
  const auto ids = test.settle({{}, {}});
  const std::int32_t generation = test.group->generation();
  for (int round = 0; round < 4; ++round) {
    test.advance(9'000);
    test.heartbeat(ids[0], generation);
    if (round % 3 == 0) test.join({.member_id = ids[1]});
    if (round % 3 == 1) test.sync(ids[1], generation);
    if (round % 3 == 2) test.commit(ids[1], generation);
    ASSERT_EQ(test.phase(), Phase::stable) << round;
  }
}

TEST(ClassicRebalance, WhoWaitsInJoinOrSyncIsAlive) {
  TestGroup test;
  const auto ids = test.settle({{}, {.session_timeout_ms = 100'000}});
  const Ticket waiting = test.join({.member_id = ids[0]});
  test.advance(30'000);
  EXPECT_FALSE(test.has_answer(waiting));
  test.join({.member_id = ids[1], .session_timeout_ms = 100'000});
  const Ticket joined =
      test.sync(ids[0] == *test.group->members().leader() ? ids[1] : ids[0], test.group->generation());
  test.heartbeat(*test.group->members().leader(), test.group->generation());
  test.advance(9'000);
  EXPECT_FALSE(test.has_answer(joined));
  EXPECT_EQ(test.phase(), Phase::completing_rebalance);
}

TEST(ClassicRebalance, NewMemberWhoseClientGaveUpDoesNotStayForGood) {
  TestGroup test;
  const auto ids = test.settle({{.session_timeout_ms = 1'000'000, .rebalance_timeout_ms = 900'000}});
  const Ticket joining = test.join({.rebalance_timeout_ms = 900'000, .version = 3});
  test.advance(300'000);
  EXPECT_EQ(test.joined(joining).error_code, ErrorCode::unknown_member_id);
  EXPECT_EQ(test.group->members().size(), 1U);
}

TEST(ClassicRebalance, LastMemberLeavingEmptiesTheGroupAndThatIsLogged) {
  TestGroup test;
  const auto ids = test.settle({{}});
  test.now.wall_ms += 5;
  EXPECT_EQ(test.leave({{ids[0], {}, {}}}).members[0].error_code, ErrorCode::none);
  EXPECT_TRUE(test.group->is_empty());
  EXPECT_EQ(test.logged().generation, 2);
  EXPECT_EQ(test.logged().protocol_type, "consumer");
  EXPECT_FALSE(test.logged().protocol_name.has_value());
  EXPECT_EQ(test.logged().since_ms, test.now.wall_ms);
  const Ticket later = test.join_with_id({.protocol_type = "connect"});
  EXPECT_EQ(test.joined(later).generation_id, 3);
}

TEST(ClassicHeartbeat, IsAnsweredByPhaseAndClaim) {
  Completing at;
  EXPECT_EQ(at.test.heartbeat("ghost", at.generation), ErrorCode::unknown_member_id);
  EXPECT_EQ(at.test.heartbeat(at.ids[0], at.generation - 1), ErrorCode::illegal_generation);
  EXPECT_EQ(at.test.heartbeat(at.ids[0], at.generation), ErrorCode::none) << "while the assignment is awaited";
  at.test.join({.version = 3});
  EXPECT_EQ(at.test.heartbeat(at.ids[0], at.generation), ErrorCode::rebalance_in_progress);
}

TEST(ClassicLeave, SeveralMembersLeaveWithAnErrorEach) {
  TestGroup test;
  const auto ids = test.settle({{}, {.instance_id = "s"}, {}});
  const auto response =
      test.leave({{ids[0], {}, {}}, {"", "s", {}}, {"ghost", {}, {}}, {"", "other", {}}, {"", {}, {}}});
  ASSERT_EQ(response.members.size(), 5U);
  EXPECT_EQ(response.error_code, ErrorCode::none);
  EXPECT_EQ(response.members[0].error_code, ErrorCode::none);
  EXPECT_EQ(response.members[1].error_code, ErrorCode::none);
  EXPECT_EQ(response.members[1].group_instance_id, "s");
  for (std::size_t i = 2; i < 5; ++i) EXPECT_EQ(response.members[i].error_code, ErrorCode::unknown_member_id) << i;
  EXPECT_EQ(test.group->members().size(), 1U);
  EXPECT_EQ(test.phase(), Phase::preparing_rebalance);
}

TEST(ClassicLeave, StaticMemberUnderAnotherIdIsFenced) {
  TestGroup test;
  test.settle({{.instance_id = "s"}});
  EXPECT_EQ(test.leave({{"another", "s", {}}}).members[0].error_code, ErrorCode::fenced_instance_id);
  EXPECT_EQ(test.phase(), Phase::stable);
}

TEST(ClassicLeave, OldVersionsHaveOneMemberAndOneError) {
  TestGroup test;
  const auto ids = test.settle({{}});
  EXPECT_EQ(test.leave({"group", "ghost", {}}, 2).error_code, ErrorCode::unknown_member_id);
  EXPECT_EQ(test.leave({"group", ids[0], {}}, 2).error_code, ErrorCode::none);
  EXPECT_TRUE(test.group->is_empty());
}

TEST(ClassicLeave, GivenIdLeavesWithoutDisturbingTheOthers) {
  TestGroup test;
  test.settle({{}});
  const std::string id = test.joined(test.join({})).member_id;
  EXPECT_EQ(test.leave({{id, {}, {}}}).members[0].error_code, ErrorCode::none);
  EXPECT_EQ(test.phase(), Phase::stable);
  EXPECT_EQ(test.joined(test.join({.member_id = id})).error_code, ErrorCode::unknown_member_id);
}

TEST(ClassicLeave, WhoStillWaitsIsToldThatItIsNoMember) {
  Completing at;
  const Ticket syncing = at.test.sync(at.ids[1], at.generation);
  at.test.leave({{at.ids[1], {}, {}}});
  EXPECT_EQ(at.test.synced(syncing).error_code, ErrorCode::unknown_member_id);
  const Ticket joining = at.test.join({.version = 3});
  const std::string id = at.test.group->members().all().rbegin()->first;
  at.test.leave({{id, {}, {}}});
  EXPECT_EQ(at.test.joined(joining).error_code, ErrorCode::unknown_member_id);
}

TEST(ClassicCommit, IsCheckedAsAHeartbeatIs) {
  Completing at;
  EXPECT_EQ(at.test.commit(at.ids[0], at.generation), ErrorCode::rebalance_in_progress);
  at.test.sync(at.ids[0], at.generation);
  EXPECT_EQ(at.test.commit(at.ids[0], at.generation), ErrorCode::none);
  EXPECT_EQ(at.test.commit(at.ids[0], at.generation - 1), ErrorCode::illegal_generation);
  EXPECT_EQ(at.test.commit("ghost", at.generation), ErrorCode::unknown_member_id);
  at.test.join({.member_id = at.ids[0]});
  EXPECT_EQ(at.test.commit(at.ids[1], at.generation), ErrorCode::none) << "before it gives up its partitions";
}

TEST(ClassicCommit, FromOutsideIsTakenOnlyWithoutMembers) {
  TestGroup test;
  EXPECT_EQ(test.commit("", -1), ErrorCode::none);
  EXPECT_EQ(test.commit("", 0), ErrorCode::unknown_member_id);
  const auto ids = test.settle({{}});
  EXPECT_EQ(test.commit("", -1), ErrorCode::unknown_member_id);
  test.leave({{ids[0], {}, {}}});
  EXPECT_EQ(test.commit("", -1), ErrorCode::none);
}

}  // namespace
}  // namespace cms::coordinator
