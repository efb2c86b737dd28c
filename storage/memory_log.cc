// SPDX-License-Identifier: Apache-2.0
#include "storage/memory_log.h"

#include <algorithm>
#include <limits>

namespace cms::storage {

MemoryLog::MemoryLog(Arena& arena, const LogOptions& options, Start start)
    : arena_(arena),
      options_(options),
      tail_bytes_max_(start.tail_bytes_max),
      first_(start.offset),
      next_(start.offset) {}

void MemoryLog::set_options(const LogOptions& options) { options_ = options; }

std::uint64_t MemoryLog::bytes_max() const {
  std::uint64_t limit = options_.retention.bytes < 0 ? std::numeric_limits<std::uint64_t>::max()
                                                     : static_cast<std::uint64_t>(options_.retention.bytes);
  if (tail_bytes_max_ > 0) limit = std::min(limit, tail_bytes_max_);
  return limit;
}

base::Result<Offset> MemoryLog::append(records::BatchView batch, LeaderEpoch epoch, base::TimestampMs now_ms) {
  CHECK(epoch >= epochs_.latest());
  if (!tail_.ends_at(batch)) {
    if (base::Result<void> room = prepare(batch.size(), now_ms); !room) return room.error();
  }
  if (tail_.extents().back().size() == 0) extent_since_ms_ = now_ms;
  const Offset offset = next_;
  const records::BatchView stored = tail_.append(batch, offset, epoch);
  next_ = stored.next_offset();
  epochs_.assign(epoch, offset);
  producers_.update(stored, offset, now_ms);
  return offset;
}

base::MutableByteSpan MemoryLog::reserve(std::size_t bytes, base::TimestampMs now_ms) {
  return prepare(bytes, now_ms) ? tail_.room(bytes) : base::MutableByteSpan();
}

// So that the tail fits() it.
base::Result<void> MemoryLog::prepare(std::size_t bytes, base::TimestampMs now_ms) {
  if (options_.compact) close_when_due(bytes, now_ms);
  return tail_.fits(bytes) ? base::Result<void>() : make_room(bytes);
}

// Takes the next chunk, and lets the oldest go that it is in the place of.
base::Result<void> MemoryLog::make_room(std::size_t bytes) {
  const std::uint64_t limit = bytes_max();
  std::uint64_t wanted = Arena::next_chunk_bytes(tail_.chunk_bytes(), limit / 8);
  if (options_.compact) wanted = std::min(wanted, options_.segment_bytes);
  wanted = std::max<std::uint64_t>(wanted, bytes);
  while (!tail_.empty() && tail_.chunk_bytes() > limit - std::min<std::uint64_t>(limit, wanted)) drop_front();
  base::Result<std::shared_ptr<Chunk>> chunk = arena_.take(wanted, tail_.chunk_bytes(), owner_);
  if (!chunk) chunk = arena_.take(bytes, tail_.chunk_bytes(), owner_);
  while (!chunk && chunk.error().kind() == base::ErrorKind::full && !tail_.empty()) {
    drop_front();  // a reader may hold its chunk still; then the next one has to go too
    chunk = arena_.take(bytes, tail_.chunk_bytes(), owner_);
  }
  if (!chunk) return chunk.error();
  tail_.open_extent(std::move(*chunk), 0, next_);
  return {};
}

std::uint64_t MemoryLog::drop_front() {
  const Offset next_front = tail_.extents().front().next;
  const std::uint64_t bytes = tail_.drop_front();
  first_ = std::max(first_, next_front);
  epochs_.truncate_before(first_);
  return bytes;
}

base::Result<LogRead> MemoryLog::read(Offset from, Offset below, std::size_t bytes_max,
                                      std::vector<base::Bytes>& into) {
  CHECK(from >= first_ && from <= next_);
  return LogRead{tail_.read(from, below, bytes_max, into), std::nullopt};
}

std::size_t MemoryLog::bytes_between(Offset from, Offset below, std::size_t enough) const {
  return static_cast<std::size_t>(std::min<std::uint64_t>(enough, tail_.bytes_between(from, below)));
}

base::Result<std::optional<base::Bytes>> MemoryLog::batch_at_time(base::TimestampMs time_ms, Offset from, Offset below,
                                                                  const RunLocked& locked) {
  std::optional<base::Bytes> found;
  locked([&] { found = tail_.batch_at_time(time_ms, std::max(from, first_), below); });
  return found;
}

base::Result<std::optional<base::Bytes>> MemoryLog::batch_with_largest_timestamp(Offset from, Offset below,
                                                                                 const RunLocked& locked) {
  std::optional<base::Bytes> found;
  locked([&] {
    const Offset first = std::max(from, first_);
    found = tail_.batch_at_time(tail_.largest_timestamp(first, below), first, below);
  });
  return found;
}

base::Result<void> MemoryLog::raise_first_offset(Offset offset, const RunLocked& locked) {
  locked([&] {
    CHECK(offset <= next_);
    if (offset <= first_) return;
    first_ = offset;
    while (!tail_.empty() && tail_.extents().front().next <= first_) drop_front();
    epochs_.truncate_before(first_);
  });
  return {};
}

base::Result<void> MemoryLog::truncate_from(Offset first_dropped) {
  CHECK(!compacting_);
  if (first_dropped >= next_) return {};
  tail_.truncate_from(first_dropped);
  next_ = tail_.empty() ? std::max(first_dropped, std::min(first_, next_)) : tail_.extents().back().next;
  first_ = std::min(first_, next_);
  epochs_.truncate_from(next_);
  producers_.clear();
  tail_.for_each(first_, next_, [&](const Tail::Extent&, std::uint32_t, const records::BatchView& batch) {
    producers_.update(batch, batch.base_offset(), batch.max_timestamp());
    return true;
  });
  return {};
}

std::uint64_t MemoryLog::apply_retention(base::TimestampMs now_ms) {
  std::uint64_t freed = 0;
  const auto expired = [&](const Tail::Extent& extent) {
    return options_.retention.time_ms >= 0 && extent.largest_timestamp < now_ms - options_.retention.time_ms;
  };
  while (!tail_.empty() && expired(tail_.extents().front())) freed += drop_front();
  const std::uint64_t limit = bytes_max();
  while (tail_.extents().size() > 1 && tail_.size_bytes() > limit) freed += drop_front();
  producers_.expire(now_ms - options_.producer_expiration_ms);
  return freed;
}

void MemoryLog::start_flush(IoQueue&, bool, IoCompletion&) { CHECK(!"a memory log is never flushed"); }

base::Result<void> MemoryLog::finish_flush(base::Result<std::size_t>) {
  CHECK(!"a memory log is never flushed");
  return {};
}

std::vector<std::function<base::Result<void>()>> MemoryLog::take_background_work() {
  if (!arena_.wants_tidying()) return {};
  return {[&arena = arena_]() -> base::Result<void> {
    arena.tidy();
    return {};
  }};
}

}  // namespace cms::storage
