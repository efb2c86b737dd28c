// SPDX-License-Identifier: Apache-2.0
// Which topic names are legal, in Kafka's words.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cms::broker {

inline constexpr std::size_t topic_name_bytes_max = 249;

// Nothing for a legal name, otherwise why it is not, for INVALID_TOPIC_EXCEPTION.
std::optional<std::string> why_not_topic_name(std::string_view name);

// Names with the same key collide at creation: metric names cannot tell '.' from '_'.
std::string topic_collision_key(std::string_view name);

// __consumer_offsets, __transaction_state, __share_group_state.
bool is_internal_topic(std::string_view name);

}  // namespace cms::broker
