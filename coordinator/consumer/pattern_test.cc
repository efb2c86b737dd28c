// SPDX-License-Identifier: Apache-2.0
// Subscriptions by regular expression.
#include <gtest/gtest.h>

#include "coordinator/consumer/metadata_hash.h"
#include "coordinator/consumer/test_consumer_group.h"
#include "coordinator/consumer/topic_pattern.h"

namespace cms::coordinator {
namespace {

using Group = TestConsumerGroup;

HeartbeatRequest joining(const Group& g, const std::string& id, const std::string& pattern) {
  HeartbeatRequest request = g.joining(id, {});
  request.subscribed_topic_names.reset();
  request.subscribed_topic_regex = pattern;
  return request;
}

TEST(ConsumerGroupPattern, IsResolvedInTheBroker) {  // [semantics 125]
  Group g;
  const HeartbeatAnswer answer = g.heartbeat(joining(g, "a", ".*"));
  EXPECT_EQ(answer.member_epoch, 2);
  EXPECT_EQ(partition_count(*answer.assignment), 56U);  // the broker's own topics as well
  EXPECT_TRUE(g.group->is_subscribed_to("orders"));
  EXPECT_TRUE(g.group->is_subscribed_to("__consumer_offsets"));
  EXPECT_EQ(g.group->describe_consumer()->members[0].subscribed_topic_regex, ".*");
  g.expect_log_tells_all();
}

TEST(ConsumerGroupPattern, MatchesWholeNames) {
  Group g;
  EXPECT_EQ(partition_count(*g.heartbeat(joining(g, "a", "order")).assignment), 0U);
  EXPECT_EQ(partition_count(*g.heartbeat(joining(g, "b", "order.")).assignment), 4U);
}

TEST(ConsumerGroupPattern, ThatIsNoneIsRefused) {  // [semantics 125]
  Group g;
  const HeartbeatAnswer answer = g.heartbeat(joining(g, "a", "(orders"));
  EXPECT_EQ(answer.error_code, ErrorCode::invalid_regular_expression);
  EXPECT_EQ(answer.error_message->rfind("SubscribedTopicRegex `(orders` is not a valid regular expression: ", 0), 0U);
  EXPECT_TRUE(g.group->is_unused());
}

TEST(ConsumerGroupPattern, MadeToExplodeIsRefusedOrHarmless) {
  EXPECT_TRUE(why_not_a_pattern("((a{100}){100}){100}"));
  EXPECT_TRUE(why_not_a_pattern(std::string(5'000, 'a')));
  EXPECT_TRUE(why_not_a_pattern("(?=a)"));
  EXPECT_FALSE(why_not_a_pattern("(a*)*(a*)*(a*)*b"));
  TestCatalog catalog;
  catalog.put(std::string(249, 'a'), 1);
  EXPECT_TRUE(matching_topics("(a*)*(a*)*(a*)*b", catalog).empty());
  EXPECT_TRUE(matching_topics("(", catalog).empty());
}

TEST(ConsumerGroupPattern, AddsToTheNames) {
  Group g;
  HeartbeatRequest request = g.joining("a", {"orders"});
  request.subscribed_topic_regex = "pay.*";
  EXPECT_EQ(partition_count(*g.heartbeat(request).assignment), 6U);
  HeartbeatRequest no_pattern = g.beating("a", 2, Reported{});
  no_pattern.subscribed_topic_regex = "";
  const HeartbeatAnswer answer = g.heartbeat(no_pattern);
  EXPECT_EQ(partition_count(*answer.assignment), 4U);
  EXPECT_TRUE(g.group->state().patterns().empty());
  g.expect_log_tells_all();
}

TEST(ConsumerGroupPattern, FindsNewTopicsAfterAWhile) {
  Group g;
  TestConsumer a{"a", {}};
  a.epoch = g.heartbeat(joining(g, "a", "pay.*")).member_epoch;
  a.assigned.topic_partitions = {{g.catalog.id("payments"), {0, 1}}};
  g.catalog.put("paychecks", 3);
  g.beat(a);
  EXPECT_EQ(partition_count(a.assigned), 2U);
  g.pass(10'000);
  g.beat(a);
  EXPECT_EQ(partition_count(a.assigned), 5U);
  EXPECT_EQ(a.epoch, 3);
  g.catalog.remove("payments");
  g.pass(10'000);
  g.settle({&a});
  EXPECT_EQ(partition_count(a.assigned), 3U);
  g.expect_log_tells_all();
}

TEST(ConsumerGroupPattern, IsForgottenWithItsLastMember) {
  Group g;
  g.heartbeat(joining(g, "a", "pay.*"));
  g.heartbeat(joining(g, "b", "pay.*"));
  g.beat("a", -1);
  EXPECT_EQ(g.group->state().patterns().size(), 1U);
  g.beat("b", -1);
  EXPECT_TRUE(g.group->state().patterns().empty());
  EXPECT_FALSE(g.group->is_subscribed_to("payments"));
  g.expect_log_tells_all();
}

TEST(ConsumerGroupPattern, AfterALoadTheSameTopicsCauseNoRebalance) {
  Group g;
  const HeartbeatAnswer joined = g.heartbeat(joining(g, "a", "pay.*"));
  g.group = Group::read_again(g.environment, g.log);
  Effects effects;
  g.group->loaded(g.now, effects);
  const std::size_t records = g.log.size();
  EXPECT_EQ(g.beat("a", joined.member_epoch).member_epoch, joined.member_epoch);
  EXPECT_EQ(g.log.size(), records);
}

TEST(MetadataHash, ChangesWithTheTopicsThatThereAre) {
  TestCatalog catalog;
  EXPECT_EQ(metadata_hash({"a"}, catalog), 0);
  catalog.put("a", 1);
  const std::int64_t one = metadata_hash({"a"}, catalog);
  EXPECT_NE(one, 0);
  EXPECT_EQ(metadata_hash({"a", "b"}, catalog), one);
  catalog.put("a", 2);
  EXPECT_NE(metadata_hash({"a"}, catalog), one);
}

}  // namespace
}  // namespace cms::coordinator
