// SPDX-License-Identifier: Apache-2.0
#include "coordinator/log/records.h"

#include <type_traits>

#include "base/endian.h"
#include "protocol/versioned_codec.h"

namespace cms::coordinator {
namespace {

using protocol::Decoder;
using protocol::Encoder;
using protocol::Printer;

// Calls visit(Entry<Key>{}) for every type of record.
template <typename Visit, typename... Known>
void for_each_kind(const std::variant<UnknownEntry, Known...>*, Visit&& visit) {
  (visit(Known{}), ...);
}

template <typename Key>
bool has_type(std::int16_t type) {
  if constexpr (std::is_same_v<Key, OffsetCommitKey>) {
    if (type == OffsetCommitKey::record_type_legacy) return true;
  }
  return type == Key::record_type;
}

template <typename Key>
base::Result<void> parse(base::ByteSpan key, std::optional<base::ByteSpan> value, Entry<Key>& into) {
  Decoder decoder(key.subspan(sizeof(std::int16_t)), 0, false);
  decoder.structure(into.key);
  if (decoder.in().left() != 0) decoder.in().fail("bytes are left over after the last field");
  if (decoder.in().failed()) {
    return decoder.in().error().while_doing("reading " + std::string(protocol::spelled_type<Key>()));
  }
  if (!value) return {};
  const auto version = protocol::read_versioned(*value, protocol::Tolerance::strict, into.value.emplace());
  if (!version) return version.error();
  return {};
}

std::string json_of(const UnknownEntry& entry) { return "{\"type\":" + std::to_string(entry.record_type) + "}"; }

template <typename Key>
std::string json_of(const Entry<Key>& entry) {
  std::string line = "{\"type\":" + std::to_string(Key::record_type) + ",\"key\":";
  Printer(line, 0).structure(entry.key);
  line += ",\"value\":";
  if (entry.value) {
    Printer(line, entry.value->version_written()).structure(*entry.value);
  } else {
    line += "null";
  }
  return line + '}';
}

}  // namespace

base::Result<LogEntry> parse_entry(base::ByteSpan key, std::optional<base::ByteSpan> value) {
  if (key.size() < sizeof(std::int16_t)) return base::Error(base::ErrorKind::invalid, "a key without a record type");
  const auto type = base::load_big<std::int16_t>(key.data());
  base::Result<LogEntry> parsed = LogEntry(UnknownEntry{type});
  for_each_kind(static_cast<const LogEntry*>(nullptr), [&]<typename Key>(Entry<Key> entry) {
    if (!has_type<Key>(type)) return;
    const base::Result<void> outcome = parse(key, value, entry);
    if (outcome) {
      parsed = LogEntry(std::move(entry));
    } else {
      parsed = outcome.error();
    }
  });
  return parsed;
}

template <typename Key>
std::string key_bytes(const Key& key) {
  std::string bytes;
  protocol::StringOutput out(bytes);
  base::store_big(out.extend(sizeof(std::int16_t)), Key::record_type);
  Encoder(out, 0, false).structure(key);
  return bytes;
}

template <typename Value>
std::string value_bytes(const Value& value) {
  std::string bytes;
  protocol::append_versioned(value, value.version_written(), bytes);
  return bytes;
}

std::string to_text(const LogEntry& entry) {
  return std::visit([](const auto& known) { return json_of(known); }, entry);
}

#define CMS_INSTANTIATE_RECORD(Key)                    \
  template std::string key_bytes<Key>(const Key& key); \
  template std::string value_bytes<Key::Value>(const Key::Value& value)

CMS_INSTANTIATE_RECORD(OffsetCommitKey);
CMS_INSTANTIATE_RECORD(GroupMetadataKey);
CMS_INSTANTIATE_RECORD(ConsumerGroupMetadataKey);
CMS_INSTANTIATE_RECORD(ConsumerGroupPartitionMetadataKey);
CMS_INSTANTIATE_RECORD(ConsumerGroupMemberMetadataKey);
CMS_INSTANTIATE_RECORD(ConsumerGroupTargetAssignmentMetadataKey);
CMS_INSTANTIATE_RECORD(ConsumerGroupTargetAssignmentMemberKey);
CMS_INSTANTIATE_RECORD(ConsumerGroupCurrentMemberAssignmentKey);
CMS_INSTANTIATE_RECORD(ConsumerGroupRegularExpressionKey);

}  // namespace cms::coordinator
