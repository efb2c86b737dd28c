// SPDX-License-Identifier: Apache-2.0
// The segmented log's side of compaction: which segments, and how compacted ones take their place.
#include <algorithm>

#include "storage/segment_compaction.h"
#include "storage/segmented_log.h"

namespace cms::storage {

using base::Error;
using base::ErrorKind;
using base::Result;
using records::BatchView;

class SegmentedLog::Compaction final : public CompactionJob {
 public:
  // With the lock held.
  Compaction(SegmentedLog& log, const DirtyRange& range, std::size_t io_buffer_bytes, RunLocked locked)
      : log_(log),
        disk_(log.environment_.files.disk()),
        directory_(log.partition_->directory()),
        index_interval_bytes_(log.options_.index_interval_bytes),
        buffer_bytes_(std::max<std::size_t>(io_buffer_bytes / 2, 64u << 10)),
        locked_(std::move(locked)),
        scan_(nullptr, buffer_bytes_) {
    range_ = range;
    group_bytes_max_ = std::min(log.options_.segment_bytes, formats::segment_bytes_max);
    last_of_producers_ = log.producers_.last_batches();
    gaps_below_ = log.gaps_below_;
    first_dirty_ = log.first_dirty_;
    for (const Segment& segment : log.segments_) {
      if (segment.base < range.start || segment.base >= range.end) continue;
      parts_.push_back({segment.base, segment.next, segment.size});
    }
  }

  ~Compaction() override {
    abandon();
    locked_([this] { log_.end_compaction(stuck_); });
  }

  Result<void> read(std::size_t part, const Visitor& visitor) override {
    const Part& source = parts_[part];
    const std::string path = SegmentFile(directory_, source.base).log_path();
    const Result<std::unique_ptr<File>> file = disk_.open(path, OpenMode::read_piecewise);
    if (!file) return file.error();
    ScanState state;
    state.next_offset = source.base;
    state.gaps_below = gaps_below_;
    const Result<ScanEnd> end = scan_.run(**file, source.bytes, Checks::all, state,
                                          [&](const ScanState&, const BatchView& batch) { return visitor(batch); });
    if (!end) return end.error();
    if (end->reason == ScanEnd::Reason::stopped) return {};
    if (end->reason != ScanEnd::Reason::end || state.next_offset != source.next) {
      return Error(ErrorKind::corrupt, path + ": " + (end->problem.empty() ? "records are missing" : end->problem) +
                                           " at position " + std::to_string(state.position));
    }
    return {};
  }

  Result<void> begin(std::size_t first_part, std::size_t end_part) override {
    first_part_ = first_part;
    end_part_ = end_part;
    std::uint64_t bytes = 0;
    for (std::size_t i = first_part; i < end_part; ++i) bytes += parts_[i].bytes;
    const Result<SpaceInfo> space = disk_.space(directory_);
    if (!space) return space.error();
    // What producers need is not taken from them for a time.
    if (space->free_bytes < bytes) {
      return Error(ErrorKind::full, "compacting needs " + std::to_string(bytes) + " bytes beside the log for a time, " +
                                        std::to_string(space->free_bytes) + " are free");
    }
    output_ = std::make_unique<CompactedSegment>(disk_, directory_, parts_[first_part].base, parts_[end_part - 1].next,
                                                 index_interval_bytes_, buffer_bytes_);
    return output_->open();
  }

  Result<void> add(const BatchView& batch) override { return output_->add(batch); }

  Result<void> install() override {
    Result<void> done = announce();
    if (done) done = output_->commit();
    if (!done) return done;
    std::vector<Segment> replaced;  // freed without the lock
    locked_([&] { replaced = log_.put_in_place(output_->segment()); });
    output_.reset();
    done = settle();
    // What is in the files now is right, under names that only a start sets right.
    if (!done) stuck_ = true;
    return done;
  }

  void abandon() override {
    if (!output_) return;
    CompactedSegment& output = *output_;
    output.discard();
    stuck_ |= output.stuck();
    output_.reset();
  }

  Result<void> finish(Offset first_dirty) override {
    first_dirty_ = first_dirty;
    if (Result<void> saved = save_checkpoint(); !saved) return saved;
    locked_([&] { log_.first_dirty_ = first_dirty; });
    return {};
  }

 private:
  std::string path(Offset base, std::string_view suffix, std::string_view stage) const {
    return directory_ + "/" + formats::offset_name(base, suffix) + std::string(stage);
  }

  Result<void> save_checkpoint() {
    return replace_file(disk_, directory_ + "/" + std::string(formats::cleaner_checkpoint_name),
                        CleanerCheckpoint{first_dirty_, gaps_below_}.encode());
  }

  // Before the first change: that there will be gaps, and that the sizes a clean close has saved are not right any
  // more.
  Result<void> announce() {
    if (announced_) return {};
    gaps_below_ = std::max(gaps_below_, range_.end);
    if (Result<void> saved = save_checkpoint(); !saved) return saved;
    std::vector<std::byte> content;
    std::uint64_t sequence = 0;
    LeaderEpoch epoch = records::no_leader_epoch;
    locked_([&] {
      log_.gaps_below_ = gaps_below_;
      if (!log_.clean_) return;
      content = log_.encode_checkpoint(false, false);
      sequence = ++log_.checkpoint_sequence_;
      epoch = log_.epochs_.latest();
    });
    if (sequence > 0) {
      Result<void> saved = log_.partition_->write_checkpoint(content, sequence);
      if (!saved) return saved;
      locked_([&] {
        log_.clean_ = false;
        log_.saved_epoch_ = std::max(log_.saved_epoch_, epoch);
      });
    }
    locked_([&] { log_.changed_ = true; });
    announced_ = true;
    return {};
  }

  Result<void> settle() {
    const Offset base = parts_[first_part_].base;
    for (std::size_t i = first_part_ + 1; i < end_part_; ++i) {
      if (Result<void> removed = log_.partition_->remove_segment(parts_[i].base); !removed) return removed;
    }
    const SegmentFile swap(directory_, base, formats::swap_stage);
    const SegmentFile in_place(directory_, base);
    Result<void> done = disk_.rename(swap.index_path(), in_place.index_path());
    if (done) done = disk_.sync_directory(directory_);
    log_.environment_.files.forget(in_place.log_path());  // so that nobody holds what is replaced
    if (done) done = disk_.rename(swap.log_path(), in_place.log_path());
    if (!done) return done;
    log_.environment_.files.forget(in_place.log_path());
    log_.environment_.files.forget(in_place.index_path());
    std::shared_ptr<File> reader;  // closed without the lock
    locked_([&] { reader = log_.name_settled(base); });
    return {};
  }

  SegmentedLog& log_;
  Disk& disk_;
  const std::string directory_;
  const std::uint32_t index_interval_bytes_;
  const std::size_t buffer_bytes_;
  const RunLocked locked_;
  BatchScan scan_;
  Offset gaps_below_ = 0;
  Offset first_dirty_ = 0;
  std::size_t first_part_ = 0;
  std::size_t end_part_ = 0;
  std::unique_ptr<CompactedSegment> output_;
  bool announced_ = false;
  bool stuck_ = false;
};

DirtyRange SegmentedLog::dirty_range(const CompactionBounds& bounds) {
  DirtyRange range;
  drop_segments_below_start();
  if (sealed_ || segments_.empty() || compacting_ || compaction_stuck_) return range;
  roll_when_due(bounds.now_ms);
  const Offset first_dirty = std::clamp(first_dirty_, first_offset(), next_);
  // What retention is about to remove is left to it.
  const auto first = std::find_if(segments_.begin(), segments_.end(),
                                  [&](const Segment& segment) { return segment.base >= planned_start_; });
  if (first == segments_.end()) return range;
  range.start = first->base;
  range.first_dirty = range.end = std::max(first_dirty, first->base);
  for (auto segment = first; segment + 1 != segments_.end(); ++segment) {
    if (!segment->finished || segment->next > std::min(bounds.below, durable_end_)) break;
    if (segment->next <= range.first_dirty) {
      range.clean_bytes += segment->size;
      continue;
    }
    if (bounds.lag_ms_min > 0 && segment->largest_timestamp > bounds.now_ms - bounds.lag_ms_min) break;
    range.dirty_bytes += segment->size;
    range.end = segment->next;
    if (bounds.lag_ms_max == std::numeric_limits<std::int64_t>::max() || range.overdue) continue;
    const records::TimestampMs oldest = first_timestamp_of(*segment);
    range.overdue = oldest >= 0 && bounds.now_ms - oldest > bounds.lag_ms_max;
  }
  return range;
}

// Of its first batch, as Kafka judges a segment's age. Read once for a segment that is older than this process.
records::TimestampMs SegmentedLog::first_timestamp_of(Segment& segment) {
  if (segment.first_timestamp != records::no_timestamp || segment.first_timestamp_unknown) {
    return segment.first_timestamp;
  }
  segment.first_timestamp_unknown = true;
  const Result<std::shared_ptr<File>> file = reader(segment);
  std::byte header[records::header_size];
  if (!file) return segment.first_timestamp;
  const Result<std::size_t> got = (*file)->read_at(0, header);
  if (got && *got == sizeof(header)) {
    segment.first_timestamp = base::load_big<std::int64_t>(header + records::layout::max_timestamp);
  }
  return segment.first_timestamp;
}

std::unique_ptr<CompactionJob> SegmentedLog::start_compaction(const DirtyRange& range, std::size_t io_buffer_bytes,
                                                              RunLocked locked) {
  if (sealed_ || compacting_ || compaction_stuck_ || range.empty()) return nullptr;
  // Between dirty_range() and this, segments may have gone.
  const auto first = std::find_if(segments_.begin(), segments_.end(),
                                  [&](const Segment& segment) { return segment.base == range.start; });
  if (first == segments_.end() || range.start < planned_start_ || segments_.back().base < range.end) return nullptr;
  compacting_ = HeldRange{range.start, range.end};
  return std::make_unique<Compaction>(*this, range, io_buffer_bytes, std::move(locked));
}

std::vector<Segment> SegmentedLog::put_in_place(Segment compacted) {
  const auto first = std::find_if(segments_.begin(), segments_.end(),
                                  [&](const Segment& segment) { return segment.base == compacted.base; });
  auto last = first;
  while (last != segments_.end() && last->next < compacted.next) ++last;
  CHECK(last != segments_.end() && last->next == compacted.next);  // they are held
  // Memory shows the records as they were, at positions of files that are gone.
  while (!tail_.empty() && tail_.extents().front().segment < compacted.next) tail_.drop_front();
  std::vector<Segment> replaced(std::make_move_iterator(first), std::make_move_iterator(last + 1));
  *first = std::move(compacted);
  segments_.erase(first + 1, last + 1);
  return replaced;
}

std::shared_ptr<File> SegmentedLog::name_settled(Offset base) {
  const auto segment =
      std::find_if(segments_.begin(), segments_.end(), [&](const Segment& s) { return s.base == base; });
  CHECK(segment != segments_.end() && segment->settling);
  segment->file = std::make_shared<SegmentFile>(partition_->directory(), base);
  return std::exchange(segment->settling, nullptr);
}

// What the start has risen over meanwhile goes now.
void SegmentedLog::end_compaction(bool stuck) {
  compacting_.reset();
  compaction_stuck_ |= stuck;
  schedule_removal_below_start();
}

}  // namespace cms::storage
