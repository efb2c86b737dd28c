// SPDX-License-Identifier: Apache-2.0
#include "records/rewrite.h"

#include "base/crc32c.h"
#include "records/build.h"

namespace cms::records {

void set_timestamps(MutableByteSpan batch, TimestampType type, TimestampMs max_timestamp) {
  CHECK(batch.size() >= header_size);
  std::int16_t attributes = base::load_big<std::int16_t>(batch.data() + layout::attributes);
  attributes = static_cast<std::int16_t>(attributes & ~attribute_bits::log_append_time);
  if (type == TimestampType::log_append_time) attributes |= attribute_bits::log_append_time;
  base::store_big(batch.data() + layout::attributes, attributes);
  base::store_big(batch.data() + layout::max_timestamp, max_timestamp);
  base::store_big(batch.data() + layout::crc, base::crc32c(batch.subspan(layout::checksummed_from)));
}

base::Result<std::size_t> Recompressor::decompress(const BatchView& batch, std::size_t bytes_max) {
  if (!is_known(batch.codec())) {
    return base::Error(base::ErrorKind::unsupported, "the batch's compression type does not exist");
  }
  decompressor_.open(batch.codec(), batch.payload());
  if (plain_.empty()) plain_.resize(std::size_t{64} * 1024);
  for (std::size_t filled = 0;;) {
    if (filled == plain_.size()) plain_.resize(plain_.size() * 2);
    const base::Result<std::size_t> size = decompressor_.read(MutableByteSpan(plain_).subspan(filled));
    if (!size) return size.error();
    if (*size == 0) return filled;
    filled += *size;
    if (filled > bytes_max) {
      return base::Error(base::ErrorKind::full, "the batch is larger than allowed when decompressed");
    }
  }
}

base::Result<std::vector<std::byte>> Recompressor::recompress(const BatchView& batch, Codec target,
                                                              std::optional<int> level,
                                                              std::size_t uncompressed_bytes_max) {
  if (plain_.size() > retained_bytes_max) plain_ = {};
  const base::Result<std::size_t> size = decompress(batch, uncompressed_bytes_max);
  if (!size) return size.error();
  const ByteSpan header = batch.bytes().first(header_size);
  std::vector<std::byte> result(header.begin(), header.end());
  compressor_.append(target, level, ByteSpan(plain_).first(*size), result);
  if (result.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    return base::Error(base::ErrorKind::full, "the batch is larger than a batch can be");
  }
  const auto attributes =
      static_cast<std::int16_t>((batch.attributes() & ~attribute_bits::codec_mask) | static_cast<std::int16_t>(target));
  base::store_big(result.data() + layout::attributes, attributes);
  seal(result);
  return result;
}

}  // namespace cms::records
