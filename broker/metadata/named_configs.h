// SPDX-License-Identifier: Apache-2.0
// The configs of things that are known by their name alone, as groups are, kept in the ConfigurationStore: an entry for
// each name that has any.
//
//   <key prefix><name>     a line for each config
#pragma once

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

namespace cms::broker {

class NamedConfigs {
 public:
  // The store's keys are no longer.
  static constexpr std::size_t name_bytes_max = 1000;

  struct Kind {
    std::string key_prefix;
    std::string one;  // in messages: "a group"
  };

  // Loads them. `store` outlives the result.
  static base::Result<std::unique_ptr<NamedConfigs>> open(ConfigurationStore& store, Kind kind);

  // --- Any thread, never blocks.

  ConfigMap of(std::string_view name) const;

  // Those that have any, sorted.
  std::vector<std::string> names() const;

  // --- Blocks until durable; one change at a time.

  // `change` gets what the name has and returns what it is to have. Nothing, or why the change is refused; an error
  // when it cannot be stored.
  using Change = std::function<ConfigOutcome(const ConfigMap&)>;
  using Refusal = std::optional<ConfigRefusal>;
  // Told what a name has now, before another change begins.
  using Changed = std::function<void(const ConfigMap&)>;
  base::Result<Refusal> change(const std::string& name, const Change& change, bool validate_only,
                               const Changed& changed);

 private:
  NamedConfigs(ConfigurationStore& store, Kind kind) : store_(store), kind_(std::move(kind)) {}

  base::Result<void> store(const std::string& name, const ConfigMap& configs);

  ConfigurationStore& store_;
  const Kind kind_;
  std::mutex change_mutex_;         // across the store's write; taken before names_mutex_
  mutable std::mutex names_mutex_;  // short
  std::map<std::string, ConfigMap, std::less<>> names_;
};

}  // namespace cms::broker
