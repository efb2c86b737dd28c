// SPDX-License-Identifier: Apache-2.0
// One batch of a log that is being compacted: its keys, and what stays of it.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "records/compress.h"
#include "records/decompress.h"
#include "storage/key_offsets.h"

namespace cms::storage {

struct FilterRules {
  records::Offset below = 0;  // keys at or behind it are not in the map: such records stay
  base::TimestampMs now_ms = 0;
  std::int64_t delete_retention_ms = 0;
};

// Keeps its buffers and the codecs' tables between batches. One thread. Memory: the batch's records decompressed (at
// most records::uncompressed_bytes_max_default) and 48 bytes for each record that is there.
class BatchFilter {
 public:
  enum class Kept {
    all,   // as it is
    some,  // rewritten() is what stays
    none,
  };

  // Puts the keys of the records at or behind `from` into the map. Returns behind which offset it did so: the batch's
  // end, or the record that the map had no room for. Error: invalid (garbled), full (too large decompressed).
  base::Result<records::Offset> collect(const records::BatchView& batch, records::Offset from, KeyOffsets& keys);

  base::Result<Kept> filter(const records::BatchView& batch, const KeyOffsets& keys, const FilterRules& rules);

  // After filter() has said `some`, until the next call.
  records::BatchView rewritten() const { return *records::BatchView::frame(rewritten_); }

  // Of the last batch filtered.
  std::uint64_t records_read() const { return records_.size(); }
  std::uint64_t records_removed() const { return removed_; }

 private:
  struct Record {
    KeyHash hash;
    records::Offset offset;
    std::int64_t timestamp_delta;
    std::uint32_t begin, end;  // in plain_ or the batch's payload
    bool has_key;
    bool is_tombstone;
    bool stays;
  };

  base::Result<void> parse(const records::BatchView& batch, const KeyOffsets& keys);
  base::Result<base::ByteSpan> plain_records(const records::BatchView& batch);
  void rewrite(const records::BatchView& batch, bool sets_horizon, base::TimestampMs horizon_ms);

  records::Decompressor decompressor_;
  records::Compressor compressor_;
  std::vector<std::byte> decompressed_;
  base::ByteSpan plain_;  // the batch's records as they are without compression
  std::vector<Record> records_;
  std::vector<std::byte> kept_;
  std::vector<std::byte> rewritten_;
  std::uint64_t removed_ = 0;
};

// The header of a batch without its records: offsets, epoch, producer and sequence stay. It has no timestamp, so that
// nobody who looks for a time finds it.
std::vector<std::byte> empty_batch(const records::BatchView& batch);

}  // namespace cms::storage
