// SPDX-License-Identifier: Apache-2.0
// The segmented log's reads: from memory where it can, else by telling where in which file to look.
#include <algorithm>

#include "storage/batch_scan.h"
#include "storage/segmented_log.h"

namespace cms::storage {

using base::Error;
using base::ErrorKind;
using base::Result;
using records::BatchView;

namespace {

Error unreadable(const Segment& segment, const ScanEnd& end, const ScanState& state) {
  return Error(ErrorKind::corrupt,
               segment.file->log_path() + ": " + end.problem + " at position " + std::to_string(state.position));
}

}  // namespace

Result<LogRead> SegmentedLog::read(Offset from, Offset below, std::size_t bytes_max, std::vector<base::Bytes>& into) {
  CHECK(from >= first_offset() && from <= next_);
  if (from >= std::min(below, next_)) return LogRead{};
  if (!tail_.empty() && from >= tail_.first_offset()) {
    return LogRead{tail_.read(from, below, bytes_max, into), std::nullopt};
  }
  Result<ColdRange> cold = cold_range(from, bytes_max);
  if (!cold) return cold.error().while_doing("reading offset " + std::to_string(from));
  return LogRead{0, std::move(*cold)};
}

std::size_t SegmentedLog::bytes_between(Offset from, Offset below, std::size_t enough) const {
  if (from >= std::min(below, next_)) return 0;
  if (!tail_.empty() && from >= tail_.first_offset()) {
    return static_cast<std::size_t>(std::min<std::uint64_t>(enough, tail_.bytes_between(from, below)));
  }
  return static_cast<std::size_t>(std::min<std::uint64_t>(enough, size_bytes()));
}

Segment& SegmentedLog::segment_of(Offset offset) {
  const auto after = std::partition_point(segments_.begin(), segments_.end(),
                                          [&](const Segment& segment) { return segment.base <= offset; });
  CHECK(after != segments_.begin());
  return *std::prev(after);
}

std::uint64_t SegmentedLog::cold_end(const Segment& segment) const {
  for (const Tail::Extent& extent : tail_.extents()) {
    if (extent.segment == segment.base) return extent.file_position;
    if (extent.segment > segment.base) break;
  }
  return segment.size;
}

Result<void> SegmentedLog::know_points(Segment& segment) {
  if (segment.points_known) return {};
  Result<LoadedIndex> index =
      load_index(environment_.files.disk(), segment.file->index_path(), segment.base, segment.size);
  if (!index) return index.error();
  std::vector<Segment::Point> newer = std::move(segment.points);
  const std::uint64_t known_from = newer.empty() ? segment.size : newer.front().position;
  segment.points.clear();
  segment.add_point(segment.base, 0);
  for (const IndexEntry& entry : index->entries) {
    if (entry.position < known_from) segment.add_point(segment.base + entry.relative_offset, entry.position);
  }
  if (Result<void> filled = fill_points(segment, known_from); !filled) return filled;
  if (!newer.empty() && newer.front().position == 0) segment.points.clear();
  segment.points.insert(segment.points.end(), newer.begin(), newer.end());
  segment.points.shrink_to_fit();
  segment.points_known = true;
  return {};
}

// An index that ends early (it was damaged) must not make of the rest one endless range.
Result<void> SegmentedLog::fill_points(Segment& segment, std::uint64_t until) {
  const Segment::Point last = segment.points.back();
  if (until - last.position <= 2 * cold_slack_bytes) return {};
  const Result<std::shared_ptr<File>> file = reader(segment);
  if (!file) return file.error();
  ScanState state;
  state.gaps_below = gaps_below_;
  state.position = last.position;
  state.next_offset = segment.base + last.relative_offset;
  BatchScan scan;
  const Result<ScanEnd> why =
      scan.run(**file, until, Checks::frames, state, [&](const ScanState& before, const BatchView&) {
        segment.add_point(before.next_offset, before.position);
        return true;
      });
  if (!why) return why.error();
  return why->reason == ScanEnd::Reason::bad ? unreadable(segment, *why, state) : Result<void>();
}

Result<std::shared_ptr<File>> SegmentedLog::reader(const Segment& segment) {
  if (segment.settling) return segment.settling;
  return environment_.files.open(segment.file->log_path(), OpenFiles::Use::reading, OpenMode::read);
}

Result<ColdRange> SegmentedLog::cold_range(Offset from, std::size_t bytes_max) {
  Segment& segment = segment_of(from);
  if (Result<void> known = know_points(segment); !known) return known.error();
  Result<std::shared_ptr<File>> file = reader(segment);
  if (!file) return file.error();
  const std::uint64_t end = cold_end(segment);
  const auto after =
      std::partition_point(segment.points.begin(), segment.points.end(),
                           [&](const Segment::Point& point) { return segment.base + point.relative_offset <= from; });
  CHECK(after != segment.points.begin());
  const std::uint64_t position = std::prev(after)->position;
  // The batch asked for ends at the next point at the latest.
  const std::uint64_t whole = after == segment.points.end() ? end : std::min<std::uint64_t>(after->position, end);
  const std::uint64_t wanted = std::min<std::uint64_t>(position + bytes_max + cold_slack_bytes, end);
  return ColdRange{std::move(*file), position, static_cast<std::size_t>(std::max(whole, wanted) - position)};
}

}  // namespace cms::storage
