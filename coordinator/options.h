// SPDX-License-Identifier: Apache-2.0
// What a group coordinator can be told, under Kafka's names (the broker's option table says which member is which).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cms::coordinator {

enum class MigrationPolicy { disabled, upgrade, downgrade, bidirectional };  // group.consumer.migration.policy

struct ClassicOptions {
  std::int32_t session_timeout_min_ms = 6'000;      // group.min.session.timeout.ms
  std::int32_t session_timeout_max_ms = 1'800'000;  // group.max.session.timeout.ms
  std::int32_t initial_rebalance_delay_ms = 3'000;  // group.initial.rebalance.delay.ms
  std::int32_t members_max = INT32_MAX;             // group.max.size
};

struct ConsumerOptions {
  std::int32_t session_timeout_ms = 45'000;     // group.consumer.session.timeout.ms
  std::int32_t heartbeat_interval_ms = 5'000;   // group.consumer.heartbeat.interval.ms
  std::int32_t members_max = INT32_MAX;         // group.consumer.max.size
  std::int32_t assignment_interval_ms = 1'000;  // group.consumer.assignment.interval.ms: between two of one group
  std::int32_t regex_refresh_ms = 600'000;      // group.consumer.regex.refresh.interval.ms
  std::vector<std::string> assignors = {"uniform", "range"};  // group.consumer.assignors; the first is the default
  MigrationPolicy migration = MigrationPolicy::bidirectional;
};

struct OffsetOptions {
  std::int32_t metadata_bytes_max = 4096;                     // offset.metadata.max.bytes
  std::int64_t retention_ms = std::int64_t{10'080} * 60'000;  // offsets.retention.minutes
};

struct Options {
  ClassicOptions classic;
  ConsumerOptions consumer;
  OffsetOptions offsets;
  std::int32_t record_bytes_max = 1'048'588;  // of the coordinator's log: what one step may append
};

// Set for one group by IncrementalAlterConfigs (KIP-848); what is not set comes from ConsumerOptions.
struct GroupConfig {
  std::optional<std::int32_t> session_timeout_ms;      // consumer.session.timeout.ms
  std::optional<std::int32_t> heartbeat_interval_ms;   // consumer.heartbeat.interval.ms
  std::optional<std::int32_t> assignment_interval_ms;  // consumer.assignment.interval.ms
};

// Implemented by the host; called within a step, must not wait.
using GroupConfigs = std::function<GroupConfig(std::string_view group_id)>;

}  // namespace cms::coordinator
