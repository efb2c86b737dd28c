// SPDX-License-Identifier: Apache-2.0
// Batches for the tests, benchmarks and fuzzers of this folder: a right header and checksum around bytes of no meaning.
// The logs look no deeper.
#pragma once

#include <cstdint>
#include <vector>

#include "base/crc32c.h"
#include "records/batch.h"

namespace cms::storage::test {

struct BatchSpec {
  std::int32_t records = 1;
  std::size_t payload_bytes = 10;
  records::TimestampMs timestamp_ms = 1000;
  records::ProducerId producer_id = records::no_producer_id;
  records::ProducerEpoch producer_epoch = records::no_producer_epoch;
  records::Sequence base_sequence = records::no_sequence;
  std::uint8_t fill = 'x';
};

inline std::vector<std::byte> make_batch(const BatchSpec& spec) {
  namespace layout = records::layout;
  std::vector<std::byte> bytes(layout::header_size + spec.payload_bytes, std::byte{spec.fill});
  std::byte* const at = bytes.data();
  base::store_big<std::int64_t>(at + layout::base_offset, 0);
  base::store_big(at + layout::batch_length, static_cast<std::int32_t>(bytes.size() - layout::counted_from));
  base::store_big<std::int32_t>(at + layout::partition_leader_epoch, -1);
  base::store_big<std::int8_t>(at + layout::magic, records::current_magic);
  base::store_big<std::int16_t>(at + layout::attributes, 0);
  base::store_big(at + layout::last_offset_delta, spec.records - 1);
  base::store_big(at + layout::base_timestamp, spec.timestamp_ms);
  base::store_big(at + layout::max_timestamp, spec.timestamp_ms);
  base::store_big(at + layout::producer_id, spec.producer_id);
  base::store_big(at + layout::producer_epoch, spec.producer_epoch);
  base::store_big(at + layout::base_sequence, spec.base_sequence);
  base::store_big(at + layout::record_count, spec.records);
  base::store_big(at + layout::crc, base::crc32c(base::ByteSpan(bytes).subspan(layout::checksummed_from)));
  return bytes;
}

inline records::BatchView view_of(const std::vector<std::byte>& bytes) { return *records::BatchView::frame(bytes); }

// The base offsets of the batches in slices that a log has read.
inline std::vector<records::Offset> offsets_in(const std::vector<base::Bytes>& slices) {
  std::vector<records::Offset> offsets;
  for (const base::Bytes& slice : slices) {
    for (base::ByteSpan rest = slice; !rest.empty();) {
      const auto batch = records::BatchView::frame(rest);
      CHECK(batch.has_value());
      offsets.push_back(batch->base_offset());
      rest = rest.subspan(batch->size());
    }
  }
  return offsets;
}

}  // namespace cms::storage::test
