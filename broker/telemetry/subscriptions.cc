// SPDX-License-Identifier: Apache-2.0
#include "broker/telemetry/subscriptions.h"

#include <utility>

namespace cms::broker {

base::Result<std::unique_ptr<Subscriptions>> Subscriptions::open(ConfigurationStore& store) {
  auto configs = NamedConfigs::open(store, {.key_prefix = "configs/client-metrics/", .one = "a subscription"});
  if (!configs) return configs.error();
  std::unique_ptr<Subscriptions> subscriptions(new Subscriptions(std::move(*configs)));
  subscriptions->read_all();
  return subscriptions;
}

void Subscriptions::read_all() {
  auto all = std::make_shared<std::vector<Subscription>>();
  for (const std::string& name : names()) all->push_back(read_subscription(configs_of(name)));
  const std::lock_guard lock(mutex_);
  in_force_ = std::move(all);
  version_.fetch_add(1, std::memory_order_release);
}

MergedSubscription Subscriptions::merged_for(const ClientIdentity& client) const {
  std::unique_lock lock(mutex_);
  const auto all = in_force_;
  lock.unlock();
  return merged(*all, client);
}

base::Result<NamedConfigs::Refusal> Subscriptions::change(const std::string& name, const NamedConfigs::Change& change,
                                                          bool validate_only) {
  const NamedConfigs::Change bounded = [&](const ConfigMap& before) -> ConfigOutcome {
    if (before.empty() && names().size() >= subscriptions_max) {
      return ConfigRefusal{ConfigRefusal::Code::invalid_request,
                           "There are " + std::to_string(subscriptions_max) + " subscriptions, which is the most."};
    }
    return change(before);
  };
  return configs_->change(name, bounded, validate_only, [this](const ConfigMap&) { read_all(); });
}

}  // namespace cms::broker
