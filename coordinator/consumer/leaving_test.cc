// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "coordinator/consumer/test_consumer_group.h"

namespace cms::coordinator {
namespace {

using Group = TestConsumerGroup;

TEST(ConsumerGroupLeaving, ALeaversPartitionsGoToTheOthers) {  // [semantics 125]
  Group g;
  TestConsumer a{"a", {"orders"}};
  TestConsumer b{"b", {"orders"}};
  g.settle({&a, &b});
  const HeartbeatAnswer left = g.beat("a", -1);
  EXPECT_EQ(left.error_code, ErrorCode::none);
  EXPECT_EQ(left.member_epoch, -1);
  EXPECT_EQ(g.group->state_name(), "Assigning");
  g.beat(b);
  EXPECT_EQ(partition_count(b.assigned), 4U);
  EXPECT_EQ(g.beat("a", 3).error_code, ErrorCode::unknown_member_id);
  EXPECT_EQ(g.beat("a", -1).error_message, "Member a is not a member of group group.");
  g.expect_log_tells_all();
}

TEST(ConsumerGroupLeaving, AMemberThatIsSilentForItsSessionIsGone) {
  Group g;
  g.join("a");
  g.pass(44'999);
  EXPECT_FALSE(g.group->is_empty());
  g.beat("a", 2);
  g.pass(44'999);
  EXPECT_FALSE(g.group->is_empty());
  g.pass(1);
  EXPECT_TRUE(g.group->is_empty());
  EXPECT_EQ(g.group->state_name(), "Empty");
  EXPECT_EQ(g.beat("a", 2).error_code, ErrorCode::unknown_member_id);
  g.expect_log_tells_all();
}

TEST(ConsumerGroupLeaving, AGroupMayHaveASessionTimeoutOfItsOwn) {
  Group g;
  g.config.session_timeout_ms = 50'000;
  g.join("a");
  g.pass(49'999);
  EXPECT_FALSE(g.group->is_empty());
  g.pass(1);
  EXPECT_TRUE(g.group->is_empty());
}

TEST(ConsumerGroupLeaving, AMemberThatDoesNotGiveUpInTimeIsFenced) {
  Group g;
  g.config.session_timeout_ms = 600'000;
  TestConsumer b{"b", {"orders"}};
  g.join("a");
  g.beat(b);
  g.beat("a", 2);
  g.pass(30'000);
  g.beat("a", 2);  // it is alive, but keeps what it has
  g.pass(29'999);
  EXPECT_NE(g.group->state().find("a"), nullptr);
  g.pass(1);
  EXPECT_EQ(g.group->state().find("a"), nullptr);
  g.beat(b);
  EXPECT_EQ(partition_count(b.assigned), 4U);
}

}  // namespace
}  // namespace cms::coordinator
