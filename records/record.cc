// SPDX-License-Identifier: Apache-2.0
#include "records/record.h"

namespace cms::records {

namespace {

constexpr const char* overrun = "the record's parts do not fit its length";
constexpr const char* unreadable = "the record ends early or is garbled";

// Passes over `size` bytes of a record that ends at `record_end`. A size beyond it must not be read, still less
// skipped: it would make us decompress as much as it claims.
const char* skip_within(Cursor& cursor, std::int32_t size, std::size_t record_end) {
  if (static_cast<std::size_t>(size) > record_end - std::min(record_end, cursor.position())) return overrun;
  return cursor.skip(static_cast<std::size_t>(size)) ? nullptr : unreadable;
}

// A null key or value has no bytes; its size may be any negative number, as in Kafka.
const char* skip_nullable(Cursor& cursor, std::int32_t& size, const std::byte*& where, std::size_t record_end) {
  if (!cursor.read(size)) return unreadable;
  where = cursor.here();
  return size < 0 ? nullptr : skip_within(cursor, size, record_end);
}

const char* skip_headers(Cursor& cursor, std::int32_t count, std::size_t record_end) {
  for (std::int32_t index = 0; index < count; ++index) {
    std::int32_t size = 0;
    const std::byte* ignored = nullptr;
    if (cursor.position() >= record_end) return "the record has fewer headers than it says";
    if (!cursor.read(size)) return unreadable;
    if (size < 0) return "a header has no key";
    if (const char* wrong = skip_within(cursor, size, record_end)) return wrong;
    if (const char* wrong = skip_nullable(cursor, size, ignored, record_end)) return wrong;
  }
  return nullptr;
}

}  // namespace

const char* read_record(Cursor& cursor, RecordFields& fields) {
  std::int32_t length = 0;
  std::byte attributes;  // none is defined for records; ignored, as Kafka does
  if (!cursor.read(length)) return unreadable;
  if (length < 0) return "the record's length is negative";
  const std::size_t end = cursor.position() + static_cast<std::size_t>(length);
  if (!cursor.read(attributes) || !cursor.read(fields.timestamp_delta) || !cursor.read(fields.offset_delta))
    return unreadable;
  if (const char* wrong = skip_nullable(cursor, fields.key_size, fields.key, end)) return wrong;
  if (const char* wrong = skip_nullable(cursor, fields.value_size, fields.value, end)) return wrong;
  if (!cursor.read(fields.header_count)) return unreadable;
  if (fields.header_count < 0) return "the record's header count is negative";
  fields.headers = cursor.here();
  if (fields.header_count > 0) {
    if (const char* wrong = skip_headers(cursor, fields.header_count, end)) return wrong;
  }
  fields.end = cursor.here();
  return cursor.position() == end ? nullptr : overrun;
}

void HeaderRange::Iterator::read() {
  if (left_ <= 0) return;
  Cursor cursor(rest_);
  std::int32_t size = 0;
  CHECK(cursor.read(size) && size >= 0);
  const std::byte* at = cursor.here();
  CHECK(cursor.skip(static_cast<std::size_t>(size)));
  header_.key = base::as_text({at, static_cast<std::size_t>(size)});
  CHECK(cursor.read(size));
  at = cursor.here();
  header_.value.reset();
  if (size >= 0) {
    CHECK(cursor.skip(static_cast<std::size_t>(size)));
    header_.value = ByteSpan(at, static_cast<std::size_t>(size));
  }
  rest_ = rest_.subspan(cursor.position());
}

}  // namespace cms::records
