// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "coordinator/classic/test_group.h"

namespace cms::coordinator {
namespace {

using Phase = ClassicGroup::Phase;

const Joiner static_member{.instance_id = "s"};

TEST(StaticMember, TakesThePlaceOfItsFormerIdWithoutARebalance) {
  TestGroup test;
  const auto ids = test.settle({{}, static_member});
  const std::int32_t generation = test.group->generation();
  const Ticket back = test.join(static_member);
  const auto& answer = test.joined(back);
  EXPECT_EQ(answer.error_code, ErrorCode::none);
  EXPECT_EQ(answer.generation_id, generation);
  EXPECT_NE(answer.member_id, ids[1]);
  EXPECT_EQ(answer.leader, ids[0]);
  EXPECT_FALSE(answer.skip_assignment);
  EXPECT_EQ(test.phase(), Phase::stable);
  EXPECT_EQ(test.assignment(test.sync(answer.member_id, generation, {}, "s")), ids[1]) << "what the former id had";
}

TEST(StaticMember, IsTakenBackAlsoWithOtherMetadataIfTheProtocolStays) {
  TestGroup test;
  test.settle({static_member});
  Joiner changed = static_member;
  changed.protocols = {{"range", "changed"}};
  test.join(changed);
  EXPECT_EQ(test.phase(), Phase::stable);
  EXPECT_EQ(base::as_text(test.logged().members[0].metadata_of("range").span()), "changed");
}

TEST(StaticMember, RebalancesWhenTheProtocolWouldBeAnother) {
  TestGroup test;
  Joiner both = static_member;
  both.protocols = {{"range", ""}, {"sticky", ""}};
  test.settle({both});
  std::swap(both.protocols[0], both.protocols[1]);
  const Ticket back = test.join(both);
  EXPECT_EQ(test.joined(back).generation_id, 2);
  EXPECT_EQ(test.joined(back).protocol_name, "sticky");
}

TEST(StaticMember, FormerIdIsFencedEverywhere) {
  TestGroup test;
  const auto ids = test.settle({static_member});
  test.join(static_member);
  const std::int32_t generation = test.group->generation();
  Joiner former = static_member;
  former.member_id = ids[0];
  EXPECT_EQ(test.joined(test.join(former)).error_code, ErrorCode::fenced_instance_id);
  EXPECT_EQ(test.synced(test.sync(ids[0], generation, {}, "s")).error_code, ErrorCode::fenced_instance_id);
  EXPECT_EQ(test.heartbeat(ids[0], generation, "s"), ErrorCode::fenced_instance_id);
  EXPECT_EQ(test.commit(ids[0], generation, "s"), ErrorCode::fenced_instance_id);
  EXPECT_EQ(test.leave({{ids[0], "s", {}}}).members[0].error_code, ErrorCode::fenced_instance_id);
  EXPECT_EQ(test.heartbeat(ids[0], generation), ErrorCode::unknown_member_id) << "without its instance id";
}

TEST(StaticMember, ThatWaitsIsFencedByAnotherOfTheSameInstance) {
  TestGroup test;
  test.settle({{}});
  const Ticket first = test.join(static_member);
  const Ticket second = test.join(static_member);
  EXPECT_EQ(test.joined(first).error_code, ErrorCode::fenced_instance_id);
  EXPECT_FALSE(test.has_answer(second));
  EXPECT_EQ(test.group->members().size(), 2U);
}

TEST(StaticMember, LeaderThatReturnsIsToldToSkipTheAssignment) {
  TestGroup test;
  test.settle({static_member, {}});
  const Ticket back = test.join(static_member);
  EXPECT_TRUE(test.joined(back).skip_assignment);
  EXPECT_EQ(test.joined(back).leader, test.joined(back).member_id);
  EXPECT_EQ(test.joined(back).members.size(), 2U);
}

TEST(StaticMember, LeaderThatReturnsWithAnOldVersionIsNotToldThatItLeads) {
  TestGroup test;
  const auto ids = test.settle({static_member, {}});
  Joiner old = static_member;
  old.version = 8;
  const Ticket back = test.join(old);
  EXPECT_FALSE(test.joined(back).skip_assignment);
  EXPECT_EQ(test.joined(back).leader, ids[0]);
  EXPECT_TRUE(test.joined(back).members.empty());
  EXPECT_TRUE(test.group->members().is_leader(test.joined(back).member_id));
}

TEST(StaticMember, ThatReturnsWhileTheAssignmentIsAwaitedStartsARebalance) {
  TestGroup test;
  const Ticket first = test.join(static_member);
  const Ticket syncing_too_late = test.join(static_member);
  EXPECT_EQ(test.joined(first).generation_id, 1);
  EXPECT_EQ(test.joined(syncing_too_late).generation_id, 2);
}

TEST(StaticMember, ThatIsAwayStaysThroughARebalance) {
  TestGroup test;
  Joiner away = static_member;
  away.session_timeout_ms = 600'000;
  away.rebalance_timeout_ms = 10'000;
  test.settle({away});
  const Ticket other = test.join_with_id({.session_timeout_ms = 600'000, .rebalance_timeout_ms = 10'000});
  test.advance(10'000);
  EXPECT_EQ(test.joined(other).members.size(), 2U);
  EXPECT_EQ(test.joined(other).leader, test.joined(other).member_id);
  const std::string id = test.joined(other).member_id;
  test.sync(id, test.group->generation(), {{id, "all"}});
  EXPECT_EQ(test.phase(), Phase::stable);
  test.advance(10'000);
  EXPECT_EQ(test.group->members().size(), 1U) << "unless it does not ask for its assignment either";
}

TEST(StaticMember, RebalanceOfNobodyButThoseAwayIsPutOffUntilTheirSessionsEnd) {
  TestGroup test;
  Joiner away = static_member;
  away.rebalance_timeout_ms = 0;
  const auto ids = test.settle({away, {.session_timeout_ms = 6'000, .rebalance_timeout_ms = 0}});
  const std::int32_t generation = test.group->generation();
  test.leave({{ids[1], {}, {}}});
  test.advance(5'000);
  EXPECT_EQ(test.phase(), Phase::preparing_rebalance);
  EXPECT_EQ(test.group->generation(), generation);
  test.advance(6'000);
  EXPECT_TRUE(test.group->is_empty());
}

TEST(StaticMember, ReturnThatCannotBeLoggedChangesNothing) {
  TestGroup test;
  const auto ids = test.settle({static_member});
  const std::size_t records = test.log.size();
  test.options.record_bytes_max = 500;
  Joiner large = static_member;
  large.protocols = {{"range", std::string(1'000, 'x')}};
  EXPECT_EQ(test.joined(test.join(large)).error_code, ErrorCode::unknown_server_error);
  EXPECT_EQ(test.log.size(), records);
  EXPECT_EQ(test.heartbeat(ids[0], test.group->generation(), "s"), ErrorCode::none);
  test.advance(9'999);
  EXPECT_EQ(test.phase(), Phase::stable);
}

TEST(StaticMember, ReturnIsInTheLog) {
  TestGroup test;
  test.settle({static_member});
  const std::string id = test.joined(test.join(static_member)).member_id;
  test.restart();
  EXPECT_EQ(test.heartbeat(id, test.group->generation(), "s"), ErrorCode::none);
}

}  // namespace
}  // namespace cms::coordinator
