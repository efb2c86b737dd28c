// SPDX-License-Identifier: Apache-2.0
// Kafka's range assignor: each topic's partitions in order, in runs as equal as can be, to its subscribers in order.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/consumer_protocol.h"

namespace cms::client {

struct Subscriber {
  std::string member_id;
  std::optional<std::string> instance_id;  // decides the order where there is one, so that a restart changes nothing
  std::vector<std::string> topics;
};

// By member id; every subscriber has an element. A topic that is not in `partition_counts` has no partitions.
std::map<std::string, protocol::ConsumerAssignment> assign_ranges(
    std::vector<Subscriber> subscribers, const std::map<std::string, std::int32_t>& partition_counts);

}  // namespace cms::client
