// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/replicas.h"

#include <gtest/gtest.h>

#include "broker/handlers/test_broker.h"

namespace cms::broker {
namespace {

using protocol::AlterPartitionReassignmentsRequest;
using protocol::AlterPartitionReassignmentsResponse;
using protocol::ElectionType;
using protocol::ElectLeadersRequest;
using protocol::ElectLeadersResponse;

using Replicas = std::vector<std::int32_t>;

class ReplicasTest : public ::testing::Test {
 protected:
  ElectLeadersResponse elect(const ElectLeadersRequest& request) {
    return broker_.answer<ElectLeadersResponse>(2, [&](const RequestContext& context, auto& response) {
      elect_leaders(broker_.topics(), context, request, response);
    });
  }

  // What is answered about a partition of one topic.
  AlterPartitionReassignmentsResponse::Partition reassign(const std::string& topic, std::int32_t partition,
                                                          std::optional<Replicas> replicas) {
    AlterPartitionReassignmentsRequest request;
    request.topics.push_back({.name = topic, .partitions = {{.partition_index = partition, .replicas = replicas}}});
    const auto response =
        broker_.answer<AlterPartitionReassignmentsResponse>(1, [&](const RequestContext& context, auto& out) {
          alter_partition_reassignments(broker_.topics(), node_, context, request, out);
        });
    EXPECT_EQ(response.error_code, ErrorCode::none);
    EXPECT_EQ(response.responses.at(0).name, topic);
    return response.responses.at(0).partitions.at(0);
  }

  test::TestBroker broker_;
  const std::int32_t node_ = broker_.metadata().node_id();
};

TEST_F(ReplicasTest, ElectionIsNotNeededWhereThePreferredReplicaLeads) {
  broker_.create("t", 2);
  for (const auto type : {ElectionType::preferred, ElectionType::unclean}) {
    ElectLeadersRequest request{.election_type = type, .topic_partitions = {{{.topic = "t", .partitions = {0, 1}}}}};
    const auto response = elect(request);
    EXPECT_EQ(response.error_code, ErrorCode::none);
    ASSERT_EQ(response.replica_election_results.size(), 1u);
    ASSERT_EQ(response.replica_election_results[0].partition_result.size(), 2u);
    for (const auto& partition : response.replica_election_results[0].partition_result) {
      EXPECT_EQ(partition.error_code, ErrorCode::election_not_needed);
      EXPECT_EQ(partition.error_message, "Leader election not needed for topic partition.");
    }
  }
}

TEST_F(ReplicasTest, ElectionAmongUnknownTopicsAndPartitionsNamesThem) {
  broker_.create("t");
  ElectLeadersRequest request;
  request.topic_partitions = {{.topic = "nope", .partitions = {0}}, {.topic = "t", .partitions = {7, -1}}};
  const auto response = elect(request);
  ASSERT_EQ(response.replica_election_results.size(), 2u);
  const auto& nope = response.replica_election_results[0].partition_result.at(0);
  EXPECT_EQ(nope.error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(nope.error_message, "No such topic as nope");
  const auto& beyond = response.replica_election_results[1].partition_result;
  EXPECT_EQ(beyond.at(0).error_message, "No such partition as t-7");
  EXPECT_EQ(beyond.at(1).error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(beyond.at(1).error_message, "No such partition as t--1");
}

TEST_F(ReplicasTest, ElectionOfAllTellsOnlyOfPartitionsThatCannotBeLed) {
  broker_.create("t", 3);
  ElectLeadersRequest request;
  request.topic_partitions = std::nullopt;
  EXPECT_TRUE(elect(request).replica_election_results.empty());

  broker_.logs.damaged = 1;
  broker_.restart();
  auto response = elect(request);
  ASSERT_EQ(response.replica_election_results.size(), 1u);
  ASSERT_EQ(response.replica_election_results[0].partition_result.size(), 1u);
  EXPECT_EQ(response.replica_election_results[0].partition_result[0].partition_id, 1);
  EXPECT_EQ(response.replica_election_results[0].partition_result[0].error_code,
            ErrorCode::preferred_leader_not_available);
  request.election_type = ElectionType::unclean;
  response = elect(request);
  EXPECT_EQ(response.replica_election_results.at(0).partition_result.at(0).error_code,
            ErrorCode::eligible_leaders_not_available);
}

TEST_F(ReplicasTest, ElectionOfAnUnknownTypeIsAnInvalidRequest) {
  broker_.create("t");
  ElectLeadersRequest request{.election_type = static_cast<ElectionType>(2),
                              .topic_partitions = {{{.topic = "t", .partitions = {0}}}}};
  const auto response = elect(request);
  EXPECT_EQ(response.error_code, ErrorCode::invalid_request);
  EXPECT_TRUE(response.replica_election_results.empty());
}

TEST_F(ReplicasTest, ReassignmentToTheOnlyBrokerSucceedsAndLeavesNothingUnderWay) {
  broker_.create("t");
  const auto result = reassign("t", 0, Replicas{node_});
  EXPECT_EQ(result.error_code, ErrorCode::none);
  EXPECT_EQ(result.error_message, std::nullopt);
  const auto listed = broker_.answer<protocol::ListPartitionReassignmentsResponse>(
      0, [](const RequestContext& context, auto& response) { list_partition_reassignments(context, {}, response); });
  EXPECT_EQ(listed.error_code, ErrorCode::none);
  EXPECT_TRUE(listed.topics.empty());
}

TEST_F(ReplicasTest, CancellingAReassignmentThatIsNotUnderWayIsRefused) {
  broker_.create("t");
  const auto result = reassign("t", 0, std::nullopt);
  EXPECT_EQ(result.error_code, ErrorCode::no_reassignment_in_progress);
  EXPECT_EQ(result.error_message, "No partition reassignment is in progress.");
}

TEST_F(ReplicasTest, ReassignmentToBrokersThatAreNotThereIsRefusedNamingTheFirstById) {
  broker_.create("t");
  const std::string node = std::to_string(node_);
  const std::string stranger = "The manual partition assignment includes broker ";
  const std::vector<std::pair<Replicas, std::string>> cases = {
      {{node_ + 99}, stranger + std::to_string(node_ + 99) + ", but no such broker is registered."},
      {{node_ + 99, node_ + 98}, stranger + std::to_string(node_ + 98) + ", but no such broker is registered."},
      {{node_, -3}, stranger + "-3, but no such broker is registered."},
      {{node_ + 99, node_, node_}, "The manual partition assignment includes the broker " + node + " more than once."},
      {{}, "The manual partition assignment includes an empty replica list."}};
  for (const auto& [replicas, message] : cases) {
    const auto result = reassign("t", 0, replicas);
    EXPECT_EQ(result.error_code, ErrorCode::invalid_replica_assignment) << message;
    EXPECT_EQ(result.error_message, message);
  }
}

TEST_F(ReplicasTest, ReassignmentOfWhatIsNotThereIsRefusedBeforeItsBrokersAreLookedAt) {
  broker_.create("t");
  const auto topic = reassign("nope", 0, Replicas{-3});
  EXPECT_EQ(topic.error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(topic.error_message, "Unable to find a topic named nope.");
  const auto partition = reassign("t", 9, std::nullopt);
  EXPECT_EQ(partition.error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(partition.error_message, "Unable to find partition t:9.");
}

}  // namespace
}  // namespace cms::broker
