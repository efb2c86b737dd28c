// SPDX-License-Identifier: Apache-2.0
// Configs of one subscription to clients' metrics (KIP-714): metrics, interval.ms and match. Shown and refused as Kafka
// does. All functions are pure; any thread.
#pragma once

#include <span>
#include <vector>

#include "broker/config/config_value.h"

namespace cms::broker {

// All three, sorted by name, with documentation.
std::vector<ConfigEntry> describe_subscription_config(const ConfigMap& subscription);

// The subscription's configs after a change, or why it is refused as a whole. AlterConfigs: what is not named returns
// to its default.
ConfigOutcome replace_subscription_config(std::span<const ConfigSetting> settings);
// IncrementalAlterConfigs.
ConfigOutcome alter_subscription_config(const ConfigMap& subscription, std::span<const ConfigOperation> operations);

}  // namespace cms::broker
