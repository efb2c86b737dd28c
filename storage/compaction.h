// SPDX-License-Identifier: Apache-2.0
// Compaction by key: of the records with one key the last one stays, at its offset and in its place (Kafka's
// cleanup.policy=compact; tombstones as KIP-534).
//
//                    clean                       dirty                    not touched
//   [ part ][ part ][ part ]...[ part ]|[ part ][ part ][ part ]|[ the last part, and what is not stable ]
//   range.start                        range.first_dirty         range.end
//
// A run reads the dirty section and remembers for each key the last offset it has there (storage/key_offsets.h). Then
// it reads everything from the start, a group of parts at a time, keeps the records that no later one replaces, and
// puts one new part in the place of the group. A part is a segment of a log on disk, an extent of one in memory. When
// there are more keys than the map may hold, the run ends at the record that did not fit, and the next one goes on.
//
// Memory   the key map, two I/O buffers, one batch as it is and decompressed; nothing grows with the log.
// I/O      in pieces of an I/O buffer, each told to CompactionSettings::pace first, which may wait, or end the run.
// Thread   one that may block; never a core's. A run under way can be given up between any two pieces.
// Lock     the partition's lock is taken to choose the range, for each group when the new part takes its place, and at
//          the end: memory only, no file is touched under it. Readers go on as they were: they hold what they read.
// Crash    a group is replaced in steps that recovery finishes or undoes (storage/segment_compaction.h): the log is as
//          before the group, or as after it. A run that fails, on a full disk say, leaves the last group that was
//          whole.
//
// What stays although no key asks for it: everything at or behind range.end; control batches (their fate belongs to
// transactions); the header of an emptied batch that is the last one of a producer, so that its sequence is known, or
// the last one of its group, so that the log ends where it did and no offset is used twice. A batch of which records
// were removed keeps its base offset, last offset, producer, sequence and codec. A tombstone is kept until
// delete_retention_ms after the run that saw it first; the batch says until when (its base timestamp, attribute bit 6).
// Records without a key have no place in a compacted topic and go.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "records/batch.h"

namespace cms::storage {

// What may be compacted now, and since when it waits.
struct CompactionBounds {
  records::Offset below = 0;  // the stable end: nothing at or behind it is touched
  base::TimestampMs now_ms = 0;
  std::int64_t lag_ms_min = 0;  // records stay as they are for so long (min.compaction.lag.ms), by their timestamps
  std::int64_t lag_ms_max = std::numeric_limits<std::int64_t>::max();  // and no longer (max.compaction.lag.ms)
};

struct DirtyRange {
  records::Offset start = 0;
  records::Offset first_dirty = 0;
  records::Offset end = 0;
  std::uint64_t clean_bytes = 0;  // in parts wholly before first_dirty
  std::uint64_t dirty_bytes = 0;
  bool overdue = false;  // the oldest dirty record waits for longer than lag_ms_max

  bool empty() const { return end <= first_dirty || dirty_bytes == 0; }
  double dirty_ratio() const {
    const auto bytes = static_cast<double>(clean_bytes + dirty_bytes);
    return bytes > 0 ? static_cast<double>(dirty_bytes) / bytes : 0;
  }
};

// Runs a piece of work with the partition's lock held.
using RunLocked = std::function<void(const std::function<void()>&)>;

// One log's side of a run, made by Log::start_compaction(). Used by one thread without the partition's lock, which it
// takes itself. The log outlives it; while it exists the parts of its range stay, and no other run begins. Destroyed at
// any time: groups that were installed stay, the rest is as before.
class CompactionJob {
 public:
  struct Part {
    records::Offset base = 0;
    records::Offset next = 0;
    std::uint64_t bytes = 0;
  };

  // False ends the reading.
  using Visitor = std::function<bool(const records::BatchView& batch)>;

  virtual ~CompactionJob() = default;

  const DirtyRange& range() const { return range_; }
  const std::vector<Part>& parts() const { return parts_; }  // of the range, contiguous
  std::uint64_t group_bytes_max() const { return group_bytes_max_; }

  // Whether the batch that began at this offset is the last one of a producer. As of the run's start: one that has
  // written since has its last batch behind the range.
  bool is_last_of_producer(records::Offset base_offset) const;

  // The part's batches in order, their checksums right. Error: corrupt, io.
  virtual base::Result<void> read(std::size_t part, const Visitor& visitor) = 0;

  // In this order for each group: begin, then add for each batch that stays, then install or abandon. After an error
  // the group is abandoned.
  virtual base::Result<void> begin(std::size_t first_part, std::size_t end_part) = 0;
  virtual base::Result<void> add(const records::BatchView& batch) = 0;
  virtual base::Result<void> install() = 0;  // nothing happens when the group's records have left the log meanwhile
  virtual void abandon() = 0;

  // The next run begins at `first_dirty`; remembered over restarts.
  virtual base::Result<void> finish(records::Offset first_dirty) = 0;

 protected:
  DirtyRange range_;
  std::vector<Part> parts_;
  std::uint64_t group_bytes_max_ = 0;
  std::vector<records::Offset> last_of_producers_;  // sorted
};

struct CompactionSettings {
  base::TimestampMs now_ms = 0;
  std::int64_t delete_retention_ms = 24ll * 3600 * 1000;
  std::size_t map_bytes_max = 128u << 20;
  double map_load = 0.9;
  std::uint64_t hash_seed = 0;

  // Told before so many bytes are read or written; may wait. False gives the run up.
  std::function<bool(std::size_t bytes)> pace;
  std::size_t pace_bytes = 128u << 10;  // told when so many have come together
};

struct CompactionStats {
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t records_read = 0;  // in the second reading
  std::uint64_t records_removed = 0;
  std::uint64_t groups_replaced = 0;
  std::uint64_t keys = 0;
  records::Offset first_dirty = 0;  // where the next run begins
};

// One run. Error: corrupt (a batch that cannot be read: the log is left alone from there), full, io, or closed when it
// was given up.
base::Result<CompactionStats> compact(CompactionJob& job, const CompactionSettings& settings);

}  // namespace cms::storage
