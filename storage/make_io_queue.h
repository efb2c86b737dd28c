// SPDX-License-Identifier: Apache-2.0
// Which IoQueue this machine gets for real files.
#pragma once

#include <memory>

#include "storage/io_queue.h"

namespace cms::storage {

enum class IoQueueKind { uring, threads };

// Asks the kernel for an io_uring. Where it is refused (an old kernel, a container's filter, kernel.io_uring_disabled)
// a log line says why, and the answer is threads. Once per process is enough.
IoQueueKind choose_io_queue_kind();

// For the thread that calls it from then on. Threads also where a ring was asked for and the kernel refuses this one.
std::unique_ptr<IoQueue> make_io_queue(IoQueueKind kind);

}  // namespace cms::storage
