// SPDX-License-Identifier: Apache-2.0
// Topic configs: every one that Kafka has, and cms.durability. What is in force for a topic, where it comes from, and
// what a change of it would give. All functions are pure; any thread.
//
// Precedence: the topic's own, its pool's rule, dynamic config of this broker, dynamic default of all brokers, the
// broker's options, the default. A pool's rule stands before the brokers' dynamic defaults because it is about fewer
// topics; DescribeConfigs shows it as static broker config whose synonym is named "pool:<prefix>".
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/config/config_value.h"
#include "broker/config/pool_rules.h"

namespace cms::broker {

enum class Durability : std::uint8_t { persistent, volatile_memory, transient };
enum class TimestampType : std::uint8_t { create_time, log_append_time };
enum class CompressionType : std::uint8_t { producer, uncompressed, gzip, snappy, lz4, zstd };

inline constexpr std::string_view durability_config = "cms.durability";

std::string_view to_string(Durability durability);  // persistent, volatile, transient
std::optional<Durability> parse_durability(std::string_view text);
std::string_view to_string(CompressionType type);
std::string_view to_string(TimestampType type);

// The values in force, parsed, for the data path. The defaults are Kafka's except flush.messages: 1 here, so that an
// acknowledged record of a persistent topic is on the disk.
struct EffectiveTopicConfig {
  static constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();

  Durability durability = Durability::persistent;

  std::int32_t max_message_bytes = 1'048'588;
  TimestampType timestamp_type = TimestampType::create_time;
  std::int64_t timestamp_before_max_ms = no_limit;
  std::int64_t timestamp_after_max_ms = 3'600'000;
  CompressionType compression = CompressionType::producer;
  std::int32_t gzip_level = -1;
  std::int32_t lz4_level = 9;
  std::int32_t zstd_level = 3;
  std::int32_t min_insync_replicas = 1;

  std::int64_t flush_messages = 1;  // sync after so many records; 1: before every acknowledgement
  std::int64_t flush_ms = no_limit;

  std::int32_t segment_bytes = 1'073'741'824;
  std::int64_t segment_ms = 604'800'000;
  std::int64_t segment_jitter_ms = 0;
  std::int32_t segment_index_bytes = 10'485'760;
  std::int32_t index_interval_bytes = 4096;
  bool preallocate = false;
  std::int64_t file_delete_delay_ms = 60'000;

  bool cleanup_delete = true;  // both false: an empty cleanup.policy, nothing is ever removed
  bool cleanup_compact = false;
  std::int64_t retention_bytes = -1;        // per partition; negative: no limit
  std::int64_t retention_ms = 604'800'000;  // -1: no limit
  std::int64_t delete_retention_ms = 86'400'000;
  double min_cleanable_dirty_ratio = 0.5;
  std::int64_t min_compaction_lag_ms = 0;
  std::int64_t max_compaction_lag_ms = no_limit;
  bool unclean_leader_election = false;

  bool operator==(const EffectiveTopicConfig&) const = default;
};

// The brokers' part of every topic's configuration, by the names of broker options (log.retention.ms).
struct BrokerConfigLayers {
  ConfigMap dynamic_broker;
  ConfigMap dynamic_default;
  ConfigMap static_broker;  // Options::given
};

// All that decides about one topic; borrowed for the call. `durability` is what the topic was created with, absent for
// one that is being created.
struct TopicConfigLayers {
  const ConfigMap& topic;
  const PoolRule* pool = nullptr;
  const BrokerConfigLayers& brokers;
  std::optional<Durability> durability;
};

EffectiveTopicConfig effective_topic_config(const TopicConfigLayers& layers);

// Every topic config, sorted by name, with synonyms and documentation.
std::vector<ConfigEntry> describe_topic_config(const TopicConfigLayers& layers);

// The topic's own configs (a map to be stored) after a change, or why it is refused as a whole. `layers` is as it is
// before the change. Another cms.durability is no refusal here: Topics knows whether the topic has had records.
//
// Creation: unknown names and bad or absent values are INVALID_CONFIG, a name twice INVALID_REQUEST.
ConfigOutcome create_topic_config(std::span<const ConfigSetting> settings, const TopicConfigLayers& layers);
// AlterConfigs: what is not named returns to its default, except cms.durability, which stays.
ConfigOutcome replace_topic_config(std::span<const ConfigSetting> settings, const TopicConfigLayers& layers);
// IncrementalAlterConfigs.
ConfigOutcome alter_topic_config(std::span<const ConfigOperation> operations, const TopicConfigLayers& layers);

}  // namespace cms::broker
