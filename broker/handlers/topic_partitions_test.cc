// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/topic_partitions.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "broker/handlers/test_broker.h"

namespace cms::broker {
namespace {

using Request = protocol::DescribeTopicPartitionsRequest;
using Response = protocol::DescribeTopicPartitionsResponse;
using Names = std::vector<std::string>;

Request of(const Names& names, std::int32_t limit = 2000) {
  Request request;
  for (const std::string& name : names) request.topics.push_back({.name = name});
  request.response_partition_limit = limit;
  return request;
}

class TopicPartitionsTest : public ::testing::Test {
 protected:
  Response ask(const Request& request) {
    return broker_.answer<Response>(0, [&](const RequestContext& context, Response& response) {
      describe_topic_partitions(broker_.topics(), context, request, response);
    });
  }

  // "a:0,1" for each topic of the response.
  static Names shown(const Response& response) {
    Names names;
    for (const auto& topic : response.topics) {
      std::string text = *topic.name + ":";
      for (const auto& partition : topic.partitions) text += std::to_string(partition.partition_index);
      names.push_back(text);
    }
    return names;
  }

  test::TestBroker broker_;
};

TEST_F(TopicPartitionsTest, PagesJoinUpToAllPartitions) {
  broker_.create("a", 3);
  broker_.create("b", 2);
  broker_.create("c", 1);
  Request request = of({}, 2);
  EXPECT_EQ(shown(ask(request)), Names{"a:01"});
  Names pages;
  for (int page = 0; page < 10; ++page) {
    const Response response = ask(request);
    for (const std::string& topic : shown(response)) pages.push_back(topic);
    if (!response.next_cursor) break;
    request.cursor = {.topic_name = response.next_cursor->topic_name,
                      .partition_index = response.next_cursor->partition_index};
  }
  EXPECT_EQ(pages, (Names{"a:01", "a:2", "b:0", "b:1", "c:0"}));
}

TEST_F(TopicPartitionsTest, NoPageIsLongerThanTwoThousandPartitions) {
  broker_.create("large", 2001);
  const Response response = ask(of({"large"}, 1'000'000));
  EXPECT_EQ(response.topics[0].partitions.size(), 2000u);
  ASSERT_TRUE(response.next_cursor);
  EXPECT_EQ(response.next_cursor->topic_name, "large");
  EXPECT_EQ(response.next_cursor->partition_index, 2000);
}

TEST_F(TopicPartitionsTest, LimitBelowOneIsOne) {
  broker_.create("a", 2);
  for (const std::int32_t limit : {0, -3}) EXPECT_EQ(shown(ask(of({"a"}, limit))), Names{"a:0"});
}

TEST_F(TopicPartitionsTest, PageThatEndsWithATopicPointsAtTheNextOne) {
  broker_.create("a", 1);
  broker_.create("b", 1);
  const Response response = ask(of({"b", "a"}, 1));
  EXPECT_EQ(shown(response), Names{"a:0"});
  ASSERT_TRUE(response.next_cursor);
  EXPECT_EQ(response.next_cursor->topic_name, "b");
  EXPECT_EQ(response.next_cursor->partition_index, 0);
  EXPECT_FALSE(ask(of({"b", "a"}, 2)).next_cursor);
}

TEST_F(TopicPartitionsTest, TopicsAreSortedAndListedOnceAndUnknownOnesFailAlone) {
  const base::Uuid id = broker_.create("p", 1)->id();
  const Response response = ask(of({"p", "nope", "bad name", "p"}));
  EXPECT_EQ(shown(response), (Names{"bad name:", "nope:", "p:0"}));
  EXPECT_EQ(response.topics[0].error_code, ErrorCode::invalid_topic_exception);
  EXPECT_EQ(response.topics[1].error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(response.topics[2].error_code, ErrorCode::none);
  EXPECT_EQ(response.topics[2].topic_id, id);
  const auto& partition = response.topics[2].partitions[0];
  EXPECT_EQ(partition.leader_id, broker_.options.node_id);
  EXPECT_EQ(partition.isr_nodes, std::vector{broker_.options.node_id});
  EXPECT_TRUE(partition.eligible_leader_replicas && partition.eligible_leader_replicas->empty());
}

TEST_F(TopicPartitionsTest, CursorOutsideTheRequestIsInvalid) {
  broker_.create("p", 1);
  Request request = of({"p"});
  request.cursor = {.topic_name = "z", .partition_index = 0};
  EXPECT_EQ(ask(request).topics[0].error_code, ErrorCode::invalid_request);
  request.cursor = {.topic_name = "p", .partition_index = -1};
  EXPECT_EQ(ask(request).topics[0].error_code, ErrorCode::invalid_request);
}

TEST_F(TopicPartitionsTest, CursorAtADeletedTopicGoesOnBehindIt) {
  broker_.create("a", 1);
  broker_.create("c", 1);
  Request request = of({});
  request.cursor = {.topic_name = "b", .partition_index = 5};
  EXPECT_EQ(shown(ask(request)), Names{"c:0"});
}

TEST_F(TopicPartitionsTest, PartitionThatCannotBeOpenedHasNoLeader) {
  broker_.create("a", 1);
  broker_.logs.damaged = 0;
  broker_.restart();
  const auto partition = ask(of({"a"})).topics.at(0).partitions.at(0);
  EXPECT_EQ(partition.error_code, ErrorCode::leader_not_available);
  EXPECT_EQ(partition.leader_id, -1);
  EXPECT_EQ(partition.offline_replicas, partition.replica_nodes);
}

}  // namespace
}  // namespace cms::broker
