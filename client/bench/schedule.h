// SPDX-License-Identifier: Apache-2.0
// When each record is due, whatever became of those before it: what makes the loop an open one.
#pragma once

#include <cstdint>

#include "base/random.h"
#include "client/bench/workload.h"

namespace cms::client::bench {

// One owner, one thread.
class Schedule {
 public:
  // The first is due at `start_ns`. rate > 0, records a second.
  Schedule(Arrivals arrivals, double rate, std::int64_t start_ns, std::uint64_t seed);

  std::int64_t due_ns() const { return due_ns_; }
  void advance();

 private:
  const Arrivals arrivals_;
  const double interval_ns_;
  const std::int64_t start_ns_;
  std::int64_t due_ns_;
  double elapsed_ns_ = 0;  // of Poisson arrivals
  std::uint64_t count_ = 0;
  base::Random random_;
};

}  // namespace cms::client::bench
