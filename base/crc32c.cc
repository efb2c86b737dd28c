// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.h"

#include <nmmintrin.h>

#include <isa-l/crc.h>

namespace cms::base {

namespace {

// isa-l folds with carry-less multiplication: five times as fast as the plain instruction on long inputs, and slower
// below this many bytes, where its set-up dominates (base_bench, Crc32c).
constexpr std::size_t folding_pays_from = 512;

__attribute__((target("sse4.2"))) std::uint32_t crc32c_short(ByteSpan bytes, std::uint32_t state) {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t wide = state;
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    wide = _mm_crc32_u64(wide, word);
  }
  state = static_cast<std::uint32_t>(wide);
  if (left >= 4) {
    std::uint32_t word;
    std::memcpy(&word, at, sizeof word);
    state = _mm_crc32_u32(state, word);
    left -= 4, at += 4;
  }
  for (; left > 0; --left, ++at) state = _mm_crc32_u8(state, static_cast<std::uint8_t>(*at));
  return state;
}

}  // namespace

std::uint32_t crc32c(ByteSpan bytes, std::uint32_t before) {
  static const bool has_instruction = __builtin_cpu_supports("sse4.2");
  const std::uint32_t state = ~before;
  if (bytes.size() < folding_pays_from && has_instruction) return ~crc32c_short(bytes, state);
  // isa-l takes a non-const pointer and an int length, but only reads.
  auto* at = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data()));
  std::uint32_t folded = state;
  for (std::size_t left = bytes.size(); left > 0;) {
    constexpr std::size_t piece_max = 1 << 30;
    const std::size_t piece = left < piece_max ? left : piece_max;
    folded = crc32_iscsi(at, static_cast<int>(piece), folded);
    at += piece;
    left -= piece;
  }
  return ~folded;
}

}  // namespace cms::base
