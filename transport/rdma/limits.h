// SPDX-License-Identifier: Apache-2.0
// How many of everything an RDMA channel uses, and how the numbers depend on each other. Both ends have the same: the
// handshake compares layout_version.
//
// Every doorbell takes one receive that the other end has posted ahead. There is always one:
// - of those that announce a tail, doorbells_unread_max are under way at most; a credit for their position says that
// the
//   receives are posted again;
// - a credit is given for a quarter of the ring or a quarter of doorbells_unread_max, so while its writer looks at
// none,
//   and therefore sends nothing more, the reader gives eight at most;
// - receives are posted again in runs of receive_run.
// A peer that keeps to none of this stalls its own queue pair.
//
// A reader that has read everything owes less than a quarter of the ring. So a writer that found no room gets, without
// asking, three quarters of it, and no message needs more than half.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cms::transport::rdma {

inline constexpr std::uint16_t layout_version = 1;

inline constexpr std::size_t doorbells_unread_max = 256;
inline constexpr std::size_t credit_share = 4;  // a credit for each quarter of the ring, or of the above
inline constexpr std::size_t credits_unread_max = 16;
inline constexpr std::size_t receive_run = 16;
inline constexpr std::size_t receives_posted = 304;

inline constexpr std::size_t sends_posted_max = 128;  // writes, credits, sends of iWARP
inline constexpr std::size_t sends_reserved = 8;      // of these, not for messages
inline constexpr std::size_t signal_interval = 32;    // one completion for so many sends, and for each that gathers
inline constexpr std::size_t parts_per_write_max = 16;
inline constexpr std::size_t parts_per_write_min = 4;  // what a device must be able to do
inline constexpr std::size_t write_bytes_max = 1 << 20;

inline constexpr std::size_t gathered_parts_max = 256;        // under way from memory of others, which is held
inline constexpr std::size_t gathered_part_bytes_min = 4096;  // less is copied into the ring
inline constexpr std::size_t regions_max = 16;                // of others' memory registered for a channel

static_assert(credits_unread_max >= 2 * credit_share + 2,
              "a quarter of the ring, a quarter of the doorbells, rounding");
static_assert(receives_posted >= doorbells_unread_max + credits_unread_max + 1 + (receive_run - 1), "1: closed");
static_assert(receives_posted % receive_run == 0);
static_assert(sends_posted_max >= 2 * signal_interval, "there is always a completion to come that makes room");
static_assert(sends_reserved >= 4, "iWARP needs two for a write and two for a credit with what precedes it");

// The connection. A link that is dead is noticed after (retries + 1) acknowledgement timeouts; devices may take up to
// four times as long.
inline constexpr std::uint8_t acknowledgement_timeout = 16;    // 4.096 us * 2^16 = 268 ms
inline constexpr std::uint8_t retries = 6;                     // 7 is for ever with the kernel's software RoCE
inline constexpr std::uint8_t receiver_not_ready_timer = 12;   // 0.64 ms; 0, what librdmacm leaves, is 655 ms
inline constexpr std::uint8_t receiver_not_ready_retries = 6;  // 7 would be for ever

}  // namespace cms::transport::rdma
