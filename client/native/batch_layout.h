// SPDX-License-Identifier: Apache-2.0
// A record batch written into memory that is there already: each record behind the last, the header when it is known.
// What records::BatchBuilder makes, byte for byte, without its buffers.
#pragma once

#include <cms/record.h>

#include <cstdint>

#include "records/batch.h"

namespace cms::client {

// A record as it will lie in a batch. Its value's bytes may come later: here only their size counts.
class RecordLayout {
 public:
  // Borrows the record.
  RecordLayout(const cms::Record& record, std::optional<std::size_t> value_bytes);

  // False: it would fill a batch of 2 GiB, and has no size.
  bool is_possible() const { return size_anywhere_ != 0; }

  // Where a record lies in its batch: behind the first record's time, and the first record.
  struct Place {
    std::int64_t timestamp_delta = 0;
    std::int32_t offset_delta = 0;
  };

  // With the length in front.
  std::size_t size(Place place) const;

  // Writes size() bytes to `to`, but for the value's, whose place is returned.
  std::byte* store(std::byte* to, Place place) const;

 private:
  std::size_t body_size(Place place) const;

  const cms::Record& record_;
  std::optional<std::size_t> value_bytes_;
  std::size_t size_anywhere_ = 0;  // but for its length and its place
};

struct BatchFields {
  std::int32_t record_count = 0;
  std::int64_t base_timestamp = 0;
  std::int64_t max_timestamp = 0;
  records::ProducerId producer_id = records::no_producer_id;
  records::ProducerEpoch producer_epoch = records::no_producer_epoch;
  records::Sequence base_sequence = records::no_sequence;
};

// Writes the header in front of the records, which are there, and the checksum over all of it.
void seal_batch(base::MutableByteSpan batch, const BatchFields& fields);

// The same for records of which one value is not there yet: it is copied to `to`, its place in the batch, and looked at
// once. Large parts of the batch are only written, not read: they may lie in memory that others have in their caches.
void seal_batch_around(base::MutableByteSpan batch, const BatchFields& fields, std::byte* to, base::ByteSpan value);

}  // namespace cms::client
