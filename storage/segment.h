// SPDX-License-Identifier: Apache-2.0
// One segment of a segmented log: its names, what is on the disk of it, and where its batches begin.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "records/batch.h"
#include "storage/disk.h"
#include "storage/segment_index.h"

namespace cms::storage {

// The part that the log, its flush and background work share, for as long as any of them lasts. Any thread.
//
// Zeros are written ahead of the end in the background, so that a flush overwrites blocks that the file system has
// already given us, and its sync need not wait for a journal. A flush that has caught up calls the work off, or waits
// for it when it has begun: the zeros must never land on records.
class SegmentFile {
 public:
  // `stage` ends the names of a segment that compaction has not settled yet.
  SegmentFile(const std::string& directory, records::Offset base, std::string_view stage = {});

  const std::string& log_path() const { return log_path_; }
  const std::string& index_path() const { return index_path_; }

  // Up to here the file has blocks: zeros written ahead, or records. Unknown (0) until it has been opened for writing.
  std::uint64_t allocated() const { return allocated_.load(std::memory_order_acquire); }
  void set_allocated(std::uint64_t end) { allocated_.store(end, std::memory_order_release); }

  // For whoever plans work ahead: false if some is planned or under way.
  bool plan_ahead();
  // Writes zeros over [allocated(), to) and syncs, unless it was called off. Blocks.
  base::Result<void> write_ahead(File& file, std::uint64_t to);
  // Calls planned work off; true if it has begun and must be waited for.
  bool call_off();
  void wait_until_off();

 private:
  enum class Ahead { none, planned, running };

  const std::string log_path_;
  const std::string index_path_;
  std::atomic<std::uint64_t> allocated_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  Ahead ahead_ = Ahead::none;
};

// The part that only the log knows; the partition's lock covers it.
struct Segment {
  // A batch boundary, at most each cold_slack_bytes, for reads that memory cannot serve.
  struct Point {
    std::uint32_t relative_offset;
    std::uint32_t position;
  };

  records::Offset base = 0;
  records::Offset next = 0;  // of the batches below `size`
  std::uint64_t size = 0;    // bytes of whole batches, flushed or not
  records::TimestampMs largest_timestamp = records::no_timestamp;
  records::TimestampMs first_append_ms = records::no_timestamp;
  records::TimestampMs first_timestamp = records::no_timestamp;  // the first batch's largest, once it was asked for
  bool first_timestamp_unknown = false;                          // it was asked for, and there is none
  std::uint64_t written = 0;                                     // flushed up to here: synced <= written <= size
  std::uint64_t synced = 0;
  bool finished = false;  // truncated to its size and synced; nothing is written to it any more

  // Its index file: what is in it, and the entries that are still to be written.
  std::size_t index_entries = 0;
  std::uint64_t indexed_position = 0;  // of the last of them
  std::vector<IndexEntry> pending;
  std::uint32_t frames_crc = 0;
  records::TimestampMs last_append_ms = records::no_timestamp;

  bool points_known = false;  // `points` begins at position 0; else its index file has to be read first
  std::vector<Point> points;
  std::shared_ptr<SegmentFile> file;
  std::shared_ptr<File> settling;  // to be read instead while compaction renames the file

  void add_point(records::Offset offset, std::uint64_t position);
};

}  // namespace cms::storage
