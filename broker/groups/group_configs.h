// SPDX-License-Identifier: Apache-2.0
// The configs that groups have of their own, kept in the ConfigurationStore; most groups have none.
//
//   configs/groups/<group id>     a line for each config
//
// A group need not exist to have configs, and keeps them when it is deleted.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "broker/metadata/named_configs.h"
#include "coordinator/options.h"

namespace cms::broker {

class GroupConfigs {
 public:
  static constexpr std::size_t group_id_bytes_max = NamedConfigs::name_bytes_max;  // of a group that has configs

  // Loads them. `store` outlives the result.
  static base::Result<std::unique_ptr<GroupConfigs>> open(ConfigurationStore& store);

  // --- Any thread, never blocks.

  ConfigMap of(std::string_view group_id) const { return configs_->of(group_id); }

  // What the coordinator is told of a group's configs.
  coordinator::GroupConfig in_force(std::string_view group_id) const;

  // Those that have any, sorted.
  std::vector<std::string> group_ids() const { return configs_->names(); }

  // --- Blocks until durable; one change at a time. As NamedConfigs.

  base::Result<NamedConfigs::Refusal> change(const std::string& group_id, const NamedConfigs::Change& change,
                                             bool validate_only);

 private:
  explicit GroupConfigs(std::unique_ptr<NamedConfigs> configs) : configs_(std::move(configs)) {}

  void take(const std::string& group_id, const ConfigMap& configs);

  const std::unique_ptr<NamedConfigs> configs_;
  mutable std::mutex mutex_;          // short
  std::atomic<bool> is_empty_{true};  // heartbeats ask, and almost always this is the answer
  std::map<std::string, coordinator::GroupConfig, std::less<>> in_force_;
};

}  // namespace cms::broker
