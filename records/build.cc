// SPDX-License-Identifier: Apache-2.0
#include "records/build.h"

#include <algorithm>

#include "base/crc32c.h"

namespace cms::records {

namespace {

constexpr std::size_t size_max = std::numeric_limits<std::int32_t>::max();

std::int32_t length_of(std::size_t size) {
  CHECK(size <= size_max);
  return static_cast<std::int32_t>(size);
}

std::size_t sized(ByteSpan bytes) { return varint_size(length_of(bytes.size())) + bytes.size(); }
std::size_t sized(const std::optional<ByteSpan>& bytes) {
  return bytes ? sized(*bytes) : varint_size(std::int32_t{-1});
}

std::byte* store_sized(std::byte* to, ByteSpan bytes) {
  to = store_varint(to, length_of(bytes.size()));
  return std::copy(bytes.begin(), bytes.end(), to);
}
std::byte* store_sized(std::byte* to, const std::optional<ByteSpan>& bytes) {
  return bytes ? store_sized(to, *bytes) : store_varint(to, std::int32_t{-1});
}

std::int64_t difference(std::int64_t from, std::int64_t base) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(from) - static_cast<std::uint64_t>(base));
}

std::int16_t attributes_of(const BatchOptions& options) {
  auto attributes = static_cast<std::int16_t>(options.codec);
  if (options.timestamp_type == TimestampType::log_append_time) attributes |= attribute_bits::log_append_time;
  if (options.transactional) attributes |= attribute_bits::transactional;
  if (options.control) attributes |= attribute_bits::control;
  return attributes;
}

}  // namespace

std::size_t BatchBuilder::body_size(std::int32_t offset_delta, const NewRecord& record) const {
  const TimestampMs base = record_count_ == 0 ? record.timestamp : base_timestamp_;
  std::size_t size = 1 + varint_size(difference(record.timestamp, base)) + varint_size(offset_delta) +
                     sized(record.key) + sized(record.value) + varint_size(length_of(record.headers.size()));
  for (const HeaderView& header : record.headers) size += sized(base::as_bytes(header.key)) + sized(header.value);
  return size;
}

std::size_t BatchBuilder::size_of(const NewRecord& record) const {
  const std::size_t body = body_size(next_offset_delta_, record);
  return varint_size(length_of(body)) + body;
}

void BatchBuilder::add_at(std::int32_t offset_delta, const NewRecord& record) {
  CHECK(offset_delta >= next_offset_delta_ && offset_delta < std::numeric_limits<std::int32_t>::max());
  if (record_count_ == 0) base_timestamp_ = max_timestamp_ = record.timestamp;
  max_timestamp_ = std::max(max_timestamp_, record.timestamp);
  const std::size_t body = body_size(offset_delta, record);
  const std::size_t before = records_.size();
  records_.resize(before + varint_size(length_of(body)) + body);
  std::byte* to = store_varint(records_.data() + before, length_of(body));
  *to++ = std::byte{0};
  to = store_varint(to, difference(record.timestamp, base_timestamp_));
  to = store_varint(to, offset_delta);
  to = store_sized(to, record.key);
  to = store_sized(to, record.value);
  to = store_varint(to, length_of(record.headers.size()));
  for (const HeaderView& header : record.headers) {
    to = store_sized(to, base::as_bytes(header.key));
    to = store_sized(to, header.value);
  }
  CHECK(to == records_.data() + records_.size());
  next_offset_delta_ = offset_delta + 1;
  ++record_count_;
}

std::vector<std::byte> BatchBuilder::finish(std::optional<std::int32_t> last_offset_delta) {
  CHECK(record_count_ > 0);
  CHECK(!last_offset_delta || *last_offset_delta >= next_offset_delta_ - 1);
  std::vector<std::byte> batch(header_size);
  if (options_.codec == Codec::none) batch.reserve(size());
  compressor_.append(options_.codec, options_.level, records_, batch);
  std::byte* const at = batch.data();
  base::store_big(at + layout::base_offset, options_.base_offset);
  base::store_big(at + layout::partition_leader_epoch, options_.leader_epoch);
  base::store_big(at + layout::magic, current_magic);
  base::store_big(at + layout::attributes, attributes_of(options_));
  base::store_big(at + layout::last_offset_delta, last_offset_delta.value_or(next_offset_delta_ - 1));
  base::store_big(at + layout::base_timestamp, base_timestamp_);
  base::store_big(at + layout::max_timestamp, max_timestamp_);
  base::store_big(at + layout::producer_id, options_.producer_id);
  base::store_big(at + layout::producer_epoch, options_.producer_epoch);
  base::store_big(at + layout::base_sequence, options_.base_sequence);
  base::store_big(at + layout::record_count, record_count_);
  seal(batch);
  records_.clear();
  record_count_ = 0;
  next_offset_delta_ = 0;
  return batch;
}

void seal(MutableByteSpan batch) {
  CHECK(batch.size() >= header_size);
  base::store_big(batch.data() + layout::batch_length, length_of(batch.size() - layout::counted_from));
  base::store_big(batch.data() + layout::crc, base::crc32c(batch.subspan(layout::checksummed_from)));
}

}  // namespace cms::records
