// SPDX-License-Identifier: Apache-2.0
// One record of a batch: its grammar, and a view of a whole one.
//
//   length varint | attributes int8 | timestamp delta varint64 | offset delta varint
//   key length varint, key | value length varint, value            a negative length: null
//   header count varint | each: key length varint, key, value length varint, value
//
// `length` counts what follows it. Deltas are to the batch's base timestamp and base offset.
#pragma once

#include <iterator>
#include <optional>
#include <string_view>

#include "records/cursor.h"

namespace cms::records {

// The least a record can take: seven fields of one byte.
inline constexpr std::size_t record_size_min = 7;

// What a record's bytes say, sizes as they came (negative: null). The pointers are set when read in place.
struct RecordFields {
  std::int64_t timestamp_delta = 0;
  std::int32_t offset_delta = 0;
  std::int32_t key_size = -1;
  std::int32_t value_size = -1;
  std::int32_t header_count = 0;
  const std::byte* key = nullptr;
  const std::byte* value = nullptr;
  const std::byte* headers = nullptr;
  const std::byte* end = nullptr;
};

// Reads one record whole and checks that its parts fill its length exactly. Null when they do, else what is wrong.
const char* read_record(Cursor& cursor, RecordFields& fields);

struct HeaderView {
  std::string_view key;
  std::optional<ByteSpan> value;
};

// The headers of a record that has been read: their bytes are known to be well formed.
class HeaderRange {
 public:
  class Iterator {
   public:
    using value_type = HeaderView;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;

    Iterator() = default;
    Iterator(ByteSpan rest, std::int32_t left) : rest_(rest), left_(left) { read(); }
    const HeaderView& operator*() const { return header_; }
    const HeaderView* operator->() const { return &header_; }
    Iterator& operator++() {
      --left_;
      read();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(const Iterator& other) const { return left_ == other.left_; }

   private:
    void read();

    ByteSpan rest_;
    std::int32_t left_ = 0;
    HeaderView header_;
  };

  HeaderRange() = default;
  HeaderRange(ByteSpan bytes, std::int32_t count) : bytes_(bytes), count_(count) {}

  Iterator begin() const { return {bytes_, count_}; }
  Iterator end() const { return {{}, 0}; }
  std::size_t size() const { return static_cast<std::size_t>(count_); }
  bool empty() const { return count_ == 0; }
  ByteSpan bytes() const { return bytes_; }

 private:
  ByteSpan bytes_;
  std::int32_t count_ = 0;
};

// Owns nothing; who made it says how long it is valid.
struct RecordView {
  Offset offset = 0;
  TimestampMs timestamp = no_timestamp;
  std::optional<ByteSpan> key;
  std::optional<ByteSpan> value;
  HeaderRange headers;
};

}  // namespace cms::records
