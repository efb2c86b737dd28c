// SPDX-License-Identifier: Apache-2.0
// The brokers behind a bootstrap list: topics, their partitions, and a connection to each partition's leader and to
// each group's coordinator.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/connection.h"

namespace cms::client {

using TopicMetadata = protocol::MetadataResponse::Topic;
using PartitionMetadata = protocol::MetadataResponse::Partition;

// One owner, one thread.
class Cluster {
 public:
  // Connects to the first of `bootstrap` that answers; the error is the last one's.
  static Result<Cluster> open(std::vector<Address> bootstrap, ConnectionOptions options = {});

  // The broker that answered; it takes every administrative request.
  Connection& bootstrap() { return *bootstrap_; }

  // Takes the place of all that was known of topics and brokers.
  Result<protocol::MetadataResponse> all_topics();

  // What is known of a topic, asked for on first need; valid until it is forgotten. With `create` a broker that creates
  // topics on demand does so, and the call waits until it can be used.
  Result<const TopicMetadata*> topic(const std::string& name, bool create = false);
  void forget(const std::string& name) { topics_.erase(name); }

  // Connected on first need, and kept. A cluster of one broker is always reached the way it was found, whatever address
  // it advertises, so that tunnels and Unix sockets work.
  Result<Connection*> leader_of(const std::string& topic, std::int32_t partition);

  // The broker that coordinates the group, asked for on first need, and kept until it is forgotten. Waits for up to 10
  // s while there is none yet: the first group of a cluster has its coordinator made.
  Result<Connection*> coordinator_of(const std::string& group);
  void forget_coordinator(const std::string& group) { coordinators_.erase(group); }

  // Every broker, for what each of them knows a part of.
  Result<std::vector<Connection*>> brokers();

 private:
  Cluster(std::unique_ptr<Connection> bootstrap, ConnectionOptions options)
      : bootstrap_(std::move(bootstrap)), options_(std::move(options)) {}

  Result<TopicMetadata> ask_for(const std::string& name, bool create);
  void learn(const std::vector<protocol::MetadataResponse::Broker>& brokers);
  Result<Connection*> node(std::int32_t id);

  std::unique_ptr<Connection> bootstrap_;
  ConnectionOptions options_;
  std::map<std::int32_t, Address> nodes_;
  std::map<std::int32_t, std::unique_ptr<Connection>> connections_;  // to nodes other than the first
  std::map<std::string, TopicMetadata> topics_;
  std::map<std::string, std::int32_t> coordinators_;  // by group
};

}  // namespace cms::client
