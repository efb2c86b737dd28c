// SPDX-License-Identifier: Apache-2.0
// The records of a batch, one after the other; compressed ones are decompressed as far as they are asked for.
//
//   RecordReader reader(batch);
//   while (const RecordView* record = reader.next()) use(*record);
//   if (!reader.status()) ...   // the rest of the batch is garbled
#pragma once

#include <vector>

#include "base/result.h"
#include "records/record.h"

namespace cms::records {

// Memory: nothing for uncompressed batches; else a buffer that grows with the largest record that really comes out of
// the stream, and the decompressor's. Both are kept for the next batch, up to retained_bytes_max. One thread.
class RecordReader {
 public:
  explicit RecordReader(std::size_t uncompressed_bytes_max = uncompressed_bytes_max_default)
      : uncompressed_bytes_max_(uncompressed_bytes_max) {}
  explicit RecordReader(const BatchView& batch) : RecordReader() { open(batch); }

  // Starts with the batch's first record. The batch's bytes stay the caller's and must remain until the last next().
  // The batch need not have been validated.
  void open(const BatchView& batch) { open(batch, batch.codec()); }

  // The same for who has looked at the codec, where the bytes may change meanwhile: they are never decompressed if it
  // is none.
  void open(const BatchView& batch, Codec codec);

  // The next record, or null after the last and when the rest is garbled. What it shows is valid until the next call;
  // of uncompressed batches, keys, values and headers for as long as the batch's bytes.
  const RecordView* next();

  // After next() has returned null: whether all the records were there.
  const base::Result<void>& status() const { return status_; }

 private:
  bool more_bytes();
  bool whole_record_at_hand(std::size_t& record_bytes);
  const RecordView* stop(base::ErrorKind kind, const char* what);

  std::size_t uncompressed_bytes_max_;
  std::optional<BatchView> batch_;
  std::int32_t left_ = 0;
  ByteSpan at_hand_;  // not yet read: of the batch itself, or of buffer_
  bool streaming_ = false;
  std::size_t decompressed_bytes_ = 0;
  Decompressor decompressor_;
  std::vector<std::byte> buffer_;
  RecordView record_;
  base::Result<void> status_;
};

}  // namespace cms::records
