// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/replicas.h"

#include <string>
#include <utility>

#include "broker/handlers/assignments.h"

namespace cms::broker {

namespace {

using protocol::AlterPartitionReassignmentsRequest;
using protocol::AlterPartitionReassignmentsResponse;
using protocol::ElectionType;
using protocol::ElectLeadersRequest;
using protocol::ElectLeadersResponse;

ElectLeadersResponse::Partition elected(const Partition& partition, ElectionType type) {
  const std::int32_t index = partition.identity().index;
  if (!partition.is_offline()) {
    return {.partition_id = index,
            .error_code = ErrorCode::election_not_needed,
            .error_message = "Leader election not needed for topic partition."};
  }
  if (type == ElectionType::preferred) {
    return {.partition_id = index,
            .error_code = ErrorCode::preferred_leader_not_available,
            .error_message = "The preferred leader was not available."};
  }
  return {.partition_id = index,
          .error_code = ErrorCode::eligible_leaders_not_available,
          .error_message = "Eligible topic partition leaders are not available."};
}

void elect_all(const Topics& topics, ElectionType type, ElectLeadersResponse& response) {
  for (const TopicHandle& topic : topics.all()) {
    ElectLeadersResponse::Topic results{.topic = topic->name(), .partition_result = {}};
    for (const auto& partition : topic->partitions) {
      ElectLeadersResponse::Partition result = elected(*partition, type);
      if (result.error_code == ErrorCode::election_not_needed) continue;
      results.partition_result.push_back(std::move(result));
    }
    if (!results.partition_result.empty()) response.replica_election_results.push_back(std::move(results));
  }
}

void elect_listed(const Topics& topics, const ElectLeadersRequest::Topic& wanted, ElectionType type,
                  ElectLeadersResponse& response) {
  auto& results = response.replica_election_results.emplace_back();
  results.topic = wanted.topic;
  const TopicHandle topic = topics.find(wanted.topic);
  for (const std::int32_t index : wanted.partitions) {
    const Partition* const partition = topic == nullptr ? nullptr : topic->partition(index);
    if (partition != nullptr) {
      results.partition_result.push_back(elected(*partition, type));
      continue;
    }
    const std::string what =
        topic == nullptr ? "topic as " + wanted.topic : "partition as " + wanted.topic + "-" + std::to_string(index);
    results.partition_result.push_back({.partition_id = index,
                                        .error_code = ErrorCode::unknown_topic_or_partition,
                                        .error_message = "No such " + what});
  }
}

// What is wrong with one partition's new assignment; no error: it is what the partition has.
TopicOutcome reassign(const Topic* topic, const std::string& name,
                      const AlterPartitionReassignmentsRequest::Partition& wanted, std::int32_t node_id) {
  if (topic == nullptr) {
    return TopicOutcome::refuse(ErrorCode::unknown_topic_or_partition, "Unable to find a topic named " + name + ".");
  }
  if (topic->partition(wanted.partition_index) == nullptr) {
    return TopicOutcome::refuse(
        ErrorCode::unknown_topic_or_partition,
        "Unable to find partition " + name + ":" + std::to_string(wanted.partition_index) + ".");
  }
  if (!wanted.replicas) {
    return TopicOutcome::refuse(ErrorCode::no_reassignment_in_progress, "No partition reassignment is in progress.");
  }
  return why_not_replicas(*wanted.replicas, node_id).value_or(TopicOutcome{});
}

}  // namespace

void elect_leaders(const Topics& topics, const RequestContext&, const ElectLeadersRequest& request,
                   ElectLeadersResponse& response) {
  const ElectionType type = request.election_type;
  if (type != ElectionType::preferred && type != ElectionType::unclean) {
    response.error_code = ErrorCode::invalid_request;
  } else if (!request.topic_partitions) {
    elect_all(topics, type, response);
  } else {
    for (const auto& wanted : *request.topic_partitions) elect_listed(topics, wanted, type, response);
  }
}

void alter_partition_reassignments(const Topics& topics, std::int32_t node_id, const RequestContext&,
                                   const AlterPartitionReassignmentsRequest& request,
                                   AlterPartitionReassignmentsResponse& response) {
  response.allow_replication_factor_change = request.allow_replication_factor_change;
  for (const auto& wanted : request.topics) {
    auto& answer = response.responses.emplace_back();
    answer.name = wanted.name;
    const TopicHandle topic = topics.find(wanted.name);
    for (const auto& partition : wanted.partitions) {
      TopicOutcome outcome = reassign(topic.get(), wanted.name, partition, node_id);
      auto& result = answer.partitions.emplace_back();
      result.partition_index = partition.partition_index;
      result.error_code = outcome.error;
      if (outcome.error != ErrorCode::none) result.error_message = std::move(outcome.message);
    }
  }
}

void list_partition_reassignments(const RequestContext&, const protocol::ListPartitionReassignmentsRequest&,
                                  protocol::ListPartitionReassignmentsResponse&) {}

}  // namespace cms::broker
