// SPDX-License-Identifier: Apache-2.0
// Topics, partitions and configurations, one at a time. A refusal of the broker is an Error with its message and name.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "client/cluster.h"
#include "protocol/types.h"

namespace cms::client {

using ConfigEntry = protocol::DescribeConfigsResponse::Config;
using ConfigChange = protocol::IncrementalAlterConfigsRequest::Config;

struct ConfigResource {
  protocol::ConfigResourceType type = protocol::ConfigResourceType::topic;
  std::string name;
};

struct NewTopic {
  std::string name;
  std::int32_t partitions = -1;   // -1: the broker's default
  std::int16_t replication = -1;  // -1: the broker's default
  std::vector<std::pair<std::string, std::string>> configs;
  bool validate_only = false;
};

// Special timestamps of list_offsets().
inline constexpr std::int64_t latest_offset = -1;
inline constexpr std::int64_t earliest_offset = -2;

struct ListedOffset {
  std::int32_t partition = 0;
  std::int64_t offset = -1;     // -1: no record is that young
  std::int64_t timestamp = -1;  // of that record
  std::int32_t leader_epoch = -1;
};

Result<protocol::CreateTopicsResponse::Topic> create_topic(Cluster& cluster, const NewTopic& topic);
Result<void> delete_topic(Cluster& cluster, const std::string& name);
Result<void> add_partitions(Cluster& cluster, const std::string& name, std::int32_t total, bool validate_only = false);

// By time, earliest_offset or latest_offset, of each of the partitions, in their order.
Result<std::vector<ListedOffset>> list_offsets(Cluster& cluster, const std::string& topic,
                                               std::span<const std::int32_t> partitions, std::int64_t timestamp);

// Drops what lies before `offset` (-1: everything) and returns where the partition begins now.
Result<std::int64_t> delete_records(Cluster& cluster, const std::string& topic, std::int32_t partition,
                                    std::int64_t offset);

// All, or those named.
Result<std::vector<ConfigEntry>> describe_configs(Cluster& cluster, const ConfigResource& resource,
                                                  const std::optional<std::vector<std::string>>& names = std::nullopt);
Result<void> alter_configs(Cluster& cluster, const ConfigResource& resource, std::vector<ConfigChange> changes);

}  // namespace cms::client
