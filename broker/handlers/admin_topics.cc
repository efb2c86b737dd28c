// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/admin_topics.h"

#include <string>
#include <tuple>

#include "broker/handlers/assignments.h"
#include "broker/handlers/listed.h"
#include "broker/metadata/topic_name.h"

namespace cms::broker {

namespace {

using protocol::CreatePartitionsRequest;
using protocol::CreatePartitionsResponse;
using protocol::DeleteRecordsRequest;
using protocol::DeleteRecordsResponse;
using protocol::DeleteTopicsRequest;
using protocol::DeleteTopicsResponse;

// The first versions that name topics also by id, and that know TOPIC_DELETION_DISABLED.
constexpr protocol::Version delete_by_id_since = 6;
constexpr protocol::Version deletion_disabled_since = 3;

TopicOutcome unknown_topic() {
  return TopicOutcome::refuse(ErrorCode::unknown_topic_or_partition, "This server does not host this topic-partition.");
}

TopicOutcome remove(Topics& topics, const DeleteTopicsRequest::Topic& wanted, const TopicHandle& topic) {
  if (wanted.name && !wanted.topic_id.is_zero()) {
    return TopicOutcome::refuse(ErrorCode::invalid_request, "You may not specify both topic name and topic id.");
  }
  if (!wanted.name && wanted.topic_id.is_zero()) {
    return TopicOutcome::refuse(ErrorCode::invalid_request, "Neither topic name nor id were specified.");
  }
  if (topic == nullptr) {
    if (wanted.name) return unknown_topic();
    return TopicOutcome::refuse(ErrorCode::unknown_topic_id, "This server does not host this topic ID.");
  }
  TopicOutcome outcome = topics.remove(topic->id());
  // Somebody else deleted it meanwhile; a client that gave a name does not know of ids.
  if (outcome.error == ErrorCode::unknown_topic_id && wanted.name) return unknown_topic();
  return outcome;
}

void delete_one(Topics& topics, const DeleteTopicsRequest::Topic& wanted, bool once, DeleteTopicsResponse& response) {
  const bool by_name = wanted.name && wanted.topic_id.is_zero();
  const TopicHandle topic = by_name ? topics.find(*wanted.name) : !wanted.name ? topics.find(wanted.topic_id) : nullptr;
  TopicOutcome outcome =
      once ? remove(topics, wanted, topic) : TopicOutcome::refuse(ErrorCode::invalid_request, "Duplicate topic name.");
  auto& answer = response.responses.emplace_back();
  answer.name = wanted.name;
  answer.topic_id = wanted.topic_id;
  answer.error_code = outcome.error;
  if (outcome.error != ErrorCode::none) {
    answer.error_message = std::move(outcome.message);
    return;
  }
  answer.name = topic->name();
  answer.topic_id = topic->id();
}

void refuse_deletion(const DeleteTopicsRequest& request, const RequestContext& context,
                     DeleteTopicsResponse& response) {
  const bool known = context.version() >= deletion_disabled_since;
  const auto refuse = [&](std::optional<std::string> name, const base::Uuid& id) {
    response.responses.push_back({.name = std::move(name),
                                  .topic_id = id,
                                  .error_code = known ? ErrorCode::topic_deletion_disabled : ErrorCode::invalid_request,
                                  .error_message = "Topic deletion is disabled."});
  };
  for (const auto& topic : request.topics) refuse(topic.name, topic.topic_id);
  for (const std::string& name : request.topic_names) refuse(name, {});
}

// Why the replicas of the new partitions, chosen by hand, are refused.
std::optional<TopicOutcome> why_not_assignments(const CreatePartitionsRequest::Topic& wanted, std::size_t present,
                                                std::int32_t node_id) {
  if (!wanted.assignments) return std::nullopt;
  const std::size_t added = static_cast<std::size_t>(wanted.count) - present;
  if (wanted.assignments->size() != added) {
    return TopicOutcome::refuse(ErrorCode::invalid_replica_assignment,
                                "Attempted to add " + std::to_string(added) + " additional partition(s), but only " +
                                    std::to_string(wanted.assignments->size()) + " assignment(s) were specified.");
  }
  for (const auto& assignment : *wanted.assignments) {
    if (auto refused = why_not_replicas(assignment.broker_ids, node_id)) return refused;
  }
  return std::nullopt;
}

TopicOutcome add_partitions(Topics& topics, const CreatePartitionsRequest::Topic& wanted, std::int32_t node_id,
                            bool validate_only) {
  // The count first, as Kafka does: nobody wants to hear of the assignments of partitions that cannot be.
  TopicOutcome outcome = topics.add_partitions(wanted.name, wanted.count, true);
  if (outcome.error != ErrorCode::none) return outcome;
  const TopicHandle topic = topics.find(wanted.name);
  if (topic == nullptr) return unknown_topic();
  if (topic->partitions.size() < static_cast<std::size_t>(wanted.count)) {
    if (auto refused = why_not_assignments(wanted, topic->partitions.size(), node_id)) return *refused;
  }
  return topics.add_partitions(wanted.name, wanted.count, validate_only);
}

void delete_from(const TopicHandle& topic, const std::string& name, const DeleteRecordsRequest::Partition& wanted,
                 DeleteRecordsResponse::Partition& answer) {
  answer.partition_index = wanted.partition_index;
  answer.low_watermark = -1;
  Partition* const partition = topic == nullptr ? nullptr : topic->partition(wanted.partition_index);
  if (is_internal_topic(name)) {
    answer.error_code = ErrorCode::invalid_topic_exception;
  } else if (partition == nullptr) {
    answer.error_code = ErrorCode::unknown_topic_or_partition;
  } else if (topic->config->cleanup_compact && !topic->config->cleanup_delete) {
    answer.error_code = ErrorCode::policy_violation;
  } else {
    std::tie(answer.error_code, answer.low_watermark) = partition->delete_records(wanted.offset);
  }
}

}  // namespace

void delete_topics(Topics& topics, const Options& options, const RequestContext& context,
                   const DeleteTopicsRequest& request, DeleteTopicsResponse& response) {
  if (!options.delete_topic) return refuse_deletion(request, context, response);
  std::vector<DeleteTopicsRequest::Topic> by_name;
  if (context.version() < delete_by_id_since) {
    for (const std::string& name : request.topic_names) by_name.push_back({.name = name, .topic_id = {}});
  }
  const auto& listed = context.version() < delete_by_id_since ? by_name : request.topics;
  ListedNames names;
  for (const auto& wanted : listed) {
    if (wanted.name) names.add(*wanted.name);
  }
  for (const auto& wanted : listed) {
    const Turn turn = wanted.name ? names.take(*wanted.name) : Turn::once;
    if (turn != Turn::answered) delete_one(topics, wanted, turn == Turn::once, response);
  }
}

void create_partitions(Topics& topics, const Metadata& node, const RequestContext&,
                       const CreatePartitionsRequest& request, CreatePartitionsResponse& response) {
  ListedNames names;
  for (const auto& wanted : request.topics) names.add(wanted.name);
  for (const auto& wanted : request.topics) {
    const Turn turn = names.take(wanted.name);
    if (turn == Turn::answered) continue;
    TopicOutcome outcome = turn == Turn::once
                               ? add_partitions(topics, wanted, node.node_id(), request.validate_only)
                               : TopicOutcome::refuse(ErrorCode::invalid_request, "Duplicate topic name.");
    auto& answer = response.results.emplace_back();
    answer.name = wanted.name;
    answer.error_code = outcome.error;
    if (outcome.error != ErrorCode::none) answer.error_message = std::move(outcome.message);
  }
}

void delete_records(const Topics& topics, const RequestContext&, const DeleteRecordsRequest& request,
                    DeleteRecordsResponse& response) {
  for (const auto& wanted : request.topics) {
    const TopicHandle topic = topics.find(wanted.name);
    auto& answer = response.topics.emplace_back();
    answer.name = wanted.name;
    for (const auto& partition : wanted.partitions) {
      delete_from(topic, wanted.name, partition, answer.partitions.emplace_back());
    }
  }
}

}  // namespace cms::broker
