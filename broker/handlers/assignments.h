// SPDX-License-Identifier: Apache-2.0
// Replicas that a tool chooses by hand. This node is the only broker, so only one choice is right.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "broker/topics/topics.h"

namespace cms::broker {

// Nothing, or why one partition's replicas are refused.
std::optional<TopicOutcome> why_not_replicas(std::span<const std::int32_t> brokers, std::int32_t node_id);

}  // namespace cms::broker
