// SPDX-License-Identifier: Apache-2.0
// When puts that asked for it were appended, for the subscribers that want to know (protocol::push::Stages). For
// measuring: what nobody asks for costs nothing, and what nobody fetches is overwritten.
//
// Any thread.
#pragma once

#include <time.h>

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>

#include "records/batch.h"

namespace cms::broker {
class Partition;
}

namespace cms::broker::push {

// CLOCK_MONOTONIC, which both ends of a channel in memory share.
inline std::int64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

class StageStamps {
 public:
  void note(const Partition& partition, records::Offset offset, std::int64_t appended_ns) {
    const std::lock_guard lock(mutex_);
    stamps_[next_++ % stamps_.size()] = {&partition, offset, appended_ns};
  }

  std::optional<std::int64_t> find(const Partition& partition, records::Offset offset) const {
    const std::lock_guard lock(mutex_);
    for (const Stamp& stamp : stamps_) {
      if (stamp.partition == &partition && stamp.offset == offset) return stamp.appended_ns;
    }
    return std::nullopt;
  }

 private:
  struct Stamp {
    const Partition* partition = nullptr;  // only compared
    records::Offset offset = -1;
    std::int64_t appended_ns = 0;
  };

  mutable std::mutex mutex_;
  std::array<Stamp, 64> stamps_;
  std::size_t next_ = 0;
};

}  // namespace cms::broker::push
