// SPDX-License-Identifier: Apache-2.0
// What the tests of this layer share: batches made quickly, and batches made wrong.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "records/build.h"

namespace cms::records::testing {

inline constexpr TimestampMs sample_time_ms = 1'700'000'000'000;

inline constexpr Codec all_codecs[] = {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd};
inline constexpr Codec compressing_codecs[] = {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd};

// `count` records "key-<i>" = "record <i> " * 10, a millisecond apart; the third has headers.
std::vector<std::byte> sample_batch(BatchOptions options = {}, int count = 3);

// A batch with a right header and checksum around any payload, for what no builder makes.
std::vector<std::byte> batch_around(ByteSpan payload, std::int32_t record_count, Codec codec = Codec::none);

// Overwrites a header field and computes the checksum again, so that only the field is wrong.
template <typename T>
std::vector<std::byte> with_field(std::vector<std::byte> batch, std::size_t at, T value) {
  base::store_big(batch.data() + at, value);
  seal(batch);
  return batch;
}

// `size` zero bytes, compressed.
std::vector<std::byte> compressed_zeros(Codec codec, std::size_t size);

std::vector<std::byte> read_test_file(const std::string& name);  // of records/testdata

std::string text_of(const std::optional<ByteSpan>& bytes);  // "null" for null

}  // namespace cms::records::testing
