// SPDX-License-Identifier: Apache-2.0
#include "broker/metadata/store_format.h"

#include "base/crc32c.h"
#include "base/endian.h"

namespace cms::broker {

namespace {

using base::ByteSpan;

template <std::integral T>
void append(std::string& text, T value) {
  std::byte bytes[sizeof(T)];
  base::store_big(bytes, value);
  text.append(reinterpret_cast<const char*>(bytes), sizeof bytes);
}

// Reads front to back; after a read past the end everything is empty and ok() is false.
class Reader {
 public:
  explicit Reader(ByteSpan bytes) : left_(bytes) {}

  template <std::integral T>
  T number() {
    const ByteSpan bytes = take(sizeof(T));
    return bytes.size() == sizeof(T) ? base::load_big<T>(bytes.data()) : T{};
  }
  std::string text(std::size_t size) { return std::string(base::as_text(take(size))); }

  bool ok() const { return ok_; }
  bool at_end() const { return left_.empty(); }

 private:
  ByteSpan take(std::size_t size) {
    if (size > left_.size()) {
      ok_ = false;
      left_ = {};
      return {};
    }
    const ByteSpan taken = left_.first(size);
    left_ = left_.subspan(size);
    return taken;
  }

  ByteSpan left_;
  bool ok_ = true;
};

}  // namespace

std::optional<Frame> read_frame(ByteSpan bytes) {
  if (bytes.size() < frame_header_bytes || base::load_big<std::uint32_t>(bytes.data()) != frame_magic)
    return std::nullopt;
  const auto size = base::load_big<std::uint32_t>(bytes.data() + 8);
  if (size > bytes.size() - frame_header_bytes) return std::nullopt;
  const ByteSpan guarded = bytes.subspan(8, frame_header_bytes - 8 + size);
  if (base::crc32c(guarded) != base::load_big<std::uint32_t>(bytes.data() + 4)) return std::nullopt;
  return Frame{base::load_big<Revision>(bytes.data() + 12), bytes.subspan(frame_header_bytes, size),
               frame_header_bytes + size};
}

std::string write_frame(Revision revision, std::string_view body) {
  std::string guarded;
  append(guarded, static_cast<std::uint32_t>(body.size()));
  append(guarded, revision);
  guarded += body;
  std::string frame;
  append(frame, frame_magic);
  append(frame, base::crc32c(base::as_bytes(guarded)));
  return frame + guarded;
}

std::string write_batch(std::span<const StoreChange> changes) {
  std::string body;
  for (const StoreChange& change : changes) {
    append(body, static_cast<std::uint8_t>(change.value ? 1 : 0));
    append(body, static_cast<std::uint32_t>(change.key.size()));
    append(body, static_cast<std::uint32_t>(change.value ? change.value->size() : 0));
    body += change.key;
    if (change.value) body += *change.value;
  }
  return body;
}

std::optional<std::vector<StoreChange>> read_batch(ByteSpan body) {
  std::vector<StoreChange> changes;
  Reader reader(body);
  while (!reader.at_end()) {
    const auto kind = reader.number<std::uint8_t>();
    const auto key_size = reader.number<std::uint32_t>();
    const auto value_size = reader.number<std::uint32_t>();
    StoreChange change;
    change.key = reader.text(key_size);
    if (kind == 1) change.value = reader.text(value_size);
    if (!reader.ok() || kind > 1 || (kind == 0 && value_size != 0)) return std::nullopt;
    changes.push_back(std::move(change));
  }
  return changes;
}

void append_entry(std::string& body, std::string_view key, std::string_view value, Revision version) {
  append(body, version);
  append(body, static_cast<std::uint32_t>(key.size()));
  append(body, static_cast<std::uint32_t>(value.size()));
  body.append(key).append(value);
}

std::optional<std::vector<StoredEntry>> read_entries(ByteSpan body) {
  std::vector<StoredEntry> entries;
  Reader reader(body);
  while (!reader.at_end()) {
    StoredEntry entry;
    entry.version = reader.number<Revision>();
    const auto key_size = reader.number<std::uint32_t>();
    const auto value_size = reader.number<std::uint32_t>();
    entry.key = reader.text(key_size);
    entry.value = reader.text(value_size);
    if (!reader.ok()) return std::nullopt;
    entries.push_back(std::move(entry));
  }
  return entries;
}

TailKind judge_tail(ByteSpan bytes) {
  if (bytes.empty()) return TailKind::none;
  // Batches are synced one by one, so what a crash leaves unfinished is one batch at most.
  if (bytes.size() > batch_frame_bytes_max) return TailKind::damaged;
  for (std::size_t at = 1; at < bytes.size(); ++at) {
    if (read_frame(bytes.subspan(at))) return TailKind::damaged;
  }
  return TailKind::torn;
}

}  // namespace cms::broker
