// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "coordinator/classic/test_group.h"

namespace cms::coordinator {
namespace {

using Phase = ClassicGroup::Phase;

TEST(ClassicJoin, SessionTimeoutOutOfRangeIsRefused) {
  TestGroup test;
  const Ticket low = test.join({.session_timeout_ms = 5'999});
  const Ticket high = test.join({.session_timeout_ms = 1'800'001});
  EXPECT_EQ(test.joined(low).error_code, ErrorCode::invalid_session_timeout);
  EXPECT_EQ(test.joined(high).error_code, ErrorCode::invalid_session_timeout);
  EXPECT_TRUE(test.group->is_empty());
}

TEST(ClassicJoin, EmptyGroupIdIsRefused) {
  protocol::JoinGroupRequest request;
  request.session_timeout_ms = 10'000;
  EXPECT_EQ(check_join({}, request), ErrorCode::invalid_group_id);
  request.group_id = "g";
  EXPECT_EQ(check_join({}, request), ErrorCode::none);
}

TEST(ClassicJoin, UnknownMemberIdIsRefusedAndSaidBack) {
  TestGroup test;
  const Ticket ticket = test.join({.member_id = "ghost"});
  EXPECT_EQ(test.joined(ticket).error_code, ErrorCode::unknown_member_id);
  EXPECT_EQ(test.joined(ticket).member_id, "ghost");
  EXPECT_EQ(test.joined(ticket).generation_id, -1);
}

TEST(ClassicJoin, MemberMustComeBackWithTheIdItIsGiven) {
  TestGroup test;
  const Ticket first = test.join({.client_id = "app"});
  EXPECT_EQ(test.joined(first).error_code, ErrorCode::member_id_required);
  EXPECT_EQ(test.joined(first).member_id, "app-uuid-1");
  const Ticket second = test.join({.member_id = "app-uuid-1"});
  EXPECT_EQ(test.joined(second).error_code, ErrorCode::none);
  EXPECT_EQ(test.joined(second).generation_id, 1);
  EXPECT_EQ(test.joined(second).leader, "app-uuid-1");
}

TEST(ClassicJoin, OldVersionsAndStaticMembersAreTakenAtOnce) {
  for (const protocol::Version version : {0, 1, 2, 3}) {
    TestGroup test;
    EXPECT_EQ(test.joined(test.join({.version = version})).error_code, ErrorCode::none) << version;
  }
  TestGroup test;
  const Ticket ticket = test.join({.instance_id = "rack1"});
  EXPECT_EQ(test.joined(ticket).error_code, ErrorCode::none);
  EXPECT_EQ(test.joined(ticket).member_id, "rack1-uuid-1");
}

TEST(ClassicJoin, GivenIdExpiresAfterTheSessionTimeout) {
  TestGroup test;
  const std::string id = test.joined(test.join({.session_timeout_ms = 6'000})).member_id;
  test.advance(6'000);
  EXPECT_EQ(test.joined(test.join({.member_id = id})).error_code, ErrorCode::unknown_member_id);
}

TEST(ClassicJoin, MemberYetToComeIsWaitedForInARebalance) {
  TestGroup test;
  const auto ids = test.settle({{}});
  const Ticket given = test.join({.session_timeout_ms = 20'000});
  const Ticket leader = test.join({.member_id = ids[0]});
  EXPECT_FALSE(test.has_answer(leader));
  test.advance(20'000);
  EXPECT_TRUE(test.has_answer(given));
  EXPECT_EQ(test.joined(leader).generation_id, 2);
}

TEST(ClassicJoin, IdsGivenOutInALoopTakeABoundedAmountOfMemory) {
  TestGroup test;
  const std::string long_id(30'000, 'x');
  const std::string first = test.joined(test.join({.client_id = "a" + long_id})).member_id;
  for (int i = 0; i < 1'000; ++i) test.join({.client_id = "b" + long_id});
  const Ticket late = test.join({.member_id = first});
  EXPECT_EQ(test.joined(late).error_code, ErrorCode::unknown_member_id);
}

TEST(ClassicJoin, EmptyGroupWaitsForMoreMembersProlongedUpToTheRebalanceTimeout) {
  TestGroup test({.initial_rebalance_delay_ms = 3'000});
  const Ticket first = test.join({.rebalance_timeout_ms = 7'000, .version = 3});
  test.advance(2'000);
  test.join({.rebalance_timeout_ms = 7'000, .version = 3});
  test.advance(1'000);
  EXPECT_FALSE(test.has_answer(first)) << "the second member prolongs the delay";
  test.join({.rebalance_timeout_ms = 7'000, .version = 3});
  test.advance(3'000);
  EXPECT_FALSE(test.has_answer(first)) << "and the third";
  test.join({.rebalance_timeout_ms = 7'000, .version = 3});
  test.advance(999);
  EXPECT_FALSE(test.has_answer(first));
  test.advance(1);
  EXPECT_EQ(test.joined(first).members.size(), 4U);
}

TEST(ClassicJoin, EmptyGroupWaitsOnceWhenNobodyElseComes) {
  TestGroup test({.initial_rebalance_delay_ms = 3'000});
  const Ticket ticket = test.join({.version = 3});
  test.advance(2'999);
  EXPECT_FALSE(test.has_answer(ticket));
  test.advance(1);
  EXPECT_EQ(test.joined(ticket).generation_id, 1);
}

TEST(ClassicJoin, LeaderGetsAllMembersWithTheirMetadataTheOthersNone) {
  TestGroup test({.initial_rebalance_delay_ms = 100});
  const Ticket a = test.join({.protocols = {{"range", "a's"}}, .version = 3});
  const Ticket b = test.join({.protocols = {{"range", "b's"}}, .version = 3});
  test.advance(300);
  ASSERT_EQ(test.joined(a).members.size(), 2U);
  EXPECT_EQ(test.joined(a).leader, test.joined(a).member_id);
  EXPECT_EQ(base::as_text(test.joined(a).members[0].metadata.bytes()), "a's");
  EXPECT_EQ(base::as_text(test.joined(a).members[1].metadata.bytes()), "b's");
  EXPECT_TRUE(test.joined(b).members.empty());
  EXPECT_EQ(test.joined(b).leader, test.joined(a).member_id);
}

TEST(ClassicJoin, ProtocolOfAllMembersWithTheMostVotesIsChosen) {
  TestGroup test({.initial_rebalance_delay_ms = 100});
  const auto offering = [](std::vector<std::string> names) {
    Joiner joiner{.version = 3};
    joiner.protocols.clear();
    for (std::string& name : names) joiner.protocols.emplace_back(std::move(name), "");
    return joiner;
  };
  const Ticket ticket = test.join(offering({"only-one-has-it", "range", "sticky"}));
  test.join(offering({"sticky", "range"}));
  test.join(offering({"sticky", "range"}));
  test.advance(1'000);
  EXPECT_EQ(test.joined(ticket).protocol_name, "sticky");
}

TEST(ClassicJoin, ProtocolNamedTwiceByOneMemberCountsOnce) {
  TestGroup test({.initial_rebalance_delay_ms = 100});
  test.join({.protocols = {{"range", ""}, {"range", ""}}, .version = 3});
  const Ticket other = test.join({.protocols = {{"sticky", ""}}, .version = 3});
  EXPECT_EQ(test.joined(other).error_code, ErrorCode::inconsistent_group_protocol);
}

TEST(ClassicJoin, NoCommonProtocolOrAnotherTypeIsRefused) {
  TestGroup test;
  test.settle({{}});
  for (const Joiner& joiner :
       {Joiner{.protocols = {{"other", ""}}}, Joiner{.protocols = {}}, Joiner{.protocol_type = "connect"},
        Joiner{.member_id = "g", .protocols = {{"x", ""}}}}) {
    EXPECT_EQ(test.joined(test.join(joiner)).error_code, ErrorCode::inconsistent_group_protocol);
  }
  EXPECT_EQ(test.phase(), Phase::stable);
}

TEST(ClassicJoin, FirstMemberMustNameATypeAndAProtocol) {
  TestGroup test;
  EXPECT_EQ(test.joined(test.join({.protocols = {}})).error_code, ErrorCode::inconsistent_group_protocol);
  EXPECT_EQ(test.joined(test.join({.protocol_type = ""})).error_code, ErrorCode::inconsistent_group_protocol);
}

TEST(ClassicJoin, AnyProtocolTypeIsServedAndItsBytesAreLeftAlone) {
  TestGroup test;
  const std::string bytes("\0\xff not a subscription", 20);
  const Ticket ticket = test.join_with_id({.protocols = {{"v0", bytes}}, .protocol_type = "sr"});
  EXPECT_EQ(test.joined(ticket).protocol_type, "sr");
  EXPECT_EQ(base::as_text(test.joined(ticket).members[0].metadata.bytes()), bytes);
}

TEST(ClassicJoin, RejoinOfTheLeaderStartsARebalance) {
  TestGroup test;
  const auto ids = test.settle({{}, {}});
  test.join({.member_id = ids[0]});
  EXPECT_EQ(test.phase(), Phase::preparing_rebalance);
  EXPECT_EQ(test.heartbeat(ids[1], test.group->generation()), ErrorCode::rebalance_in_progress);
}

TEST(ClassicJoin, RejoinOfAFollowerWithTheSameMetadataIsAnsweredWithThePresentGeneration) {
  TestGroup test;
  const auto ids = test.settle({{}, {}});
  const Ticket ticket = test.join({.member_id = ids[1]});
  EXPECT_EQ(test.joined(ticket).generation_id, test.group->generation());
  EXPECT_EQ(test.joined(ticket).leader, ids[0]);
  EXPECT_EQ(test.phase(), Phase::stable);
}

TEST(ClassicJoin, RejoinOfAFollowerWithOtherMetadataStartsARebalance) {
  TestGroup test;
  const auto ids = test.settle({{}, {}});
  test.join({.member_id = ids[1], .protocols = {{"range", "other"}}});
  EXPECT_EQ(test.phase(), Phase::preparing_rebalance);
}

TEST(ClassicJoin, LostAnswerOfAJoinIsRepeatedWhileTheAssignmentIsAwaited) {
  TestGroup test;
  const Ticket lost = test.join_with_id({});
  const std::string id = test.joined(lost).member_id;
  const Ticket again = test.join({.member_id = id});
  EXPECT_EQ(test.joined(again).generation_id, 1);
  EXPECT_EQ(test.joined(again).members.size(), 1U);
  EXPECT_EQ(test.phase(), Phase::completing_rebalance);
}

TEST(ClassicJoin, SecondJoinOfAWaitingMemberTakesThePlaceOfTheFirst) {
  TestGroup test;
  const auto ids = test.settle({{}, {}});
  const Ticket first = test.join({.member_id = ids[0]});
  const Ticket second = test.join({.member_id = ids[0]});
  EXPECT_EQ(test.joined(first).error_code, ErrorCode::rebalance_in_progress);
  EXPECT_FALSE(test.has_answer(second));
  test.join({.member_id = ids[1]});
  EXPECT_EQ(test.joined(second).error_code, ErrorCode::none);
}

TEST(ClassicJoin, FullGroupRefusesOneMore) {
  TestGroup test({.initial_rebalance_delay_ms = 0, .members_max = 2});
  const auto ids = test.settle({{}, {}});
  EXPECT_EQ(test.joined(test.join({})).error_code, ErrorCode::group_max_size_reached);
  EXPECT_EQ(test.joined(test.join({})).member_id, "");
  EXPECT_EQ(test.joined(test.join({.member_id = ids[1]})).error_code, ErrorCode::none);
}

TEST(ClassicJoin, GroupOverALoweredLimitRebalancesAndTheLastToRejoinGo) {
  TestGroup test;
  const auto ids = test.settle({{}, {}, {}});
  test.options.classic.members_max = 2;
  test.restart();
  EXPECT_EQ(test.phase(), Phase::preparing_rebalance);
  const Ticket a = test.join({.member_id = ids[2]});
  const Ticket b = test.join({.member_id = ids[1]});
  const Ticket c = test.join({.member_id = ids[0]});
  EXPECT_EQ(test.joined(c).error_code, ErrorCode::group_max_size_reached);
  EXPECT_EQ(test.joined(a).error_code, ErrorCode::none);
  EXPECT_EQ(test.joined(b).error_code, ErrorCode::none);
}

TEST(ClassicJoin, FirstStepOfANewGroupIsLoggedAndRestoresAsEmpty) {
  TestGroup test({.initial_rebalance_delay_ms = 3'000});
  test.join({.instance_id = "s"});
  ASSERT_EQ(test.log.size(), 1U);
  EXPECT_TRUE(test.logged().members.empty());
  EXPECT_EQ(test.logged().generation, 0);
  EXPECT_FALSE(test.logged().protocol_type.has_value());
  test.join({});
  EXPECT_EQ(test.log.size(), 1U);
}

TEST(ClassicJoin, HundredMembersSettleOneRoundTripAfterTheLast) {
  TestGroup test({.initial_rebalance_delay_ms = 1'000});
  std::vector<Ticket> tickets;
  for (int i = 0; i < 100; ++i) tickets.push_back(test.join({.version = 3}));
  test.advance(2'000);
  std::vector<Ticket> syncs;
  for (const Ticket ticket : tickets) {
    ASSERT_TRUE(test.has_answer(ticket));
    const auto& answer = test.joined(ticket);
    TestGroup::Assignments assignments;
    if (answer.leader == answer.member_id) {
      for (const auto& member : answer.members) assignments[member.member_id] = member.member_id;
    }
    syncs.push_back(test.sync(answer.member_id, answer.generation_id, assignments));
  }
  for (std::size_t i = 0; i < syncs.size(); ++i)
    EXPECT_EQ(test.assignment(syncs[i]), test.joined(tickets[i]).member_id);
  EXPECT_EQ(test.phase(), Phase::stable);
}

}  // namespace
}  // namespace cms::coordinator
