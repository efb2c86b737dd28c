// SPDX-License-Identifier: Apache-2.0
// Just enough of Kafka's wire for the measuring programs: the old, non-flexible layouts that every broker since 0.11
// serves, read and written by hand. On purpose not our protocol library: the measure must not share the code it
// measures.
//
//   Produce v7, Fetch v4, ListOffsets v1, Metadata v1, ApiVersions v0, CreateTopics v2, DeleteTopics v1
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/endian.h"

namespace cms::bench {

using base::ByteSpan;

enum Api : std::int16_t {
  produce = 0,
  fetch = 1,
  list_offsets = 2,
  metadata = 3,
  find_coordinator = 10,
  api_versions = 18,
  create_topics = 19,
  delete_topics = 20,
};

// Reads big-endian fields one after the other. Past the end everything is zero or empty and ok() is false.
class WireReader {
 public:
  explicit WireReader(ByteSpan bytes) : rest_(bytes) {}

  template <typename T>
  T number() {
    if (rest_.size() < sizeof(T)) return fail<T>();
    const T value = base::load_big<T>(rest_.data());
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }
  std::string_view string() { return base::as_text(take(number<std::int16_t>())); }
  ByteSpan bytes() { return take(number<std::int32_t>()); }
  bool ok() const { return ok_; }

 private:
  template <typename T>
  T fail() {
    ok_ = false;
    rest_ = {};
    return T{};
  }
  // A negative size is a null, which nothing here tells from empty.
  ByteSpan take(std::int64_t size) {
    if (size <= 0) return {};
    if (static_cast<std::size_t>(size) > rest_.size()) return fail<ByteSpan>();
    const ByteSpan taken = rest_.first(static_cast<std::size_t>(size));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

  ByteSpan rest_;
  bool ok_ = true;
};

// Appends big-endian fields to a frame whose length is filled in by finish().
class WireWriter {
 public:
  WireWriter() { number(std::int32_t{0}); }

  template <typename T>
  WireWriter& number(T value) {
    const std::size_t at = text_.size();
    text_.resize(at + sizeof(T));
    base::store_big(reinterpret_cast<std::byte*>(text_.data()) + at, value);
    return *this;
  }
  WireWriter& string(std::string_view value) {
    number(static_cast<std::int16_t>(value.size()));
    text_ += value;
    return *this;
  }
  WireWriter& raw(std::string_view value) {
    text_ += value;
    return *this;
  }
  std::size_t size() const { return text_.size(); }
  void set_int32(std::size_t at, std::int32_t value) {
    base::store_big(reinterpret_cast<std::byte*>(text_.data()) + at, value);
  }
  void set_int64(std::size_t at, std::int64_t value) {
    base::store_big(reinterpret_cast<std::byte*>(text_.data()) + at, value);
  }
  std::string finish() {
    set_int32(0, static_cast<std::int32_t>(text_.size() - sizeof(std::int32_t)));
    return std::move(text_);
  }

 private:
  std::string text_;
};

}  // namespace cms::bench
