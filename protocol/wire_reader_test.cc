// SPDX-License-Identifier: Apache-2.0
#include "protocol/wire_reader.h"

#include <gtest/gtest.h>

#include "protocol/testing/bytes.h"

namespace cms::protocol {
namespace {

using testing::from_hex;

std::optional<std::uint32_t> varint32(std::string_view hex) {
  const std::vector<std::byte> bytes = from_hex(hex);
  WireReader in(bytes);
  const std::uint32_t value = in.varint32();
  if (in.failed() || in.left() != 0) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> varint64(std::string_view hex) {
  const std::vector<std::byte> bytes = from_hex(hex);
  WireReader in(bytes);
  const std::uint64_t value = in.varint64();
  if (in.failed() || in.left() != 0) return std::nullopt;
  return value;
}

TEST(WireReader, VarintsOfEveryLengthAreRead) {
  EXPECT_EQ(varint32("00"), 0u);
  EXPECT_EQ(varint32("7f"), 127u);
  EXPECT_EQ(varint32("8001"), 128u);
  EXPECT_EQ(varint32("ffff7f"), (1u << 21) - 1);
  EXPECT_EQ(varint32("ffffffff0f"), 0xffffffffu);
  EXPECT_EQ(varint64("ffffffffffffffffff01"), ~std::uint64_t{0});
}

TEST(WireReader, VarintWithMoreBitsThanItsTypeIsRefused) {
  EXPECT_EQ(varint32("ffffffff1f"), std::nullopt);
  EXPECT_EQ(varint32("808080808001"), std::nullopt);
  EXPECT_EQ(varint64("ffffffffffffffffff02"), std::nullopt);
  EXPECT_EQ(varint64("8080808080808080808001"), std::nullopt);
}

TEST(WireReader, VarintThatEndsTooSoonIsRefused) {
  EXPECT_EQ(varint32(""), std::nullopt);
  EXPECT_EQ(varint32("80"), std::nullopt);
  EXPECT_EQ(varint32("ffffffff"), std::nullopt);
}

TEST(WireReader, FirstFailureIsKeptAndEverythingAfterItIsZero) {
  const std::vector<std::byte> bytes = from_hex("0102030405");
  WireReader in(bytes);
  EXPECT_EQ(in.integer<std::int16_t>(), 0x0102);
  EXPECT_EQ(in.integer<std::int64_t>(), 0);
  EXPECT_EQ(in.integer<std::int8_t>(), 0);
  EXPECT_TRUE(in.bytes(1).empty());
  EXPECT_EQ(in.left(), 0u);
  EXPECT_EQ(in.error().message(), "ends within a number (at byte 2)");
}

}  // namespace
}  // namespace cms::protocol
