// SPDX-License-Identifier: Apache-2.0
// Subscriptions by regular expression (KIP-848), in the syntax of RE2: linear in the length of a name whatever the
// pattern, and bounded in memory.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/topic_catalog.h"

namespace cms::coordinator {

inline constexpr std::size_t pattern_bytes_max = 4096;
inline constexpr std::int64_t pattern_memory_bytes_max = 1 << 20;  // of a compiled pattern

// What is wrong with it, in RE2's words; none when it can be used.
std::optional<std::string> why_not_a_pattern(std::string_view pattern);

// Names of the topics that match as a whole, ascending; of none if the pattern cannot be used. Topics of the broker's
// own are among them, as in Apache Kafka: a client that names them wants them, and only patterns that clients evaluate
// themselves leave them out.
std::vector<std::string> matching_topics(std::string_view pattern, const TopicCatalog& topics);

}  // namespace cms::coordinator
