// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/assignments.h"

#include <algorithm>

namespace cms::broker {

std::optional<TopicOutcome> why_not_replicas(std::span<const std::int32_t> brokers, std::int32_t node_id) {
  constexpr auto refuse = [](std::string message) {
    return TopicOutcome::refuse(ErrorCode::invalid_replica_assignment, std::move(message));
  };
  if (brokers.empty()) return refuse("The manual partition assignment includes an empty replica list.");
  const auto stranger = std::ranges::find_if(brokers, [&](std::int32_t broker) { return broker != node_id; });
  if (stranger != brokers.end()) {
    return refuse("The manual partition assignment includes broker " + std::to_string(*stranger) +
                  ", but no such broker is registered.");
  }
  if (brokers.size() > 1) {
    return refuse("The manual partition assignment includes the broker " + std::to_string(node_id) +
                  " more than once.");
  }
  return std::nullopt;
}

}  // namespace cms::broker
