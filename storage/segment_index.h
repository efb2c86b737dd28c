// SPDX-License-Identifier: Apache-2.0
// The sidecar of one segment: encoding, and what can be believed of what is read back. Layout: storage/formats.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "records/batch.h"
#include "storage/disk.h"
#include "storage/formats.h"

namespace cms::storage {

struct IndexEntry {
  std::uint32_t relative_offset = 0;
  std::uint32_t position = 0;
  records::TimestampMs largest_timestamp = records::no_timestamp;
  records::TimestampMs append_time = records::no_timestamp;
  std::uint32_t frames_crc = 0;

  bool operator==(const IndexEntry&) const = default;
};

// Adds a batch, as it lies in the log, to the running checksum of frames.
std::uint32_t add_frame(std::uint32_t frames_crc, const records::BatchView& batch);

struct IndexHeader {
  records::Offset base = 0;

  std::array<std::byte, formats::index::header_size> encode() const;
  std::uint32_t checksum() const;  // what the entries' checksums begin with
};

// Appends entry_size bytes.
void encode_index_entry(const IndexEntry& entry, std::uint32_t header_checksum, std::vector<std::byte>& into);

// Where entry number `count` lies.
inline std::uint64_t index_position(std::size_t count) {
  return formats::index::header_size + std::uint64_t{count} * formats::index::entry_size;
}

// What is valid of an index.
struct LoadedIndex {
  std::uint32_t header_checksum = 0;
  std::vector<IndexEntry> entries;  // up to the first that is not valid
  bool damaged = false;             // bytes behind them, or a header that is not this segment's
  std::uint64_t beyond = 0;         // what the first entry that is beyond the segment's size vouches for; 0: none is
};

// Judges bytes; entries beyond `log_bytes` (the segment's size) are not believed.
LoadedIndex decode_index(base::ByteSpan bytes, records::Offset base, std::uint64_t log_bytes);

// A file that is missing is a damaged index. Blocks.
base::Result<LoadedIndex> load_index(Disk& disk, const std::string& path, records::Offset base,
                                     std::uint64_t log_bytes);

// The last entry alone, without reading the others: for finished segments. nullopt: not there or not valid. Blocks.
base::Result<std::optional<IndexEntry>> load_last_entry(Disk& disk, const std::string& path, records::Offset base);

}  // namespace cms::storage
