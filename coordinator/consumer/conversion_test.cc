// SPDX-License-Identifier: Apache-2.0
// Groups between the two protocols, and members of both kinds in one.
#include <algorithm>

#include <gtest/gtest.h>

#include "coordinator/consumer/embedded.h"
#include "coordinator/consumer/test_consumer_group.h"

namespace cms::coordinator {
namespace {

using Group = TestConsumerGroup;
using protocol::ConsumerAssignment;
using protocol::ConsumerSubscription;

// A member on the classic protocol, as a consumer library is one.
struct Classic {
  std::string id;
  std::optional<std::string> instance = {};
  std::int32_t generation = 0;
  std::vector<ConsumerSubscription::TopicPartitions> owned = {};
  base::Bytes metadata = {};  // what the last request refers to

  protocol::JoinGroupRequest joining() {
    ConsumerSubscription subscription;
    subscription.topics = {"orders"};
    subscription.owned_partitions = owned;
    metadata = to_bytes(subscription, 1);
    protocol::JoinGroupRequest request;
    request.group_id = "group";
    request.member_id = id;
    request.group_instance_id = instance;
    request.session_timeout_ms = 10'000;
    request.rebalance_timeout_ms = 60'000;
    request.protocol_type = "consumer";
    request.protocols.push_back({"cooperative-sticky", metadata.span()});
    return request;
  }
  std::size_t count() const { return owned.empty() ? 0 : owned[0].partitions.size(); }
};

// Joins and gets the assignment.
ErrorCode rejoin(Group& g, Classic& member) {
  const protocol::JoinGroupResponse joined = g.join_classic(member.joining());
  if (joined.error_code != ErrorCode::none) return joined.error_code;
  member.id = joined.member_id;
  member.generation = joined.generation_id;
  const protocol::SyncGroupResponse synced = g.sync_classic(member.id, member.generation);
  if (synced.error_code != ErrorCode::none) return synced.error_code;
  ConsumerAssignment assignment;
  EXPECT_TRUE(read(synced.assignment.bytes(), assignment).ok());
  member.owned = assignment.assigned_partitions;
  return ErrorCode::none;
}

// A heartbeat, and what it asks for.
void beat(Group& g, Classic& member) {
  if (g.beat_classic(member.id, member.generation) == ErrorCode::rebalance_in_progress) rejoin(g, member);
}

ClassicState classic_group(const TestCatalog&, std::vector<std::string> ids) {
  ClassicState state;
  state.group_id = "group";
  state.generation = 7;
  state.protocol_type = "consumer";
  state.protocol_name = "cooperative-sticky";
  std::int32_t partition = 0;
  for (const std::string& id : ids) {
    ConsumerSubscription subscription;
    subscription.topics = {"orders"};
    ConsumerAssignment assignment;
    assignment.assigned_partitions = {{.topic = "orders", .partitions = {partition, partition + 1}}};
    partition += 2;
    state.members.push_back({.id = id,
                             .instance_id = {},
                             .client_id = "client",
                             .client_host = "/127.0.0.1",
                             .session_timeout_ms = 10'000,
                             .rebalance_timeout_ms = 60'000,
                             .protocols = {{"cooperative-sticky", to_bytes(subscription, 1)}},
                             .assignment = to_bytes(assignment, 1)});
  }
  return state;
}

// A group of two classic members that a new one joins with the other protocol.
struct Migration {
  Migration() {
    std::unique_ptr<ClassicGroup> classic = ClassicGroup::restore(g.environment, classic_group(g.catalog, {"x", "y"}));
    Effects effects;
    classic->converted(g.now, false, effects);
    auto upgraded = ConsumerGroup::upgrade(*classic, g.environment, g.now, effects);
    g.group = std::get<0>(std::move(upgraded));
    g.log = effects.records;
    for (std::int32_t i : {0, 1}) {
      members[i].generation = 7;
      members[i].owned = {{.topic = "orders", .partitions = {2 * i, 2 * i + 1}}};
    }
  }
  void settle() {
    for (int round = 0; round < 6; ++round) {
      g.beat(newcomer);
      for (Classic& member : members) beat(g, member);
    }
  }

  Group g;
  Classic members[2] = {{.id = "x"}, {.id = "y"}};
  TestConsumer newcomer{"new", {"orders"}};
};

TEST(ConsumerGroupConversion, MembersKeepWhatTheyHaveWhenTheGroupChanges) {  // [semantics 129]
  Migration m;
  EXPECT_EQ(m.g.group->state().epochs().group, 7);
  EXPECT_EQ(m.g.group->state().members().size(), 2U);
  EXPECT_EQ(m.g.group->state_name(), "Stable");
  EXPECT_EQ(m.g.beat_classic("x", 7), ErrorCode::none);
  const auto described = m.g.group->describe_consumer();
  for (const auto& member : described->members) {
    EXPECT_EQ(member.member_type, protocol::ConsumerMemberType::classic);
    EXPECT_EQ(member.assignment.topic_partitions.at(0).partitions.size(), 2U);
  }
  m.g.expect_log_tells_all();
}

TEST(ConsumerGroupConversion, MembersOfBothKindsShareTheTopic) {  // [semantics 129]
  Migration m;
  m.settle();
  const std::size_t counts[] = {partition_count(m.newcomer.assigned), m.members[0].count(), m.members[1].count()};
  EXPECT_EQ(counts[0] + counts[1] + counts[2], 4U);
  EXPECT_TRUE(std::ranges::all_of(counts, [](std::size_t count) { return count > 0; }));
  EXPECT_EQ(m.g.group->state_name(), "Stable");
  m.g.expect_log_tells_all();
}

TEST(ConsumerGroupConversion, AClassicMemberIsToldToJoinAgainWhenItHasToGiveUpOrGets) {
  Migration m;
  m.g.beat(m.newcomer);
  EXPECT_EQ(partition_count(m.newcomer.assigned), 0U);
  EXPECT_EQ(m.g.beat_classic("x", 7), ErrorCode::rebalance_in_progress);
  EXPECT_EQ(m.g.sync_classic("x", 7).error_code, ErrorCode::rebalance_in_progress);
  EXPECT_EQ(m.g.beat_classic("x", 6), ErrorCode::illegal_generation);
  EXPECT_EQ(m.g.beat_classic("z", 7), ErrorCode::unknown_member_id);
  EXPECT_EQ(m.g.beat_classic("new", m.newcomer.epoch), ErrorCode::unknown_member_id);  // of the other kind
}

TEST(ConsumerGroupConversion, AClassicMemberThatDoesNotJoinAgainInTimeIsGone) {
  Migration m;
  m.g.beat(m.newcomer);
  for (int i = 0; i < 60; ++i) {
    m.g.beat_classic("x", 7);
    m.g.beat_classic("y", 7);
    m.g.beat(m.newcomer);
    m.g.pass(1'000);
  }
  EXPECT_EQ(m.g.group->state().members().size(), 1U);
  m.settle();
}

TEST(ConsumerGroupConversion, TheGroupGoesBackWithItsLastMemberOfTheNewKind) {  // [semantics 129]
  Migration m;
  m.settle();
  const std::int32_t epoch = m.g.group->state().epochs().group;
  m.g.beat("new", -1);
  ASSERT_NE(m.g.successor, nullptr);
  EXPECT_EQ(m.g.successor->type_name(), "classic");
  EXPECT_EQ(m.g.successor->state_name(), "PreparingRebalance");
  auto& classic = dynamic_cast<ClassicGroup&>(*m.g.successor);
  EXPECT_EQ(classic.generation(), epoch);
  EXPECT_EQ(classic.members().size(), 2U);
  EXPECT_EQ(classic.protocol_name(), "cooperative-sticky");
  EXPECT_TRUE(Group::read_again(m.g.environment, m.g.log)->is_unused());
}

TEST(ConsumerGroupConversion, TheGroupStaysIfItMayNotGoBack) {
  Migration m;
  m.g.options.consumer.migration = MigrationPolicy::upgrade;
  m.settle();
  m.g.beat("new", -1);
  EXPECT_EQ(m.g.successor, nullptr);
  EXPECT_EQ(m.g.group->state().members().size(), 2U);
  for (int round = 0; round < 4; ++round)
    for (Classic& member : m.members) rejoin(m.g, member);
  EXPECT_EQ(m.members[0].count() + m.members[1].count(), 4U);
}

TEST(ConsumerGroupConversion, AClassicStaticMemberMayTakeTheLastPlaceOfTheNewKind) {
  Migration m;
  HeartbeatRequest request = m.g.joining("static", {"orders"});
  request.instance_id = "i";
  m.g.heartbeat(request);
  Classic replacement{.id = "", .instance = "i"};
  const protocol::JoinGroupResponse joined = m.g.join_classic(replacement.joining());
  EXPECT_EQ(joined.error_code, ErrorCode::none);
  ASSERT_NE(m.g.successor, nullptr);
  auto& classic = dynamic_cast<ClassicGroup&>(*m.g.successor);
  EXPECT_EQ(classic.members().size(), 3U);
  EXPECT_NE(classic.members().find(joined.member_id), nullptr);
  EXPECT_EQ(classic.generation(), joined.generation_id);
  EXPECT_EQ(classic.state_name(), "Stable");
}

TEST(ConsumerGroupConversion, AMemberMayChangeItsOwnKind) {
  Migration m;
  m.settle();
  const HeartbeatAnswer answer = m.g.join("x");
  EXPECT_EQ(answer.error_code, ErrorCode::none);
  EXPECT_FALSE(m.g.member("x").is_classic());
  EXPECT_EQ(m.g.group->state().classic_count(), 1U);
  m.g.expect_log_tells_all();
}

TEST(ConsumerGroupConversion, AClassicMemberMayJoinAConsumerGroup) {
  Group g;
  TestConsumer a{"a", {"orders"}};
  g.beat(a);
  Classic member{.id = ""};
  const protocol::JoinGroupResponse asked = g.join_classic(member.joining());
  EXPECT_EQ(asked.error_code, ErrorCode::member_id_required);
  member.id = asked.member_id;
  EXPECT_EQ(rejoin(g, member), ErrorCode::none);
  for (int round = 0; round < 4; ++round) {
    g.beat(a);
    beat(g, member);
  }
  EXPECT_EQ(partition_count(a.assigned), 2U);
  EXPECT_EQ(member.count(), 2U);
  g.expect_log_tells_all();
  g.options.consumer.migration = MigrationPolicy::disabled;
  EXPECT_EQ(g.join_classic(member.joining()).error_code, ErrorCode::inconsistent_group_protocol);
}

TEST(ConsumerGroupConversion, AClassicMemberNeedsAProtocolThatTheOthersShare) {
  Migration m;
  Classic member{.id = "z"};
  protocol::JoinGroupRequest request = member.joining();
  request.protocols[0].name = "another";
  EXPECT_EQ(m.g.join_classic(request).error_code, ErrorCode::inconsistent_group_protocol);
  request.protocols[0].name = "cooperative-sticky";
  request.protocol_type = "connect";
  EXPECT_EQ(m.g.join_classic(request).error_code, ErrorCode::inconsistent_group_protocol);
  request.protocol_type = "consumer";
  request.protocols[0].metadata = base::as_bytes("garbage");
  EXPECT_EQ(m.g.join_classic(request).error_code, ErrorCode::unknown_server_error);
}

TEST(ConsumerGroupConversion, ClassicMembersLeaveByIdOrInstance) {
  Migration m;
  m.settle();
  const protocol::LeaveGroupResponse response =
      m.g.leave_classic({{.member_id = "x", .group_instance_id = {}, .reason = {}},
                         {.member_id = "nobody", .group_instance_id = {}, .reason = {}},
                         {.member_id = "", .group_instance_id = "nothing", .reason = {}}});
  EXPECT_EQ(response.error_code, ErrorCode::none);
  EXPECT_EQ(response.members[0].error_code, ErrorCode::none);
  EXPECT_EQ(response.members[1].error_code, ErrorCode::unknown_member_id);
  EXPECT_EQ(response.members[2].error_code, ErrorCode::unknown_member_id);
  EXPECT_EQ(m.g.group->state().members().size(), 2U);
  m.g.expect_log_tells_all();
}

TEST(ConsumerGroupConversion, AGroupThatCannotBeConvertedStaysAsItIs) {
  Group g;
  const auto why = [&](ClassicState state) {
    std::unique_ptr<ClassicGroup> classic = ClassicGroup::restore(g.environment, std::move(state));
    Effects effects;
    const auto result = ConsumerGroup::upgrade(*classic, g.environment, g.now, effects);
    EXPECT_TRUE(effects.records.empty());
    EXPECT_FALSE(classic->is_empty());
    const HeartbeatAnswer* refused = std::get_if<HeartbeatAnswer>(&result);
    EXPECT_TRUE(refused && refused->error_code == ErrorCode::group_id_not_found);
    return refused ? refused->error_message.value_or("") : "";
  };
  const std::string begin = "Cannot upgrade classic group group to consumer group because ";

  ClassicState state = classic_group(g.catalog, {"x"});
  state.protocol_type = "connect";
  EXPECT_EQ(why(state), begin + "the group does not use the consumer embedded protocol.");
  state = classic_group(g.catalog, {"x"});
  state.members[0].protocols[0].metadata = base::Bytes::copy_of("x");
  EXPECT_EQ(why(state), begin + "the embedded consumer protocol is malformed.");
  state = classic_group(g.catalog, {"x"});
  ConsumerAssignment assignment;
  assignment.user_data = protocol::SharedBytes(base::Bytes::copy_of("mine"));
  state.members[0].assignment = to_bytes(assignment, 1);
  EXPECT_EQ(why(state), begin +
                            "an unsupported custom assignor is in use. Please refer to the documentation or "
                            "switch to a default assignor before re-attempting the upgrade.");
  g.options.consumer.migration = MigrationPolicy::downgrade;
  EXPECT_EQ(why(classic_group(g.catalog, {"x"})), begin + "online upgrade is disabled.");
}

TEST(ConsumerGroupConversion, AnEmptyClassicGroupIsAlwaysReplaced) {
  Group g;
  g.options.consumer.migration = MigrationPolicy::disabled;
  ClassicState state;
  state.group_id = "group";
  state.generation = 3;
  std::unique_ptr<ClassicGroup> classic = ClassicGroup::restore(g.environment, std::move(state));
  Effects effects;
  auto result = ConsumerGroup::upgrade(*classic, g.environment, g.now, effects);
  ASSERT_EQ(result.index(), 0U);
  EXPECT_TRUE(std::get<0>(result)->is_unused());
  ASSERT_EQ(effects.records.size(), 1U);
  EXPECT_FALSE(effects.records[0].value);
}

}  // namespace
}  // namespace cms::coordinator
