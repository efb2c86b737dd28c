// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "broker/handlers/admin_topics.h"
#include "broker/handlers/assignments.h"
#include "broker/handlers/listed.h"

namespace cms::broker {

namespace {

using protocol::CreateTopicsRequest;
using protocol::CreateTopicsResponse;

constexpr std::int16_t replication_factor = 1;

// Why the partitions chosen by hand are refused: their numbers are 0, 1, 2 ..., each once.
std::optional<TopicOutcome> why_not_assignments(const CreateTopicsRequest::Topic& wanted, std::int32_t node_id) {
  if (wanted.replication_factor != -1) {
    return TopicOutcome::refuse(
        ErrorCode::invalid_request,
        "A manual partition assignment was specified, but replication factor was not set to -1.");
  }
  if (wanted.num_partitions != -1) {
    return TopicOutcome::refuse(ErrorCode::invalid_request,
                                "A manual partition assignment was specified, but numPartitions was not set to -1.");
  }
  std::vector<bool> seen(wanted.assignments.size());
  for (const auto& assignment : wanted.assignments) {
    const auto index = static_cast<std::size_t>(assignment.partition_index);
    if (assignment.partition_index < 0 || index >= seen.size()) {
      return TopicOutcome::refuse(ErrorCode::invalid_replica_assignment,
                                  "partitions should be a consecutive 0-based integer sequence");
    }
    if (seen[index]) {
      return TopicOutcome::refuse(ErrorCode::invalid_replica_assignment,
                                  "Found multiple manual partition assignments for partition " + std::to_string(index));
    }
    seen[index] = true;
    if (auto refused = why_not_replicas(assignment.broker_ids, node_id)) return refused;
  }
  return std::nullopt;
}

TopicOutcome create(Topics& topics, const CreateTopicsRequest::Topic& wanted, std::int32_t node_id,
                    bool validate_only) {
  NewTopic topic{.name = wanted.name,
                 .partitions = wanted.num_partitions,
                 .configs = {},
                 .replication_factor = wanted.replication_factor};
  if (!wanted.assignments.empty()) {
    topic.replication_factor = 1;
    if (const auto refused = why_not_assignments(wanted, node_id)) {
      // A name that is taken or wrong is what the client wants to hear of first.
      topic.partitions = 1;
      TopicOutcome about_name = topics.create(topic, true);
      return about_name.error == ErrorCode::none ? *refused : about_name;
    }
    topic.partitions = static_cast<std::int32_t>(wanted.assignments.size());
  }
  topic.configs.reserve(wanted.configs.size());
  for (const auto& config : wanted.configs) topic.configs.push_back({config.name, config.value});
  return topics.create(topic, validate_only);
}

CreateTopicsResponse::Config shown(const ConfigEntry& entry) {
  return {.name = entry.name,
          .value = entry.value,
          .read_only = entry.read_only,
          .config_source = static_cast<protocol::ConfigSource>(entry.source),
          .is_sensitive = entry.sensitive};
}

void tell(const Topics& topics, TopicOutcome outcome, CreateTopicsResponse::Topic& answer) {
  answer.error_code = outcome.error;
  answer.configs.emplace();
  if (outcome.error != ErrorCode::none) {
    answer.error_message = std::move(outcome.message);
    return;
  }
  answer.topic_id = outcome.topic->id();
  answer.num_partitions = outcome.topic->record->partition_count;
  answer.replication_factor = replication_factor;
  for (const ConfigEntry& entry : topics.describe_config(*outcome.topic)) answer.configs->push_back(shown(entry));
}

}  // namespace

void create_topics(Topics& topics, const Metadata& node, const RequestContext&, const CreateTopicsRequest& request,
                   CreateTopicsResponse& response) {
  ListedNames names;
  for (const auto& wanted : request.topics) names.add(wanted.name);
  for (const auto& wanted : request.topics) {
    const Turn turn = names.take(wanted.name);
    if (turn == Turn::answered) continue;
    CreateTopicsResponse::Topic& answer = response.topics.emplace_back();
    answer.name = wanted.name;
    tell(topics,
         turn == Turn::once ? create(topics, wanted, node.node_id(), request.validate_only)
                            : TopicOutcome::refuse(ErrorCode::invalid_request, "Duplicate topic name."),
         answer);
  }
}

}  // namespace cms::broker
