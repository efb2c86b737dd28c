// SPDX-License-Identifier: Apache-2.0
// File work that does not block the loop that asks for it.
//
// One queue per core. Every call and every completion happens on that core's thread: the loop waits for
// ready_descriptor() to become readable and calls reap(). io_uring where the kernel allows it, worker threads
// otherwise, a simulator in tests.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "storage/disk.h"

namespace cms::storage {

// Told once per operation, from reap(), with the bytes moved. Owned by whoever started the operation; must outlive it.
// It may start further operations.
class IoCompletion {
 public:
  virtual void completed(base::Result<std::size_t> bytes) noexcept = 0;

 protected:
  ~IoCompletion() = default;
};

class IoQueue {
 public:
  virtual ~IoQueue() = default;

  // Writes the pieces one after another from `position`, then syncs the data if `sync`. File and pieces stay valid
  // until the completion; pieces itself may go when the call returns. At most pieces_max pieces. A short write is
  // continued; a failed write or sync is the result.
  static constexpr std::size_t pieces_max = 64;
  virtual void write(File& file, std::uint64_t position, std::span<const base::ByteSpan> pieces, bool sync,
                     IoCompletion& done) = 0;

  // Fewer bytes than asked only at the end of the file.
  virtual void read(File& file, std::uint64_t position, base::MutableByteSpan into, IoCompletion& done) = 0;

  // Blocking work (making the next segment, removing an old one) on a thread of the queue's; its result is the
  // completion's.
  virtual void run(std::function<base::Result<std::size_t>()> work, IoCompletion& done) = 0;

  // Hands what was queued since the last call to the kernel: once per turn of the loop.
  virtual void submit() = 0;

  virtual int ready_descriptor() const = 0;

  // Calls the completions of all that has finished; never waits. Returns how many.
  virtual std::size_t reap() = 0;

  // Operations not yet completed. The owner drains them (submit, wait, reap) before the queue goes.
  virtual std::size_t in_flight() const = 0;
};

}  // namespace cms::storage
