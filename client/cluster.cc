// SPDX-License-Identifier: Apache-2.0
#include "client/cluster.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace cms::client {

namespace {

using protocol::ErrorCode;
using protocol::MetadataRequest;
using protocol::MetadataResponse;

// A topic made on demand has no leader for a moment; the answer asks to come again.
constexpr int creation_tries_max = 60;
constexpr milliseconds creation_pause{50};

bool is_being_created(const TopicMetadata& topic) {
  if (topic.error_code == ErrorCode::leader_not_available || topic.error_code == ErrorCode::unknown_topic_or_partition)
    return true;
  return std::any_of(topic.partitions.begin(), topic.partitions.end(),
                     [](const PartitionMetadata& partition) { return partition.leader_id < 0; });
}

}  // namespace

Result<Cluster> Cluster::open(std::vector<Address> bootstrap, ConnectionOptions options) {
  CHECK(!bootstrap.empty());
  for (std::size_t i = 0;; ++i) {
    Result<Connection> connection = Connection::open(bootstrap[i], options);
    if (connection) return Cluster(std::make_unique<Connection>(std::move(*connection)), std::move(options));
    if (i + 1 == bootstrap.size()) return connection.error();
  }
}

Result<MetadataResponse> Cluster::all_topics() {
  MetadataRequest request;
  request.allow_auto_topic_creation = false;
  Result<MetadataResponse> answer = bootstrap_->call(request);
  if (!answer) return answer;
  learn(answer->brokers);
  topics_.clear();
  for (const TopicMetadata& topic : answer->topics) {
    if (topic.name && topic.error_code == ErrorCode::none) topics_[*topic.name] = topic;
  }
  return answer;
}

void Cluster::learn(const std::vector<MetadataResponse::Broker>& brokers) {
  nodes_.clear();
  for (const MetadataResponse::Broker& broker : brokers) {
    Address address;
    address.host = broker.host;
    address.port = static_cast<std::uint16_t>(broker.port);
    nodes_[broker.node_id] = address;
  }
}

Result<TopicMetadata> Cluster::ask_for(const std::string& name, bool create) {
  MetadataRequest request;
  request.topics.emplace().push_back({{}, name});
  request.allow_auto_topic_creation = create;
  Result<MetadataResponse> answer = bootstrap_->call(request);
  if (!answer) return answer.error();
  learn(answer->brokers);
  if (answer->topics.size() != 1) return Error(ErrorKind::corrupt, "the broker's metadata lacks the topic asked for");
  return std::move(answer->topics.front());
}

Result<const TopicMetadata*> Cluster::topic(const std::string& name, bool create) {
  if (const auto known = topics_.find(name); known != topics_.end()) return &known->second;
  for (int tries = 1;; ++tries) {
    Result<TopicMetadata> found = ask_for(name, create);
    if (!found) return found.error();
    const bool wait = create && is_being_created(*found) && tries < creation_tries_max;
    if (found->error_code == ErrorCode::none && !wait) return &(topics_[name] = std::move(*found));
    if (!wait) return refusal(found->error_code).while_doing("topic " + name);
    std::this_thread::sleep_for(creation_pause);
  }
}

Result<Connection*> Cluster::leader_of(const std::string& name, std::int32_t partition) {
  const Result<const TopicMetadata*> found = topic(name);
  if (!found) return found.error();
  for (const PartitionMetadata& one : (*found)->partitions) {
    if (one.partition_index != partition) continue;
    if (one.leader_id < 0)
      return refusal(ErrorCode::leader_not_available).while_doing(name + "-" + std::to_string(partition));
    return node(one.leader_id);
  }
  const std::size_t count = (*found)->partitions.size();
  return Error(ErrorKind::not_found, "topic " + name + " has no partition " + std::to_string(partition) + ": it has " +
                                         std::to_string(count) + ", numbered from 0");
}

Result<Connection*> Cluster::coordinator_of(const std::string& group) {
  if (const auto known = coordinators_.find(group); known != coordinators_.end()) return node(known->second);
  if (nodes_.empty()) {
    if (const auto all = brokers(); !all) return all.error();
  }
  protocol::FindCoordinatorRequest request;
  request.key = group;
  request.coordinator_keys.push_back(group);
  for (int tries = 1;; ++tries) {
    auto answer = bootstrap_->call(request);
    if (!answer) return answer.error();
    if (answer->coordinators.empty())  // before version 4
      answer->coordinators.push_back({group, answer->node_id, {}, 0, answer->error_code, answer->error_message});
    const auto& found = answer->coordinators.front();
    if (found.error_code == ErrorCode::none) return node(coordinators_[group] = found.node_id);
    if (!is_passing(found.error_code) || tries == coordinator_tries_max)
      return refusal(found.error_code, found.error_message).while_doing("finding the coordinator of group " + group);
    std::this_thread::sleep_for(coordinator_pause);
  }
}

Result<std::vector<Connection*>> Cluster::brokers() {
  MetadataRequest request;
  request.topics.emplace();
  request.allow_auto_topic_creation = false;
  const Result<MetadataResponse> answer = bootstrap_->call(request);
  if (!answer) return answer.error();
  learn(answer->brokers);
  std::vector<Connection*> connections;
  for (const MetadataResponse::Broker& broker : answer->brokers) {
    const Result<Connection*> connection = node(broker.node_id);
    if (!connection) return connection.error();
    connections.push_back(*connection);
  }
  return connections;
}

Result<Connection*> Cluster::node(std::int32_t id) {
  if (nodes_.size() <= 1) return bootstrap_.get();
  if (const auto known = connections_.find(id); known != connections_.end()) return known->second.get();
  const auto address = nodes_.find(id);
  if (address == nodes_.end()) return Error(ErrorKind::corrupt, "no address is known of broker " + std::to_string(id));
  Result<Connection> connection = Connection::open(address->second, options_);
  if (!connection) return connection.error();
  return (connections_[id] = std::make_unique<Connection>(std::move(*connection))).get();
}

}  // namespace cms::client
