// SPDX-License-Identifier: Apache-2.0
#include "client/bench/kafka_wire.h"

#include "base/crc32c.h"

namespace cms::client::bench {

namespace {

constexpr std::int16_t produce_version = 7;
constexpr std::int16_t fetch_version = 10;
constexpr std::size_t plain_bytes_min = 256 << 10;
constexpr std::size_t length_size = sizeof(std::int32_t);
constexpr std::size_t checksum_at = 17;  // in a batch
constexpr std::size_t checked_from = 21;

std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

std::size_t varint_size(std::int64_t value) {
  std::size_t size = 1;
  for (auto rest = zigzag(value); rest > 0x7f; rest >>= 7) ++size;
  return size;
}

template <typename T>
void set_number(std::string& text, std::size_t at, T value) {
  base::store_big(reinterpret_cast<std::byte*>(text.data()) + at, value);
}

}  // namespace

base::ByteSpan FieldReader::take(std::size_t size) {
  if (size > rest_.size()) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  const base::ByteSpan taken = rest_.first(size);
  rest_ = rest_.subspan(size);
  return taken;
}

std::int64_t FieldReader::varint() {
  std::uint64_t bits = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = static_cast<std::uint8_t>(number<std::int8_t>());
    bits |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return static_cast<std::int64_t>(bits >> 1) ^ -static_cast<std::int64_t>(bits & 1);
  }
  ok_ = false;
  return 0;
}

void append_text(std::string& to, std::string_view text) {
  append_number(to, static_cast<std::int16_t>(text.size()));
  to += text;
}

void append_varint(std::string& to, std::int64_t value) {
  auto rest = zigzag(value);
  for (; rest > 0x7f; rest >>= 7) to.push_back(static_cast<char>(rest | 0x80));
  to.push_back(static_cast<char>(rest));
}

void begin_frame(std::string& frame, std::int16_t api, std::int32_t correlation_id) {
  append_number(frame, std::int32_t{0});
  append_number(frame, api);
  append_number(frame, api == api_produce ? produce_version : fetch_version);
  append_number(frame, correlation_id);
  append_text(frame, "cms-bench");
}

void finish_frame(std::string& frame, std::size_t begun_at) {
  set_number(frame, begun_at, static_cast<std::int32_t>(frame.size() - begun_at - length_size));
}

void append_record(std::string& to, std::int32_t offset_delta, std::string_view key, std::string_view value) {
  const std::int64_t key_size = key.empty() ? -1 : static_cast<std::int64_t>(key.size());
  const auto value_size = static_cast<std::int64_t>(value.size());
  const std::size_t size = 1 + 1 + varint_size(offset_delta) + varint_size(key_size) + key.size() +
                           varint_size(value_size) + value.size() + 1;
  append_varint(to, static_cast<std::int64_t>(size));
  to.push_back(0);  // attributes
  to.push_back(0);  // timestamp delta
  append_varint(to, offset_delta);
  append_varint(to, key_size);
  to += key;
  append_varint(to, value_size);
  to += value;
  to.push_back(0);  // no headers
}

void append_batch(std::string& to, records::Codec codec, std::string_view records, std::int32_t count,
                  std::int64_t timestamp_ms) {
  const std::size_t size = batch_header_size + records.size();
  append_number(to, static_cast<std::int32_t>(size));
  const std::size_t begin = to.size();
  append_number(to, std::int64_t{0});  // base offset
  append_number(to, static_cast<std::int32_t>(size - batch_prefix_size));
  append_number(to, std::int32_t{-1});                  // leader epoch
  append_number(to, std::int8_t{2});                    // magic
  append_number(to, std::int32_t{0});                   // checksum
  append_number(to, static_cast<std::int16_t>(codec));  // attributes
  append_number(to, count - 1);
  append_number(to, timestamp_ms);
  append_number(to, timestamp_ms);
  append_number(to, std::int64_t{-1});  // producer id, epoch and sequence: not idempotent
  append_number(to, std::int16_t{-1});
  append_number(to, std::int32_t{-1});
  append_number(to, count);
  to += records;
  const std::uint32_t checksum = base::crc32c(base::as_bytes(std::string_view(to).substr(begin + checked_from)));
  set_number(to, begin + checksum_at, checksum);
}

std::optional<base::ByteSpan> Unpacker::unpack(int codec, base::ByteSpan compressed) {
  if (codec == static_cast<int>(records::Codec::none)) return compressed;
  if (codec > static_cast<int>(records::Codec::zstd)) return std::nullopt;
  decompressor_.open(static_cast<records::Codec>(codec), compressed);
  for (std::size_t filled = 0;;) {
    if (filled == plain_.size()) {
      if (filled > records::uncompressed_bytes_max_default) return std::nullopt;
      plain_.resize(std::max(plain_bytes_min, filled * 2));
    }
    const auto read = decompressor_.read(base::MutableByteSpan(plain_).subspan(filled));
    if (!read) return std::nullopt;
    if (*read == 0) return base::ByteSpan(plain_).first(filled);
    filled += *read;
  }
}

}  // namespace cms::client::bench
