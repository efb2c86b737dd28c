// SPDX-License-Identifier: Apache-2.0
// The first byte picks a codec and a step; the rest is a compressed stream to be undone, and plain bytes to be done and
// undone.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "records/compress.h"
#include "records/decompress.h"

namespace {

using namespace cms::records;

constexpr std::size_t bytes_max = 1 << 20;

// False when garbled or more than bytes_max.
bool undo(Codec codec, ByteSpan compressed, std::size_t step, std::vector<std::byte>& plain) {
  Decompressor decompressor;
  std::vector<std::byte> piece(step);
  decompressor.open(codec, compressed);
  while (plain.size() <= bytes_max) {
    const auto size = decompressor.read(piece);
    if (!size) return false;
    CHECK(*size <= step);
    if (*size == 0) return true;
    plain.insert(plain.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*size));
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto codec = static_cast<Codec>(data[0] % 5);
  const std::size_t step = data[0] < 128 ? 32 * 1024 : std::size_t{1} + data[0] % 16;
  const ByteSpan rest{reinterpret_cast<const std::byte*>(data + 1), size - 1};
  std::vector<std::byte> garbage;
  undo(codec, rest, step, garbage);
  std::vector<std::byte> plain;
  CHECK(undo(codec, compress(codec, std::nullopt, rest), step, plain));
  CHECK(std::equal(plain.begin(), plain.end(), rest.begin(), rest.end()));
  return 0;
}
