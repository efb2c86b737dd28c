// SPDX-License-Identifier: Apache-2.0
// One Kafka record batch (magic 2, KIP-98) where it lies: the layout, and a view that reads the header in place.
//
//   0              8              12             16      17        21           23                  27
//   +--------------+--------------+--------------+-------+---------+------------+-------------------+
//   | base_offset  | batch_length | leader_epoch | magic | crc     | attributes | last_offset_delta | ...
//   | int64        | int32        | int32        | int8  | uint32  | int16      | int32             |
//   +--------------+--------------+--------------+-------+---------+------------+-------------------+
//    set by the broker, outside the checksum             |         '- the checksum begins here
//                   '- counts what follows it, from leader_epoch
//   27                43            51             53            57           61
//   +--------+--------+-------------+--------------+-------------+------------+---------------------+
//   | base_timestamp, | producer_id | producer_    | base_        | record_    | records: as they    |
//   | max_timestamp   | int64       | epoch int16  | sequence     | count      | are, or compressed  |
//   | int64 each      |             |              | int32        | int32      | as one stream       |
//   +-----------------+-------------+--------------+--------------+------------+---------------------+
//
// All integers are big-endian. The CRC-32C covers everything from the attributes to the end.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/endian.h"

namespace cms::records {

using base::Bytes;
using base::ByteSpan;
using base::MutableByteSpan;
using base::TimestampMs;

using Offset = std::int64_t;
using LeaderEpoch = std::int32_t;
using ProducerId = std::int64_t;
using ProducerEpoch = std::int16_t;
using Sequence = std::int32_t;

inline constexpr ProducerId no_producer_id = -1;
inline constexpr ProducerEpoch no_producer_epoch = -1;
inline constexpr Sequence no_sequence = -1;
inline constexpr LeaderEpoch no_leader_epoch = -1;
inline constexpr TimestampMs no_timestamp = -1;

// Where each field begins, in bytes from the batch's first.
namespace layout {
inline constexpr std::size_t base_offset = 0;
inline constexpr std::size_t batch_length = 8;
inline constexpr std::size_t partition_leader_epoch = 12;
inline constexpr std::size_t magic = 16;
inline constexpr std::size_t crc = 17;
inline constexpr std::size_t attributes = 21;
inline constexpr std::size_t last_offset_delta = 23;
inline constexpr std::size_t base_timestamp = 27;
inline constexpr std::size_t max_timestamp = 35;
inline constexpr std::size_t producer_id = 43;
inline constexpr std::size_t producer_epoch = 51;
inline constexpr std::size_t base_sequence = 53;
inline constexpr std::size_t record_count = 57;
inline constexpr std::size_t records = 61;

inline constexpr std::size_t header_size = records;
inline constexpr std::size_t counted_from = partition_leader_epoch;  // batch_length counts from here
inline constexpr std::size_t checksummed_from = attributes;

static_assert(batch_length == base_offset + sizeof(std::int64_t));
static_assert(partition_leader_epoch == batch_length + sizeof(std::int32_t));
static_assert(magic == partition_leader_epoch + sizeof(std::int32_t));
static_assert(crc == magic + sizeof(std::int8_t));
static_assert(attributes == crc + sizeof(std::uint32_t));
static_assert(last_offset_delta == attributes + sizeof(std::int16_t));
static_assert(base_timestamp == last_offset_delta + sizeof(std::int32_t));
static_assert(max_timestamp == base_timestamp + sizeof(std::int64_t));
static_assert(producer_id == max_timestamp + sizeof(std::int64_t));
static_assert(producer_epoch == producer_id + sizeof(std::int64_t));
static_assert(base_sequence == producer_epoch + sizeof(std::int16_t));
static_assert(record_count == base_sequence + sizeof(std::int32_t));
static_assert(records == record_count + sizeof(std::int32_t));
}  // namespace layout

inline constexpr std::size_t header_size = layout::header_size;
inline constexpr std::int8_t current_magic = 2;

// The low three bits of the attributes; 5 to 7 have no meaning (is_known).
enum class Codec : std::uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };
inline constexpr bool is_known(Codec codec) { return codec <= Codec::zstd; }

enum class TimestampType : std::uint8_t { create_time = 0, log_append_time = 1 };

namespace attribute_bits {
inline constexpr std::int16_t codec_mask = 0x07;
inline constexpr std::int16_t log_append_time = 0x08;
inline constexpr std::int16_t transactional = 0x10;
inline constexpr std::int16_t control = 0x20;
inline constexpr std::int16_t delete_horizon = 0x40;  // base_timestamp is when tombstones may go (KIP-534)
}  // namespace attribute_bits

// The sequence `by` records after `from`: after 2147483647 comes 0.
inline constexpr Sequence advance_sequence(Sequence from, std::int32_t by) {
  return static_cast<Sequence>((static_cast<std::int64_t>(from) + by) & std::numeric_limits<Sequence>::max());
}

// Reads the header of one whole batch; owns nothing, valid while the bytes are. Two words to copy. Nothing but the
// framing has been checked: a field says what the bytes say, right or wrong, until validate() or the log vouches for
// it.
class BatchView {
 public:
  // The batch at the start of `bytes`, when a whole one of magic 2 is there; what follows it is ignored.
  static std::optional<BatchView> frame(ByteSpan bytes) {
    const std::optional<std::size_t> size = declared_size(bytes);
    if (!size || *size > bytes.size()) return std::nullopt;
    if (static_cast<std::int8_t>(bytes[layout::magic]) != current_magic) return std::nullopt;
    return BatchView(bytes.first(*size));
  }

  // The size of the batch that begins here as its length field has it, all of it counted, if at least the length field
  // is there and no smaller than a header. For readers that have a part of the batch only.
  static std::optional<std::size_t> declared_size(ByteSpan bytes) {
    if (bytes.size() < layout::counted_from) return std::nullopt;
    const std::int64_t size = std::int64_t{base::load_big<std::int32_t>(bytes.data() + layout::batch_length)} +
                              std::int64_t{layout::counted_from};
    if (size < std::int64_t{header_size}) return std::nullopt;
    return static_cast<std::size_t>(size);
  }

  ByteSpan bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  ByteSpan payload() const { return bytes_.subspan(layout::records); }

  Offset base_offset() const { return field<std::int64_t>(layout::base_offset); }
  LeaderEpoch leader_epoch() const { return field<std::int32_t>(layout::partition_leader_epoch); }
  std::int8_t magic() const { return field<std::int8_t>(layout::magic); }
  std::uint32_t crc() const { return field<std::uint32_t>(layout::crc); }
  std::int16_t attributes() const { return field<std::int16_t>(layout::attributes); }
  std::int32_t last_offset_delta() const { return field<std::int32_t>(layout::last_offset_delta); }
  TimestampMs base_timestamp() const { return field<std::int64_t>(layout::base_timestamp); }
  TimestampMs max_timestamp() const { return field<std::int64_t>(layout::max_timestamp); }
  ProducerId producer_id() const { return field<std::int64_t>(layout::producer_id); }
  ProducerEpoch producer_epoch() const { return field<std::int16_t>(layout::producer_epoch); }
  Sequence base_sequence() const { return field<std::int32_t>(layout::base_sequence); }
  std::int32_t record_count() const { return field<std::int32_t>(layout::record_count); }

  // The bytes that crc() covers.
  ByteSpan checksummed() const { return bytes_.subspan(layout::checksummed_from); }

  Codec codec() const { return static_cast<Codec>(attributes() & attribute_bits::codec_mask); }
  TimestampType timestamp_type() const {
    return has(attribute_bits::log_append_time) ? TimestampType::log_append_time : TimestampType::create_time;
  }
  bool is_transactional() const { return has(attribute_bits::transactional); }
  bool is_control() const { return has(attribute_bits::control); }
  bool has_delete_horizon() const { return has(attribute_bits::delete_horizon); }
  bool has_producer_id() const { return producer_id() > no_producer_id; }

  // Wrap rather than overflow where the fields are nonsense.
  Offset last_offset() const {
    return static_cast<Offset>(static_cast<std::uint64_t>(base_offset()) +
                               static_cast<std::uint64_t>(last_offset_delta()));
  }
  Offset next_offset() const { return static_cast<Offset>(static_cast<std::uint64_t>(last_offset()) + 1); }

  Sequence last_sequence() const {
    return base_sequence() < 0 ? no_sequence : advance_sequence(base_sequence(), last_offset_delta());
  }

 private:
  explicit BatchView(ByteSpan bytes) : bytes_(bytes) {}

  template <typename T>
  T field(std::size_t at) const {
    return base::load_big<T>(bytes_.data() + at);
  }
  bool has(std::int16_t bit) const { return (attributes() & bit) != 0; }

  ByteSpan bytes_;
};

// The two fields that the broker gives a batch where it lies; neither is covered by the checksum.
inline void set_base_offset(MutableByteSpan batch, Offset offset) {
  CHECK(batch.size() >= header_size);
  base::store_big(batch.data() + layout::base_offset, offset);
}
inline void set_leader_epoch(MutableByteSpan batch, LeaderEpoch epoch) {
  CHECK(batch.size() >= header_size);
  base::store_big(batch.data() + layout::partition_leader_epoch, epoch);
}

}  // namespace cms::records
