// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/metadata.h"

#include <string_view>
#include <unordered_set>
#include <utility>

#include "broker/metadata/topic_name.h"

namespace cms::broker {

namespace {

using protocol::MetadataRequest;
using protocol::MetadataResponse;

// The first version that may name a topic by its id alone; 10 and 11 have the field, but no broker ever took it.
constexpr protocol::Version query_by_id_since = 12;

bool may_be_created(const Topics& topics, const std::string& name) {
  return !why_not_topic_name(name) && !is_internal_topic(name) && topics.find(name) == nullptr;
}

bool creation_allowed(const Options& options, const MetadataRequest& request) {
  return options.auto_create_topics && request.allow_auto_topic_creation;
}

bool wants_all(const MetadataRequest& request, protocol::Version version) {
  return !request.topics || (version == 0 && request.topics->empty());
}

// A topic without name and id, or one by id before that was possible.
bool is_malformed(const MetadataRequest& request, protocol::Version version) {
  if (!request.topics) return false;
  for (const auto& topic : *request.topics) {
    if (!topic.name && topic.topic_id.is_zero()) return true;
    if (version < query_by_id_since && (!topic.name || !topic.topic_id.is_zero())) return true;
  }
  return false;
}

void refuse(const MetadataRequest& request, MetadataResponse& response) {
  for (const auto& wanted : *request.topics) {
    MetadataResponse::Topic& topic = response.topics.emplace_back();
    topic.error_code = ErrorCode::invalid_request;
    topic.name = wanted.name.value_or("");
    topic.topic_id = wanted.topic_id;
  }
}

void add_partitions(const Topic& topic, MetadataResponse::Topic& into) {
  into.partitions.reserve(topic.partitions.size());
  for (const auto& partition : topic.partitions) {
    const replication::View view = partition->view();
    MetadataResponse::Partition& shown = into.partitions.emplace_back();
    shown.partition_index = partition->identity().index;
    shown.leader_id = view.leader();
    shown.leader_epoch = view.number;
    shown.replica_nodes = view.members;
    shown.isr_nodes = view.members;
    if (!partition->is_offline()) continue;
    shown.error_code = ErrorCode::leader_not_available;  // as Kafka of a partition whose log directory has failed
    shown.leader_id = no_leader;
    shown.offline_replicas = view.members;
  }
}

class Answer {
 public:
  Answer(Topics& topics, const MetadataRequest& request, MetadataResponse& response, bool may_create)
      : topics_(topics), request_(request), response_(response), may_create_(may_create) {}

  void add_all() {
    for (const TopicHandle& topic : topics_.all()) add(*topic);
  }

  // Each topic once, however often it is listed.
  void add_listed() {
    std::unordered_set<std::string_view> names;
    std::unordered_set<base::Uuid> ids;
    for (const auto& wanted : *request_.topics) {
      if (!wanted.topic_id.is_zero()) {
        if (ids.insert(wanted.topic_id).second) add_by_id(wanted.topic_id);
      } else if (names.insert(*wanted.name).second) {
        add_by_name(*wanted.name);
      }
    }
  }

 private:
  void add_by_id(const base::Uuid& id) {
    if (const TopicHandle topic = topics_.find(id)) return add(*topic);
    MetadataResponse::Topic& unknown = response_.topics.emplace_back();
    unknown.error_code = ErrorCode::unknown_topic_id;
    unknown.topic_id = id;
  }

  void add_by_name(const std::string& name) {
    TopicHandle topic = topics_.find(name);
    ErrorCode error = ErrorCode::unknown_topic_or_partition;
    if (topic == nullptr && why_not_topic_name(name)) {
      error = ErrorCode::invalid_topic_exception;
    } else if (topic == nullptr && may_create_ && may_be_created(topics_, name)) {
      TopicOutcome made = topics_.create({.name = name, .partitions = -1, .configs = {}}, false);
      error = made.error;
      topic = std::move(made.topic);
      if (error == ErrorCode::topic_already_exists) {  // somebody else made it meanwhile
        topic = topics_.find(name);
        error = ErrorCode::unknown_topic_or_partition;
      }
    }
    if (topic != nullptr) return add(*topic);
    MetadataResponse::Topic& failed = response_.topics.emplace_back();
    failed.error_code = error;
    failed.name = name;
    failed.is_internal = is_internal_topic(name);
  }

  void add(const Topic& topic) {
    MetadataResponse::Topic& shown = response_.topics.emplace_back();
    shown.name = topic.name();
    shown.topic_id = topic.id();
    shown.is_internal = is_internal_topic(topic.name());
    if (request_.include_topic_authorized_operations) shown.topic_authorized_operations = all_topic_operations;
    add_partitions(topic, shown);
  }

  Topics& topics_;
  const MetadataRequest& request_;
  MetadataResponse& response_;
  const bool may_create_;
};

}  // namespace

bool needs_creation(const Topics& topics, const Options& options, const MetadataRequest& request) {
  if (!request.topics || !creation_allowed(options, request)) return false;
  for (const auto& topic : *request.topics) {
    if (topic.name && topic.topic_id.is_zero() && may_be_created(topics, *topic.name)) return true;
  }
  return false;
}

void metadata(Topics& topics, const Metadata& node, const Options& options, const RequestContext& context,
              const MetadataRequest& request, MetadataResponse& response) {
  if (is_malformed(request, context.version())) return refuse(request, response);
  MetadataResponse::Broker& self = response.brokers.emplace_back();
  self.node_id = node.node_id();
  self.host = context.listener().advertised_host;
  self.port = context.listener().advertised_port;
  if (!options.rack.empty()) self.rack = options.rack;
  response.cluster_id = node.cluster_id();
  response.controller_id = node.node_id();
  if (request.include_cluster_authorized_operations) response.cluster_authorized_operations = all_cluster_operations;

  Answer answer(topics, request, response, creation_allowed(options, request));
  if (wants_all(request, context.version())) {
    answer.add_all();
  } else {
    answer.add_listed();
  }
}

}  // namespace cms::broker
