// SPDX-License-Identifier: Apache-2.0
// Any bytes as a record of `__consumer_offsets`: a byte with the size of the key (255: the rest is the key of a
// tombstone), key, value.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "coordinator/log/records.h"

namespace {

using namespace cms;

void check_written_again(const coordinator::UnknownEntry&) {}

// Written in today's version it may lose fields of older ones, and then no more.
template <typename Key>
void check_written_again(const coordinator::Entry<Key>& entry) {
  const std::string key = coordinator::key_bytes(entry.key);
  std::string value;
  std::optional<base::ByteSpan> bytes;
  if (entry.value) bytes = base::as_bytes(value = coordinator::value_bytes(*entry.value));
  const auto again = coordinator::parse_entry(base::as_bytes(key), bytes);
  CHECK(again.ok());
  const auto& known = std::get<coordinator::Entry<Key>>(*again);
  CHECK(known.key == entry.key);
  CHECK(known.value.has_value() == entry.value.has_value());
  if (known.value) CHECK(coordinator::value_bytes(*known.value) == value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const base::ByteSpan rest{reinterpret_cast<const std::byte*>(data) + 1, size - 1};
  const bool tombstone = data[0] == 255;
  const std::size_t key_size = tombstone ? rest.size() : std::min<std::size_t>(data[0], rest.size());
  std::optional<base::ByteSpan> value;
  if (!tombstone) value = rest.subspan(key_size);
  const auto entry = coordinator::parse_entry(rest.first(key_size), value);
  if (!entry) return 0;
  CHECK(!coordinator::to_text(*entry).empty());
  std::visit([](const auto& known) { check_written_again(known); }, *entry);
  return 0;
}
