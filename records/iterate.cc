// SPDX-License-Identifier: Apache-2.0
#include "records/iterate.h"

namespace cms::records {

namespace {

constexpr std::size_t first_buffer_bytes = 16 * 1024;

std::optional<ByteSpan> nullable(const std::byte* at, std::int32_t size) {
  if (size < 0) return std::nullopt;
  return ByteSpan(at, static_cast<std::size_t>(size));
}

}  // namespace

void RecordReader::open(const BatchView& batch, Codec codec) {
  batch_ = batch;
  left_ = std::max(batch.record_count(), 0);
  status_ = {};
  decompressed_bytes_ = 0;
  streaming_ = codec != Codec::none;
  at_hand_ = batch.payload();
  if (!streaming_) return;
  at_hand_ = {};
  if (buffer_.size() > retained_bytes_max) buffer_ = {};
  if (buffer_.empty()) buffer_.resize(first_buffer_bytes);
  if (is_known(codec)) {
    decompressor_.open(codec, batch.payload());
  } else {
    stop(base::ErrorKind::unsupported, "the batch's compression type does not exist");
  }
}

const RecordView* RecordReader::stop(base::ErrorKind kind, const char* what) {
  left_ = 0;
  if (status_.ok()) status_ = base::Error(kind, what);
  return nullptr;
}

const RecordView* RecordReader::next() {
  if (left_ == 0) return nullptr;
  std::size_t record_bytes = 0;
  if (!whole_record_at_hand(record_bytes))
    return stop(base::ErrorKind::invalid, "the batch ends before its last record");
  Cursor cursor(at_hand_.first(record_bytes));
  RecordFields fields;
  if (const char* wrong = read_record(cursor, fields)) return stop(base::ErrorKind::invalid, wrong);
  at_hand_ = at_hand_.subspan(record_bytes);
  --left_;
  record_.offset = static_cast<Offset>(static_cast<std::uint64_t>(batch_->base_offset()) +
                                       static_cast<std::uint64_t>(std::int64_t{fields.offset_delta}));
  record_.timestamp = batch_->timestamp_type() == TimestampType::log_append_time
                          ? batch_->max_timestamp()
                          : static_cast<TimestampMs>(static_cast<std::uint64_t>(batch_->base_timestamp()) +
                                                     static_cast<std::uint64_t>(fields.timestamp_delta));
  record_.key = nullable(fields.key, fields.key_size);
  record_.value = nullable(fields.value, fields.value_size);
  record_.headers = {{fields.headers, static_cast<std::size_t>(fields.end - fields.headers)}, fields.header_count};
  return &record_;
}

// Sees to it that at_hand_ begins with a whole record, and says how long that is.
bool RecordReader::whole_record_at_hand(std::size_t& record_bytes) {
  while (true) {
    Cursor cursor(at_hand_);
    std::int32_t length = 0;
    if (cursor.read(length)) {
      if (length < 0) return false;
      record_bytes = cursor.position() + static_cast<std::size_t>(length);
      if (record_bytes <= at_hand_.size()) return true;
    } else if (cursor.fault() != CursorFault::ended) {
      return false;
    }
    if (!more_bytes()) return false;
  }
}

// Moves what is at hand to the buffer's start and reads after it. The buffer grows only when it is full of bytes that
// did come, never to a length that a record claims.
bool RecordReader::more_bytes() {
  if (!streaming_) return false;
  if (at_hand_.size() == buffer_.size()) {
    std::vector<std::byte> larger(buffer_.size() * 2);
    std::memcpy(larger.data(), at_hand_.data(), at_hand_.size());
    buffer_.swap(larger);
  } else if (!at_hand_.empty()) {
    std::memmove(buffer_.data(), at_hand_.data(), at_hand_.size());
  }
  const std::size_t kept = at_hand_.size();
  base::Result<std::size_t> size = decompressor_.read(MutableByteSpan(buffer_).subspan(kept));
  if (!size) {
    status_ = size.error();
    return false;
  }
  decompressed_bytes_ += *size;
  if (decompressed_bytes_ > uncompressed_bytes_max_) {
    status_ = base::Error(base::ErrorKind::full, "the batch is larger than allowed when decompressed");
    return false;
  }
  at_hand_ = ByteSpan(buffer_).first(kept + *size);
  return *size > 0;
}

}  // namespace cms::records
