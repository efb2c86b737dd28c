// SPDX-License-Identifier: Apache-2.0
#include "storage/checkpoint.h"

#include "base/crc32c.h"
#include "base/endian.h"

namespace cms::storage {

using base::load_big;
using base::store_big;
namespace format = formats::checkpoint;

std::vector<std::byte> Checkpoint::encode() const {
  const std::vector<std::byte> epoch_bytes = epochs.save();
  const std::size_t count = clean ? segments.size() : 0;
  std::vector<std::byte> bytes(format::header_size + count * format::segment_size + format::tail_size +
                               epoch_bytes.size() + sizeof(std::uint32_t));
  std::byte* at = bytes.data();
  std::memcpy(at, format::magic.data(), format::magic.size());
  store_big(at + 8, format::version);
  store_big(at + 12, clean ? format::clean_flag | (has_producers ? format::producers_flag : 0) : 0);
  store_big(at + 16, log_start);
  store_big(at + 24, clean ? next_offset : 0);
  store_big(at + 32, static_cast<std::uint32_t>(count));
  store_big(at + 36, static_cast<std::uint32_t>(epoch_bytes.size()));
  at += format::header_size;
  for (std::size_t i = 0; i < count; ++i, at += format::segment_size) {
    store_big(at, segments[i].base);
    store_big(at + 8, segments[i].size);
    store_big(at + 16, segments[i].largest_timestamp);
  }
  store_big(at, frames_crc);
  store_big(at + 4, index_entries);
  store_big(at + 8, last_append_ms);
  store_big(at + 16, first_append_ms);
  at += format::tail_size;
  if (!epoch_bytes.empty()) std::memcpy(at, epoch_bytes.data(), epoch_bytes.size());
  store_big(at + epoch_bytes.size(), base::crc32c(base::ByteSpan(bytes).first(bytes.size() - sizeof(std::uint32_t))));
  return bytes;
}

base::Result<Checkpoint> Checkpoint::decode(base::ByteSpan bytes) {
  const auto corrupt = [](const char* what) { return base::Error(base::ErrorKind::corrupt, what); };
  constexpr std::size_t smallest = format::header_size + format::tail_size + sizeof(std::uint32_t);
  if (bytes.size() < smallest || base::as_text(bytes.first(8)) != format::magic) return corrupt("not a checkpoint");
  const std::byte* at = bytes.data();
  const std::size_t body = bytes.size() - sizeof(std::uint32_t);
  if (load_big<std::uint32_t>(at + body) != base::crc32c(bytes.first(body))) return corrupt("wrong checksum");
  if (load_big<std::uint32_t>(at + 8) != format::version) return corrupt("a version this program does not know");
  const std::uint64_t count = load_big<std::uint32_t>(at + 32);
  const std::uint64_t epochs_size = load_big<std::uint32_t>(at + 36);
  if (bytes.size() != smallest + count * format::segment_size + epochs_size) return corrupt("wrong size");
  Checkpoint checkpoint;
  const std::uint32_t flags = load_big<std::uint32_t>(at + 12);
  checkpoint.clean = (flags & format::clean_flag) != 0;
  checkpoint.has_producers = (flags & format::producers_flag) != 0;
  checkpoint.log_start = load_big<std::int64_t>(at + 16);
  checkpoint.next_offset = load_big<std::int64_t>(at + 24);
  at += format::header_size;
  checkpoint.segments.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i, at += format::segment_size) {
    checkpoint.segments.push_back(
        {load_big<std::int64_t>(at), load_big<std::uint64_t>(at + 8), load_big<std::int64_t>(at + 16)});
  }
  checkpoint.frames_crc = load_big<std::uint32_t>(at);
  checkpoint.index_entries = load_big<std::uint32_t>(at + 4);
  checkpoint.last_append_ms = load_big<std::int64_t>(at + 8);
  checkpoint.first_append_ms = load_big<std::int64_t>(at + 16);
  at += format::tail_size;
  if (base::Result<void> loaded = checkpoint.epochs.load({at, epochs_size}); !loaded) return loaded.error();
  if (checkpoint.log_start < 0) return corrupt("a negative offset");
  return checkpoint;
}

}  // namespace cms::storage
