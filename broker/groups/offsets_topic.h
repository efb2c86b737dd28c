// SPDX-License-Identifier: Apache-2.0
// `__consumer_offsets`: the topic that is the group coordinator's log, in Kafka's own layout, so that tools may read
// it.
#pragma once

#include <cstdint>
#include <string_view>

#include "broker/topics/topics.h"

namespace cms::broker {

inline constexpr std::string_view offsets_topic_name = "__consumer_offsets";

// Which partition has a group's state: Java's hash of its id, without sign, modulo the number of partitions. Tools
// compute the same. Ids that are not UTF-8 are hashed with U+FFFD where they are not.
std::int32_t partition_of_group(std::string_view group_id, std::int32_t partition_count);

// As it is created: compacted, persistent, offsets.topic.num.partitions partitions.
NewTopic new_offsets_topic(const Options& options);

}  // namespace cms::broker
