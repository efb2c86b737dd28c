// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

namespace cms::base {

Nanoseconds SystemClock::steady() const {
  return std::chrono::duration_cast<Nanoseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

TimestampMs SystemClock::now_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace cms::base
