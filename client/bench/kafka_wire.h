// SPDX-License-Identifier: Apache-2.0
// Kafka's wire for the load generator, written by hand: Produce v7 and Fetch v10, which every broker since 2.1 serves
// (the first with zstd), and record batches of magic 2. On purpose neither our protocol library nor, but for the
// codecs, our records library: a measure must not share the code it measures, and what both got wrong alike would not
// show.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/endian.h"
#include "records/decompress.h"

namespace cms::client::bench {

// Reads big-endian fields one after the other. Past the end everything is zero or empty, and ok() is false.
class FieldReader {
 public:
  explicit FieldReader(base::ByteSpan bytes) : rest_(bytes) {}

  template <std::integral T>
  T number() {
    const base::ByteSpan taken = take(sizeof(T));
    return taken.empty() ? T{} : base::load_big<T>(taken.data());
  }
  std::int64_t varint();  // ZigZag
  std::string_view text() { return base::as_text(counted(number<std::int16_t>())); }
  base::ByteSpan bytes() { return counted(number<std::int32_t>()); }
  base::ByteSpan counted(std::int64_t size) {
    return size <= 0 ? base::ByteSpan{} : take(static_cast<std::size_t>(size));
  }

  base::ByteSpan rest() const { return rest_; }
  bool ok() const { return ok_; }

 private:
  base::ByteSpan take(std::size_t size);

  base::ByteSpan rest_;
  bool ok_ = true;
};

template <std::integral T>
void append_number(std::string& to, T value) {
  std::byte bytes[sizeof(T)];
  base::store_big(bytes, value);
  to.append(reinterpret_cast<const char*>(bytes), sizeof bytes);
}
void append_text(std::string& to, std::string_view text);
void append_varint(std::string& to, std::int64_t value);

// The fields up to the body; finish_frame() fills in the length.
void begin_frame(std::string& frame, std::int16_t api, std::int32_t correlation_id);
void finish_frame(std::string& frame, std::size_t begun_at);

inline constexpr std::int16_t api_produce = 0;
inline constexpr std::int16_t api_fetch = 1;

// One record as it lies in a batch.
void append_record(std::string& to, std::int32_t offset_delta, std::string_view key, std::string_view value);

// The batch around `count` records, which the codec has compressed: its size first, as in Produce.
void append_batch(std::string& to, records::Codec codec, std::string_view records, std::int32_t count,
                  std::int64_t timestamp_ms);

// Undoes a batch's codec, in memory that is used again.
class Unpacker {
 public:
  // Valid until the next call; nothing when the bytes are not of that codec, or the codec is none of Kafka's.
  std::optional<base::ByteSpan> unpack(int codec, base::ByteSpan compressed);

 private:
  records::Decompressor decompressor_;
  std::vector<std::byte> plain_;
};

// The records of what a fetch returned, from `wanted` on, each to `take(value)`; a batch that is cut off at the end is
// left out. The next offset, or batches_broken when this is not what Kafka's format says.
inline constexpr std::int64_t batches_broken = -1;
template <typename Take>
std::int64_t for_each_value(base::ByteSpan batches, std::int64_t wanted, Unpacker& unpacker, Take take);

inline constexpr std::size_t batch_prefix_size = 12;  // base offset, length
inline constexpr std::size_t batch_header_size = 61;
inline constexpr int codec_bits = 0x07;  // of the attributes

template <typename Take>
std::int64_t for_each_value(base::ByteSpan batches, std::int64_t wanted, Unpacker& unpacker, Take take) {
  while (batches.size() >= batch_header_size) {
    const auto base_offset = base::load_big<std::int64_t>(batches.data());
    const auto length = base::load_big<std::int32_t>(batches.data() + 8);
    const auto attributes = base::load_big<std::int16_t>(batches.data() + 21);
    const auto last_delta = base::load_big<std::int32_t>(batches.data() + 23);
    const auto count = base::load_big<std::int32_t>(batches.data() + 57);
    if (length < static_cast<std::int32_t>(batch_header_size - batch_prefix_size) || last_delta < 0 ||
        batches[16] != std::byte{2})
      return batches_broken;
    const std::size_t size = static_cast<std::size_t>(length) + batch_prefix_size;
    if (size > batches.size()) break;
    const auto records = unpacker.unpack(attributes & codec_bits, batches.first(size).subspan(batch_header_size));
    if (!records) return batches_broken;
    FieldReader in(*records);
    for (std::int32_t i = 0; i < count; ++i) {
      FieldReader record(in.counted(in.varint()));
      record.number<std::int8_t>();  // attributes
      record.varint();               // timestamp delta
      const std::int64_t offset = base_offset + record.varint();
      record.counted(record.varint());  // key
      const base::ByteSpan value = record.counted(record.varint());
      if (!in.ok() || !record.ok()) return batches_broken;
      if (offset >= wanted) take(base::as_text(value));
    }
    wanted = std::max(wanted, base_offset + last_delta + 1);
    batches = batches.subspan(size);
  }
  return wanted;
}

}  // namespace cms::client::bench
