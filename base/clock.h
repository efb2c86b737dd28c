// SPDX-License-Identifier: Apache-2.0
// Time behind a seam, so that storage, replication and time-outs run under a simulator.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace cms::base {

using Nanoseconds = std::chrono::nanoseconds;

// Milliseconds since 1970-01-01 UTC, as Kafka's record timestamps.
using TimestampMs = std::int64_t;

class Clock {
 public:
  virtual ~Clock() = default;

  // Never goes back; its zero means nothing. Any thread.
  virtual Nanoseconds steady() const = 0;

  // The wall clock; may be set back by an administrator. Any thread.
  virtual TimestampMs now_ms() const = 0;
};

class SystemClock final : public Clock {
 public:
  Nanoseconds steady() const override;
  TimestampMs now_ms() const override;  // up to 33 us old
};

// Moves only when told to. Any thread.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimestampMs start_ms = 1'700'000'000'000) : start_ms_(start_ms) {}

  Nanoseconds steady() const override { return Nanoseconds(elapsed_.load()); }
  TimestampMs now_ms() const override { return start_ms_ + elapsed_.load() / 1'000'000; }
  void advance(Nanoseconds by) { elapsed_ += by.count(); }

 private:
  const TimestampMs start_ms_;
  std::atomic<std::int64_t> elapsed_{0};
};

}  // namespace cms::base
