// SPDX-License-Identifier: Apache-2.0
#include "storage/make_io_queue.h"

#include "base/log.h"
#include "storage/thread_queue.h"
#include "storage/uring_queue.h"

namespace cms::storage {

IoQueueKind choose_io_queue_kind() {
  const auto queue = UringQueue::make();
  if (queue) return IoQueueKind::uring;
  base::log_warning("io_uring is not available; files are written by threads, which is slower", "reason",
                    queue.error().message(), "hint",
                    "sysctl kernel.io_uring_disabled=0; in a container allow io_uring_setup, io_uring_enter, "
                    "io_uring_register");
  return IoQueueKind::threads;
}

std::unique_ptr<IoQueue> make_io_queue(IoQueueKind kind) {
  if (kind == IoQueueKind::uring) {
    if (auto queue = UringQueue::make()) return std::move(*queue);
  }
  return std::make_unique<ThreadQueue>();
}

}  // namespace cms::storage
