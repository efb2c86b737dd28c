// SPDX-License-Identifier: Apache-2.0
// The bounds of push, and what of those for the whole broker is taken. Any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "broker/config/options.h"

namespace cms::broker::push {

class PushLimits {
 public:
  explicit PushLimits(const Options& options) : options_(options) {}

  const Options& options() const { return options_; }

  // One channel with so many bytes of rings. False: a bound is reached, and nothing is taken.
  bool take_channel(std::size_t ring_bytes) {
    if (channels_.fetch_add(1) >= static_cast<std::size_t>(options_.push_channels_max)) {
      channels_.fetch_sub(1);
      return false;
    }
    if (ring_bytes_.fetch_add(ring_bytes) + ring_bytes > static_cast<std::size_t>(options_.push_ring_total_bytes_max)) {
      give_channel(ring_bytes);
      return false;
    }
    return true;
  }
  void give_channel(std::size_t ring_bytes) {
    channels_.fetch_sub(1);
    ring_bytes_.fetch_sub(ring_bytes);
  }

 private:
  const Options& options_;
  std::atomic<std::size_t> channels_{0};
  std::atomic<std::size_t> ring_bytes_{0};
};

}  // namespace cms::broker::push
