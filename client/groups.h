// SPDX-License-Identifier: Apache-2.0
// Groups from outside: which there are, who is in them, and away with them. What they have consumed is in
// group_offsets.h.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "client/cluster.h"

namespace cms::client {

struct TopicPartition {
  std::string topic;
  std::int32_t partition = 0;

  bool operator==(const TopicPartition&) const = default;
  bool operator<(const TopicPartition& other) const {
    return std::tie(topic, partition) < std::tie(other.topic, other.partition);
  }
};

// Words of the broker, as "classic", "Stable"; empty where an old broker does not tell (state: before KIP-518, type:
// before KIP-848).
struct ListedGroup {
  std::string id;
  std::string type;
  std::string state;
  std::string protocol_type;  // "consumer", "connect", ...; empty for a group that only commits offsets
};

struct DescribedMember {
  std::string id;
  std::optional<std::string> instance_id;  // static membership
  std::string client_id;
  std::string host;
  std::vector<std::string> topics;         // subscribed to
  std::optional<std::string> topic_regex;  // the same
  // What it owns, in order. Nothing where the bytes are not a consumer's: those of another protocol type.
  std::optional<std::vector<TopicPartition>> assignment;
  std::size_t assignment_bytes = 0;  // of a classic group's
  // In groups of the protocol of KIP-848 alone.
  std::optional<std::vector<TopicPartition>> target;  // what it is about to own
  std::optional<std::int32_t> epoch;
  bool is_classic = false;  // on its way from one protocol to the other
};

struct GroupDescription {
  std::string id;
  std::string type;  // "classic" or "consumer"
  std::string state;
  std::string protocol_type;
  std::string assignor;               // empty while there is none
  std::optional<std::int32_t> epoch;  // KIP-848
  Address coordinator;
  std::vector<DescribedMember> members;

  bool is_rebalancing() const;
};

// Those of every broker, by name; of all states and types where the filter is empty. A broker too old to filter is
// filtered here, by what it does tell.
Result<std::vector<ListedGroup>> list_groups(Cluster& cluster, const std::vector<std::string>& states = {},
                                             const std::vector<std::string>& types = {});

// A group on either protocol; not_found when there is none.
Result<GroupDescription> describe_group(Cluster& cluster, const std::string& group);

// The group must have no members: NON_EMPTY_GROUP.
Result<void> delete_group(Cluster& cluster, const std::string& group);

}  // namespace cms::client
