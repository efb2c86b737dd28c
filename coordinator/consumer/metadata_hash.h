// SPDX-License-Identifier: Apache-2.0
// A hash of the topics that a group is subscribed to: when it changes, a new assignment is needed (KIP-1101).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/topic_catalog.h"

namespace cms::coordinator {

// The same value as Kafka's for brokers without racks, so that a log of Kafka's is taken over without a rebalance.
// `topics` ascending; those that are not there do not count; 0 for none.
std::int64_t metadata_hash(const std::vector<std::string>& topics, const TopicCatalog& catalog);

}  // namespace cms::coordinator
