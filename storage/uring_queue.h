// SPDX-License-Identifier: Apache-2.0
// The IoQueue over io_uring.
//
// A durable write is one request wherever it can be: the write carries RWF_DSYNC, and the kernel completes it after the
// device's cache is flushed. Where the file has writes that no sync has covered, RWF_DSYNC would leave them out: there
// the write is followed, when it has completed, by an fdatasync of the file.
//
//   write(), read()   submit()            kernel               reap()
//   waiting_     -->  submission ring --> ... --> completion ring --> completed()
//                     at most entries in the kernel          '--> a short one, or its sync, goes back to waiting_
#pragma once

#include <sys/uio.h>

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include <liburing.h>

#include "storage/file_system.h"
#include "storage/worker_threads.h"

namespace cms::storage {

// For files of FileSystem only.
class UringQueue final : public IoQueue {
 public:
  // Bound on what the kernel holds at once; the rest waits here. Half of the completion ring, which cannot overflow so.
  static constexpr unsigned entries = 128;
  static constexpr std::size_t worker_threads_max = 2;  // for run()
  // Reads as large as this are a worker's of the kernel, not the caller's in submit().
  static constexpr std::size_t read_aside_bytes_min = 256u << 10;

  // Error: unsupported or denied (an old kernel, a container's filter, the kernel.io_uring_disabled setting), full.
  static base::Result<std::unique_ptr<UringQueue>> make();
  ~UringQueue() override;

  void write(File& file, std::uint64_t position, std::span<const base::ByteSpan> pieces, bool sync,
             IoCompletion& done) override;
  void read(File& file, std::uint64_t position, base::MutableByteSpan into, IoCompletion& done) override;
  void run(std::function<base::Result<std::size_t>()> work, IoCompletion& done) override;
  void submit() override;
  int ready_descriptor() const override { return ready_.get(); }
  std::size_t reap() override;
  std::size_t in_flight() const override { return operations_in_flight_ + workers_.in_flight(); }

 private:
  struct Operation {
    enum class Step { read, write, durable_write, sync } step;
    bool sync;  // a sync follows the write
    PosixFile* file;
    IoCompletion* done;
    std::uint64_t position;  // of pieces[first]
    std::vector<iovec> pieces;
    std::size_t first;
    std::size_t bytes;  // moved so far
    std::uint64_t sync_mark;
    int descriptor;
  };

  explicit UringQueue(io_uring ring) : ring_(ring), workers_(worker_threads_max, ready_.get()) {}

  Operation& start(File& file, std::uint64_t position, IoCompletion& done);
  void settle(Operation& operation, base::Result<std::size_t> result);  // without the kernel; told by the next reap()
  void prepare(Operation& operation, io_uring_sqe& entry);

  // What the completion means: a result to tell, or nothing when the operation has to go on.
  std::optional<base::Result<std::size_t>> take(Operation& operation, int code);
  std::optional<base::Result<std::size_t>> take_moved(Operation& operation, std::size_t bytes);
  base::Error failure(Operation& operation, int code);
  void finish(Operation& operation, base::Result<std::size_t> result);

  io_uring ring_;
  EventDescriptor ready_;
  WorkerThreads workers_;

  std::vector<std::unique_ptr<Operation>> operations_;  // all ever needed at once
  std::vector<Operation*> unused_;
  std::deque<Operation*> waiting_;
  struct Settled {
    Operation* operation;
    base::Result<std::size_t> result;
  };
  std::vector<Settled> settled_;
  std::size_t operations_in_flight_ = 0;
  unsigned in_kernel_ = 0;  // or in the submission ring
};

}  // namespace cms::storage
