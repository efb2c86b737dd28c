// SPDX-License-Identifier: Apache-2.0
#include "client/bench/schedule.h"

#include <cmath>

namespace cms::client::bench {

Schedule::Schedule(Arrivals arrivals, double rate, std::int64_t start_ns, std::uint64_t seed)
    : arrivals_(arrivals), interval_ns_(1e9 / rate), start_ns_(start_ns), due_ns_(start_ns), random_(seed) {}

void Schedule::advance() {
  ++count_;
  if (arrivals_ == Arrivals::constant) {  // from the count, so that rounding does not add up
    elapsed_ns_ = static_cast<double>(count_) * interval_ns_;
  } else {  // gaps between the events of a Poisson process are exponentially distributed
    constexpr double steps = 9007199254740992.0;  // 2^53
    const double uniform = (static_cast<double>(random_.next() >> 11) + 0.5) / steps;
    elapsed_ns_ += -std::log(uniform) * interval_ns_;
  }
  due_ns_ = start_ns_ + static_cast<std::int64_t>(elapsed_ns_);
}

}  // namespace cms::client::bench
