// SPDX-License-Identifier: Apache-2.0
#include "storage/tail.h"

#include <algorithm>
#include <cstring>

#include "storage/disk.h"

namespace cms::storage {

using records::BatchView;
using records::Offset;
using records::TimestampMs;

void Tail::open_extent(std::shared_ptr<Chunk> chunk, std::size_t begin, Offset base, std::uint64_t file_position,
                       Offset segment) {
  CHECK(begin <= chunk->capacity() && (extents_.empty() || extents_.back().next == base));
  if (!extents_.empty() && extents_.back().size() == 0) {
    release_chunk(extents_.back());
    extents_.pop_back();
  }
  if (extents_.empty() || extents_.back().chunk != chunk) chunk_bytes_ += chunk->capacity();
  Extent extent;
  extent.chunk = std::move(chunk);
  extent.begin = extent.end = extent.last_at = static_cast<std::uint32_t>(begin);
  extent.stream_begin = stream_end_;
  extent.file_position = file_position;
  extent.segment = segment;
  extent.base = extent.next = extent.last_base = base;
  copy_head(extent);
  extents_.push_back(std::move(extent));
}

// A direct write is of whole blocks, so an extent that begins inside one needs what the block holds before it.
void Tail::copy_head(Extent& extent) const {
  const auto head = static_cast<std::uint32_t>(extent.file_position % disk_block_bytes);
  CHECK(extent.begin >= head);
  if (head == 0) return;
  const Extent* const before = extents_.empty() ? nullptr : &extents_.back();
  if (before == nullptr || before->segment != extent.segment || before->file_end() != extent.file_position) {
    extent.head_missing = head;
    return;
  }
  std::memcpy(extent.chunk->data() + extent.begin - head, before->chunk->data() + before->end - head, head);
  const std::uint64_t block = extent.file_position - head;
  const std::uint64_t known_from = before->file_position;
  if (before->head_missing > 0 && known_from > block)
    extent.head_missing = static_cast<std::uint32_t>(known_from - block);
}

base::MutableByteSpan Tail::room(std::size_t bytes) {
  CHECK(fits(bytes));
  const Extent& extent = extents_.back();
  extent.chunk->note_written(extent.end + bytes);
  return {extent.chunk->data() + extent.end, bytes};
}

BatchView Tail::append(BatchView batch, Offset offset, records::LeaderEpoch epoch) {
  CHECK(fits(batch.size()));
  Extent& extent = extents_.back();
  CHECK(extent.next == offset && batch.last_offset_delta() >= 0);
  const BatchView stored = place(batch, offset);
  std::byte* const to = extent.chunk->data() + extent.end - batch.size();
  records::set_base_offset({to, batch.size()}, offset);
  records::set_leader_epoch({to, batch.size()}, epoch);
  return stored;
}

void Tail::append_as_is(BatchView batch) {
  CHECK(fits(batch.size()) && batch.base_offset() >= extents_.back().next);
  place(batch, batch.base_offset());
}

BatchView Tail::place(BatchView batch, Offset offset) {
  Extent& extent = extents_.back();
  std::byte* const to = extent.chunk->data() + extent.end;
  if (batch.bytes().data() != to) std::memcpy(to, batch.bytes().data(), batch.size());
  if (extent.points.empty() || extent.end - extent.points.back().at >= point_interval_bytes) {
    extent.points.push_back(
        {static_cast<std::uint32_t>(extent.next - extent.base), extent.end, extent.largest_timestamp});
  }
  extent.last_at = extent.end;
  extent.last_base = offset;
  extent.end += static_cast<std::uint32_t>(batch.size());
  extent.next = offset + batch.last_offset_delta() + 1;
  extent.largest_timestamp = std::max(extent.largest_timestamp, batch.max_timestamp());
  extent.chunk->note_written(extent.end);
  stream_end_ += batch.size();
  return *BatchView::frame({to, batch.size()});
}

void Tail::replace(std::size_t first, std::size_t end, Tail& with) {
  CHECK(!with.empty() && with.extents_.front().base == extents_[first].base &&
        with.extents_.back().next == extents_[end - 1].next);
  const auto at = extents_.begin() + static_cast<std::ptrdiff_t>(first);
  std::vector<Extent> replaced(std::make_move_iterator(at),
                               std::make_move_iterator(at + static_cast<std::ptrdiff_t>(end - first)));
  const auto rest = extents_.erase(at, at + static_cast<std::ptrdiff_t>(end - first));
  extents_.insert(rest, std::make_move_iterator(with.extents_.begin()), std::make_move_iterator(with.extents_.end()));
  with.clear();
  stream_end_ = chunk_bytes_ = 0;
  for (std::size_t i = 0; i < extents_.size(); ++i) {
    extents_[i].stream_begin = stream_end_;
    stream_end_ += extents_[i].size();
    if (i == 0 || extents_[i].chunk != extents_[i - 1].chunk) chunk_bytes_ += extents_[i].chunk->capacity();
  }
  with.extents_ = std::move(replaced);  // for its caller to free
}

// An extent's chunk is counted once although its neighbours may share it.
void Tail::release_chunk(const Extent& extent) {
  const std::size_t i = static_cast<std::size_t>(&extent - extents_.data());
  const bool shared = (i > 0 && extents_[i - 1].chunk == extent.chunk) ||
                      (i + 1 < extents_.size() && extents_[i + 1].chunk == extent.chunk);
  if (!shared) chunk_bytes_ -= extent.chunk->capacity();
}

std::uint64_t Tail::drop_front() {
  const std::uint64_t bytes = extents_.front().size();
  release_chunk(extents_.front());
  extents_.erase(extents_.begin());
  return bytes;
}

std::uint64_t Tail::truncate_from(Offset first_dropped) {
  const std::uint64_t before = size_bytes();
  while (!extents_.empty() && extents_.back().base >= first_dropped) {
    release_chunk(extents_.back());
    extents_.pop_back();
  }
  if (!extents_.empty() && extents_.back().next > first_dropped) {
    const Place place = place_of(first_dropped);
    Extent& extent = extents_.back();
    extent.next = batch_at(extent, place.at).base_offset();
    extent.end = place.at;
    extent.closed = true;  // slices of what is dropped must not change under their readers
    extent.largest_timestamp = records::no_timestamp;
    extent.last_at = extent.begin;
    extent.last_base = extent.base;
    std::erase_if(extent.points, [&](const Point& point) { return point.at >= place.at; });
    for (std::uint32_t at = extent.begin; at < extent.end;) {
      const BatchView batch = batch_at(extent, at);
      extent.largest_timestamp = std::max(extent.largest_timestamp, batch.max_timestamp());
      extent.last_at = at;
      extent.last_base = batch.base_offset();
      at += static_cast<std::uint32_t>(batch.size());
    }
  }
  stream_end_ = extents_.empty() ? stream_end_ : extents_.back().stream_begin + extents_.back().size();
  return before - size_bytes();
}

void Tail::clear() {
  extents_.clear();
  extents_.shrink_to_fit();
  chunk_bytes_ = 0;
}

std::size_t Tail::extent_of(Offset offset) const {
  const auto found = std::partition_point(extents_.begin(), extents_.end(),
                                          [&](const Extent& extent) { return extent.next <= offset; });
  return static_cast<std::size_t>(found - extents_.begin());
}

Tail::Place Tail::place_of(Offset offset) const {
  const std::size_t i = extent_of(offset);
  if (i == extents_.size()) return {i == 0 ? 0 : i - 1, i == 0 ? 0 : extents_.back().end};
  const Extent& extent = extents_[i];
  if (offset >= extent.last_base) return {i, extent.last_at};
  const auto after = std::partition_point(extent.points.begin(), extent.points.end(), [&](const Point& point) {
    return extent.base + point.relative_offset <= offset;
  });
  std::uint32_t at = after == extent.points.begin() ? extent.begin : std::prev(after)->at;
  while (at < extent.end) {
    const BatchView batch = batch_at(extent, at);
    if (batch.next_offset() > offset) break;
    at += static_cast<std::uint32_t>(batch.size());
  }
  return {i, at};
}

// The last batch boundary in (from, limit]; the end of the batch at `from` where none is.
std::uint32_t Tail::last_boundary(const Extent& extent, std::uint32_t from, std::uint32_t limit) const {
  const auto after = std::partition_point(extent.points.begin(), extent.points.end(),
                                          [&](const Point& point) { return point.at <= limit; });
  std::uint32_t at = after == extent.points.begin() ? from : std::max(from, std::prev(after)->at);
  while (at < extent.end) {
    const std::uint32_t end = at + static_cast<std::uint32_t>(batch_at(extent, at).size());
    if (end > limit && at > from) break;
    at = end;
    if (end > limit) break;
  }
  return at;
}

base::Bytes Tail::slice(const Extent& extent, std::uint32_t from, std::uint32_t to) const {
  return {extent.chunk, {extent.chunk->data() + from, to - from}};
}

std::size_t Tail::read(Offset from, Offset below, std::size_t bytes_max, std::vector<base::Bytes>& into) const {
  if (extents_.empty() || from >= below) return 0;
  const Place begin = place_of(from);
  const Place end = below >= extents_.back().next ? Place{extents_.size() - 1, extents_.back().end} : place_of(below);
  std::size_t bytes = 0;
  for (std::size_t i = begin.extent; i <= end.extent; ++i) {
    const Extent& extent = extents_[i];
    const std::uint32_t first = i == begin.extent ? begin.at : extent.begin;
    std::uint32_t last = i == end.extent ? end.at : extent.end;
    if (first == last) continue;
    const std::size_t left = bytes_max > bytes ? bytes_max - bytes : 0;
    if (last - first > left) {
      const std::uint32_t whole = last_boundary(extent, first, first + static_cast<std::uint32_t>(left));
      const bool fits_limit = whole - first <= left;
      if (!fits_limit && bytes > 0) break;
      last = std::min(last, whole);
    }
    into.push_back(slice(extent, first, last));
    bytes += last - first;
    if (bytes >= bytes_max || (i != end.extent && last != extent.end)) break;
  }
  return bytes;
}

std::uint64_t Tail::stream_of(Place place) const {
  const Extent& extent = extents_[place.extent];
  return extent.stream_begin + (place.at - extent.begin);
}

std::uint64_t Tail::bytes_between(Offset from, Offset below) const {
  if (extents_.empty() || from >= below || from >= extents_.back().next) return 0;
  const std::uint64_t end = below >= extents_.back().next ? stream_end_ : stream_of(place_of(below));
  const std::uint64_t begin = stream_of(place_of(from));
  return end > begin ? end - begin : 0;
}

std::optional<base::Bytes> Tail::batch_at_time(TimestampMs time_ms, Offset from, Offset below) const {
  for (std::size_t i = extent_of(from); i < extents_.size() && extents_[i].base < below; ++i) {
    const Extent& extent = extents_[i];
    if (extent.largest_timestamp < time_ms) continue;
    const auto after = std::partition_point(extent.points.begin(), extent.points.end(),
                                            [&](const Point& point) { return point.largest_before < time_ms; });
    std::uint32_t at = after == extent.points.begin() ? extent.begin : std::prev(after)->at;
    for (; at < extent.end;) {
      const BatchView batch = batch_at(extent, at);
      if (batch.next_offset() > below) return std::nullopt;
      if (batch.max_timestamp() >= time_ms && batch.next_offset() > from) {
        return slice(extent, at, at + static_cast<std::uint32_t>(batch.size()));
      }
      at += static_cast<std::uint32_t>(batch.size());
    }
  }
  return std::nullopt;
}

TimestampMs Tail::largest_timestamp(Offset from, Offset below) const {
  TimestampMs largest = records::no_timestamp;
  for (const Extent& extent : extents_) {
    if (extent.next <= from || extent.base >= below) continue;
    if (extent.base >= from && extent.next <= below) {
      largest = std::max(largest, extent.largest_timestamp);
      continue;
    }
    for (std::uint32_t at = extent.begin; at < extent.end;) {
      const BatchView batch = batch_at(extent, at);
      if (batch.next_offset() > below) break;
      if (batch.next_offset() > from) largest = std::max(largest, batch.max_timestamp());
      at += static_cast<std::uint32_t>(batch.size());
    }
  }
  return largest;
}

std::uint64_t Tail::size_bytes() const { return extents_.empty() ? 0 : stream_end_ - extents_.front().stream_begin; }

std::uint64_t Tail::memory_bytes() const {
  std::uint64_t bytes = chunk_bytes_ + extents_.capacity() * sizeof(Extent);
  for (const Extent& extent : extents_) bytes += extent.points.capacity() * sizeof(Point);
  return bytes;
}

}  // namespace cms::storage
