// SPDX-License-Identifier: Apache-2.0
// A shard out of its log.
#include "coordinator/classic/group.h"
#include "coordinator/classic/record.h"
#include "coordinator/consumer/group.h"
#include "coordinator/log/records.h"
#include "coordinator/shard.h"

namespace cms::coordinator {

// The consumer group that a record is about. A classic group of that name gives way: either it is nothing but offsets,
// or its tombstone has been compacted away together with what it had been.
ConsumerGroup* Shard::consumer_group(const std::string& group_id, bool make) {
  auto* group = dynamic_cast<ConsumerGroup*>(find(group_id));
  if (group != nullptr || !make) return group;
  return static_cast<ConsumerGroup*>(&add(std::make_unique<ConsumerGroup>(group_id, environment_)));
}

template <typename Key>
void Shard::replay(Entry<Key>& entry) {
  ConsumerGroup* group = consumer_group(entry.key.group_id, entry.value.has_value());
  if (group != nullptr) group->replay(entry);
}

void Shard::replay(Entry<ConsumerGroupMetadataKey>& entry) {
  ConsumerGroup* group = consumer_group(entry.key.group_id, entry.value.has_value());
  if (group == nullptr) return;
  group->replay(entry);
  if (!entry.value) remove(entry.key.group_id);
}

base::Result<void> Shard::replay(base::ByteSpan key, std::optional<base::ByteSpan> value) {
  auto entry = parse_entry(key, value);
  if (!entry) return entry.error();
  std::visit([this](auto& parsed) { replay(parsed); }, *entry);
  return {};
}

void Shard::replay(UnknownEntry&) {}

void Shard::replay(Entry<OffsetCommitKey>& entry) {
  // Who commits without being a member may have no other record than this.
  if (entry.value && find(entry.key.group_id) == nullptr) {
    add(std::make_unique<ClassicGroup>(entry.key.group_id, environment_));
  }
  offsets_.replay(entry.key, entry.value ? &*entry.value : nullptr);
}

void Shard::replay(Entry<GroupMetadataKey>& entry) {
  if (entry.value) {
    add(ClassicGroup::restore(environment_, state_of(entry.key.group_id, *entry.value)));
  } else if (const Group* group = find(entry.key.group_id); group != nullptr && group->type_name() == "classic") {
    remove(entry.key.group_id);
  }
}

}  // namespace cms::coordinator
