// SPDX-License-Identifier: Apache-2.0
// What a session sleeps on: one descriptor for its whole life, whatever channel it has at the moment.
#pragma once

#include <chrono>

#include "transport/descriptor.h"

namespace cms::client {

// One thread. Without descriptors left in the process it says so by is_open(), and wait() only sleeps.
class Wake {
 public:
  Wake();

  // The channel's descriptor from now on, -1: none. Also wait until it is writable, as long as `writable`.
  void watch(int descriptor, bool writable);

  // Until that is ready, or `until`. False: a signal came.
  bool wait(std::chrono::steady_clock::time_point until);

  // The descriptor to hand out; from now on there is a timer behind it, for set_timer().
  int descriptor();
  bool is_handed_out() const { return timer_.valid(); }

  // The descriptor becomes readable at that time, or before: a timer that is due earlier is left as it is, because
  // setting it is a call of the kernel, and deadlines move on with each message.
  void set_timer(std::chrono::steady_clock::time_point at);

 private:
  void set_timer_to(std::chrono::steady_clock::time_point at);

  transport::Descriptor epoll_;
  transport::Descriptor timer_;
  std::chrono::steady_clock::time_point timer_at_ = std::chrono::steady_clock::time_point::max();
  int watched_ = -1;
  bool writable_ = false;
};

}  // namespace cms::client
