// SPDX-License-Identifier: Apache-2.0
#include "records/record.h"

namespace cms::records {

namespace {

constexpr const char* overrun = "the record's parts do not fit its length";
constexpr const char* unreadable = "the record ends early or is garbled";

// Reads a record that lies whole in memory, as Cursor does, but with nothing to ask for more: what there is stays in
// registers.
class WholeRecord {
 public:
  WholeRecord(const std::byte* at, std::size_t size) : at_(at), begin_(at), end_(at + size) {}

  std::size_t position() const { return static_cast<std::size_t>(at_ - begin_); }
  const std::byte* here() const { return at_; }

  bool read(std::byte& value) {
    if (at_ == end_) return false;
    value = *at_++;
    return true;
  }
  bool read(std::int32_t& value) {
    std::uint64_t folded = 0;
    if (!read_short_varint(at_, end_, folded) && !read_groups(folded, varint32_bytes_max)) return false;
    value = unfold_sign(static_cast<std::uint32_t>(folded));
    return true;
  }
  bool read(std::int64_t& value) {
    std::uint64_t folded = 0;
    if (!read_short_varint(at_, end_, folded) && !read_groups(folded, varint64_bytes_max)) return false;
    value = unfold_sign(folded);
    return true;
  }
  bool skip(std::size_t size) {
    if (size > static_cast<std::size_t>(end_ - at_)) return false;
    at_ += size;
    return true;
  }

 private:
  bool read_groups(std::uint64_t& folded, std::size_t bytes_max) {
    folded = 0;
    for (std::size_t count = 0; count < bytes_max && at_ != end_; ++count) {
      const std::byte group = *at_++;
      folded |= std::to_integer<std::uint64_t>(group & std::byte{0x7f}) << (7 * count);
      if (group < std::byte{0x80}) return true;
    }
    return false;
  }

  const std::byte* at_;
  const std::byte* const begin_;
  const std::byte* const end_;
};

// Passes over `size` bytes of a record that ends at `record_end`. A size beyond it must not be read, still less
// skipped: it would make us decompress as much as it claims.
template <typename Source>
const char* skip_within(Source& source, std::int32_t size, std::size_t record_end) {
  if (static_cast<std::size_t>(size) > record_end - std::min(record_end, source.position())) return overrun;
  return source.skip(static_cast<std::size_t>(size)) ? nullptr : unreadable;
}

// A null key or value has no bytes; its size may be any negative number, as in Kafka.
template <typename Source>
const char* skip_nullable(Source& source, std::int32_t& size, const std::byte*& where, std::size_t record_end) {
  if (!source.read(size)) return unreadable;
  where = source.here();
  return size < 0 ? nullptr : skip_within(source, size, record_end);
}

template <typename Source>
const char* skip_headers(Source& source, std::int32_t count, std::size_t record_end) {
  for (std::int32_t index = 0; index < count; ++index) {
    std::int32_t size = 0;
    const std::byte* ignored = nullptr;
    if (source.position() >= record_end) return "the record has fewer headers than it says";
    if (!source.read(size)) return unreadable;
    if (size < 0) return "a header has no key";
    if (const char* wrong = skip_within(source, size, record_end)) return wrong;
    if (const char* wrong = skip_nullable(source, size, ignored, record_end)) return wrong;
  }
  return nullptr;
}

// What follows the length.
template <typename Source>
const char* read_body(Source& source, RecordFields& fields, std::size_t end) {
  std::byte attributes;  // none is defined for records; ignored, as Kafka does
  if (!source.read(attributes) || !source.read(fields.timestamp_delta) || !source.read(fields.offset_delta))
    return unreadable;
  if (const char* wrong = skip_nullable(source, fields.key_size, fields.key, end)) return wrong;
  if (const char* wrong = skip_nullable(source, fields.value_size, fields.value, end)) return wrong;
  if (!source.read(fields.header_count)) return unreadable;
  if (fields.header_count < 0) return "the record's header count is negative";
  fields.headers = source.here();
  if (fields.header_count > 0) {
    if (const char* wrong = skip_headers(source, fields.header_count, end)) return wrong;
  }
  fields.end = source.here();
  return source.position() == end ? nullptr : overrun;
}

}  // namespace

const char* read_record(Cursor& cursor, RecordFields& fields) {
  std::int32_t length = 0;
  if (!cursor.read(length)) return unreadable;
  if (length < 0) return "the record's length is negative";
  const auto size = static_cast<std::size_t>(length);
  if (size > cursor.at_hand()) [[unlikely]]
    return read_body(cursor, fields, cursor.position() + size);
  WholeRecord whole(cursor.here(), size);
  const char* const wrong = read_body(whole, fields, size);
  return wrong != nullptr || cursor.skip(size) ? wrong : unreadable;
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
