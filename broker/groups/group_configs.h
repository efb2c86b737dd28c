// SPDX-License-Identifier: Apache-2.0
// The configs that groups have of their own, kept in the ConfigurationStore; most groups have none.
//
//   configs/groups/<group id>     a line for each config
//
// A group need not exist to have configs, and keeps them when it is deleted.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "broker/config/config_value.h"
#include "broker/metadata/configuration_store.h"
#include "coordinator/options.h"

namespace cms::broker {

class GroupConfigs {
 public:
  // Of a group that has configs: the store's keys are no longer.
  static constexpr std::size_t group_id_bytes_max = 1000;

  // Loads them. `store` outlives the result.
  static base::Result<std::unique_ptr<GroupConfigs>> open(ConfigurationStore& store);

  // --- Any thread, never blocks.

  ConfigMap of(std::string_view group_id) const;

  // What the coordinator is told of a group's configs.
  coordinator::GroupConfig in_force(std::string_view group_id) const;

  // Those that have any, sorted.
  std::vector<std::string> group_ids() const;

  // --- Blocks until durable; one change at a time.

  // `change` gets what the group has and returns what it is to have. Nothing, or why the change is refused; an error
  // when it cannot be stored.
  using Change = std::function<ConfigOutcome(const ConfigMap&)>;
  base::Result<std::optional<ConfigRefusal>> change(const std::string& group_id, const Change& change,
                                                    bool validate_only);

 private:
  struct Group {
    ConfigMap configs;
    coordinator::GroupConfig in_force;
  };

  explicit GroupConfigs(ConfigurationStore& store) : store_(store) {}

  base::Result<void> store(const std::string& group_id, const ConfigMap& configs);

  ConfigurationStore& store_;
  std::mutex change_mutex_;           // across the store's write; taken before groups_mutex_
  mutable std::mutex groups_mutex_;   // short
  std::atomic<bool> is_empty_{true};  // heartbeats ask, and almost always this is the answer
  std::map<std::string, Group, std::less<>> groups_;
};

}  // namespace cms::broker
