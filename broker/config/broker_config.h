// SPDX-License-Identifier: Apache-2.0
// The broker's own configuration as Kafka's tools see it: DescribeConfigs and AlterConfigs of a broker resource. Pure;
// any thread.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "broker/config/config_value.h"
#include "broker/config/options.h"
#include "broker/config/topic_config.h"

namespace cms::broker {

// Every option of a broker, sorted by name. `options` are those the broker was started with.
std::vector<ConfigEntry> describe_broker_config(const Options& options, const BrokerConfigLayers& layers);

// What is set for all brokers by default (resource name ""): only that.
std::vector<ConfigEntry> describe_broker_defaults(const BrokerConfigLayers& layers);

// `current` (one broker's dynamic configs, or the default of all) after the change. Options that only a restart can
// change are refused with INVALID_REQUEST, as are bad values; names that are no option are kept, as Kafka keeps them.
ConfigOutcome replace_broker_config(std::span<const ConfigSetting> settings);
ConfigOutcome alter_broker_config(const ConfigMap& current, std::span<const ConfigOperation> operations);

// `options` with the dynamic configs applied to its members. Dynamic values were checked when they were set; one that
// no longer passes is left out.
Options with_dynamic_config(const Options& options, const BrokerConfigLayers& layers);

}  // namespace cms::broker
