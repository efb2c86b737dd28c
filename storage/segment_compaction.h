// SPDX-License-Identifier: Apache-2.0
// A compacted segment on its way into its log, and what recovery makes of one that did not get there.
//
//   1  write   <base>.log.cleaned, <base>.cmsindex.cleaned    both synced
//   2  commit  .cmsindex.cleaned -> .cmsindex.swap, .log.cleaned -> .log.swap, directory synced
//              the log shows the new segment, read through a file that is already open
//   3  settle  the other segments of the group are removed, .cmsindex.swap -> .cmsindex, directory synced,
//              .log.swap -> .log
//
// A crash before the commit leaves files that recovery removes. A crash after it leaves a .log.swap that is whole:
// recovery reads it to its end, which says what it takes the place of, and settles. Settling can be repeated. The batch
// at the group's end always stays, if only as a header, so that the segment ends where the group did.
//
// cleaner.checkpoint, written before the first commit of a run and at its end: "CMCC" first_dirty:i64 gaps_below:i64
// crc:u32. Only batches below gaps_below may be followed by a gap of offsets; everywhere else recovery takes one for
// missing records.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "storage/batch_scan.h"
#include "storage/segment.h"

namespace cms::storage {

struct CleanerCheckpoint {
  records::Offset first_dirty = 0;
  records::Offset gaps_below = 0;

  std::vector<std::byte> encode() const;
  static base::Result<CleanerCheckpoint> decode(base::ByteSpan bytes);  // error: corrupt
};

// Writes one segment. One thread; every call blocks. Memory: the buffer, an index entry each interval.
class CompactedSegment {
 public:
  // The disk outlives it. `next` is where the group ends.
  CompactedSegment(Disk& disk, std::string directory, records::Offset base, records::Offset next,
                   std::uint32_t index_interval_bytes, std::size_t buffer_bytes);
  ~CompactedSegment();  // removes what was not committed

  base::Result<void> open();
  base::Result<void> add(const records::BatchView& batch);

  // Steps 1 and 2. After an error it is to be discarded.
  base::Result<void> commit();
  void discard();
  // Files that could not be removed are in the way of another compaction; the next start settles or removes them.
  bool stuck() const { return stuck_; }

  // After commit(). A segment as the log shows it until step 3 is done: its names end in .swap.
  Segment segment() const;
  std::shared_ptr<File> reader() const { return reader_; }

 private:
  std::string path(std::string_view suffix, std::string_view stage) const;
  base::Result<void> write_out(bool all);
  base::Result<void> write_index();
  Disk& disk_;
  const std::string directory_;
  const records::Offset base_;
  const records::Offset next_;
  const std::uint32_t index_interval_bytes_;
  const std::size_t buffer_bytes_;

  std::unique_ptr<File> file_;
  std::shared_ptr<File> reader_;
  std::unique_ptr<std::byte[], void (*)(std::byte*)> buffer_;  // aligned
  std::size_t buffered_ = 0;
  std::uint64_t buffer_position_ = 0;
  ScanState state_;  // behind the last batch added
  std::vector<IndexEntry> entries_;
  Segment segment_;
  bool committed_ = false;
  bool discarded_ = false;
  bool stuck_ = false;
};

// What recovery does first: see above. `names` are those in the directory. True if it changed any.
base::Result<bool> settle_compactions(Disk& disk, const base::Clock& clock, const std::string& directory,
                                      const std::vector<std::string>& names);

}  // namespace cms::storage
