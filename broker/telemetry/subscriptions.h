// SPDX-License-Identifier: Apache-2.0
// All subscriptions to clients' metrics, kept in the ConfigurationStore under configs/client-metrics/<name>.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "broker/metadata/named_configs.h"
#include "broker/telemetry/subscription.h"

namespace cms::broker {

class Subscriptions {
 public:
  // All are tried for each client that comes.
  static constexpr std::size_t subscriptions_max = 1000;

  // Loads them. `store` outlives the result.
  static base::Result<std::unique_ptr<Subscriptions>> open(ConfigurationStore& store);

  // --- Any thread, never blocks.

  ConfigMap configs_of(std::string_view name) const { return configs_->of(name); }
  std::vector<std::string> names() const { return configs_->names(); }  // sorted

  // Rises with every change.
  std::int64_t version() const { return version_.load(std::memory_order_acquire); }

  MergedSubscription merged_for(const ClientIdentity& client) const;

  // --- Blocks until durable; one change at a time. As NamedConfigs.

  base::Result<NamedConfigs::Refusal> change(const std::string& name, const NamedConfigs::Change& change,
                                             bool validate_only);

 private:
  explicit Subscriptions(std::unique_ptr<NamedConfigs> configs) : configs_(std::move(configs)) {}

  void read_all();

  const std::unique_ptr<NamedConfigs> configs_;
  mutable std::mutex mutex_;  // short
  std::shared_ptr<const std::vector<Subscription>> in_force_;
  std::atomic<std::int64_t> version_{0};
};

}  // namespace cms::broker
