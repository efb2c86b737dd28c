// SPDX-License-Identifier: Apache-2.0
// Making batches: for the client library, compaction, tools and tests.
#pragma once

#include <span>
#include <vector>

#include "records/compress.h"
#include "records/record.h"

namespace cms::records {

struct BatchOptions {
  Codec codec = Codec::none;
  std::optional<int> level{};  // of the codec; see levels()
  Offset base_offset = 0;
  LeaderEpoch leader_epoch = no_leader_epoch;
  TimestampType timestamp_type = TimestampType::create_time;
  ProducerId producer_id = no_producer_id;
  ProducerEpoch producer_epoch = no_producer_epoch;
  Sequence base_sequence = no_sequence;
  bool transactional = false;
  bool control = false;
};

// A record to be added; nothing of it is kept.
struct NewRecord {
  TimestampMs timestamp = no_timestamp;
  std::optional<ByteSpan> key{};
  std::optional<ByteSpan> value{};
  std::span<const HeaderView> headers{};
};

// Collects records and makes one batch of them; then begins the next one with the same options. Buffers are kept.
class BatchBuilder {
 public:
  explicit BatchBuilder(BatchOptions options = {}) : options_(options) {}

  BatchOptions& options() { return options_; }

  // Timestamps may come in any order; the batch's base is the first one.
  void add(const NewRecord& record) { add_at(next_offset_delta_, record); }

  // With a gap before it, as compaction leaves them: offset_delta is above the former record's.
  void add_at(std::int32_t offset_delta, const NewRecord& record);

  std::int32_t record_count() const { return record_count_; }

  // What the batch would have uncompressed, header included; exact for Codec::none.
  std::size_t size() const { return header_size + records_.size(); }

  // The bytes that add() of this record would take.
  std::size_t size_of(const NewRecord& record) const;

  // The batch. At least one record has been added. `last_offset_delta` keeps offsets that compaction has emptied at the
  // end; none given: the last record's.
  std::vector<std::byte> finish(std::optional<std::int32_t> last_offset_delta = std::nullopt);

 private:
  std::size_t body_size(std::int32_t offset_delta, const NewRecord& record) const;

  BatchOptions options_;
  std::vector<std::byte> records_;
  std::int32_t record_count_ = 0;
  std::int32_t next_offset_delta_ = 0;
  TimestampMs base_timestamp_ = no_timestamp;
  TimestampMs max_timestamp_ = no_timestamp;
  Compressor compressor_;
};

// Writes the batch length into the header of a whole batch, and the checksum, which must come last.
void seal(MutableByteSpan batch);

}  // namespace cms::records
