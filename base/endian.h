// SPDX-License-Identifier: Apache-2.0
// Integers in network byte order (big-endian) in memory of any alignment.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace cms::base {

static_assert(std::endian::native == std::endian::little, "written for little-endian machines");

template <std::integral T>
T swap_bytes(T value) {
  using U = std::make_unsigned_t<T>;
  if constexpr (sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(static_cast<U>(value)));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(static_cast<U>(value)));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(static_cast<U>(value)));
}

// The caller has checked that sizeof(T) bytes are there.
template <std::integral T>
T load_big(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return swap_bytes(value);
}

template <std::integral T>
void store_big(std::byte* to, T value) {
  value = swap_bytes(value);
  std::memcpy(to, &value, sizeof(T));
}

}  // namespace cms::base
