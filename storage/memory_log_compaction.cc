// SPDX-License-Identifier: Apache-2.0
// The memory log's side of compaction. A part is an extent; a group is written beside them, then it takes their place.
// Readers keep the chunks of what they have been given.
#include <algorithm>

#include "storage/memory_log.h"

namespace cms::storage {

using base::Result;
using records::BatchView;

namespace {

// What a group may hold in memory twice for a time.
constexpr std::uint64_t group_bytes = 32u << 20;

// The size of a chunk of which not more than half stays unused, if there is one.
std::size_t chunk_for(std::size_t bytes) {
  for (const std::size_t size : Arena::class_bytes) {
    if (size >= bytes && size - bytes <= size / 2) return size;
  }
  std::size_t largest = Arena::class_bytes.front();
  for (const std::size_t size : Arena::class_bytes) {
    if (size <= bytes) largest = size;
  }
  return largest;
}

}  // namespace

class MemoryLog::Compaction final : public CompactionJob {
 public:
  // With the lock held.
  Compaction(MemoryLog& log, const DirtyRange& range, RunLocked locked)
      : log_(log), arena_(log.arena_), locked_(std::move(locked)) {
    range_ = range;
    group_bytes_max_ = group_bytes;
    last_of_producers_ = log.producers_.last_batches();
    for (const Tail::Extent& extent : log.tail_.extents()) {
      if (extent.base < range.start || extent.base >= range.end) continue;
      parts_.push_back({extent.base, extent.next, extent.size()});
      sources_.push_back(log.tail_.bytes_of(extent));
    }
  }

  ~Compaction() override {
    locked_([this] { log_.compacting_ = false; });
  }

  Result<void> read(std::size_t part, const Visitor& visitor) override {
    for (base::ByteSpan rest = sources_[part]; !rest.empty();) {
      const std::optional<BatchView> batch = BatchView::frame(rest);
      CHECK(batch.has_value());  // the log has put it there
      if (!visitor(*batch)) return {};
      rest = rest.subspan(batch->size());
    }
    return {};
  }

  Result<void> begin(std::size_t first_part, std::size_t end_part) override {
    base_ = parts_[first_part].base;
    next_ = parts_[end_part - 1].next;
    staged_.clear();
    return {};
  }

  Result<void> add(const BatchView& batch) override {
    staged_.insert(staged_.end(), batch.bytes().begin(), batch.bytes().end());
    return {};
  }

  // Chunks are taken when it is known how much stays.
  Result<void> install() override {
    Tail compacted;
    Offset next = base_;
    for (base::ByteSpan rest = staged_; !rest.empty();) {
      const BatchView batch = *BatchView::frame(rest);
      if (!compacted.fits(batch.size())) {
        const std::size_t bytes = std::max(batch.size(), chunk_for(rest.size()));
        Result<std::shared_ptr<Chunk>> chunk = arena_.take(bytes, std::max<std::uint64_t>(staged_.size(), 1u << 20));
        if (!chunk) return chunk.error();
        compacted.open_extent(std::move(*chunk), 0, next);
      }
      compacted.append_as_is(batch);
      next = batch.next_offset();
      rest = rest.subspan(batch.size());
    }
    CHECK(next == next_);
    compacted.close_last();
    locked_([&] { log_.put_in_place(base_, next_, compacted); });
    return {};
  }

  void abandon() override { staged_.clear(); }

  Result<void> finish(Offset first_dirty) override {
    locked_([&] { log_.first_dirty_ = first_dirty; });
    return {};
  }

 private:
  MemoryLog& log_;
  Arena& arena_;
  const RunLocked locked_;
  std::vector<base::Bytes> sources_;  // by part
  Offset base_ = 0;
  Offset next_ = 0;
  std::vector<std::byte> staged_;  // the group's batches that stay
};

// A part of a compacted log is bounded as a segment is.
void MemoryLog::close_when_due(std::size_t bytes, base::TimestampMs now_ms) {
  if (tail_.empty() || tail_.extents().back().size() == 0 || tail_.extents().back().closed) return;
  const bool full = tail_.extents().back().size() + bytes > options_.segment_bytes;
  if (full || now_ms - extent_since_ms_ > options_.segment_ms) tail_.close_last();
}

DirtyRange MemoryLog::dirty_range(const CompactionBounds& bounds) {
  DirtyRange range;
  if (tail_.empty() || tail_bytes_max_ > 0 || compacting_) return range;
  close_when_due(0, bounds.now_ms);
  const Offset first_dirty = std::clamp(first_dirty_, first_, next_);
  range.start = tail_.extents().front().base;
  range.first_dirty = range.end = std::max(first_dirty, range.start);
  for (const Tail::Extent& extent : tail_.extents()) {
    const bool last = &extent == &tail_.extents().back();
    if (extent.size() == 0 || (last && !extent.closed) || extent.next > bounds.below) break;
    if (extent.next <= range.first_dirty) {
      range.clean_bytes += extent.size();
      continue;
    }
    if (bounds.lag_ms_min > 0 && extent.largest_timestamp > bounds.now_ms - bounds.lag_ms_min) break;
    range.dirty_bytes += extent.size();
    range.end = extent.next;
    const auto first = BatchView::frame({extent.chunk->data() + extent.begin, extent.size()});
    range.overdue |= first->max_timestamp() >= 0 && bounds.lag_ms_max != std::numeric_limits<std::int64_t>::max() &&
                     bounds.now_ms - first->max_timestamp() > bounds.lag_ms_max;
  }
  return range;
}

std::unique_ptr<CompactionJob> MemoryLog::start_compaction(const DirtyRange& range, std::size_t, RunLocked locked) {
  if (compacting_ || range.empty() || tail_.empty()) return nullptr;
  if (tail_.extents().front().base > range.start || tail_.extents().back().next < range.end) return nullptr;
  compacting_ = true;
  return std::make_unique<Compaction>(*this, range, std::move(locked));
}

// Not when some of the group has made room for other records meanwhile.
void MemoryLog::put_in_place(Offset base, Offset next, Tail& compacted) {
  const std::vector<Tail::Extent>& extents = tail_.extents();
  const auto first =
      std::find_if(extents.begin(), extents.end(), [&](const Tail::Extent& extent) { return extent.base == base; });
  auto last = first;
  while (last != extents.end() && last->next < next) ++last;
  if (last == extents.end() || last->next != next) return;
  tail_.replace(static_cast<std::size_t>(first - extents.begin()), static_cast<std::size_t>(last - extents.begin()) + 1,
                compacted);
}

}  // namespace cms::storage
