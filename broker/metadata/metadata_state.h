// SPDX-License-Identifier: Apache-2.0
// What Metadata holds in memory, and how each part is named in the store.
//
//   cluster/id                    producers/next                 configs/brokers/default
//   nodes/<node id>/boots         offsets/<topic id>/<partition> configs/brokers/<node id>
//   topics/<name>                 deleted/<topic id>
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "base/uuid.h"
#include "broker/metadata/metadata.h"

namespace cms::broker {

namespace store_key {
inline constexpr std::string_view cluster_id = "cluster/id";
inline constexpr std::string_view producers_next = "producers/next";
inline constexpr std::string_view topics = "topics/";
inline constexpr std::string_view deleted = "deleted/";
inline constexpr std::string_view offsets = "offsets/";
inline constexpr std::string_view broker_configs = "configs/brokers/";

std::string boots(std::int32_t node_id);
std::string topic(std::string_view name);
std::string deleted_topic(const base::Uuid& id);
std::string offset(const base::Uuid& topic_id, std::int32_t partition);
std::string configs_of(std::optional<std::int32_t> node);
}  // namespace store_key

struct Metadata::State {
  std::map<std::string, TopicPointer, std::less<>> topics;
  std::unordered_map<base::Uuid, TopicPointer> topics_by_id;
  std::unordered_map<std::string, std::string> topic_by_collision_key;
  std::map<base::Uuid, DeletedTopic> deleted;
  std::unordered_map<base::Uuid, std::map<std::int32_t, std::int64_t>> offsets;  // by partition
  std::map<std::string, ConfigMap> broker_configs;                               // by key
  std::int64_t producers_next = 0;

  void add(TopicPointer topic);  // or replaces the one of that name
  void remove(const TopicRecord& topic);

  // One entry of the store; an error names its key.
  base::Result<void> load(const StoredEntry& entry);

 private:
  bool load_topic(const StoredEntry& entry);
  bool load_deleted(const StoredEntry& entry);
  bool load_offset(const StoredEntry& entry);
};

}  // namespace cms::broker
