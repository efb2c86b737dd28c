// SPDX-License-Identifier: Apache-2.0
// The IoQueue of a SimulatedDisk: operations complete in an order of the seed's, some reaps later than others.
#pragma once

#include <deque>

#include "storage/simulated_disk.h"
#include "storage/worker_threads.h"

namespace cms::storage {

// One thread. A write is on the disk, unsynced, from submit() on; its sync happens in the reap() that tells of it.
class SimulatedQueue final : public IoQueue {
 public:
  explicit SimulatedQueue(std::uint64_t seed) : random_(seed) {}

  void write(File& file, std::uint64_t position, std::span<const base::ByteSpan> pieces, bool sync,
             IoCompletion& done) override;
  void read(File& file, std::uint64_t position, base::MutableByteSpan into, IoCompletion& done) override;
  void run(std::function<base::Result<std::size_t>()> work, IoCompletion& done) override;
  void submit() override;
  int ready_descriptor() const override { return ready_.get(); }
  std::size_t reap() override;
  std::size_t in_flight() const override { return waiting_.size() + submitted_.size(); }

 private:
  using Step = std::function<base::Result<std::size_t>()>;
  struct Operation {
    Step submit;
    Step complete;
    IoCompletion* done;
    base::Result<std::size_t> result;
  };

  EventDescriptor ready_;
  base::Random random_;
  std::deque<Operation> waiting_;
  std::deque<Operation> submitted_;
};

}  // namespace cms::storage
