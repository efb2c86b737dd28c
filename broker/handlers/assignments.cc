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

std::optional<TopicOutcome> why_not_replication_factor(std::int16_t factor) {
  constexpr auto refuse = [](std::string message) {
    return TopicOutcome::refuse(ErrorCode::invalid_replication_factor, std::move(message));
  };
  if (factor == 0 || factor < -1) {
    return refuse("Replication factor must be larger than 0, or -1 to use the default value.");
  }
  if (factor > 1) {
    return refuse("Unable to replicate the partition " + std::to_string(factor) +
                  " time(s): The target replication factor of " + std::to_string(factor) +
                  " cannot be reached because only 1 broker(s) are registered.");
  }
  return std::nullopt;
}

}  // namespace cms::broker
