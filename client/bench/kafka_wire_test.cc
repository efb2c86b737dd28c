// SPDX-License-Identifier: Apache-2.0
#include "client/bench/kafka_wire.h"

#include <gtest/gtest.h>

#include "records/compress.h"

namespace cms::client::bench {
namespace {

// A batch of `values` as a broker stores it: append_batch() without the size that Produce puts before it.
std::string batch_of(records::Codec codec, const std::vector<std::string>& values) {
  std::string plain;
  std::int32_t delta = 0;
  for (const std::string& value : values) append_record(plain, delta++, "", value);
  const auto packed = records::compress(codec, std::nullopt, base::as_bytes(plain));
  std::string batch;
  append_batch(batch, codec, codec == records::Codec::none ? plain : base::as_text(packed), delta, 1);
  return batch.substr(sizeof(std::int32_t));
}

class KafkaWireCodecTest : public ::testing::TestWithParam<records::Codec> {};

TEST_P(KafkaWireCodecTest, WhatWasPackedIsReadFromTheOffsetOn) {
  const std::vector<std::string> values{"one", std::string(300'000, 'x'), "three"};
  const std::string batch = batch_of(GetParam(), values);
  Unpacker unpacker;
  std::vector<std::string> read;
  const auto take = [&](std::string_view value) { read.emplace_back(value); };
  EXPECT_EQ(for_each_value(base::as_bytes(batch), 1, unpacker, take), 3);
  EXPECT_EQ(read, std::vector<std::string>(values.begin() + 1, values.end()));
  const std::string cut = batch + batch.substr(0, batch.size() - 1);
  EXPECT_EQ(for_each_value(base::as_bytes(cut), 3, unpacker, take), 3);
  EXPECT_EQ(read.size(), 2u);
}

TEST(KafkaWireTest, WhatIsNotOfItsCodecIsBroken) {
  for (const auto codec : {records::Codec::gzip, records::Codec::snappy, records::Codec::lz4, records::Codec::zstd}) {
    std::string batch = batch_of(codec, {"one", "two"});
    for (std::size_t i = batch_header_size; i < batch.size(); ++i) batch[i] = '\x55';
    Unpacker unpacker;
    EXPECT_EQ(for_each_value(base::as_bytes(batch), 0, unpacker, [](std::string_view) {}), batches_broken)
        << records::to_string(codec);
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, KafkaWireCodecTest,
                         ::testing::Values(records::Codec::none, records::Codec::gzip, records::Codec::snappy,
                                           records::Codec::lz4, records::Codec::zstd),
                         [](const auto& codec) { return std::string(records::to_string(codec.param)); });

}  // namespace
}  // namespace cms::client::bench
