// SPDX-License-Identifier: Apache-2.0
// The files of a partition: names, layouts, constants. docs/file_formats.md has the grammar in words.
//
//   <data>/<topic>-<partition>/
//     <base offset, 20 digits>.log         record batches back to back, as Kafka writes them; zeros after the end while
//                                          the segment is the last one
//     <base offset, 20 digits>.cmsindex    what is known of the segment up to positions that have been synced
//     <next offset, 20 digits>.producers   idempotent producers as of that offset (storage/producers.h)
//     partition.checkpoint                 log start offset, leader epochs; after a clean close all that opening needs
//     cleaner.checkpoint                   where the next compaction begins (storage/segment_compaction.h)
//     *.corrupt-<time>                     what recovery has put aside
//
// The directory is made by the first flush. All integers are big-endian, as in Kafka's own files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "records/batch.h"

namespace cms::storage::formats {

inline constexpr std::string_view log_suffix = ".log";
inline constexpr std::string_view index_suffix = ".cmsindex";
inline constexpr std::string_view producers_suffix = ".producers";
inline constexpr std::string_view checkpoint_name = "partition.checkpoint";
inline constexpr std::string_view cleaner_checkpoint_name = "cleaner.checkpoint";
inline constexpr std::string_view cleaned_stage = ".cleaned";  // behind a segment's names: storage/segment_compaction.h
inline constexpr std::string_view swap_stage = ".swap";
inline constexpr std::size_t name_digits = 20;

std::string offset_name(records::Offset offset, std::string_view suffix);
// The offset of a name that offset_name() has made with this suffix.
std::optional<records::Offset> offset_of_name(std::string_view name, std::string_view suffix);

// --- <base>.cmsindex: a header, then entries.
//
//   0                8           12         16              24          28         32
//   +----------------+-----------+----------+---------------+-----------+----------+
//   | "CMSINDEX"     | version   | zero     | base_offset   | zero      | crc      |
//   |                | uint32    | uint32   | int64         | uint32    | uint32   |
//   +----------------+-----------+----------+---------------+-----------+----------+
//   | relative_offset, position  | largest_timestamp        | append_time          | frames_crc, crc
//   | uint32 each                | int64                    | int64                | uint32 each
//   +----------------------------+--------------------------+----------------------+---------------
//   0                            8                          16                     24            32
//
// An entry speaks of all batches before `position`, which is a batch boundary: the next one begins with base_offset +
// relative_offset; their largest timestamp; when the last of them was appended; the running CRC-32C over the first 16
// bytes (offset, length, epoch) of each, which a batch's own checksum leaves out. It is written only when the segment
// has been synced up to `position`, so a valid entry vouches for everything before it. The entry's crc covers its other
// 28 bytes and begins with the header's crc, so that an entry is valid in its own file only. All but the CRCs never
// fall from entry to entry, and position and offset rise. The last entry of a finished segment has its size as
// position.
namespace index {
inline constexpr std::string_view magic = "CMSINDEX";
inline constexpr std::uint32_t version = 1;
inline constexpr std::size_t header_size = 32;
inline constexpr std::size_t entry_size = 32;
inline constexpr std::size_t frame_bytes = 16;  // of a batch, in frames_crc
static_assert(frame_bytes == records::layout::magic);
}  // namespace index

// Positions are stored in 32 bits.
inline constexpr std::uint64_t segment_bytes_max = 0x7fff'ffff;

// --- partition.checkpoint: replaced as a whole.
//
//   0              8          12        16             24             32              40
//   +--------------+----------+---------+--------------+--------------+---------------+
//   | "CMSCHKPT"   | version  | flags   | log_start    | next_offset  | segment_count |
//   |              | uint32   | uint32  | int64        | int64        | uint32        |
//   +--------------+----------+---------+--------------+--------------+-------+-------+
//                                                                     32      36     40
//   36: epochs_size uint32, then
//   segments   segment_count times: base int64, size uint64, largest_timestamp int64
//   tail       frames_crc uint32, index_entries uint32, last_append_time int64, first_append_time int64 (of the last
//   segment) epochs     epochs_size bytes (storage/leader_epochs.h) crc        uint32 over everything before
//
// flags: bit 0, closed cleanly: segments, tail and next_offset are right and nothing needs to be scanned; else there
// are no segments and next_offset is 0. bit 1: there is a producers file for next_offset.
namespace checkpoint {
inline constexpr std::string_view magic = "CMSCHKPT";
inline constexpr std::uint32_t version = 1;
inline constexpr std::size_t header_size = 40;
inline constexpr std::size_t segment_size = 24;
inline constexpr std::size_t tail_size = 24;
inline constexpr std::uint32_t clean_flag = 1;
inline constexpr std::uint32_t producers_flag = 2;
inline constexpr std::size_t bytes_max = 64u << 20;
}  // namespace checkpoint

}  // namespace cms::storage::formats
