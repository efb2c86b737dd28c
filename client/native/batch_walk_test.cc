// SPDX-License-Identifier: Apache-2.0
// A walk through bytes that somebody else overwrites.
#include "client/native/batch_walk.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "records/build.h"

namespace cms::client {
namespace {

std::vector<std::byte> batch_with_headers(int records, records::Codec codec) {
  records::BatchOptions options;
  options.codec = codec;
  records::BatchBuilder builder(options);
  const std::string value(300, 'v');
  const std::vector<records::HeaderView> headers{{"name", base::as_bytes("value")}, {"none", std::nullopt}};
  for (int i = 0; i < records; ++i) {
    records::NewRecord record;
    record.key = base::as_bytes("key");
    record.value = base::as_bytes(value);
    record.headers = headers;
    builder.add(record);
  }
  return builder.finish();
}

TEST(BatchWalkTest, WhatIsOverwrittenDuringTheWalkIsNotShown) {
  std::vector<std::byte> bytes = batch_with_headers(10, records::Codec::none);
  std::uint64_t generation = 7;
  const InPlace place{bytes, &generation, 7};
  BatchWalk walk(true);
  walk.open(place);
  records::Offset next = 0;
  for (int i = 0; i < 3; ++i) ASSERT_NE(walk.next(next), nullptr);
  EXPECT_EQ(next, 3);
  generation = 8;
  EXPECT_EQ(walk.next(next), nullptr);
  EXPECT_TRUE(walk.overtaken());
  EXPECT_EQ(next, 3);
  EXPECT_EQ(walk.next(next), nullptr);
  walk.open(base::ByteSpan(bytes));
  EXPECT_NE(walk.next(next), nullptr);
  EXPECT_FALSE(walk.overtaken());
}

TEST(BatchWalkTest, BytesThatTurnIntoAnythingAreWalkedWithinTheirBounds) {
  base::Random random(base::Random::system_seed());
  for (int round = 0; round < 2000; ++round) {
    const auto codec = round % 2 == 0 ? records::Codec::none : records::Codec::lz4;
    const std::vector<std::byte> original = batch_with_headers(10, codec);
    std::vector<std::byte> bytes = original;  // exactly as long as they are, so that a sanitizer sees one too many
    std::uint64_t generation = 1;
    const InPlace place{bytes, &generation, 1};
    BatchWalk walk(round % 3 == 0);
    walk.open(place);
    records::Offset next = 0;
    const std::uint64_t whole = random.below(10);
    for (std::uint64_t i = 0; i < whole; ++i) walk.next(next);
    for (std::uint64_t i = random.below(20); i < 20; ++i)
      bytes[random.below(bytes.size())] = static_cast<std::byte>(random.below(256));
    while (const records::RecordView* record = walk.next(next)) {
      for (const records::HeaderView& header : record->headers) ASSERT_LE(header.key.size(), bytes.size());
    }
  }
}

}  // namespace
}  // namespace cms::client
