// SPDX-License-Identifier: Apache-2.0
// Opening, appending, rolling. Flushing and closing: segmented_log_flush.cc. Reading from files: segmented_log_read.cc.
// Retention and truncation: segmented_log_retention.cc.
#include "storage/segmented_log.h"

#include <algorithm>
#include <limits>

namespace cms::storage {

using base::ErrorKind;
using base::Result;
using records::BatchView;

namespace {

constexpr std::uint64_t snapshot_interval_bytes = 64ull << 20;
constexpr std::size_t pending_entries_max = 8192;  // beyond that every second is enough

}  // namespace

SegmentedLog::SegmentedLog(Environment environment, const std::string& directory, const LogOptions& options,
                           const OpenOptions& open_options)
    : environment_(environment),
      options_(options),
      tail_bytes_max_(open_options.tail_bytes_max),
      partition_(std::make_shared<PartitionFiles>(environment.files, directory)),
      start_offset_(open_options.start_offset),
      progress_(open_options.progress) {}

SegmentedLog::~SegmentedLog() {
  CHECK(!flushing_ && !compacting_);
  partition_->cancel_snapshots();
}

Result<std::unique_ptr<SegmentedLog>> SegmentedLog::open(Environment environment, const std::string& directory,
                                                         const LogOptions& options, const OpenOptions& open_options) {
  std::unique_ptr<SegmentedLog> log(new SegmentedLog(environment, directory, options, open_options));
  if (Result<void> recovered = log->recover_files(); !recovered) return recovered.error();
  return log;
}

Result<void> SegmentedLog::recover_files() {
  const RecoveryOptions options{start_offset_, options_.index_interval_bytes, progress_};
  Result<RecoveredLog> recovered =
      recover(environment_.files.disk(), environment_.clock, partition_->directory(), options);
  if (!recovered) return recovered.error();
  take(std::move(*recovered));
  return {};
}

void SegmentedLog::take(RecoveredLog recovered) {
  first_ = recovered.first;
  next_ = written_end_ = durable_end_ = recovered.next;
  segments_ = std::move(recovered.segments);
  producers_ = std::move(recovered.producers);
  epochs_ = std::move(recovered.epochs);
  first_dirty_ = recovered.first_dirty;
  gaps_below_ = recovered.gaps_below;
  snapshots_ = std::move(recovered.snapshots);
  directory_exists_ = recovered.directory_exists;
  clean_ = recovered.clean;
  // After a crash the next flush saves them again.
  saved_epoch_ = recovered.clean ? epochs_.latest() : records::no_leader_epoch;
  recovered_bytes_ = recovered.scanned_bytes;
  put_aside_bytes_ = recovered.put_aside_bytes;
  written_bytes_ = appended_bytes_;
  for (const Offset base : recovered.obsolete_segments) {
    background_.push_back([files = partition_, base] { return files->remove_segment(base); });
  }
}

std::uint64_t SegmentedLog::size_bytes() const {
  std::uint64_t bytes = 0;
  for (const Segment& segment : segments_) bytes += segment.size;
  return bytes;
}

std::uint64_t SegmentedLog::memory_bytes() const {
  std::uint64_t bytes = sizeof(*this) + tail_.memory_bytes() + segments_.capacity() * sizeof(Segment);
  for (const Segment& segment : segments_) {
    bytes += segment.points.capacity() * sizeof(Segment::Point) + segment.pending.capacity() * sizeof(IndexEntry) +
             sizeof(SegmentFile) + 2 * segment.file->index_path().capacity();
  }
  return bytes + (flush_ ? flush_->memory_bytes() : 0);
}

Result<Offset> SegmentedLog::append(BatchView batch, LeaderEpoch epoch, base::TimestampMs now_ms) {
  if (sealed_) return *sealed_;
  CHECK(epoch >= 0 && epoch >= epochs_.latest());
  if (segments_.empty() || must_roll(batch, now_ms)) roll();
  if (!tail_.fits(batch.size()) || tail_.extents().back().segment != segments_.back().base) {
    if (Result<void> room = make_room(batch.size()); !room) return room.error();
  }
  Segment& segment = segments_.back();
  note_index_point(segment);
  const Offset offset = next_;
  const BatchView stored = tail_.append(batch, offset, epoch);
  next_ = segment.next = stored.next_offset();
  segment.size += stored.size();
  segment.largest_timestamp = std::max(segment.largest_timestamp, stored.max_timestamp());
  segment.frames_crc = add_frame(segment.frames_crc, stored);
  segment.last_append_ms = std::max(segment.last_append_ms, now_ms);
  if (segment.first_append_ms == records::no_timestamp) segment.first_append_ms = now_ms;
  appended_bytes_ += stored.size();
  changed_ = true;
  epochs_.assign(epoch, offset);
  producers_.update(stored, offset, now_ms);
  if (appended_bytes_ - snapshot_bytes_ >= snapshot_interval_bytes) schedule_snapshot();
  return offset;
}

bool SegmentedLog::must_roll(const BatchView& batch, base::TimestampMs now_ms) const {
  const Segment& segment = segments_.back();
  if (segment.size == 0) return false;
  const std::uint64_t bytes_max = std::min(options_.segment_bytes, formats::segment_bytes_max);
  if (segment.size + batch.size() > bytes_max) return true;
  if (next_ + batch.last_offset_delta() - segment.base > std::numeric_limits<std::int32_t>::max()) return true;
  return now_ms - segment.first_append_ms > options_.segment_ms;
}

void SegmentedLog::roll() {
  if (!segments_.empty()) schedule_snapshot();
  Segment segment;
  segment.base = segment.next = next_;
  segment.points_known = true;
  segment.file = std::make_shared<SegmentFile>(partition_->directory(), next_);
  segments_.push_back(std::move(segment));
}

// A new extent for the last segment, in step with its file modulo the disk's block.
Result<void> SegmentedLog::make_room(std::size_t bytes) {
  const Segment& segment = segments_.back();
  const std::size_t head = segment.size % disk_block_bytes;
  if (!tail_.empty() && segment.size == 0) {  // the rest of the last segment's chunk
    const Tail::Extent& last = tail_.extents().back();
    const std::size_t begin = (last.end + disk_block_bytes - 1) / disk_block_bytes * disk_block_bytes;
    if (!last.closed && begin + bytes <= last.chunk->capacity()) {
      tail_.open_extent(last.chunk, begin, next_, 0, segment.base);
      return {};
    }
  }
  const std::size_t wanted = std::max(bytes + head, Arena::next_chunk_bytes(tail_.chunk_bytes(), tail_bytes_max_ / 4));
  Result<std::shared_ptr<Chunk>> chunk = environment_.arena.take(wanted, tail_.chunk_bytes());
  for (bool more = true; more && !chunk && chunk.error().kind() == ErrorKind::full; more = drop_written(0)) {
    chunk = environment_.arena.take(bytes + head, tail_.chunk_bytes());
  }
  if (!chunk) return chunk.error();
  tail_.open_extent(std::move(*chunk), head, next_, segment.size, segment.base);
  return {};
}

// Lets go of flushed extents until chunks hold no more than so many bytes beside those that are not flushed. (If these
// counted, what has just become stable would be gone when its readers come, and they would read from a disk that is
// behind with writing.) False if nothing could go. The last one stays unless nothing may be held: the next one is
// likely to need the beginning of its block.
bool SegmentedLog::drop_written(std::uint64_t flushed_bytes_max) {
  bool dropped = false;
  const std::size_t stay = flushed_bytes_max > 0 ? 1 : 0;
  while (tail_.extents().size() > stay && tail_.extents().front().next <= written_end_ &&
         tail_.size_bytes() > flushed_bytes_max + unflushed_bytes()) {
    tail_.drop_front();
    dropped = true;
  }
  return dropped;
}

// Before a batch is appended: the segment as it is now may be worth an index entry.
void SegmentedLog::note_index_point(Segment& segment) {
  segment.add_point(next_, segment.size);
  const std::uint64_t last = segment.pending.empty() ? segment.indexed_position : segment.pending.back().position;
  if (segment.size - last < std::max(options_.index_interval_bytes, 1u) || segment.size == last) return;
  segment.pending.push_back({static_cast<std::uint32_t>(next_ - segment.base), static_cast<std::uint32_t>(segment.size),
                             segment.largest_timestamp, segment.last_append_ms, segment.frames_crc});
  if (segment.pending.size() <= pending_entries_max || flushing_) return;
  std::size_t kept = 0;
  for (std::size_t i = 1; i < segment.pending.size(); i += 2) segment.pending[kept++] = segment.pending[i];
  segment.pending.resize(kept);
}

// A snapshot is of use once the log is durable up to it, so the newest one that is stays until then.
void SegmentedLog::schedule_snapshot() {
  snapshot_bytes_ = appended_bytes_;
  if (!snapshots_.empty() && snapshots_.back() == next_) return;
  background_.push_back(
      [files = partition_, next = next_, content = producers_.save(next_),
       generation = partition_->snapshot_generation()] { return files->write_snapshot(next, content, generation); });
  while (snapshots_.size() > 1 && snapshots_[1] <= durable_end_) {
    background_.push_back([files = partition_, old = snapshots_.front()] { return files->remove_snapshot(old); });
    snapshots_.erase(snapshots_.begin());
  }
  snapshots_.push_back(next_);
}

}  // namespace cms::storage
