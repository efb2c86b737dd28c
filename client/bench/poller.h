// SPDX-License-Identifier: Apache-2.0
// Which of many descriptors is ready, with waits as short as the clock can tell.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace cms::client::bench {

// Level-triggered epoll. One owner, one thread.
class Poller {
 public:
  Poller() = default;
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();

  base::Result<void> open();

  // Ready when it can be read.
  base::Result<void> add(int descriptor, std::uint64_t number);

  // Also, or no longer, when it can be written.
  base::Result<void> want_to_write(int descriptor, std::uint64_t number, bool wants);

  // The numbers of the ready ones, valid until the next call; none after `wait_ns` or a signal.
  base::Result<std::span<const epoll_event>> wait(std::int64_t wait_ns);

 private:
  int descriptor_ = -1;
  std::vector<epoll_event> events_;
};

}  // namespace cms::client::bench
