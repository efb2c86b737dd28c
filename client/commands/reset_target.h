// SPDX-License-Identifier: Apache-2.0
// Where `cms group reset` sets a group's offsets to.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace cms::client {

struct ResetTarget {
  enum class Kind { earliest, latest, offset, time, shift, current };

  Kind kind = Kind::latest;
  std::int64_t value = 0;  // the offset, the time in ms, or by how much to shift

  bool operator==(const ResetTarget&) const = default;
};

// What is known of one partition.
struct ResetFrom {
  std::int64_t earliest = 0;
  std::int64_t latest = 0;
  std::optional<std::int64_t> committed;
  std::optional<std::int64_t> at_time;  // of the first record not older than the time, if there is one
};

// The offset to commit. As Kafka's own tool does: never outside of what the partition has, save for `current`; the end
// where no record is young enough, or where nothing is committed and the current offset is asked for. Nothing committed
// cannot be shifted: not_found.
base::Result<std::int64_t> new_offset(const ResetTarget& target, const ResetFrom& from);

// Milliseconds of an ISO 8601 duration of days, hours, minutes and seconds: P7D, PT90M, P1DT2H30M, PT0.5S. Months and
// years have no fixed length and are refused.
base::Result<std::int64_t> parse_duration_ms(std::string_view text);

}  // namespace cms::client
