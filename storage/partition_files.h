// SPDX-License-Identifier: Apache-2.0
// The files of a partition beside its segments, shared by the log, its flush and background work that may outlast both.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "records/batch.h"
#include "storage/disk.h"
#include "storage/open_files.h"

namespace cms::storage {

// Any thread; every call but the getters blocks. The disk and the open files outlive it.
class PartitionFiles {
 public:
  PartitionFiles(OpenFiles& files, std::string directory) : files_(files), directory_(std::move(directory)) {}

  const std::string& directory() const { return directory_; }

  // Makes the directory, so that its name survives a crash. Work once per process.
  base::Result<void> make_directory();

  // Contents are numbered in the order they were made; one that comes after a newer one is left out.
  base::Result<void> write_checkpoint(base::ByteSpan content, std::uint64_t sequence);

  // After that only write_checkpoint() with a larger sequence writes anything: the log is closed, or starts anew.
  void cancel_snapshots();
  std::uint64_t snapshot_generation() const { return generation_.load(); }
  base::Result<void> write_snapshot(records::Offset next, base::ByteSpan content, std::uint64_t generation);
  base::Result<void> remove_snapshot(records::Offset next);

  base::Result<void> remove_segment(records::Offset base);

  // What background work has made durable as the log's start. Never falls: workers may take up later work first.
  records::Offset persisted_start() const { return persisted_start_.load(std::memory_order_acquire); }
  void raise_persisted_start(records::Offset start) {
    records::Offset known = persisted_start_.load(std::memory_order_acquire);
    while (known < start && !persisted_start_.compare_exchange_weak(known, start, std::memory_order_acq_rel)) {
    }
  }

 private:
  std::string path(std::string_view name) const { return directory_ + "/" + std::string(name); }

  OpenFiles& files_;
  const std::string directory_;
  std::atomic<records::Offset> persisted_start_{0};
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<bool> directory_made_{false};
  std::mutex mutex_;
  std::uint64_t written_sequence_ = 0;
};

}  // namespace cms::storage
