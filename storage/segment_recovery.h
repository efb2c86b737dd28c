// SPDX-License-Identifier: Apache-2.0
// Recovery of single segments. What a partition makes of them: storage/recovery.h.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "storage/batch_scan.h"
#include "storage/segment.h"
#include "storage/segment_index.h"

namespace cms::storage {

struct SegmentRecovery {
  Disk& disk;
  const base::Clock& clock;
  std::uint32_t index_interval_bytes;
  BatchScan& scan;
  records::Offset gaps_below = 0;  // as ScanState's
};

struct RecoveredSegment {
  ScanState end;
  std::uint64_t scanned_bytes = 0;
  std::uint64_t put_aside_bytes = 0;
};

// Brings `segment`, the last of its log, to its last whole batch: file, index and the fields of `segment`. `visitor`
// sees the batches that no index entry vouches for. Everything before the end is synced then.
base::Result<RecoveredSegment> recover_last_segment(const SegmentRecovery& recovery, Segment& segment,
                                                    const BatchScan::Visitor& visitor);

// Makes sure that `segment`, which another one follows at `next`, is whole. Its last index entry is enough for that.
// Error: corrupt, with what to do.
base::Result<RecoveredSegment> recover_finished_segment(const SegmentRecovery& recovery, Segment& segment,
                                                        records::Offset next, const BatchScan::Visitor& visitor);

// Renames to, or copies file[from, to) to, <path>.corrupt-<time>, and says so in the journal.
base::Result<void> put_aside(Disk& disk, const base::Clock& clock, const std::string& path);
base::Result<void> put_aside_part(Disk& disk, const base::Clock& clock, File& file, const std::string& path,
                                  std::uint64_t from, std::uint64_t to);

}  // namespace cms::storage
