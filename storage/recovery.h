// SPDX-License-Identifier: Apache-2.0
// From the files of a partition to the state its log goes on with.
//
// After a clean close the checkpoint has it all and nothing is scanned. Otherwise the last segment is scanned from its
// last valid index entry; it ends at its last whole batch, and what lies behind and is not zeros is copied to
// <segment>.corrupt-<time> before it is cut off: it was never acknowledged as synced. A finished segment must be whole,
// or the partition does not open: the error names file, position and what to do. A missing or damaged index, checkpoint
// or producers file is rebuilt from the batches, the damaged one put aside. Nothing is deleted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "storage/disk.h"
#include "storage/leader_epochs.h"
#include "storage/producers.h"
#include "storage/segment.h"

namespace cms::storage {

struct RecoveryProgress {
  const std::string& directory;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;  // of the segments that are scanned
};

struct RecoveryOptions {
  records::Offset start_offset = 0;  // of a log that has no files yet
  std::uint32_t index_interval_bytes = 4096;
  // Called about once a second when it takes longer than that.
  std::function<void(const RecoveryProgress&)> progress;
};

struct RecoveredLog {
  records::Offset first = 0;
  records::Offset next = 0;
  bool directory_exists = false;
  bool clean = false;  // there is a clean checkpoint on the disk
  std::uint64_t scanned_bytes = 0;
  std::uint64_t put_aside_bytes = 0;
  records::Offset first_dirty = 0;                 // compacted up to here
  records::Offset gaps_below = 0;                  // as ScanState's
  std::vector<Segment> segments;                   // without those that lie below `first` as a whole
  std::vector<records::Offset> obsolete_segments;  // those: retention had no time to remove them
  std::vector<records::Offset> snapshots;          // producers files that can be believed, ascending
  LeaderEpochs epochs;
  ProducerStates producers;
};

// Blocks. Error: a finished segment that is not whole, a gap between segments, or a disk that fails.
base::Result<RecoveredLog> recover(Disk& disk, const base::Clock& clock, const std::string& directory,
                                   const RecoveryOptions& options);

}  // namespace cms::storage
