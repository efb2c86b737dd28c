// SPDX-License-Identifier: Apache-2.0
// The IoQueue for where the kernel refuses io_uring (containers often do): blocking calls on a few threads.
#pragma once

#include "storage/worker_threads.h"

namespace cms::storage {

// For files of FileSystem only.
class ThreadQueue final : public IoQueue {
 public:
  static constexpr std::size_t threads_max = 4;

  ThreadQueue() : workers_(threads_max, ready_.get()) {}
  ~ThreadQueue() override { CHECK(in_flight() == 0); }

  void write(File& file, std::uint64_t position, std::span<const base::ByteSpan> pieces, bool sync,
             IoCompletion& done) override;
  void read(File& file, std::uint64_t position, base::MutableByteSpan into, IoCompletion& done) override;
  void run(std::function<base::Result<std::size_t>()> work, IoCompletion& done) override;
  void submit() override {}
  int ready_descriptor() const override { return ready_.get(); }
  std::size_t reap() override;
  std::size_t in_flight() const override { return workers_.in_flight(); }

 private:
  EventDescriptor ready_;
  WorkerThreads workers_;
};

}  // namespace cms::storage
