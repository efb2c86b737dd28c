// SPDX-License-Identifier: Apache-2.0
#include "storage/batch_filter.h"

#include <algorithm>
#include <cstring>

#include "records/build.h"
#include "records/cursor.h"
#include "records/record.h"

namespace cms::storage {

using base::Error;
using base::ErrorKind;
using base::Result;
using records::BatchView;
using records::Offset;
namespace bits = records::attribute_bits;
namespace layout = records::layout;

namespace {

std::int64_t wrapping_sum(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

std::int64_t wrapping_difference(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

// Where the record's fields behind its timestamp begin: after length, attributes and timestamp delta.
std::size_t body_position(base::ByteSpan record) {
  records::Cursor cursor(record);
  std::int32_t length = 0;
  std::int64_t timestamp_delta = 0;
  CHECK(cursor.read(length) && cursor.skip(1) && cursor.read(timestamp_delta));  // it has been read before
  return cursor.position();
}

}  // namespace

Result<base::ByteSpan> BatchFilter::plain_records(const BatchView& batch) {
  if (batch.codec() == records::Codec::none) return batch.payload();
  if (!is_known(batch.codec())) return Error(ErrorKind::unsupported, "the batch's compression type does not exist");
  if (decompressed_.size() > records::retained_bytes_max) decompressed_ = {};
  if (decompressed_.empty()) decompressed_.resize(64u << 10);
  decompressor_.open(batch.codec(), batch.payload());
  for (std::size_t filled = 0;;) {
    if (filled == decompressed_.size()) decompressed_.resize(decompressed_.size() * 2);
    const Result<std::size_t> got = decompressor_.read(base::MutableByteSpan(decompressed_).subspan(filled));
    if (!got) return got.error();
    if (*got == 0) return base::ByteSpan(decompressed_).first(filled);
    filled += *got;
    if (filled > records::uncompressed_bytes_max_default) {
      return Error(ErrorKind::full, "the batch is larger than allowed when decompressed");
    }
  }
}

// All keys are hashed before the map is asked for the first: its memory is on the way meanwhile.
Result<void> BatchFilter::parse(const BatchView& batch, const KeyOffsets& keys) {
  records_.clear();
  Result<base::ByteSpan> plain = plain_records(batch);
  if (!plain) return plain.error();
  plain_ = *plain;
  records::Cursor cursor(plain_);
  for (std::int32_t left = batch.record_count(); left > 0; --left) {
    Record record{};
    record.begin = static_cast<std::uint32_t>(cursor.position());
    records::RecordFields fields;
    if (const char* wrong = read_record(cursor, fields)) return Error(ErrorKind::invalid, wrong);
    record.end = static_cast<std::uint32_t>(cursor.position());
    record.offset = wrapping_sum(batch.base_offset(), fields.offset_delta);
    record.timestamp_delta = fields.timestamp_delta;
    record.has_key = fields.key_size >= 0;
    record.is_tombstone = fields.value_size < 0;
    if (record.has_key) {
      record.hash = keys.hash({fields.key, static_cast<std::size_t>(fields.key_size)});
      keys.prefetch(record.hash);
    }
    records_.push_back(record);
  }
  return {};
}

Result<Offset> BatchFilter::collect(const BatchView& batch, Offset from, KeyOffsets& keys) {
  if (batch.is_control()) return batch.next_offset();
  if (Result<void> parsed = parse(batch, keys); !parsed) return parsed.error();
  for (const Record& record : records_) {
    if (!record.has_key || record.offset < from) continue;
    if (!keys.put(record.hash, record.offset)) return record.offset;
  }
  return batch.next_offset();
}

Result<BatchFilter::Kept> BatchFilter::filter(const BatchView& batch, const KeyOffsets& keys,
                                              const FilterRules& rules) {
  records_.clear();
  removed_ = 0;
  if (batch.is_control() || batch.base_offset() >= rules.below) return Kept::all;
  if (Result<void> parsed = parse(batch, keys); !parsed) return parsed.error();
  const bool tombstones_stay = !batch.has_delete_horizon() || rules.now_ms < batch.base_timestamp();
  bool has_tombstone = false;
  for (Record& record : records_) {
    record.stays = record.offset >= rules.below || (record.has_key && record.offset >= keys.find(record.hash) &&
                                                    (tombstones_stay || !record.is_tombstone));
    has_tombstone |= record.stays && record.is_tombstone;
    removed_ += record.stays ? 0 : 1;
  }
  if (removed_ == records_.size()) return Kept::none;
  const bool sets_horizon = has_tombstone && !batch.has_delete_horizon();
  if (removed_ == 0 && !sets_horizon) return Kept::all;
  // Never at the end of time: the sum is bounded.
  const base::TimestampMs horizon_ms =
      rules.delete_retention_ms > std::numeric_limits<std::int64_t>::max() - rules.now_ms
          ? std::numeric_limits<std::int64_t>::max()
          : rules.now_ms + rules.delete_retention_ms;
  rewrite(batch, sets_horizon, horizon_ms);
  return Kept::some;
}

// Records are copied as they are. Only where the base timestamp becomes the horizon do their timestamp deltas change.
void BatchFilter::rewrite(const BatchView& batch, bool sets_horizon, base::TimestampMs horizon_ms) {
  kept_.clear();
  records::TimestampMs largest = records::no_timestamp;
  std::int32_t count = 0;
  for (const Record& record : records_) {
    if (!record.stays) continue;
    ++count;
    const records::TimestampMs timestamp = wrapping_sum(batch.base_timestamp(), record.timestamp_delta);
    largest = std::max(largest, timestamp);
    const base::ByteSpan bytes = plain_.subspan(record.begin, record.end - record.begin);
    if (!sets_horizon) {
      kept_.insert(kept_.end(), bytes.begin(), bytes.end());
      continue;
    }
    const base::ByteSpan body = bytes.subspan(body_position(bytes));
    const std::int64_t delta = wrapping_difference(timestamp, horizon_ms);
    const auto length = static_cast<std::int32_t>(1 + records::varint_size(delta) + body.size());
    std::byte head[records::varint32_bytes_max + 1 + records::varint64_bytes_max];
    std::byte* to = records::store_varint(head, length);
    *to++ = std::byte{0};
    to = records::store_varint(to, delta);
    kept_.insert(kept_.end(), head, to);
    kept_.insert(kept_.end(), body.begin(), body.end());
  }
  const base::ByteSpan header = batch.bytes().first(records::header_size);
  rewritten_.assign(header.begin(), header.end());
  compressor_.append(batch.codec(), std::nullopt, kept_, rewritten_);
  std::byte* const at = rewritten_.data();
  base::store_big(at + layout::record_count, count);
  if (batch.timestamp_type() == records::TimestampType::create_time)
    base::store_big(at + layout::max_timestamp, largest);
  if (sets_horizon) {
    base::store_big(at + layout::base_timestamp, horizon_ms);
    base::store_big(at + layout::attributes, static_cast<std::int16_t>(batch.attributes() | bits::delete_horizon));
  }
  records::seal(rewritten_);
}

std::vector<std::byte> empty_batch(const BatchView& batch) {
  const base::ByteSpan header = batch.bytes().first(records::header_size);
  std::vector<std::byte> bytes(header.begin(), header.end());
  std::byte* const at = bytes.data();
  const auto kept = static_cast<std::int16_t>(batch.attributes() & (bits::log_append_time | bits::transactional));
  base::store_big(at + layout::attributes, kept);
  base::store_big(at + layout::base_timestamp, records::no_timestamp);
  base::store_big(at + layout::max_timestamp, records::no_timestamp);
  base::store_big(at + layout::record_count, std::int32_t{0});
  records::seal(bytes);
  return bytes;
}

}  // namespace cms::storage
