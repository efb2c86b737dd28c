// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "coordinator/consumer/test_consumer_group.h"

namespace cms::coordinator {
namespace {

using Group = TestConsumerGroup;

TEST(ConsumerGroupRefusal, RequestsThatMakeNoSenseAreRefusedInKafkasWords) {
  Group g;
  const auto why = [&](auto&& change) {
    HeartbeatRequest request = g.joining("a", {"orders"});
    change(request);
    const HeartbeatAnswer answer = g.heartbeat(request);
    EXPECT_EQ(answer.error_code, ErrorCode::invalid_request);
    return answer.error_message.value_or("");
  };
  EXPECT_EQ(why([](auto& r) { r.group_id = " "; }), "GroupId can't be empty.");
  EXPECT_EQ(why([](auto& r) { r.instance_id = ""; }), "InstanceId can't be empty.");
  EXPECT_EQ(why([](auto& r) { r.rack_id = ""; }), "RackId can't be empty.");
  EXPECT_EQ(why([](auto& r) { r.rebalance_timeout_ms = -1; }), "RebalanceTimeoutMs must be provided in first request.");
  EXPECT_EQ(why([](auto& r) { r.topic_partitions.reset(); }), "TopicPartitions must be empty when (re-)joining.");
  EXPECT_EQ(why([](auto& r) { r.subscribed_topic_names.reset(); }),
            "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.");
  EXPECT_EQ(why([](auto& r) { r.member_epoch = -2; }), "InstanceId can't be null.");
  EXPECT_EQ(why([](auto& r) { r.member_epoch = -3; }), "MemberEpoch is invalid.");
  EXPECT_TRUE(g.log.empty());
  EXPECT_TRUE(g.group->is_unused());
}

TEST(ConsumerGroupRefusal, AnAssignorThatIsNotThereIsRefused) {  // [semantics 126]
  Group g;
  HeartbeatRequest request = g.joining("a", {"orders"});
  request.server_assignor = "sticky";
  const HeartbeatAnswer answer = g.heartbeat(request);
  EXPECT_EQ(answer.error_code, ErrorCode::unsupported_assignor);
  EXPECT_EQ(answer.error_message, "ServerAssignor sticky is not supported. Supported assignors: uniform, range.");
}

TEST(ConsumerGroupRefusal, AFullGroupTakesNobodyButItsMembers) {
  Group g;
  g.options.consumer.members_max = 1;
  g.join("a");
  const HeartbeatAnswer answer = g.join("b");
  EXPECT_EQ(answer.error_code, ErrorCode::group_max_size_reached);
  EXPECT_EQ(answer.error_message, "The consumer group has reached its maximum capacity of 1 members.");
  EXPECT_EQ(g.join("a").error_code, ErrorCode::none);
}

TEST(ConsumerGroupRefusal, WhatIsTooLargeForTheLogChangesNothing) {
  Group g;
  g.join("a");
  const auto before = g.group->describe_consumer();
  const std::size_t records = g.log.size();
  g.options.record_bytes_max = 2'000;
  EXPECT_EQ(g.join("b", std::vector<std::string>(1, std::string(3'000, 't'))).error_code,
            ErrorCode::unknown_server_error);
  EXPECT_EQ(g.group->describe_consumer(), before);
  EXPECT_EQ(g.log.size(), records);
  g.options.record_bytes_max = 1'000'000;
  EXPECT_EQ(g.beat("a", 2).error_code, ErrorCode::none);
  EXPECT_EQ(g.join("b").member_epoch, 3);
  g.expect_log_tells_all();
}

}  // namespace
}  // namespace cms::coordinator
