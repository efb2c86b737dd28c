// SPDX-License-Identifier: Apache-2.0
#include "broker/groups/group_configs.h"

#include <utility>

namespace cms::broker {

namespace {

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
  auto configs = NamedConfigs::open(store, {.key_prefix = "configs/groups/", .one = "a group"});
  if (!configs) return configs.error();
  std::unique_ptr<GroupConfigs> groups(new GroupConfigs(std::move(*configs)));
  for (const std::string& id : groups->group_ids()) groups->take(id, groups->of(id));
  return groups;
}

coordinator::GroupConfig GroupConfigs::in_force(std::string_view group_id) const {
  if (is_empty_.load(std::memory_order_acquire)) return {};
  const std::lock_guard lock(mutex_);
  const auto found = in_force_.find(group_id);
  return found == in_force_.end() ? coordinator::GroupConfig{} : found->second;
}

void GroupConfigs::take(const std::string& group_id, const ConfigMap& configs) {
  const std::lock_guard lock(mutex_);
  if (configs.empty()) {
    in_force_.erase(group_id);
  } else {
    in_force_[group_id] = read(configs);
  }
  is_empty_.store(in_force_.empty(), std::memory_order_release);
}

base::Result<NamedConfigs::Refusal> GroupConfigs::change(const std::string& group_id,
                                                         const NamedConfigs::Change& change, bool validate_only) {
  return configs_->change(group_id, change, validate_only, [&](const ConfigMap& now) { take(group_id, now); });
}

}  // namespace cms::broker
