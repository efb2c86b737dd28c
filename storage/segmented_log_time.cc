// SPDX-License-Identifier: Apache-2.0
// The segmented log's searches by timestamp. They read files without the partition's lock: what is to be read is noted
// with it, and what was found counts only if the segment is still the same afterwards, since retention and compaction
// replace files.
#include <algorithm>

#include "storage/batch_scan.h"
#include "storage/segmented_log.h"

namespace cms::storage {

using base::Error;
using base::ErrorKind;
using base::Result;
using records::BatchView;

namespace {

// A search goes on where it was when memory has let go of more meanwhile, or begins again when a segment was replaced.
constexpr int steps_max = 10'000;

// A scan may begin at any entry of the index; without one at the segment's start.
ScanState state_at(Offset base, const std::vector<IndexEntry>& entries, std::size_t count, Offset gaps_below) {
  ScanState state;
  state.gaps_below = gaps_below;
  state.next_offset = base;
  if (count == 0) return state;
  const IndexEntry& entry = entries[count - 1];
  state.position = entry.position;
  state.next_offset = base + entry.relative_offset;
  state.largest_timestamp = entry.largest_timestamp;
  return state;
}

template <typename Predicate>
std::size_t count_leading(const std::vector<IndexEntry>& entries, Predicate before) {
  return static_cast<std::size_t>(std::partition_point(entries.begin(), entries.end(), before) - entries.begin());
}

Error unreadable(const std::string& path, const ScanEnd& end, const ScanState& state) {
  return Error(ErrorKind::corrupt, path + ": " + end.problem + " at position " + std::to_string(state.position));
}

Error changes_too_fast() { return Error(ErrorKind::busy, "the log changes faster than it can be searched"); }

}  // namespace

SegmentedLog::ColdPart SegmentedLog::cold_part(const Segment& segment) const {
  return {segment.file, nullptr, segment.base, segment.size, cold_end(segment), gaps_below_};
}

bool SegmentedLog::is_current(const ColdPart& part) const {
  return std::any_of(segments_.begin(), segments_.end(),
                     [&](const Segment& segment) { return segment.file == part.names; });
}

Result<std::optional<base::Bytes>> SegmentedLog::batch_at_time(base::TimestampMs time_ms, Offset from, Offset below,
                                                               const RunLocked& locked) {
  std::optional<ColdPart> searched;  // in vain
  for (int steps = 0; steps < steps_max; ++steps) {
    Result<TimeStep> step = TimeStep{};
    locked([&] { step = look_for_time(time_ms, from, below, searched); });
    if (!step) return step.error();
    if (step->found || !step->search) return std::move(step->found);
    Result<std::optional<base::Bytes>> found = search_cold(*step->search, time_ms, from, below);
    bool current = false;
    locked([&] { current = is_current(*step->search); });
    if (current && (!found || *found)) return found;
    searched.reset();
    if (current) searched = std::move(step->search);
  }
  return changes_too_fast();
}

// Raises `from` over the segments that need not be looked at again.
Result<SegmentedLog::TimeStep> SegmentedLog::look_for_time(base::TimestampMs time_ms, Offset& from, Offset below,
                                                           const std::optional<ColdPart>& searched) {
  from = std::max(from, first_offset());
  for (const Segment& segment : segments_) {
    if (segment.next <= from || segment.largest_timestamp < time_ms) continue;
    if (segment.base >= below) break;
    ColdPart part = cold_part(segment);
    const bool is_searched = searched && searched->names == part.names && searched->end >= part.end;
    if (part.end > 0 && !is_searched) {
      Result<std::shared_ptr<File>> file = reader(segment);
      if (!file) return file.error();
      part.file = std::move(*file);
      from = std::max(from, segment.base);
      return TimeStep{std::nullopt, std::move(part)};
    }
    const Offset until = std::min(below, segment.next);
    if (auto batch = tail_.batch_at_time(time_ms, std::max(from, segment.base), until)) {
      return TimeStep{std::move(batch), std::nullopt};
    }
  }
  return TimeStep{};
}

Result<std::optional<base::Bytes>> SegmentedLog::search_cold(const ColdPart& part, base::TimestampMs time_ms,
                                                             Offset from, Offset below) {
  const Result<LoadedIndex> index =
      load_index(environment_.files.disk(), part.names->index_path(), part.base, part.size);
  if (!index) return index.error();
  const std::size_t before =
      count_leading(index->entries, [&](const IndexEntry& entry) { return entry.largest_timestamp < time_ms; });
  ScanState state = state_at(part.base, index->entries, before, part.gaps_below);
  std::optional<base::Bytes> found;
  if (state.position >= part.end) return found;
  BatchScan scan;
  const Result<ScanEnd> why =
      scan.run(*part.file, part.end, Checks::frames, state, [&](const ScanState&, const BatchView& batch) {
        if (batch.next_offset() > below) return false;
        if (batch.max_timestamp() < time_ms || batch.next_offset() <= from) return true;
        found = base::Bytes::copy_of(batch.bytes());
        return false;
      });
  if (!why) return why.error();
  if (why->reason == ScanEnd::Reason::bad) return unreadable(part.names->log_path(), *why, state);
  return found;
}

Result<std::optional<base::Bytes>> SegmentedLog::batch_with_largest_timestamp(Offset from, Offset below,
                                                                              const RunLocked& locked) {
  for (int steps = 0; steps < steps_max; ++steps) {
    Result<LargestStep> step = LargestStep{};
    locked([&] { step = look_for_largest(from, below); });
    if (!step) return step.error();
    base::TimestampMs largest = step->known;
    bool current = true;
    for (const ColdPart& part : step->search) {
      const Result<base::TimestampMs> in_part = largest_in_cold(part, from, below);
      locked([&] { current = current && is_current(part); });
      if (!current) break;
      if (!in_part) return in_part.error();
      largest = std::max(largest, *in_part);
    }
    if (current) return batch_at_time(largest, from, below, locked);
  }
  return changes_too_fast();
}

// Of segments that are readable as a whole it is known; of the others what memory has.
Result<SegmentedLog::LargestStep> SegmentedLog::look_for_largest(Offset from, Offset below) {
  const Offset first = std::max(from, first_offset());
  LargestStep step;
  for (const Segment& segment : segments_) {
    if (segment.next <= first || segment.base >= below) continue;
    if (segment.base >= first && segment.next <= below) {
      step.known = std::max(step.known, segment.largest_timestamp);
      continue;
    }
    step.known =
        std::max(step.known, tail_.largest_timestamp(std::max(first, segment.base), std::min(below, segment.next)));
    ColdPart part = cold_part(segment);
    if (part.end == 0) continue;
    Result<std::shared_ptr<File>> file = reader(segment);
    if (!file) return file.error();
    part.file = std::move(*file);
    step.search.push_back(std::move(part));
  }
  return step;
}

Result<base::TimestampMs> SegmentedLog::largest_in_cold(const ColdPart& part, Offset from, Offset below) {
  const Offset first = std::max(from, part.base);
  const Result<LoadedIndex> index =
      load_index(environment_.files.disk(), part.names->index_path(), part.base, part.size);
  if (!index) return index.error();
  // An entry knows the largest of all before it: a short way to `below`, of no use when some of that is hidden.
  const bool from_start = first == part.base;
  const Offset skip_to = from_start ? below : first;
  const std::size_t before = count_leading(index->entries, [&](const IndexEntry& entry) {
    return part.base + entry.relative_offset <= skip_to && entry.position <= part.end;
  });
  ScanState state = state_at(part.base, index->entries, before, part.gaps_below);
  base::TimestampMs largest = from_start ? state.largest_timestamp : records::no_timestamp;
  BatchScan scan;
  const Result<ScanEnd> why =
      scan.run(*part.file, part.end, Checks::frames, state, [&](const ScanState&, const BatchView& batch) {
        if (batch.next_offset() > below) return false;
        if (batch.next_offset() > first) largest = std::max(largest, batch.max_timestamp());
        return true;
      });
  if (!why) return why.error();
  if (why->reason == ScanEnd::Reason::bad) return unreadable(part.names->log_path(), *why, state);
  return largest;
}

}  // namespace cms::storage
