// SPDX-License-Identifier: Apache-2.0
#include "client/native/batch_layout.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/crc32c.h"
#include "records/build.h"
#include "records/varint.h"

namespace cms::client {

namespace {

namespace layout = records::layout;
using records::store_varint;
using records::varint_size;

constexpr std::size_t size_max = std::numeric_limits<std::int32_t>::max();

// Copied, and then added to the checksum from the processor's nearest cache.
constexpr std::size_t piece_bytes = 8192;

std::int32_t length_of(std::size_t size) { return static_cast<std::int32_t>(size); }

std::size_t sized(std::size_t size) { return varint_size(length_of(size)) + size; }
std::size_t sized(const std::optional<cms::View>& bytes) { return bytes ? sized(bytes->size()) : 1; }

std::byte* store_bytes(std::byte* to, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

std::byte* store_sized(std::byte* to, std::string_view bytes) {
  return store_bytes(store_varint(to, length_of(bytes.size())), bytes);
}
std::byte* store_sized(std::byte* to, const std::optional<cms::View>& bytes) {
  return bytes ? store_sized(to, bytes->text()) : store_varint(to, std::int32_t{-1});
}

}  // namespace

RecordLayout::RecordLayout(const cms::Record& record, std::optional<std::size_t> value_bytes)
    : record_(record), value_bytes_(value_bytes) {
  const auto& headers = record.headers;
  std::size_t parts = headers.size();
  for (const std::size_t part : {record.key ? record.key->size() : 0, value_bytes.value_or(0)}) {
    if (part > size_max / 4) return;
    parts += part;
  }
  for (const cms::Header& header : headers) {
    parts += header.key.size() + (header.value ? header.value->size() : 0);
    if (parts > size_max / 2) return;
  }
  std::size_t size =
      1 + sized(record.key) + (value_bytes ? sized(*value_bytes) : 1) + varint_size(length_of(headers.size()));
  for (const cms::Header& header : headers) size += sized(header.key.size()) + sized(header.value);
  size_anywhere_ = size;
}

std::size_t RecordLayout::body_size(Place place) const {
  return size_anywhere_ + varint_size(place.timestamp_delta) + varint_size(place.offset_delta);
}

std::size_t RecordLayout::size(Place place) const { return sized(body_size(place)); }

std::byte* RecordLayout::store(std::byte* to, Place place) const {
  to = store_varint(to, length_of(body_size(place)));
  *to++ = std::byte{0};
  to = store_varint(to, place.timestamp_delta);
  to = store_varint(to, place.offset_delta);
  to = store_sized(to, record_.key);
  to = store_varint(to, value_bytes_ ? length_of(*value_bytes_) : std::int32_t{-1});
  std::byte* const value = to;
  to = store_varint(to + value_bytes_.value_or(0), length_of(record_.headers.size()));
  for (const cms::Header& header : record_.headers) {
    to = store_sized(to, header.key);
    to = store_sized(to, header.value);
  }
  return value;
}

namespace {

// All but the batch's length and its checksum.
void store_header(std::byte* at, const BatchFields& fields) {
  base::store_big(at + layout::base_offset, std::int64_t{0});
  base::store_big(at + layout::partition_leader_epoch, records::no_leader_epoch);
  base::store_big(at + layout::magic, records::current_magic);
  base::store_big(at + layout::attributes, std::int16_t{0});
  base::store_big(at + layout::last_offset_delta, fields.record_count - 1);
  base::store_big(at + layout::base_timestamp, fields.base_timestamp);
  base::store_big(at + layout::max_timestamp, fields.max_timestamp);
  base::store_big(at + layout::producer_id, fields.producer_id);
  base::store_big(at + layout::producer_epoch, fields.producer_epoch);
  base::store_big(at + layout::base_sequence, fields.base_sequence);
  base::store_big(at + layout::record_count, fields.record_count);
}

}  // namespace

void seal_batch(base::MutableByteSpan batch, const BatchFields& fields) {
  store_header(batch.data(), fields);
  records::seal(batch);
}

void seal_batch_around(base::MutableByteSpan batch, const BatchFields& fields, std::byte* to, base::ByteSpan value) {
  store_header(batch.data(), fields);
  const base::ByteSpan before(batch.data() + layout::checksummed_from, to);
  const base::ByteSpan after(to + value.size(), batch.data() + batch.size());
  std::uint32_t crc = base::crc32c(before);
  for (std::size_t from = 0; from < value.size(); from += piece_bytes) {
    const base::ByteSpan piece = value.subspan(from, std::min(piece_bytes, value.size() - from));
    std::memcpy(to + from, piece.data(), piece.size());
    crc = base::crc32c(piece, crc);
  }
  base::store_big(batch.data() + layout::batch_length, static_cast<std::int32_t>(batch.size() - layout::counted_from));
  base::store_big(batch.data() + layout::crc, base::crc32c(after, crc));
}

}  // namespace cms::client
