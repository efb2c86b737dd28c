// SPDX-License-Identifier: Apache-2.0
// What a client sends to be stored, checked before it is: exactly one batch that every reader will be able to read.
//
// Uncompressed batches are checked where they lie, nothing allocated; compressed ones through a window of fixed size,
// never held decompressed as a whole (snappy: one block of it, see decompress.h). Time is linear in the bytes that come
// out, of which there are at most Limits::uncompressed_bytes_max.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "records/decompress.h"

namespace cms::records {

// The answer that Kafka gives, by its error code.
enum class Verdict : std::int16_t {
  accepted = 0,
  corrupt_message = 2,                // garbled on its way: the checksum is wrong, the size impossible
  message_too_large = 10,             // larger than the topic allows, or larger decompressed than we allow
  invalid_timestamp = 32,             // a record's time is too far from now, or the client sets an append time
  unsupported_compression_type = 76,  // zstd before Produce 7, or a codec that does not exist
  invalid_record = 87,                // everything else that is not as the format or the topic wants it
};

struct Limits {
  std::size_t batch_bytes_max = 1048588;  // max.message.bytes: the batch as sent, header included
  std::size_t uncompressed_bytes_max = uncompressed_bytes_max_default;
  std::size_t record_faults_max = 1000;  // more are counted, not listed
  bool zstd_allowed = true;              // Produce 7 and later
  bool keys_required = false;            // cleanup.policy includes `compact`

  // message.timestamp.*. Not looked at with log_append_time, as the client's times are not kept.
  TimestampType timestamp_type = TimestampType::create_time;
  TimestampMs now_ms = 0;
  std::int64_t timestamp_before_max_ms = std::numeric_limits<std::int64_t>::max();
  std::int64_t timestamp_after_max_ms = 3'600'000;
};

// One record that failed: where in the batch, and why. For Produce 8 and later.
struct RecordFault {
  std::int32_t index = 0;
  std::string message;
};

struct Validated {
  Verdict verdict = Verdict::accepted;

  // When refused: the batch's message, and the records it is about, if it is about some. Empty when accepted.
  std::string message;
  std::vector<RecordFault> faults;

  // When accepted. max_timestamp is the greatest of the records', no_timestamp if none has one; what the header says of
  // it is outside the client's say, so the broker stores this one (set_timestamps) where they differ.
  std::optional<BatchView> batch;
  TimestampMs max_timestamp = no_timestamp;
  std::int32_t max_timestamp_offset_delta = 0;  // of the first record that has it
  bool header_max_timestamp_is_right = true;

  bool accepted() const { return verdict == Verdict::accepted; }
};

// Reusable; keeps the window and the decompressor. One thread at a time.
class Validator {
 public:
  // `records` as they stand in a Produce request of version 3 or later; null and empty are the same. The view in the
  // answer is of these bytes. `crc` is of all from the attributes on, by who has computed it while copying them here.
  Validated validate(ByteSpan records, const Limits& limits, std::optional<std::uint32_t> crc = std::nullopt);

 private:
  Decompressor decompressor_;
  std::unique_ptr<std::byte[]> window_;  // made with the first compressed batch
};

}  // namespace cms::records
