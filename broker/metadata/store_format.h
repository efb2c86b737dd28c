// SPDX-License-Identifier: Apache-2.0
// The bytes of LocalStore's two files. docs/metadata_format.md draws them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "broker/metadata/configuration_store.h"

namespace cms::broker {

// A file of the log begins with these eight bytes, one of the snapshot with its own.
inline constexpr std::string_view log_file_magic{"CMSLOG\0\1", 8};  // name and format version
inline constexpr std::string_view snapshot_file_magic{"CMSSNP\0\1", 8};

//   0        4         8        12         20
//   +--------+---------+--------+----------+---------+
//   | magic  | crc32c  | size   | revision | body    |
//   +--------+---------+--------+----------+---------+
//            of all that follows it       size bytes
inline constexpr std::uint32_t frame_magic = 0x434d5342;  // "CMSB"
inline constexpr std::size_t frame_header_bytes = 20;
inline constexpr std::size_t change_header_bytes = 9;

// No batch makes a larger frame.
inline constexpr std::size_t batch_frame_bytes_max =
    frame_header_bytes + store_batch_bytes_max + store_batch_changes_max * change_header_bytes;

struct Frame {
  Revision revision = 0;
  base::ByteSpan body;   // of the bytes given to read_frame()
  std::size_t size = 0;  // with its header
};

// The frame that begins `bytes`, if it is whole and its checksum matches.
std::optional<Frame> read_frame(base::ByteSpan bytes);

std::string write_frame(Revision revision, std::string_view body);

// A batch as the body of a frame. expected_version is not kept: a batch in the log has been applied.
std::string write_batch(std::span<const StoreChange> changes);
std::optional<std::vector<StoreChange>> read_batch(base::ByteSpan body);

// All entries, as the body of the snapshot's only frame.
void append_entry(std::string& body, std::string_view key, std::string_view value, Revision version);
std::optional<std::vector<StoredEntry>> read_entries(base::ByteSpan body);

// How the bytes after the last good frame of a log are to be taken.
enum class TailKind {
  none,     // there are none
  torn,     // of one batch that was being written
  damaged,  // intact batches follow, or more than one batch fits
};
TailKind judge_tail(base::ByteSpan bytes);

}  // namespace cms::broker
