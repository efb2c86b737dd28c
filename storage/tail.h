// SPDX-License-Identifier: Apache-2.0
// The end of a log that lies in memory: whole batches, back to back, in extents of arena chunks, with a sparse index.
//
//   extent     chunk                                              extent
//   +---------+------------------------------------------+       +----------
//   | begin   | batch | batch |  batch   | batch |       |       | batch ...
//   +---------+------------------------------------------+       +----------
//             begin   '- a point each 4 KiB -'   end     capacity
//
// The memory log fills chunk after chunk. The segmented log places an extent so that memory and file agree modulo the
// disk's block (begin % 4096 == file_position % 4096), and keeps extents of two segments apart.
//
// Not synchronised. Slices that read() gave out stay valid and unchanged when the extent goes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "records/batch.h"
#include "storage/arena.h"

namespace cms::storage {

class Tail {
 public:
  // A batch that begins at `at` in the chunk, at this offset or, behind a gap, above it; what lies before it in the
  // extent has no timestamp above `largest_before`.
  struct Point {
    std::uint32_t relative_offset;
    std::uint32_t at;
    records::TimestampMs largest_before;
  };

  struct Extent {
    std::shared_ptr<Chunk> chunk;
    std::uint32_t begin = 0;  // in the chunk
    std::uint32_t end = 0;
    std::uint32_t last_at = 0;        // where its last batch begins; its readers mostly ask for that one
    records::Offset last_base = 0;    // and that batch's base offset; both are where the next goes while there is none
    std::uint64_t stream_begin = 0;   // bytes appended to the tail before this extent
    std::uint64_t file_position = 0;  // of `begin` in its segment; the memory log has none
    records::Offset segment = 0;      // base offset of the segment; likewise
    records::Offset base = 0;
    records::Offset next = 0;
    records::TimestampMs largest_timestamp = records::no_timestamp;
    bool closed = false;  // takes no more: what lies behind `end` may still be read by someone
    // Bytes of the file before `begin`, in the same block, that memory lacks: the first flush of the extent reads them.
    std::uint32_t head_missing = 0;
    std::vector<Point> points;

    std::uint64_t size() const { return end - begin; }
    std::uint64_t file_end() const { return file_position + size(); }
  };

  static constexpr std::size_t point_interval_bytes = 4096;

  bool empty() const { return extents_.empty(); }
  const std::vector<Extent>& extents() const { return extents_; }
  records::Offset first_offset() const { return extents_.front().base; }

  // Whether the last extent has room for a batch of this size.
  bool fits(std::size_t bytes) const {
    return !extents_.empty() && !extents_.back().closed &&
           extents_.back().chunk->capacity() - extents_.back().end >= bytes;
  }

  // Whether the batch lies in room(), where the next one goes.
  bool ends_at(const records::BatchView& batch) const {
    return !extents_.empty() && batch.bytes().data() == extents_.back().chunk->data() + extents_.back().end;
  }

  // Begins an extent at `begin` in a chunk; empty, at `base`. With a segment, what the disk's block holds before it is
  // copied from the extent before, if that is there.
  void open_extent(std::shared_ptr<Chunk> chunk, std::size_t begin, records::Offset base,
                   std::uint64_t file_position = 0, records::Offset segment = 0);

  // Where a batch of this size, which fits(), will lie. What is written there is not part of the tail, but counts as
  // written to its chunk.
  base::MutableByteSpan room(std::size_t bytes);

  // Copies the batch behind the last one, if it does not lie there already, and gives it offset and epoch. It fits().
  // Returns where it lies.
  records::BatchView append(records::BatchView batch, records::Offset offset, records::LeaderEpoch epoch);

  // Copies a batch of a log that is being compacted: it keeps its offset, with a gap before it or without.
  void append_as_is(records::BatchView batch);

  // The last extent takes no more.
  void close_last() { extents_.back().closed = true; }

  // Puts the extents of `with` in the place of [first, end), which has the same offsets. `with` is left with
  // those, only to be destroyed.
  void replace(std::size_t first, std::size_t end, Tail& with);

  base::Bytes bytes_of(const Extent& extent) const { return slice(extent, extent.begin, extent.end); }

  // A flush of all below `below` has read what was missing.
  void heads_read(records::Offset below) {
    for (Extent& extent : extents_) {
      if (extent.base < below) extent.head_missing = 0;
    }
  }

  // Both return the bytes dropped.
  std::uint64_t drop_front();
  std::uint64_t truncate_from(records::Offset first_dropped);  // whole batches: the one that holds it goes too
  void clear();

  // Whole batches from the one that holds `from` and below `below`, as Log::read. `from` is not below first_offset().
  std::size_t read(records::Offset from, records::Offset below, std::size_t bytes_max,
                   std::vector<base::Bytes>& into) const;

  // Exact, for whole batches; `from` as in read().
  std::uint64_t bytes_between(records::Offset from, records::Offset below) const;

  // The first batch at or behind `from` with a timestamp at or after `time_ms`, wholly below `below`.
  std::optional<base::Bytes> batch_at_time(records::TimestampMs time_ms, records::Offset from,
                                           records::Offset below) const;

  // Of all batches wholly below `below`; no_timestamp if there is none.
  records::TimestampMs largest_timestamp(records::Offset from, records::Offset below) const;

  std::uint64_t size_bytes() const;
  std::uint64_t memory_bytes() const;  // chunks (each once) and indexes
  std::uint64_t chunk_bytes() const { return chunk_bytes_; }

  // Visits the batches of [from, below) in order.
  template <typename Visitor>
  void for_each(records::Offset from, records::Offset below, Visitor visit) const;

 private:
  // A batch boundary: a batch of an extent, or its end.
  struct Place {
    std::size_t extent;
    std::uint32_t at;
  };

  records::BatchView batch_at(const Extent& extent, std::uint32_t at) const {
    return *records::BatchView::frame({extent.chunk->data() + at, extent.end - at});
  }
  records::BatchView place(records::BatchView batch, records::Offset offset);
  std::size_t extent_of(records::Offset offset) const;
  Place place_of(records::Offset offset) const;  // of the batch that holds it; the end of everything if none does
  std::uint32_t last_boundary(const Extent& extent, std::uint32_t from, std::uint32_t limit) const;
  base::Bytes slice(const Extent& extent, std::uint32_t from, std::uint32_t to) const;
  std::uint64_t stream_of(Place place) const;
  void release_chunk(const Extent& extent);
  void copy_head(Extent& extent) const;

  std::vector<Extent> extents_;  // none empty but the last; contiguous in offsets
  std::uint64_t stream_end_ = 0;
  std::uint64_t chunk_bytes_ = 0;
};

template <typename Visitor>
void Tail::for_each(records::Offset from, records::Offset below, Visitor visit) const {
  if (extents_.empty()) return;
  Place place = place_of(from);
  for (std::size_t i = place.extent; i < extents_.size(); ++i) {
    const Extent& extent = extents_[i];
    for (std::uint32_t at = i == place.extent ? place.at : extent.begin; at < extent.end;) {
      const records::BatchView batch = batch_at(extent, at);
      if (batch.next_offset() > below) return;
      if (!visit(extent, at, batch)) return;
      at += static_cast<std::uint32_t>(batch.size());
    }
  }
}

}  // namespace cms::storage
