// SPDX-License-Identifier: Apache-2.0
// Who may commit and read offsets of a consumer group.
#include <gtest/gtest.h>

#include "coordinator/consumer/test_consumer_group.h"

namespace cms::coordinator {
namespace {

using Group = TestConsumerGroup;

OffsetClaim claim(std::string_view member_id, std::int32_t epoch, protocol::Version version = 9) {
  return {.member_id = member_id, .instance_id = {}, .generation_or_epoch = epoch, .version = version};
}

TEST(ConsumerGroupOffsets, ACommitNeedsTheMembersEpoch) {  // [semantics 128]
  Group g;
  g.join("a");
  EXPECT_EQ(g.group->check_commit(g.now, claim("a", 2)), ErrorCode::none);
  EXPECT_EQ(g.group->check_commit(g.now, claim("a", 3)), ErrorCode::stale_member_epoch);
  EXPECT_EQ(g.group->check_commit(g.now, claim("b", 2)), ErrorCode::unknown_member_id);
  EXPECT_EQ(g.group->check_commit(g.now, claim("", -1)), ErrorCode::unknown_member_id);
  EXPECT_EQ(g.group->check_commit(g.now, claim("a", 2, 8)), ErrorCode::unsupported_version);
}

TEST(ConsumerGroupOffsets, AMemberBehindItsEpochMayCommitWhatItHasHadSinceThen) {  // [semantics 128]
  Group g;
  TestConsumer a{"a", {"orders"}};
  TestConsumer b{"b", {"orders"}};
  g.settle({&a, &b});
  const base::Uuid orders = g.catalog.id("orders");
  const std::int32_t old_one = a.assigned.topic_partitions[0].partitions[0];
  const std::int32_t lost_one = b.assigned.topic_partitions[0].partitions[0];
  const OffsetClaim late = claim("a", 2);
  EXPECT_EQ(g.group->check_commit(g.now, late), ErrorCode::none);
  EXPECT_EQ(g.group->check_commit_of(late, orders, old_one), ErrorCode::none);
  EXPECT_EQ(g.group->check_commit_of(late, orders, lost_one), ErrorCode::stale_member_epoch);
  const OffsetClaim too_late = claim("b", 2);
  EXPECT_EQ(g.group->check_commit_of(too_late, orders, lost_one), ErrorCode::stale_member_epoch);
  EXPECT_EQ(g.group->check_commit_of(claim("b", 3), orders, lost_one), ErrorCode::none);
}

TEST(ConsumerGroupOffsets, OutsidersMayCommitWhileNobodyIsThere) {
  Group g;
  g.join("a");
  g.beat("a", -1);
  EXPECT_EQ(g.group->check_commit(g.now, claim("", -1)), ErrorCode::none);
  EXPECT_EQ(g.group->check_commit(g.now, claim("a", 2)), ErrorCode::unknown_member_id);
}

TEST(ConsumerGroupOffsets, AReaderThatNamesAMemberNeedsItsEpoch) {  // [semantics 128]
  Group g;
  g.join("a");
  EXPECT_EQ(g.group->check_fetch(claim("", -1)), ErrorCode::none);
  EXPECT_EQ(g.group->check_fetch(claim("a", 2)), ErrorCode::none);
  EXPECT_EQ(g.group->check_fetch(claim("a", 0)), ErrorCode::stale_member_epoch);
  EXPECT_EQ(g.group->check_fetch(claim("b", 2)), ErrorCode::unknown_member_id);
}

}  // namespace
}  // namespace cms::coordinator
