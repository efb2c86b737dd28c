// SPDX-License-Identifier: Apache-2.0
// Configs of one group (KIP-848, KIP-932, KIP-1071): every one that Kafka has. Those of consumer groups are in force
// here; those of share and streams groups are accepted and shown, so that they are there when such groups are. All
// functions are pure; any thread.
//
// A group's default is the broker's option of the same purpose, and an option of the broker bounds what may be set.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "broker/config/config_value.h"

namespace cms::broker {

// `given` in all of these: Options::given, the options of the broker that somebody has set.

// Every group config, sorted by name, with synonyms and documentation.
std::vector<ConfigEntry> describe_group_config(const ConfigMap& group, const ConfigMap& given);

// The group's own configs after a change, or why it is refused as a whole, in Kafka's words. AlterConfigs: what is not
// named returns to its default.
ConfigOutcome replace_group_config(std::span<const ConfigSetting> settings, const ConfigMap& given);
// IncrementalAlterConfigs.
ConfigOutcome alter_group_config(const ConfigMap& group, std::span<const ConfigOperation> operations,
                                 const ConfigMap& given);

}  // namespace cms::broker
