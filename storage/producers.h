// SPDX-License-Identifier: Apache-2.0
// What a partition remembers of its idempotent producers (KIP-98, KIP-185): enough to answer a repeated batch with its
// first offset, and to refuse a gap. Not synchronised: the partition's lock covers it.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "records/batch.h"

namespace cms::storage {

class ProducerStates {
 public:
  static constexpr std::size_t batches_kept = 5;  // a client's limit of requests in flight with idempotence

  struct Append {};  // in sequence, or a producer unknown here
  struct Duplicate {
    records::Offset base_offset;
    base::TimestampMs append_time_ms;  // -1 with CreateTime
  };
  enum class Refused { out_of_order_sequence, invalid_producer_epoch };
  using Verdict = std::variant<Append, Duplicate, Refused>;

  // Judges a batch before it is appended; changes nothing. A batch without producer id is always Append.
  Verdict check(const records::BatchView& batch) const;

  // Remembers a batch that was appended (or is met again by recovery), with the offset it has in the log.
  void update(const records::BatchView& batch, records::Offset base_offset, base::TimestampMs now_ms);

  // Forgets producers without a write since `older_than_ms`.
  void expire(base::TimestampMs older_than_ms);
  void clear() { producers_.clear(); }
  std::size_t size() const { return producers_.size(); }

  // Base offsets of the last batch of each producer, sorted: compaction keeps their headers.
  std::vector<records::Offset> last_batches() const;

  // For snapshots: our own format with a checksum, described in docs/file_formats.md.
  std::vector<std::byte> save(records::Offset next_offset) const;
  // Replaces everything; returns the next offset that save() was given. Error: corrupt.
  base::Result<records::Offset> load(base::ByteSpan bytes);

 private:
  struct Batch {
    records::Sequence first_sequence;
    records::Sequence last_sequence;
    records::Offset base_offset;
    base::TimestampMs append_time_ms;
  };
  struct Producer {
    records::ProducerEpoch epoch = -1;
    std::uint8_t count = 0;                     // of batches used
    std::array<Batch, batches_kept> batches{};  // oldest first
    base::TimestampMs last_write_ms = 0;
  };

  std::unordered_map<records::ProducerId, Producer> producers_;
};

}  // namespace cms::storage
