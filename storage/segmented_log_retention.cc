// SPDX-License-Identifier: Apache-2.0
// How a segmented log loses records: retention, DeleteRecords, truncation; and what an idle one gives back.
#include <algorithm>

#include "storage/batch_scan.h"
#include "storage/segmented_log.h"

namespace cms::storage {

using base::Result;

std::uint64_t SegmentedLog::apply_retention(base::TimestampMs now_ms) {
  drop_segments_below_start();
  producers_.expire(now_ms - options_.producer_expiration_ms);
  let_go_when_idle();
  if (sealed_ || segments_.empty()) return 0;
  roll_when_due(now_ms);
  const std::size_t count = count_expired(now_ms);
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < count; ++i) bytes += segments_[i].size;
  if (count > 0) schedule_removal(count);
  return bytes;
}

void SegmentedLog::roll_when_due(base::TimestampMs now_ms) {
  const Segment& last = segments_.back();
  if (last.size > 0 && last.first_append_ms >= 0 && now_ms - last.first_append_ms > options_.segment_ms) roll();
}

// How many of the first segments retention does not cover. A last segment that has expired is closed and goes as well.
std::size_t SegmentedLog::count_expired(base::TimestampMs now_ms) {
  const auto removable = [&](const Segment& segment) {
    return !is_held(segment) && (segment.finished || (!flushing_ && segment.written == segment.size));
  };
  std::size_t count = 0;
  const std::int64_t time_ms = options_.retention.time_ms;
  while (time_ms >= 0 && count < segments_.size()) {
    const Segment& segment = segments_[count];
    if (segment.size == 0 || !removable(segment) || segment.largest_timestamp >= now_ms - time_ms) break;
    if (++count == segments_.size()) roll();
  }
  if (options_.retention.bytes < 0) return count;
  std::uint64_t kept = size_bytes();
  for (std::size_t i = 0; i < count; ++i) kept -= segments_[i].size;
  while (count + 1 < segments_.size() && removable(segments_[count]) &&
         kept - segments_[count].size >= static_cast<std::uint64_t>(options_.retention.bytes)) {
    kept -= segments_[count++].size;
  }
  return count;
}

// First the new start is made durable, then it is visible, then the files go: a crash between never brings records
// back.
void SegmentedLog::schedule_removal(std::size_t count) {
  changed_ = true;
  // What an earlier run has planned stays so, even if more is kept now: that start may be on the disk already.
  while (count + 1 < segments_.size() && segments_[count].base < planned_start_) ++count;
  planned_start_ = segments_[count].base;
  std::vector<Offset> bases;
  for (std::size_t i = 0; i < count; ++i) {
    segments_[i].finished = true;
    bases.push_back(segments_[i].base);
  }
  background_.push_back([files = partition_, start = planned_start_, content = encode_checkpoint(false, false),
                         sequence = ++checkpoint_sequence_, bases = std::move(bases)]() -> Result<void> {
    if (Result<void> made = files->make_directory(); !made) return made;
    if (Result<void> saved = files->write_checkpoint(content, sequence); !saved) return saved;
    files->raise_persisted_start(start);
    for (const Offset base : bases) {
      if (Result<void> removed = files->remove_segment(base); !removed) return removed;
    }
    return {};
  });
}

void SegmentedLog::drop_segments_below_start() {
  const Offset start = first_offset();
  std::size_t gone = 0;
  while (gone + 1 < segments_.size() && segments_[gone].finished && segments_[gone].next <= start &&
         !is_held(segments_[gone])) {
    ++gone;
  }
  if (gone == 0) return;
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(gone));
  while (!tail_.empty() && tail_.extents().front().segment < segments_.front().base) tail_.drop_front();
  epochs_.truncate_before(start);
}

// A partition that nobody writes to costs no memory but its description, and no descriptor.
void SegmentedLog::let_go_when_idle() {
  const bool idle = appended_bytes_ == idle_mark_;
  idle_mark_ = appended_bytes_;
  if (!idle || flushing_ || unflushed_bytes() > 0 || !flush_) return;
  tail_.clear();
  flush_.reset();
  if (segments_.empty()) return;
  environment_.files.forget(segments_.back().file->log_path());
  environment_.files.forget(segments_.back().file->index_path());
}

Result<void> SegmentedLog::raise_first_offset(Offset offset, const RunLocked& locked) {
  std::vector<std::byte> content;
  std::uint64_t sequence = 0;
  locked([&] {
    CHECK(offset <= next_);
    if (offset <= first_offset()) return;
    raising_start_ = std::max(raising_start_, offset);
    changed_ = true;
    content = encode_checkpoint(false, false);
    sequence = ++checkpoint_sequence_;
  });
  if (content.empty()) return {};
  Result<void> saved = partition_->make_directory();
  if (saved) saved = partition_->write_checkpoint(content, sequence);
  locked([&] {
    if (!saved) {
      if (raising_start_ == offset) raising_start_ = 0;
      return;
    }
    first_ = std::max(first_, offset);
    directory_exists_ = true;
    clean_ = false;
    epochs_.truncate_before(first_offset());
    schedule_removal_below_start();
  });
  if (!saved) return saved.error().while_doing("saving the log start of " + partition_->directory());
  return {};
}

void SegmentedLog::schedule_removal_below_start() {
  const Offset start = first_offset();
  for (std::size_t i = 0; i + 1 < segments_.size() && segments_[i].next <= start && segments_[i].finished; ++i) {
    if (is_held(segments_[i])) break;
    background_.push_back([files = partition_, base = segments_[i].base] { return files->remove_segment(base); });
  }
  drop_segments_below_start();
}

Result<void> SegmentedLog::truncate_from(Offset first_dropped) {
  CHECK(!flushing_ && !compacting_);
  if (sealed_) return *sealed_;
  if (first_dropped >= next_) return {};
  partition_->cancel_snapshots();
  if (Result<void> flushed = flush_now(false); !flushed) return flushed;
  tail_.clear();
  if (first_dropped < first_offset()) {
    return base::Error(base::ErrorKind::invalid, "truncation below the start of the log");
  }
  Result<void> cut = truncate_files(first_dropped);
  if (cut) cut = recover_files();
  if (!cut) sealed_ = cut.error().while_doing("truncating " + partition_->directory());
  return cut;
}

// From the end backwards, so that what a crash leaves is a log that ends somewhere between.
Result<void> SegmentedLog::truncate_files(Offset first_dropped) {
  Disk& disk = environment_.files.disk();
  while (!snapshots_.empty() && snapshots_.back() > first_dropped) {
    if (Result<void> removed = partition_->remove_snapshot(snapshots_.back()); !removed) return removed;
    snapshots_.pop_back();
  }
  while (segments_.size() > 1 && segments_.back().base >= first_dropped) {
    if (Result<void> removed = partition_->remove_segment(segments_.back().base); !removed) return removed;
    segments_.pop_back();
  }
  Segment& segment = segments_.back();
  segment.file->call_off();
  segment.file->wait_until_off();
  environment_.files.forget(segment.file->log_path());
  environment_.files.forget(segment.file->index_path());
  Result<std::unique_ptr<File>> file = disk.open(segment.file->log_path(), OpenMode::write);
  if (!file) return file.error();
  ScanState state;
  state.gaps_below = gaps_below_;
  state.next_offset = segment.base;
  BatchScan scan;
  const Result<ScanEnd> why =
      scan.run(**file, segment.size, Checks::frames, state,
               [&](const ScanState&, const records::BatchView& batch) { return batch.next_offset() <= first_dropped; });
  if (!why) return why.error();
  Result<LoadedIndex> index = load_index(disk, segment.file->index_path(), segment.base, state.position);
  if (!index) return index.error();
  if (disk.exists(segment.file->index_path())) {
    Result<std::unique_ptr<File>> entries = disk.open(segment.file->index_path(), OpenMode::write);
    if (!entries) return entries.error();
    const std::size_t kept = index->header_checksum == 0 ? 0 : index->entries.size();
    Result<void> cut = (*entries)->truncate(index->header_checksum == 0 ? 0 : index_position(kept));
    if (cut) cut = (*entries)->sync();
    if (!cut) return cut;
  }
  if (Result<void> cut = (*file)->truncate(state.position); !cut) return cut;
  return (*file)->sync();
}

std::vector<std::function<Result<void>()>> SegmentedLog::take_background_work() {
  drop_segments_below_start();
  std::vector<std::function<Result<void>()>> work = std::exchange(background_, {});
  if (environment_.arena.wants_tidying()) {
    work.push_back([&arena = environment_.arena]() -> Result<void> {
      arena.tidy();
      return {};
    });
  }
  return work;
}

}  // namespace cms::storage
