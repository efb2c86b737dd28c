// SPDX-License-Identifier: Apache-2.0
// The 32 bits by which one end of an RDMA channel tells the other that something has changed: the immediate of a write,
// or, where a write has none (iWARP), the message of a send behind it.
//
//   31 30 29                                0
//   +-----+----------------------------------+
//   | what| position / 8, modulo 2^30        |
//   +-----+----------------------------------+
//
// Positions are those of transport/ring.h. Two that a channel compares lie within a ring's size, 2^30 bytes at most, so
// 27 bits would tell them apart; whatever else a peer sends becomes a position that the ring's own checks refuse.
#pragma once

#include <cstdint>

#include "transport/ring.h"

namespace cms::transport::rdma {

enum class DoorbellKind : std::uint32_t {
  tail = 0,    // the writer's: all before it is in your ring
  head = 1,    // the reader's: all before it is read, its room is free (a credit)
  closed = 2,  // nothing more will be written; position: the tail
  unknown = 3,
};

struct Doorbell {
  static constexpr unsigned position_bits = 30;
  static constexpr std::uint32_t position_mask = (1u << position_bits) - 1;

  DoorbellKind kind;
  std::uint32_t low_position;

  static constexpr Doorbell of(DoorbellKind kind, std::uint64_t position) {
    return {kind, static_cast<std::uint32_t>(position / sizeof(FrameHeader)) & position_mask};
  }
  static constexpr Doorbell from_word(std::uint32_t word) {
    return {static_cast<DoorbellKind>(word >> position_bits), word & position_mask};
  }
  constexpr std::uint32_t word() const { return static_cast<std::uint32_t>(kind) << position_bits | low_position; }

  // The first position at or after `known` with these bits. It exceeds `known` by less than 8 GiB.
  constexpr std::uint64_t position_from(std::uint64_t known) const {
    const auto low_known = static_cast<std::uint32_t>(known / sizeof(FrameHeader));
    return known + static_cast<std::uint64_t>((low_position - low_known) & position_mask) * sizeof(FrameHeader);
  }
};
static_assert((std::uint64_t{1} << Doorbell::position_bits) * sizeof(FrameHeader) > 2 * ring_bytes_max);

}  // namespace cms::transport::rdma
