// SPDX-License-Identifier: Apache-2.0
#include "records/test_batches.h"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

namespace cms::records::testing {

std::vector<std::byte> sample_batch(BatchOptions options, int count) {
  BatchBuilder builder(options);
  for (int i = 0; i < count; ++i) {
    const std::string key = "key-" + std::to_string(i);
    std::string value;
    for (int repeat = 0; repeat < 10; ++repeat) value += "record " + std::to_string(i) + " ";
    const HeaderView headers[] = {{"h1", base::as_bytes("a")}, {"h2", std::nullopt}};
    builder.add({.timestamp = sample_time_ms + i,
                 .key = base::as_bytes(key),
                 .value = base::as_bytes(value),
                 .headers = i == 2 ? std::span<const HeaderView>(headers) : std::span<const HeaderView>()});
  }
  return builder.finish();
}

std::vector<std::byte> batch_around(ByteSpan payload, std::int32_t record_count, Codec codec) {
  std::vector<std::byte> batch = sample_batch({.codec = codec}, 1);
  batch.resize(header_size);
  batch.insert(batch.end(), payload.begin(), payload.end());
  base::store_big(batch.data() + layout::record_count, record_count);
  base::store_big(batch.data() + layout::last_offset_delta, record_count - 1);
  seal(batch);
  return batch;
}

std::vector<std::byte> compressed_zeros(Codec codec, std::size_t size) {
  return compress(codec, std::nullopt, std::vector<std::byte>(size));
}

std::vector<std::byte> read_test_file(const std::string& name) {
  std::ifstream file("records/testdata/" + name, std::ios::binary);
  EXPECT_TRUE(file) << "records/testdata/" << name << " is missing; run from the repository's root";
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const ByteSpan span = base::as_bytes(bytes);
  return {span.begin(), span.end()};
}

std::string text_of(const std::optional<ByteSpan>& bytes) {
  return bytes ? std::string(base::as_text(*bytes)) : "null";
}

}  // namespace cms::records::testing
