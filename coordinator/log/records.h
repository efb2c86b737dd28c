// SPDX-License-Identifier: Apache-2.0
// The records of `__consumer_offsets`, byte for byte as Apache Kafka 4.3 writes them, so that its tools and those built
// for it (burrow, kminion) read ours, and we read what it has written.
//
//   key    int16 record type, then the fields of the key, never flexible
//   value  int16 version, then the fields of that version; none for a tombstone
//
// Every key names its value (Key::Value) and its type (Key::record_type). A value says which version is written for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "coordinator/effects.h"
#include "coordinator/log/classic_records.h"
#include "coordinator/log/consumer_records.h"
#include "coordinator/log/offset_records.h"

namespace cms::coordinator {

template <typename Key>
struct Entry {
  Key key;
  std::optional<typename Key::Value> value;  // none: a tombstone

  friend bool operator==(const Entry&, const Entry&) = default;
};

// A type of record that is not known here: of share or streams groups, or of newer software. To be kept as it is.
struct UnknownEntry {
  std::int16_t record_type = 0;
};

using LogEntry =
    std::variant<UnknownEntry, Entry<OffsetCommitKey>, Entry<GroupMetadataKey>, Entry<ConsumerGroupMetadataKey>,
                 Entry<ConsumerGroupPartitionMetadataKey>, Entry<ConsumerGroupMemberMetadataKey>,
                 Entry<ConsumerGroupTargetAssignmentMetadataKey>, Entry<ConsumerGroupTargetAssignmentMemberKey>,
                 Entry<ConsumerGroupCurrentMemberAssignmentKey>, Entry<ConsumerGroupRegularExpressionKey>>;

// `invalid` for bytes that are no such record, `unsupported` for a value in a version that is not known. Everything in
// the entry is a copy.
base::Result<LogEntry> parse_entry(base::ByteSpan key, std::optional<base::ByteSpan> value);

// Declared for every Key of LogEntry and its Value.
template <typename Key>
std::string key_bytes(const Key& key);
template <typename Value>
std::string value_bytes(const Value& value);

template <typename Key>
void append(const Key& key, const typename Key::Value& value, Effects& effects) {
  effects.append(key_bytes(key), value_bytes(value));
}
template <typename Key>
void append_tombstone(const Key& key, Effects& effects) {
  effects.append(key_bytes(key), std::nullopt);
}

// One line of JSON: type, key and value, for logs and tools.
std::string to_text(const LogEntry& entry);

}  // namespace cms::coordinator
