// SPDX-License-Identifier: Apache-2.0
// Members with an instance id (KIP-345 in the words of KIP-848).
#include <gtest/gtest.h>

#include "coordinator/consumer/test_consumer_group.h"

namespace cms::coordinator {
namespace {

using Group = TestConsumerGroup;

HeartbeatRequest joining(const Group& g, const std::string& id, const std::string& instance) {
  HeartbeatRequest request = g.joining(id, {"orders"});
  request.instance_id = instance;
  return request;
}

HeartbeatRequest leaving(const Group& g, const std::string& id, const std::string& instance, std::int32_t epoch) {
  HeartbeatRequest request = g.beating(id, epoch);
  request.instance_id = instance;
  return request;
}

TEST(ConsumerGroupStaticMember, KeepsItsPartitionsWhileItIsAwayForAWhile) {  // [semantics 125]
  Group g;
  const HeartbeatAnswer first = g.heartbeat(joining(g, "a", "i"));
  TestConsumer b{"b", {"orders"}};
  g.beat(b);
  g.beat("a", 2, owned(*first.assignment));
  const HeartbeatAnswer settled = g.beat("a", 2, Reported{});
  const auto kept = g.member("a").current.assigned;
  const HeartbeatAnswer left = g.heartbeat(leaving(g, "a", "i", -2));
  EXPECT_EQ(left.error_code, ErrorCode::none);
  EXPECT_EQ(left.member_epoch, -2);
  EXPECT_EQ(left.member_id, "a");
  const std::int32_t epoch = g.group->state().epochs().group;

  const HeartbeatAnswer back = g.heartbeat(joining(g, "a2", "i"));
  EXPECT_EQ(back.error_code, ErrorCode::none);
  EXPECT_EQ(back.member_epoch, settled.member_epoch);
  EXPECT_EQ(g.group->state().epochs().group, epoch);  // no rebalance
  EXPECT_EQ(partition_count(*back.assignment), kept.begin()->second.size());
  EXPECT_EQ(g.group->state().find("a"), nullptr);
  g.expect_log_tells_all();
}

TEST(ConsumerGroupStaticMember, CannotTakeAPlaceThatIsNotFree) {  // [semantics 128]
  Group g;
  g.heartbeat(joining(g, "a", "i"));
  const HeartbeatAnswer answer = g.heartbeat(joining(g, "a2", "i"));
  EXPECT_EQ(answer.error_code, ErrorCode::unreleased_instance_id);
  EXPECT_EQ(answer.error_message,
            "Static member a2 with instance id i cannot join the group because the instance id is owned by a member.");
}

TEST(ConsumerGroupStaticMember, IsFencedByTheOneThatTookItsPlace) {
  Group g;
  g.heartbeat(joining(g, "a", "i"));
  g.heartbeat(leaving(g, "a", "i", -2));
  g.heartbeat(joining(g, "a2", "i"));
  HeartbeatRequest old = g.beating("a", 2);
  old.instance_id = "i";
  EXPECT_EQ(g.heartbeat(old).error_code, ErrorCode::fenced_instance_id);
  EXPECT_EQ(g.heartbeat(leaving(g, "a", "i", -1)).error_message,
            "Static member a with instance id i was fenced by member a2.");
}

TEST(ConsumerGroupStaticMember, ThatDoesNotComeBackInTimeIsGone) {
  Group g;
  TestConsumer b{"b", {"orders"}};
  g.heartbeat(joining(g, "a", "i"));
  g.heartbeat(leaving(g, "a", "i", -2));
  g.pass(44'000);
  g.beat(b);
  EXPECT_EQ(partition_count(b.assigned), 0U);
  g.pass(1'000);
  g.beat(b);
  EXPECT_EQ(partition_count(b.assigned), 4U);
  HeartbeatRequest gone = g.beating("a", 2);
  gone.instance_id = "i";
  EXPECT_EQ(g.heartbeat(gone).error_message, "Instance id i is unknown.");
}

TEST(ConsumerGroupStaticMember, MayLeaveForGood) {
  Group g;
  g.heartbeat(joining(g, "a", "i"));
  const HeartbeatAnswer left = g.heartbeat(leaving(g, "a", "i", -1));
  EXPECT_EQ(left.error_code, ErrorCode::none);
  EXPECT_TRUE(g.group->is_empty());
  EXPECT_EQ(g.heartbeat(joining(g, "a2", "i")).error_code, ErrorCode::none);
  g.expect_log_tells_all();
}

TEST(ConsumerGroupStaticMember, WhatTooLargeAReturnChangedIsTakenBack) {
  Group g;
  g.heartbeat(joining(g, "a", "i"));
  g.heartbeat(leaving(g, "a", "i", -2));
  g.options.record_bytes_max = 300;
  EXPECT_EQ(g.heartbeat(joining(g, "a2", "i")).error_code, ErrorCode::unknown_server_error);
  EXPECT_NE(g.group->state().find("a"), nullptr);
  g.options.record_bytes_max = 1'000'000;
  EXPECT_EQ(g.heartbeat(joining(g, "a2", "i")).error_code, ErrorCode::none);
  g.expect_log_tells_all();
}

}  // namespace
}  // namespace cms::coordinator
