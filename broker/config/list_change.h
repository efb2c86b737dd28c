// SPDX-License-Identifier: Apache-2.0
// The parts of IncrementalAlterConfigs that topics and brokers share (KIP-339).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker/config/config_value.h"

namespace cms::broker {

// Refuses a kind of operation that is none of the four.
std::optional<ConfigRefusal> why_not_kind(const ConfigOperation& operation);

ConfigRefusal not_a_list(const ConfigOperation& operation);

// `current` with the members of an append added, those it has already left out, or those of a subtract taken away.
std::string changed_list(std::string_view current, const ConfigOperation& operation);

}  // namespace cms::broker
