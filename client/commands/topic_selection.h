// SPDX-License-Identifier: Apache-2.0
// Partitions as people name them: `orders` for all of a topic, `orders:0,3` for some.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "client/groups.h"

namespace cms::client {

struct TopicSelection {
  std::string topic;
  std::vector<std::int32_t> partitions;  // empty: all

  static Result<TopicSelection> parse(std::string_view text);

  bool operator==(const TopicSelection&) const = default;
};

Result<std::vector<TopicSelection>> parse_selections(const std::vector<std::string>& texts);

// The partitions meant; not_found when a topic or a partition is not there.
Result<std::set<TopicPartition>> resolve(Cluster& cluster, const std::vector<TopicSelection>& selections);

// The other way round, compact: "orders:0-3,7 ticks:0"; "-" for none. `partitions` are in order.
std::string shown(const std::vector<TopicPartition>& partitions);

}  // namespace cms::client
