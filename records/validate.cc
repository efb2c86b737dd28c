// SPDX-License-Identifier: Apache-2.0
#include "records/validate.h"

#include "base/crc32c.h"
#include "records/record.h"

namespace cms::records {

namespace {

constexpr std::size_t window_bytes = 32 * 1024;

// The least size that Kafka takes for a set of records of any magic; below it the length is garbled.
constexpr std::size_t older_header_size_min = 14;

Validated refuse(Verdict verdict, std::string message) {
  Validated refused;
  refused.verdict = verdict;
  refused.message = std::move(message);
  return refused;
}

std::optional<Validated> check_framing(ByteSpan records, const Limits& limits) {
  if (records.size() <= layout::magic) {
    return refuse(Verdict::invalid_record, "the request must hold one record batch per partition, and holds none");
  }
  const auto magic = static_cast<std::int8_t>(records[layout::magic]);
  const std::int64_t size = std::int64_t{base::load_big<std::int32_t>(records.data() + layout::batch_length)} +
                            std::int64_t{layout::counted_from};
  if (size < std::int64_t{older_header_size_min}) {
    return refuse(Verdict::corrupt_message, "the batch's length of " + std::to_string(size) + " bytes is impossible");
  }
  if (magic < 0 || magic > current_magic) {
    return refuse(Verdict::corrupt_message, "the batch's magic " + std::to_string(magic) + " does not exist");
  }
  if (magic != current_magic) {
    return refuse(Verdict::invalid_record,
                  "the batch is of magic " + std::to_string(magic) + ", and must be of magic 2");
  }
  if (size < std::int64_t{header_size}) {
    return refuse(Verdict::corrupt_message,
                  "the batch's length of " + std::to_string(size) + " bytes is below its header's");
  }
  if (static_cast<std::size_t>(size) > records.size()) {
    return refuse(Verdict::invalid_record, "the batch is cut off: its length is " + std::to_string(size) +
                                               " bytes, and " + std::to_string(records.size()) + " are there");
  }
  const BatchView batch = *BatchView::frame(records);
  if (batch.codec() == Codec::zstd && !limits.zstd_allowed) {
    return refuse(Verdict::unsupported_compression_type, "zstd needs Produce version 7 or later");
  }
  if (batch.size() != records.size()) {
    return refuse(Verdict::invalid_record, "the request must hold exactly one record batch per partition");
  }
  return std::nullopt;
}

std::optional<Validated> check_header(const BatchView& batch, const Limits& limits, std::optional<std::uint32_t> crc) {
  if (batch.base_offset() != 0) {
    return refuse(Verdict::invalid_record,
                  "the batch's base offset is " + std::to_string(batch.base_offset()) + ", not 0");
  }
  if (batch.size() > limits.batch_bytes_max) {
    return refuse(Verdict::message_too_large, "the batch has " + std::to_string(batch.size()) +
                                                  " bytes, and the topic allows " +
                                                  std::to_string(limits.batch_bytes_max));
  }
  if ((crc ? *crc : base::crc32c(batch.checksummed())) != batch.crc()) {
    return refuse(Verdict::corrupt_message, "the batch's checksum is wrong");
  }
  if (!is_known(batch.codec())) {
    return refuse(Verdict::unsupported_compression_type, "the batch's compression type does not exist");
  }
  if (batch.record_count() <= 0) return refuse(Verdict::invalid_record, "the batch's record count is not positive");
  if (batch.last_offset_delta() != batch.record_count() - 1) {
    return refuse(Verdict::invalid_record, "the batch has " + std::to_string(batch.record_count()) +
                                               " records, but its last offset delta is " +
                                               std::to_string(batch.last_offset_delta()));
  }
  if (batch.is_control()) return refuse(Verdict::invalid_record, "clients may not write control records");
  if (batch.has_producer_id() && batch.base_sequence() < 0) {
    return refuse(Verdict::invalid_record, "the batch has a producer id, but its sequence is negative");
  }
  if (batch.timestamp_type() == TimestampType::log_append_time) {
    return refuse(Verdict::invalid_timestamp, "a producer may not set the timestamp type to LogAppendTime");
  }
  return std::nullopt;
}

// The records of one batch, one after the other.
class RecordCheck {
 public:
  RecordCheck(const BatchView& batch, const Limits& limits)
      : batch_(batch), limits_(limits), base_timestamp_(batch.base_timestamp()) {
    check_times_ = limits.timestamp_type == TimestampType::create_time;
    if (__builtin_sub_overflow(limits.now_ms, limits.timestamp_before_max_ms, &earliest_)) {
      earliest_ = std::numeric_limits<TimestampMs>::min();
    }
    if (__builtin_add_overflow(limits.now_ms, limits.timestamp_after_max_ms, &latest_)) {
      latest_ = std::numeric_limits<TimestampMs>::max();
    }
  }

  Validated run(Cursor& cursor) {
    const std::int32_t count = batch_.record_count();
    for (std::int32_t index = 0; index < count; ++index) {
      RecordFields fields;
      if (const char* wrong = read_record(cursor, fields)) [[unlikely]]
        return malformed(cursor, index, wrong);
      if (fields.offset_delta != index) [[unlikely]]
        return misplaced(index, fields.offset_delta);
      check(index, fields);
    }
    if (!cursor.at_end()) {
      if (cursor.fault() == CursorFault::none)
        return refuse(Verdict::invalid_record, "bytes are left over after the last record");
      return malformed(cursor, count - 1, "the records' end is garbled");
    }
    if (fault_count_ > 0) return rejected();
    validated_.batch = batch_;
    validated_.header_max_timestamp_is_right = batch_.max_timestamp() == validated_.max_timestamp;
    return std::move(validated_);
  }

 private:
  void check(std::int32_t index, const RecordFields& fields) {
    const auto timestamp = static_cast<TimestampMs>(static_cast<std::uint64_t>(base_timestamp_) +
                                                    static_cast<std::uint64_t>(fields.timestamp_delta));
    if (timestamp > validated_.max_timestamp) {
      validated_.max_timestamp = timestamp;
      validated_.max_timestamp_offset_delta = index;
    }
    if (fields.key_size < 0 && limits_.keys_required) [[unlikely]] {
      fault(index, "a topic that is compacted takes no record without a key");
    } else if (check_times_ && (timestamp < earliest_ || timestamp > latest_) && timestamp != no_timestamp)
        [[unlikely]] {
      bad_times_ = true;
      fault(index, "the timestamp " + std::to_string(timestamp) + " is not within " + std::to_string(earliest_) +
                       " and " + std::to_string(latest_));
    }
  }

  void fault(std::int32_t index, std::string message) {
    if (++fault_count_ <= limits_.record_faults_max) validated_.faults.push_back({index, std::move(message)});
  }

  Validated rejected() {
    validated_.verdict = bad_times_ ? Verdict::invalid_timestamp : Verdict::invalid_record;
    validated_.message = std::to_string(fault_count_) + (fault_count_ == 1 ? " record of " : " records of ") +
                         std::to_string(batch_.record_count()) + " rejected, the first for this: " +
                         (validated_.faults.empty() ? "not listed" : validated_.faults.front().message);
    return std::move(validated_);
  }

  Validated malformed(const Cursor& cursor, std::int32_t index, const char* wrong) const {
    if (cursor.fault() == CursorFault::too_large) {
      return refuse(
          Verdict::message_too_large,
          "the batch is larger than " + std::to_string(limits_.uncompressed_bytes_max) + " bytes when decompressed");
    }
    // The checksum was right, so this is how the client made it, and sending it again would not help: not
    // CORRUPT_MESSAGE, which clients retry.
    if (cursor.fault() == CursorFault::garbled) wrong = "the compressed records are garbled";
    return at_record(index, wrong);
  }

  Validated misplaced(std::int32_t index, std::int32_t offset_delta) const {
    return at_record(index,
                     "the offset delta of record " + std::to_string(index) + " is " + std::to_string(offset_delta));
  }

  static Validated at_record(std::int32_t index, std::string message) {
    Validated refused = refuse(Verdict::invalid_record, "record " + std::to_string(index) + ": " + message);
    refused.faults.push_back({index, std::move(message)});
    return refused;
  }

  const BatchView batch_;
  const Limits& limits_;
  const TimestampMs base_timestamp_;
  TimestampMs earliest_ = 0;
  TimestampMs latest_ = 0;
  bool check_times_ = true;
  bool bad_times_ = false;
  std::size_t fault_count_ = 0;
  Validated validated_;
};

}  // namespace

Validated Validator::validate(ByteSpan records, const Limits& limits, std::optional<std::uint32_t> crc) {
  if (std::optional<Validated> refused = check_framing(records, limits)) return std::move(*refused);
  const BatchView batch = *BatchView::frame(records);
  if (std::optional<Validated> refused = check_header(batch, limits, crc)) return std::move(*refused);
  if (batch.codec() == Codec::none) {
    Cursor in_place(batch.payload());
    return RecordCheck(batch, limits).run(in_place);
  }
  if (!window_) window_ = std::make_unique_for_overwrite<std::byte[]>(window_bytes);
  decompressor_.open(batch.codec(), batch.payload());
  Cursor streamed(decompressor_, {window_.get(), window_bytes}, limits.uncompressed_bytes_max);
  return RecordCheck(batch, limits).run(streamed);
}

}  // namespace cms::records
