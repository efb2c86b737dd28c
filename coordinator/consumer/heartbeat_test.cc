// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <gtest/gtest.h>

#include "coordinator/consumer/test_consumer_group.h"

namespace cms::coordinator {
namespace {

using Group = TestConsumerGroup;

TEST(ConsumerGroupHeartbeat, TheFirstMemberGetsEveryPartitionAtOnce) {  // [semantics 125]
  Group g;
  const HeartbeatAnswer answer = g.join("a");
  EXPECT_EQ(answer.error_code, ErrorCode::none);
  EXPECT_EQ(answer.member_id, "a");
  EXPECT_EQ(answer.member_epoch, 2);
  ASSERT_TRUE(answer.assignment);
  ASSERT_EQ(answer.assignment->topic_partitions.size(), 1U);
  EXPECT_EQ(answer.assignment->topic_partitions[0].topic_id, g.catalog.id("orders"));
  EXPECT_EQ(answer.assignment->topic_partitions[0].partitions, (std::vector<std::int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(g.group->state_name(), "Stable");
  g.expect_log_tells_all();
}

TEST(ConsumerGroupHeartbeat, WhoIsSubscribedToNothingNeedsNoNewEpoch) {
  Group g;
  const HeartbeatAnswer answer = g.join("a", {});
  EXPECT_EQ(answer.member_epoch, 1);
  EXPECT_EQ(partition_count(*answer.assignment), 0U);
  EXPECT_EQ(g.beat("a", 1).error_code, ErrorCode::none);
  g.expect_log_tells_all();
}

TEST(ConsumerGroupHeartbeat, RecordsComeInTheOrderKafkaWritesThem) {
  Group g;
  g.join("a");
  std::vector<std::int16_t> types;
  for (const LogRecord& record : g.log)
    types.push_back(static_cast<std::int16_t>(record.key[0] << 8 | static_cast<unsigned char>(record.key[1])));
  EXPECT_EQ(types, (std::vector<std::int16_t>{5, 3, 7, 6, 8}));
}

TEST(ConsumerGroupHeartbeat, Version0IsGivenAMemberId) {  // [semantics 125]
  Group g;
  const HeartbeatAnswer answer = g.heartbeat(g.joining("", {"orders"}), 0);
  EXPECT_EQ(answer.error_code, ErrorCode::none);
  EXPECT_EQ(answer.member_id, "made-up-1");
  EXPECT_EQ(g.heartbeat(g.joining("", {"orders"}), 1).error_message, "MemberId can't be empty.");
}

TEST(ConsumerGroupHeartbeat, TheAssignmentIsSentOnlyWhenItChanged) {  // [semantics 127]
  Group g;
  g.join("a");
  const std::size_t records = g.log.size();
  const HeartbeatAnswer answer = g.beat("a", 2);
  EXPECT_EQ(answer.error_code, ErrorCode::none);
  EXPECT_FALSE(answer.assignment);
  EXPECT_EQ(answer.heartbeat_interval_ms, 5'000);
  EXPECT_EQ(g.log.size(), records);
  g.config.heartbeat_interval_ms = 7'000;
  EXPECT_EQ(g.beat("a", 2).heartbeat_interval_ms, 7'000);
}

TEST(ConsumerGroupHeartbeat, AFullRequestIsAnsweredWithTheAssignment) {
  Group g;
  const HeartbeatAnswer joined = g.join("a");
  HeartbeatRequest request = g.joining("a", {"orders"});
  request.member_epoch = 2;
  request.topic_partitions = owned(*joined.assignment);
  const HeartbeatAnswer answer = g.heartbeat(request);
  EXPECT_EQ(answer.member_epoch, 2);
  ASSERT_TRUE(answer.assignment);
  EXPECT_EQ(*answer.assignment, *joined.assignment);
}

TEST(ConsumerGroupHeartbeat, FieldsThatAreNullStayAsTheyWere) {  // [semantics 127]
  Group g;
  HeartbeatRequest request = g.joining("a", {"orders"});
  request.rack_id = "rack-1";
  request.server_assignor = "range";
  g.heartbeat(request);
  g.client_id = "another";
  g.beat("a", 2);
  const MemberMetadata& metadata = *g.member("a").metadata;
  EXPECT_EQ(metadata.client_id, "another");
  EXPECT_EQ(metadata.rack_id, "rack-1");
  EXPECT_EQ(metadata.server_assignor, "range");
  EXPECT_EQ(metadata.rebalance_timeout_ms, 60'000);
  EXPECT_EQ(metadata.subscribed_topic_names, std::vector<std::string>{"orders"});
  EXPECT_EQ(g.group->describe_consumer()->assignor_name, "range");
  g.expect_log_tells_all();
}

TEST(ConsumerGroupHeartbeat, APartitionIsGivenOnlyAfterItsOwnerHasGivenItUp) {  // [semantics 126]
  Group g;
  const HeartbeatAnswer first = g.join("a");
  HeartbeatAnswer second = g.join("b");
  EXPECT_EQ(second.member_epoch, 3);
  EXPECT_EQ(partition_count(*second.assignment), 0U);
  EXPECT_EQ(g.group->state_name(), "Reconciling");

  HeartbeatAnswer asked = g.beat("a", 2, owned(*first.assignment));
  EXPECT_EQ(asked.member_epoch, 2);
  ASSERT_TRUE(asked.assignment);
  EXPECT_EQ(partition_count(*asked.assignment), 2U);
  EXPECT_FALSE(g.beat("b", 3).assignment);  // nothing is free yet

  asked = g.beat("a", 2, owned(*asked.assignment));
  EXPECT_EQ(asked.member_epoch, 3);
  EXPECT_FALSE(asked.assignment);
  second = g.beat("b", 3);
  ASSERT_TRUE(second.assignment);
  EXPECT_EQ(partition_count(*second.assignment), 2U);
  EXPECT_EQ(g.group->state_name(), "Stable");
  g.expect_log_tells_all();
}

TEST(ConsumerGroupHeartbeat, AMemberWithAnotherEpochIsFenced) {  // [semantics 128]
  Group g;
  TestConsumer a{"a", {"orders"}};
  TestConsumer b{"b", {"orders"}};
  g.settle({&a, &b});
  EXPECT_EQ(a.epoch, 3);
  const HeartbeatAnswer newer = g.beat("a", 4, Reported{});
  EXPECT_EQ(newer.error_code, ErrorCode::fenced_member_epoch);
  EXPECT_EQ(newer.error_message,
            "The consumer group member has a greater member epoch (4) than the one known by the group coordinator (3). "
            "The member must abandon all its partitions and rejoin.");
  g.beat("b", -1);
  g.beat(a);
  g.join("c");
  g.beat(a);
  EXPECT_EQ(g.beat("a", 2, Reported{}).error_code, ErrorCode::fenced_member_epoch);
}

TEST(ConsumerGroupHeartbeat, AMemberThatMissedAResponseMayComeWithThePreviousEpoch) {  // [semantics 128]
  Group g;
  TestConsumer a{"a", {"orders"}};
  g.beat(a);
  g.catalog.put("orders", 5);
  const HeartbeatAnswer lost = g.beat("a", 2, owned(a.assigned));
  EXPECT_EQ(lost.member_epoch, 3);
  EXPECT_EQ(g.beat("a", 2).error_code, ErrorCode::fenced_member_epoch);  // it does not say what it has
  EXPECT_EQ(g.beat("a", 2, Reported{{g.catalog.id("payments"), {0}}}).error_code, ErrorCode::fenced_member_epoch);
  const HeartbeatAnswer again = g.beat("a", 2, owned(a.assigned));
  EXPECT_EQ(again.error_code, ErrorCode::none);
  EXPECT_EQ(again.member_epoch, 3);
}

TEST(ConsumerGroupHeartbeat, AMemberMayStartOverWithEpoch0) {
  Group g;
  TestConsumer a{"a", {"orders"}};
  TestConsumer b{"b", {"orders"}};
  g.settle({&a, &b});
  const HeartbeatAnswer answer = g.join("a");
  EXPECT_EQ(answer.member_epoch, 3);
  EXPECT_EQ(partition_count(*answer.assignment), 2U);
}

TEST(ConsumerGroupHeartbeat, TheMembersVoteForAnAssignor) {
  Group g;
  for (const std::string id : {"a", "b", "c"}) {
    HeartbeatRequest request = g.joining(id, {"orders"});
    if (id != "a") request.server_assignor = "range";
    g.heartbeat(request);
  }
  EXPECT_EQ(g.group->describe_consumer()->assignor_name, "range");
}

TEST(ConsumerGroupHeartbeat, AssignmentsAreComputedAtMostOnceInAnInterval) {
  Group g;
  g.options.consumer.assignment_interval_ms = 1'000;
  TestConsumer a{"a", {"orders"}};
  TestConsumer b{"b", {"orders"}};
  g.beat(a);
  g.pass(500);
  g.beat(b);
  EXPECT_EQ(g.group->state_name(), "Assigning");
  EXPECT_EQ(b.epoch, 2);
  EXPECT_EQ(partition_count(b.assigned), 0U);
  g.beat(a);
  EXPECT_EQ(partition_count(a.assigned), 4U);
  g.pass(500);
  g.settle({&a, &b});
  EXPECT_EQ(partition_count(a.assigned), 2U);
  EXPECT_EQ(partition_count(b.assigned), 2U);
  g.catalog.put("orders", 6);
  g.now.wall_ms -= 3'600'000;  // a clock that is set back does not stop assignments
  g.settle({&a, &b});
  EXPECT_EQ(partition_count(a.assigned) + partition_count(b.assigned), 6U);
}

TEST(ConsumerGroupHeartbeat, ATopicThatGrowsOrGoesIsSeenByTheNextHeartbeat) {
  Group g;
  TestConsumer a{"a", {"orders", "payments"}};
  g.beat(a);
  EXPECT_EQ(partition_count(a.assigned), 6U);
  g.catalog.put("orders", 7);
  g.beat(a);
  EXPECT_EQ(partition_count(a.assigned), 9U);
  EXPECT_EQ(a.epoch, 3);
  g.catalog.remove("payments");
  g.settle({&a});
  EXPECT_EQ(partition_count(a.assigned), 7U);
  g.catalog.put("unrelated", 1);
  const std::int32_t epoch = a.epoch;
  g.beat(a);
  EXPECT_EQ(a.epoch, epoch);
  g.expect_log_tells_all();
}

TEST(ConsumerGroupHeartbeat, ATopicThatIsNotThereYetIsAssignedWhenItIs) {
  Group g;
  TestConsumer a{"a", {"later"}};
  g.beat(a);
  EXPECT_EQ(partition_count(a.assigned), 0U);
  EXPECT_TRUE(g.group->is_subscribed_to("later"));
  g.catalog.put("later", 3);
  g.beat(a);
  EXPECT_EQ(partition_count(a.assigned), 3U);
}

TEST(ConsumerGroupHeartbeat, WhatAMemberIsNoLongerSubscribedToGoesAtOnce) {
  Group g;
  g.options.consumer.assignment_interval_ms = 1'000;
  TestConsumer a{"a", {"orders", "payments"}};
  g.beat(a);
  HeartbeatRequest request = g.beating("a", 2, owned(a.assigned));
  request.subscribed_topic_names = std::vector<std::string>{"payments"};
  const HeartbeatAnswer answer = g.heartbeat(request);
  EXPECT_EQ(answer.member_epoch, 2);  // there is no new target yet
  ASSERT_TRUE(answer.assignment);
  EXPECT_EQ(partition_count(*answer.assignment), 2U);
}

TEST(ConsumerGroupHeartbeat, AfterTheLogIsReadMembersHaveAWholeSessionToBeHeardOf) {  // [semantics 123]
  Group g;
  TestConsumer a{"a", {"orders"}};
  g.beat(a);
  g.group = Group::read_again(g.environment, g.log);
  g.now.steady_ms = 5;
  Effects effects;
  g.group->loaded(g.now, effects);
  EXPECT_EQ(g.group->wake_at_ms(), 45'005);
  EXPECT_EQ(g.beat(a).error_code, ErrorCode::none);
  EXPECT_EQ(a.epoch, 2);
}

TEST(ConsumerGroupHeartbeat, ABuriedGroupLeavesNothingInTheLog) {
  Group g;
  HeartbeatRequest request = g.joining("a", {"orders"});
  request.subscribed_topic_regex = "pay.*";
  g.heartbeat(request);
  EXPECT_EQ(g.group->why_not_deleted(), ErrorCode::non_empty_group);
  g.beat("a", -1);
  EXPECT_EQ(g.group->why_not_deleted(), ErrorCode::none);
  Effects effects;
  g.group->append_tombstones(effects);
  g.log.insert(g.log.end(), effects.records.begin(), effects.records.end());
  std::map<std::string, bool> live;
  for (const LogRecord& record : g.log) live[record.key] = record.value.has_value();
  EXPECT_TRUE(std::ranges::none_of(live, [](const auto& key) { return key.second; }));
  EXPECT_TRUE(Group::read_again(g.environment, g.log)->is_unused());
}

}  // namespace
}  // namespace cms::coordinator
