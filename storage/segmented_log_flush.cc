// SPDX-License-Identifier: Apache-2.0
// The segmented log's side of flushing, closing and what is written ahead.
#include <algorithm>

#include "storage/checkpoint.h"
#include "storage/inline_queue.h"
#include "storage/segmented_log.h"

namespace cms::storage {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr std::size_t index_entries_at_once = 32;  // written when so many are due; a crash costs a scan of as much more
constexpr std::uint64_t ahead_bytes_min = 64u << 10;
constexpr std::uint64_t ahead_bytes_max = 16u << 20;
// Flushes as large as this pay for the file system's journal by themselves, and writing twice would halve their rate.
constexpr std::uint64_t flush_bytes_without_ahead = 128u << 10;

class Told final : public IoCompletion {
 public:
  void completed(Result<std::size_t> bytes) noexcept override { result = std::move(bytes); }
  std::optional<Result<std::size_t>> result;
};

}  // namespace

void SegmentedLog::start_flush(IoQueue& queue, bool sync, IoCompletion& done) {
  CHECK(!flushing_ && !sealed_);
  plan_flush(sync, false);
  flushing_ = true;
  if (segments_.empty()) {
    queue.run([]() -> Result<std::size_t> { return std::size_t{0}; }, done);
    return;
  }
  flush_->start(queue, done);
}

void SegmentedLog::plan_flush(bool sync, bool closing) {
  planned_ = Planned{};
  planned_.sync = sync;
  planned_.next = next_;
  planned_.appended = appended_bytes_;
  planned_.bytes = unflushed_bytes();
  planned_.epoch = epochs_.latest();
  if (segments_.empty()) return;
  if (!flush_) flush_ = std::make_unique<SegmentFlush>(environment_.files, *partition_);
  flush_->begin();
  planned_.checkpoint = clean_ || !directory_exists_ || planned_.epoch != saved_epoch_ ||
                        std::max(planned_start_, raising_start_) > first_offset();
  if (planned_.checkpoint) flush_->checkpoint_first(encode_checkpoint(false, false), ++checkpoint_sequence_);
  planned_.segment = segments_.back().base;
  planned_.position = segments_.back().size;
  const auto first = std::find_if(segments_.begin(), segments_.end(), [](const Segment& s) { return !s.finished; });
  for (auto segment = first; segment != segments_.end(); ++segment) {
    const bool last = segment + 1 == segments_.end();
    plan_part(*segment, sync, !last || closing);
  }
}

void SegmentedLog::plan_part(Segment& segment, bool sync, bool finish) {
  SegmentFlush::Part part;
  part.segment = segment.file;
  part.base = segment.base;
  part.from = segment.written;
  part.to = segment.size;
  part.create = segment.written == 0;
  part.sync = sync;
  part.finish = finish;
  part.index_position = index_position(segment.index_entries);
  flush_->add_part(std::move(part));
  for (const Tail::Extent& extent : tail_.extents()) {
    if (extent.segment != segment.base || extent.file_end() <= segment.written) continue;
    flush_->add_range(extent, std::max(extent.file_position, segment.written), extent.file_end());
  }
  plan_index(segment, finish);
}

// Entries that earlier flushes have synced; all of them when the segment is finished, which they are written after.
void SegmentedLog::plan_index(Segment& segment, bool finish) {
  planned_.index_entries = 0;
  const auto due = finish ? segment.pending.end()
                          : std::find_if(segment.pending.begin(), segment.pending.end(),
                                         [&](const IndexEntry& entry) { return entry.position > segment.synced; });
  const auto count = static_cast<std::size_t>(due - segment.pending.begin());
  const bool write = finish || (count >= index_entries_at_once && segment.size > segment.written);
  if (!write) return;
  const std::uint32_t checksum = IndexHeader{segment.base}.checksum();
  std::vector<std::byte>& bytes = flush_->index_bytes();
  for (std::size_t i = 0; i < count; ++i) encode_index_entry(segment.pending[i], checksum, bytes);
  planned_.index_entries = count;
  planned_.indexed_position = count > 0 ? segment.pending[count - 1].position : segment.indexed_position;
  if (finish && segment.size > planned_.indexed_position) {
    encode_index_entry(
        {static_cast<std::uint32_t>(segment.next - segment.base), static_cast<std::uint32_t>(segment.size),
         segment.largest_timestamp, segment.last_append_ms, segment.frames_crc},
        checksum, bytes);
  }
  flush_->index_added();
}

Result<void> SegmentedLog::finish_flush(Result<std::size_t> flushed) {
  CHECK(flushing_);
  flushing_ = false;
  if (flush_) flush_->end();
  if (!flushed) {
    sealed_ = flushed.error().while_doing("writing " + partition_->directory() +
                                          " (the partition takes no more records until it is opened again)");
    return *sealed_;
  }
  if (!segments_.empty()) finish_segments();
  if (planned_.checkpoint) {
    directory_exists_ = true;
    clean_ = false;
    saved_epoch_ = planned_.epoch;
  }
  written_end_ = planned_.next;
  written_bytes_ = planned_.appended;
  if (planned_.sync) durable_end_ = planned_.next;
  tail_.heads_read(planned_.next);
  drop_written(std::max<std::uint64_t>(environment_.arena.worth_keeping(tail_bytes_max_), 1));
  plan_ahead();
  return {};
}

void SegmentedLog::finish_segments() {
  for (Segment& segment : segments_) {
    if (segment.finished) continue;
    if (segment.base < planned_.segment) {
      segment.finished = true;
      segment.written = segment.synced = segment.size;
      segment.pending = {};
      durable_end_ = std::max(durable_end_, segment.next);
    } else if (segment.base == planned_.segment) {
      segment.written = planned_.position;
      if (planned_.sync) segment.synced = planned_.position;
      if (planned_.index_entries == 0) continue;
      segment.pending.erase(segment.pending.begin(),
                            segment.pending.begin() + static_cast<std::ptrdiff_t>(planned_.index_entries));
      segment.index_entries += planned_.index_entries;
      segment.indexed_position = planned_.indexed_position;
    }
  }
}

// Zeros ahead of small flushes, in steps that grow with the file.
void SegmentedLog::plan_ahead() {
  if (segments_.empty() || planned_.bytes == 0 || planned_.bytes >= flush_bytes_without_ahead) return;
  const Segment& segment = segments_.back();
  const std::uint64_t allocated = segment.file->allocated();
  const std::uint64_t step = std::clamp(allocated, ahead_bytes_min, ahead_bytes_max);
  if (segment.base != planned_.segment || allocated < segment.size || allocated - segment.size > step / 2) return;
  const std::uint64_t segment_end =
      (options_.segment_bytes + disk_block_bytes - 1) / disk_block_bytes * disk_block_bytes;
  const std::uint64_t to = std::min(allocated + step, segment_end);
  std::shared_ptr<File> file = environment_.files.find(segment.file->log_path(), OpenFiles::Use::writing);
  if (to <= allocated || !file || !segment.file->plan_ahead()) return;
  background_.push_back(
      [file = std::move(file), segment = segment.file, to] { return segment->write_ahead(*file, to); });
}

std::vector<std::byte> SegmentedLog::encode_checkpoint(bool clean, bool has_producers) const {
  Checkpoint checkpoint;
  checkpoint.log_start = std::max({first_offset(), planned_start_, raising_start_});
  checkpoint.epochs = epochs_;
  checkpoint.clean = clean;
  if (clean) {
    checkpoint.has_producers = has_producers;
    checkpoint.next_offset = next_;
    for (const Segment& segment : segments_) {
      checkpoint.segments.push_back({segment.base, segment.size, segment.largest_timestamp});
    }
    if (!segments_.empty()) {
      const Segment& last = segments_.back();
      checkpoint.frames_crc = last.frames_crc;
      checkpoint.index_entries = static_cast<std::uint32_t>(last.index_entries);
      checkpoint.last_append_ms = last.last_append_ms;
      checkpoint.first_append_ms = last.first_append_ms;
    }
  }
  return checkpoint.encode();
}

// As a flush, waiting for it. Closing finishes the last segment as if another one followed.
Result<void> SegmentedLog::flush_now(bool closing) {
  if (segments_.empty()) return {};
  InlineQueue queue;
  Told told;
  plan_flush(true, closing);
  flushing_ = true;
  flush_->start(queue, told);
  queue.reap();
  CHECK(told.result.has_value());
  if (Result<void> finished = finish_flush(*told.result); !finished || !closing) return finished;
  Segment& last = segments_.back();
  if (last.size > last.indexed_position) {  // the entry that plan_index() adds for a finished segment
    ++last.index_entries;
    last.indexed_position = last.size;
  }
  return {};
}

Result<void> SegmentedLog::close() {
  CHECK(!flushing_ && !compacting_);
  if (sealed_) return {};
  partition_->cancel_snapshots();
  for (const auto& work : take_background_work()) {
    if (Result<void> done = work(); !done) return done;
  }
  if (changed_ || (directory_exists_ && !clean_)) {
    if (Result<void> flushed = flush_now(true); !flushed) return flushed;
    if (Result<void> made = partition_->make_directory(); !made) return made;
    const bool has_producers = producers_.size() > 0;
    if (has_producers) {
      Result<void> saved = partition_->write_snapshot(next_, producers_.save(next_), partition_->snapshot_generation());
      if (!saved) return saved.error().while_doing("closing " + partition_->directory());
    }
    Result<void> saved = partition_->write_checkpoint(encode_checkpoint(true, has_producers), ++checkpoint_sequence_);
    if (!saved) return saved.error().while_doing("closing " + partition_->directory());
  }
  tail_.clear();
  flush_.reset();
  sealed_ = Error(ErrorKind::closed, partition_->directory() + " has been closed");
  return {};
}

}  // namespace cms::storage
