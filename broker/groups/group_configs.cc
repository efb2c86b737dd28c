// SPDX-License-Identifier: Apache-2.0
#include "broker/groups/group_configs.h"

#include <utility>

#include "broker/metadata/record_text.h"

namespace cms::broker {

namespace {

constexpr std::string_view key_prefix = "configs/groups/";
static_assert(key_prefix.size() + GroupConfigs::group_id_bytes_max <= store_key_bytes_max);

coordinator::GroupConfig read(const ConfigMap& configs) {
  const auto number = [&configs](std::string_view name) {
    const auto found = configs.find(name);
    return found == configs.end() ? std::nullopt : parse_int(found->second);
  };
  return {.session_timeout_ms = number("consumer.session.timeout.ms"),
          .heartbeat_interval_ms = number("consumer.heartbeat.interval.ms"),
          .assignment_interval_ms = number("consumer.assignment.interval.ms")};
}

}  // namespace

base::Result<std::unique_ptr<GroupConfigs>> GroupConfigs::open(ConfigurationStore& store) {
  const auto entries = store.list(key_prefix);
  if (!entries) return entries.error().while_doing("loading the configs of groups");
  std::unique_ptr<GroupConfigs> groups(new GroupConfigs(store));
  for (const StoredEntry& entry : *entries) {
    auto configs = read_configs(entry.value);
    if (!configs) {
      return base::Error(base::ErrorKind::corrupt, "the entry " + entry.key +
                                                       " is not what this version writes; restore the metadata from a "
                                                       "backup");
    }
    const auto in_force = read(*configs);
    groups->groups_[entry.key.substr(key_prefix.size())] = {std::move(*configs), in_force};
  }
  groups->is_empty_ = groups->groups_.empty();
  return groups;
}

ConfigMap GroupConfigs::of(std::string_view group_id) const {
  const std::lock_guard lock(groups_mutex_);
  const auto found = groups_.find(group_id);
  return found == groups_.end() ? ConfigMap() : found->second.configs;
}

coordinator::GroupConfig GroupConfigs::in_force(std::string_view group_id) const {
  if (is_empty_.load(std::memory_order_acquire)) return {};
  const std::lock_guard lock(groups_mutex_);
  const auto found = groups_.find(group_id);
  return found == groups_.end() ? coordinator::GroupConfig{} : found->second.in_force;
}

std::vector<std::string> GroupConfigs::group_ids() const {
  const std::lock_guard lock(groups_mutex_);
  std::vector<std::string> ids;
  ids.reserve(groups_.size());
  for (const auto& [id, group] : groups_) ids.push_back(id);
  return ids;
}

base::Result<void> GroupConfigs::store(const std::string& group_id, const ConfigMap& configs) {
  StoreChange change{std::string(key_prefix) + group_id, std::nullopt, std::nullopt};
  if (!configs.empty()) change.value = write_configs(configs);
  const auto outcome = store_.apply({&change, 1});
  if (!outcome) return outcome.error().while_doing("storing the configs of a group");
  CHECK(outcome->applied);  // no version was expected
  return {};
}

base::Result<std::optional<ConfigRefusal>> GroupConfigs::change(const std::string& group_id, const Change& change,
                                                                bool validate_only) {
  using Refused = std::optional<ConfigRefusal>;
  if (group_id.size() > group_id_bytes_max) {
    return Refused(
        ConfigRefusal{ConfigRefusal::Code::invalid_request,
                      "A group with configs has an id of at most " + std::to_string(group_id_bytes_max) + " bytes."});
  }
  const std::lock_guard changing(change_mutex_);
  const ConfigMap before = of(group_id);
  const ConfigOutcome after = change(before);
  if (!after) return Refused(after.refusal());
  if (validate_only || *after == before) return Refused();
  if (auto stored = store(group_id, *after); !stored) return stored.error();
  const std::lock_guard lock(groups_mutex_);
  if (after->empty()) {
    groups_.erase(group_id);
  } else {
    groups_[group_id] = {*after, read(*after)};
  }
  is_empty_.store(groups_.empty(), std::memory_order_release);
  return Refused();
}

}  // namespace cms::broker
