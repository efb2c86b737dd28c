// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/topic_partitions.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "broker/handlers/metadata.h"
#include "broker/metadata/topic_name.h"

namespace cms::broker {

namespace {

using protocol::DescribeTopicPartitionsRequest;
using protocol::DescribeTopicPartitionsResponse;

std::set<std::string> listed_names(const DescribeTopicPartitionsRequest& request) {
  std::set<std::string> names;
  for (const auto& topic : request.topics) names.insert(topic.name);
  return names;
}

// Sorted, from the cursor on.
std::vector<std::string> names_to_describe(const Topics& topics, const DescribeTopicPartitionsRequest& request) {
  std::vector<std::string> names;
  const std::string first = request.cursor ? request.cursor->topic_name : "";
  if (request.topics.empty()) {
    for (const TopicHandle& topic : topics.all()) {
      if (topic->name() >= first) names.push_back(topic->name());
    }
  } else {
    for (const std::string& name : listed_names(request)) {
      if (name >= first) names.push_back(name);
    }
  }
  return names;
}

bool is_malformed(const DescribeTopicPartitionsRequest& request) {
  if (!request.cursor) return false;
  if (request.cursor->partition_index < 0) return true;
  return !request.topics.empty() && !listed_names(request).contains(request.cursor->topic_name);
}

void refuse(const DescribeTopicPartitionsRequest& request, DescribeTopicPartitionsResponse& response) {
  for (const std::string& name : listed_names(request)) {
    auto& topic = response.topics.emplace_back();
    topic.error_code = ErrorCode::invalid_request;
    topic.name = name;
  }
}

void add_partition(const Partition& partition, DescribeTopicPartitionsResponse::Topic& into) {
  const replication::View view = partition.view();
  auto& shown = into.partitions.emplace_back();
  shown.partition_index = partition.identity().index;
  shown.leader_id = view.leader();
  shown.leader_epoch = view.number;
  shown.replica_nodes = view.members;
  shown.isr_nodes = view.members;
  shown.eligible_leader_replicas.emplace();
  shown.last_known_elr.emplace();
  if (!partition.is_offline()) return;
  shown.error_code = ErrorCode::leader_not_available;
  shown.leader_id = no_leader;
  shown.offline_replicas = view.members;
}

}  // namespace

void describe_topic_partitions(const Topics& topics, const RequestContext&,
                               const DescribeTopicPartitionsRequest& request,
                               DescribeTopicPartitionsResponse& response) {
  if (is_malformed(request)) return refuse(request, response);
  auto left = static_cast<std::size_t>(std::clamp(request.response_partition_limit, 1, described_partitions_max));
  for (const std::string& name : names_to_describe(topics, request)) {
    std::size_t index = 0;
    if (request.cursor && request.cursor->topic_name == name) {
      index = static_cast<std::size_t>(request.cursor->partition_index);
    }
    if (left == 0) {
      response.next_cursor = {.topic_name = name, .partition_index = static_cast<std::int32_t>(index)};
      return;
    }
    auto& shown = response.topics.emplace_back();
    shown.name = name;
    shown.is_internal = is_internal_topic(name);
    shown.topic_authorized_operations = all_topic_operations;
    const TopicHandle topic = topics.find(name);
    if (topic == nullptr) {
      shown.error_code =
          why_not_topic_name(name) ? ErrorCode::invalid_topic_exception : ErrorCode::unknown_topic_or_partition;
      continue;
    }
    shown.topic_id = topic->id();
    for (; index < topic->partitions.size() && left > 0; ++index, --left) {
      add_partition(*topic->partitions[index], shown);
    }
    if (index < topic->partitions.size()) {
      response.next_cursor = {.topic_name = name, .partition_index = static_cast<std::int32_t>(index)};
      return;
    }
  }
}

}  // namespace cms::broker
