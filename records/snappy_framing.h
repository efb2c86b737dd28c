// SPDX-License-Identifier: Apache-2.0
// The framing that snappy-java puts around snappy blocks, and Kafka with it.
//
//   0                     8            12               16        20
//   +---------------------+------------+----------------+---------+-----------------+---------+---
//   | 82 'S' 'N' 'A' 'P'  | version    | oldest version | size of | one snappy      | size of | ...
//   | 'P' 'Y' 00          | int32 1    | that reads it  | chunk   | block           | chunk   |
//   |                     |            | int32 1        | int32   |                 | int32   |
//   +---------------------+------------+----------------+---------+-----------------+---------+---
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace cms::records::snappy_framing {

inline constexpr std::array<std::byte, 8> magic{std::byte{0x82}, std::byte{'S'}, std::byte{'N'}, std::byte{'A'},
                                                std::byte{'P'},  std::byte{'P'}, std::byte{'Y'}, std::byte{0}};
inline constexpr std::int32_t version = 1;
inline constexpr std::size_t header_size = magic.size() + 2 * sizeof(std::int32_t);
inline constexpr std::size_t chunk_bytes = 32 * 1024;  // plain bytes per chunk, as snappy-java cuts them

}  // namespace cms::records::snappy_framing
