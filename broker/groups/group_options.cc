// SPDX-License-Identifier: Apache-2.0
#include "broker/groups/group_options.h"

#include "broker/config/config_value.h"

namespace cms::broker {

namespace {

coordinator::MigrationPolicy policy_of(std::string_view name) {
  using coordinator::MigrationPolicy;
  if (name == "disabled") return MigrationPolicy::disabled;
  if (name == "upgrade") return MigrationPolicy::upgrade;
  if (name == "downgrade") return MigrationPolicy::downgrade;
  return MigrationPolicy::bidirectional;
}

// An option that has no member.
std::int32_t given_number(const Options& options, const std::string& name, std::int32_t default_value) {
  const auto given = options.given.find(name);
  return given == options.given.end() ? default_value : parse_int(given->second).value_or(default_value);
}

}  // namespace

coordinator::Options group_options(const Options& options) {
  coordinator::Options groups;
  groups.classic.session_timeout_min_ms = options.group_session_timeout_min_ms;
  groups.classic.session_timeout_max_ms = options.group_session_timeout_max_ms;
  groups.classic.initial_rebalance_delay_ms = options.group_initial_rebalance_delay_ms;
  groups.classic.members_max = options.group_members_max;
  groups.consumer.session_timeout_ms = options.consumer_group_session_timeout_ms;
  groups.consumer.heartbeat_interval_ms = options.consumer_group_heartbeat_interval_ms;
  groups.consumer.assignment_interval_ms =
      given_number(options, "group.consumer.assignment.interval.ms", groups.consumer.assignment_interval_ms);
  groups.consumer.members_max = options.consumer_group_members_max;
  groups.consumer.regex_refresh_ms = options.consumer_group_regex_refresh_ms;
  groups.consumer.assignors = split_list(options.consumer_group_assignors);
  groups.consumer.migration = policy_of(options.consumer_group_migration_policy);
  groups.offsets.metadata_bytes_max = options.offset_metadata_bytes_max;
  groups.offsets.retention_ms = std::int64_t{options.offsets_retention_minutes} * 60'000;
  return groups;
}

}  // namespace cms::broker
