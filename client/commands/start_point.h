// SPDX-License-Identifier: Apache-2.0
// Where `cms consume --from` begins: start, end, an offset, so many before the end, or a time.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "records/batch.h"

namespace cms::client {

struct StartPoint {
  enum class Kind { start, end, offset, before_end, time };

  Kind kind = Kind::start;
  std::int64_t value = 0;  // the offset, the count, or the time in ms

  // start, end, 1234 (an offset), -10 (so many before the end), 2026-01-31, 2026-01-31T12:00[:30] (UTC),
  // @1767225600000 (ms since 1970), 90s, 15m, 2h, 7d (so long ago).
  static base::Result<StartPoint> parse(std::string_view text, base::TimestampMs now_ms);

  bool operator==(const StartPoint&) const = default;
};

}  // namespace cms::client
