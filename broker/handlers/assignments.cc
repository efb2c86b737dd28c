// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/assignments.h"

#include <algorithm>
#include <vector>

namespace cms::broker {

std::optional<TopicOutcome> why_not_replicas(std::span<const std::int32_t> brokers, std::int32_t node_id) {
  constexpr auto refuse = [](std::string message) {
    return TopicOutcome::refuse(ErrorCode::invalid_replica_assignment, std::move(message));
  };
  if (brokers.empty()) return refuse("The manual partition assignment includes an empty replica list.");
  // Kafka looks at them in order of their ids, and names the first that is wrong.
  std::vector<std::int32_t> sorted(brokers.begin(), brokers.end());
  std::ranges::sort(sorted);
  if (sorted.front() == node_id && sorted.size() > 1 && sorted[1] == node_id) {
    return refuse("The manual partition assignment includes the broker " + std::to_string(node_id) +
                  " more than once.");
  }
  const auto stranger = std::ranges::find_if(sorted, [&](std::int32_t broker) { return broker != node_id; });
  if (stranger != sorted.end()) {
    return refuse("The manual partition assignment includes broker " + std::to_string(*stranger) +
                  ", but no such broker is registered.");
  }
  return std::nullopt;
}

}  // namespace cms::broker
