// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_index.h"

#include "base/crc32c.h"
#include "base/endian.h"

namespace cms::storage {

using base::load_big;
using base::store_big;
namespace format = formats::index;

namespace {

std::optional<IndexEntry> decode_entry(const std::byte* at, std::uint32_t header_checksum) {
  if (load_big<std::uint32_t>(at + 28) != base::crc32c({at, 28}, header_checksum)) return std::nullopt;
  IndexEntry entry;
  entry.relative_offset = load_big<std::uint32_t>(at);
  entry.position = load_big<std::uint32_t>(at + 4);
  entry.largest_timestamp = load_big<std::int64_t>(at + 8);
  entry.append_time = load_big<std::int64_t>(at + 16);
  entry.frames_crc = load_big<std::uint32_t>(at + 24);
  return entry;
}

bool may_follow(const IndexEntry& entry, const IndexEntry& before) {
  return entry.position > before.position && entry.relative_offset > before.relative_offset &&
         entry.largest_timestamp >= before.largest_timestamp && entry.append_time >= before.append_time;
}

std::optional<std::uint32_t> header_checksum_of(base::ByteSpan bytes, records::Offset base_offset) {
  if (bytes.size() < format::header_size) return std::nullopt;
  const std::byte* const at = bytes.data();
  const std::uint32_t checksum = load_big<std::uint32_t>(at + 28);
  if (base::as_text(bytes.first(8)) != format::magic || load_big<std::uint32_t>(at + 8) != format::version ||
      load_big<std::int64_t>(at + 16) != base_offset || checksum != base::crc32c({at, 28})) {
    return std::nullopt;
  }
  return checksum;
}

}  // namespace

std::uint32_t add_frame(std::uint32_t frames_crc, const records::BatchView& batch) {
  return base::crc32c(batch.bytes().first(format::frame_bytes), frames_crc);
}

std::array<std::byte, format::header_size> IndexHeader::encode() const {
  std::array<std::byte, format::header_size> bytes{};
  std::byte* const at = bytes.data();
  std::memcpy(at, format::magic.data(), format::magic.size());
  store_big(at + 8, format::version);
  store_big(at + 16, base);
  store_big(at + 28, base::crc32c({at, 28}));
  return bytes;
}

std::uint32_t IndexHeader::checksum() const { return load_big<std::uint32_t>(encode().data() + 28); }

void encode_index_entry(const IndexEntry& entry, std::uint32_t header_checksum, std::vector<std::byte>& into) {
  const std::size_t begin = into.size();
  into.resize(begin + format::entry_size);
  std::byte* const at = into.data() + begin;
  store_big(at, entry.relative_offset);
  store_big(at + 4, entry.position);
  store_big(at + 8, entry.largest_timestamp);
  store_big(at + 16, entry.append_time);
  store_big(at + 24, entry.frames_crc);
  store_big(at + 28, base::crc32c({at, 28}, header_checksum));
}

LoadedIndex decode_index(base::ByteSpan bytes, records::Offset base, std::uint64_t log_bytes) {
  LoadedIndex index;
  const std::optional<std::uint32_t> checksum = header_checksum_of(bytes, base);
  if (!checksum) {
    index.damaged = true;
    return index;
  }
  index.header_checksum = *checksum;
  base::ByteSpan rest = bytes.subspan(format::header_size);
  index.entries.reserve(rest.size() / format::entry_size);
  while (rest.size() >= format::entry_size) {
    const std::optional<IndexEntry> entry = decode_entry(rest.data(), *checksum);
    if (!entry) break;
    if (entry->position > log_bytes) {
      index.beyond = entry->position;
      break;
    }
    if (!index.entries.empty() && !may_follow(*entry, index.entries.back())) break;
    index.entries.push_back(*entry);
    rest = rest.subspan(format::entry_size);
  }
  index.damaged = !rest.empty();
  return index;
}

base::Result<LoadedIndex> load_index(Disk& disk, const std::string& path, records::Offset base,
                                     std::uint64_t log_bytes) {
  if (!disk.exists(path)) return LoadedIndex{.header_checksum = 0, .entries = {}, .damaged = true, .beyond = 0};
  // An entry for each batch of the smallest size is more than anyone writes.
  const std::size_t bytes_max = format::header_size + (log_bytes / records::header_size + 2) * format::entry_size;
  base::Result<std::vector<std::byte>> bytes = read_file(disk, path, bytes_max);
  if (!bytes) {
    if (bytes.error().kind() == base::ErrorKind::io) return bytes.error();
    return LoadedIndex{.header_checksum = 0, .entries = {}, .damaged = true, .beyond = 0};
  }
  return decode_index(*bytes, base, log_bytes);
}

base::Result<std::optional<IndexEntry>> load_last_entry(Disk& disk, const std::string& path, records::Offset base) {
  base::Result<std::unique_ptr<File>> file = disk.open(path, OpenMode::read);
  if (!file) {
    if (file.error().kind() == base::ErrorKind::not_found) return std::optional<IndexEntry>{};
    return file.error();
  }
  const base::Result<std::uint64_t> size = (*file)->size();
  if (!size) return size.error();
  if (*size < index_position(1) || (*size - format::header_size) % format::entry_size != 0) {
    return std::optional<IndexEntry>{};
  }
  std::byte header[format::header_size], entry[format::entry_size];
  for (const auto& [position, into] : {std::pair{std::uint64_t{0}, base::MutableByteSpan(header)},
                                       std::pair{*size - format::entry_size, base::MutableByteSpan(entry)}}) {
    const base::Result<std::size_t> got = (*file)->read_at(position, into);
    if (!got) return got.error();
    if (*got != into.size()) return std::optional<IndexEntry>{};
  }
  const std::optional<std::uint32_t> checksum = header_checksum_of(header, base);
  if (!checksum) return std::optional<IndexEntry>{};
  return decode_entry(entry, *checksum);
}

}  // namespace cms::storage
