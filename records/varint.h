// SPDX-License-Identifier: Apache-2.0
// The integers inside a record: base 128, low groups first, sign folded into the lowest bit (zigzag).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace cms::records {

inline constexpr std::size_t varint32_bytes_max = 5;
inline constexpr std::size_t varint64_bytes_max = 10;

inline constexpr std::uint32_t fold_sign(std::int32_t value) {
  return (static_cast<std::uint32_t>(value) << 1) ^ static_cast<std::uint32_t>(value >> 31);
}
inline constexpr std::uint64_t fold_sign(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
inline constexpr std::int32_t unfold_sign(std::uint32_t folded) {
  return static_cast<std::int32_t>((folded >> 1) ^ (0U - (folded & 1)));
}
inline constexpr std::int64_t unfold_sign(std::uint64_t folded) {
  return static_cast<std::int64_t>((folded >> 1) ^ (0ULL - (folded & 1)));
}

template <typename Signed>
constexpr std::size_t varint_size(Signed value) {
  const auto bits = static_cast<std::size_t>(std::bit_width(fold_sign(value)));
  return (bits * 9 + 64) / 64;  // a byte for each 7 bits, one for none
}

// Writes varint_size(value) bytes and returns where they end.
template <typename Signed>
std::byte* store_varint(std::byte* to, Signed value) {
  auto folded = fold_sign(value);
  for (; folded >= 0x80; folded >>= 7) *to++ = static_cast<std::byte>(folded | 0x80);
  *to++ = static_cast<std::byte>(folded);
  return to;
}

// Reads a varint of one or two bytes, which nearly all are, and moves `at` past it; false for any other, or when fewer
// than two bytes are there.
inline bool read_short_varint(const std::byte*& at, const std::byte* end, std::uint64_t& folded) {
  if (end - at < 2) [[unlikely]]
    return false;
  const auto low = std::to_integer<std::uint32_t>(at[0]);
  const auto high = std::to_integer<std::uint32_t>(at[1]);
  if (low < 0x80) {
    folded = low;
    ++at;
    return true;
  }
  if (high >= 0x80) return false;
  folded = (low & 0x7f) | high << 7;
  at += 2;
  return true;
}

}  // namespace cms::records
