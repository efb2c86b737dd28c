// SPDX-License-Identifier: Apache-2.0
#include "coordinator/offsets/committed_offsets.h"

namespace cms::coordinator {

namespace {

// Key and value of a commit beside its three texts: versions, lengths, offset, epoch, times, topic id.
constexpr std::size_t record_bytes_fixed = 128;

OffsetCommitKey key_of(std::string_view group_id, std::string_view topic, std::int32_t partition) {
  return {.group_id = std::string(group_id), .topic = std::string(topic), .partition = partition};
}

}  // namespace

std::size_t CommittedOffsets::record_bytes(std::string_view group_id, std::string_view topic,
                                           std::string_view metadata) {
  return record_bytes_fixed + group_id.size() + topic.size() + metadata.size();
}

const CommittedOffsets::Topics* CommittedOffsets::of_group(std::string_view group_id) const {
  const auto found = groups_.find(group_id);
  return found == groups_.end() ? nullptr : &found->second;
}

const CommittedOffset* CommittedOffsets::find(std::string_view group_id, std::string_view topic,
                                              std::int32_t partition) const {
  const Topics* topics = of_group(group_id);
  if (topics == nullptr) return nullptr;
  const auto partitions = topics->find(topic);
  if (partitions == topics->end()) return nullptr;
  const auto found = partitions->second.find(partition);
  return found == partitions->second.end() ? nullptr : &found->second;
}

CommittedOffset& CommittedOffsets::place(std::string_view group_id, std::string_view topic, std::int32_t partition) {
  auto group = groups_.find(group_id);
  if (group == groups_.end()) group = groups_.try_emplace(std::string(group_id)).first;
  auto partitions = group->second.find(topic);
  if (partitions == group->second.end()) partitions = group->second.try_emplace(std::string(topic)).first;
  const auto [found, added] = partitions->second.try_emplace(partition);
  if (added) ++size_;
  return found->second;
}

void CommittedOffsets::erase(std::string_view group_id, std::string_view topic, std::int32_t partition) {
  const auto group = groups_.find(group_id);
  if (group == groups_.end()) return;
  const auto partitions = group->second.find(topic);
  if (partitions == group->second.end()) return;
  size_ -= partitions->second.erase(partition);
  if (partitions->second.empty()) group->second.erase(partitions);
  if (group->second.empty()) groups_.erase(group);
}

void CommittedOffsets::commit(std::string_view group_id, std::string_view topic, std::int32_t partition,
                              CommittedOffset offset, Effects& effects) {
  OffsetCommitValue value;
  value.offset = offset.offset;
  value.leader_epoch = offset.leader_epoch;
  value.metadata = offset.metadata;
  value.commit_timestamp_ms = offset.commit_time_ms;
  value.expire_timestamp_ms = offset.expire_time_ms;
  value.topic_id = offset.topic_id;
  append(key_of(group_id, topic, partition), value, effects);
  place(group_id, topic, partition) = std::move(offset);
}

void CommittedOffsets::remove(std::string_view group_id, std::string_view topic, std::int32_t partition,
                              Effects& effects) {
  append_tombstone(key_of(group_id, topic, partition), effects);
  erase(group_id, topic, partition);
}

void CommittedOffsets::remove_group(std::string_view group_id, Effects& effects) {
  remove_if(
      group_id, [](const std::string&, std::int32_t, const CommittedOffset&) { return true; }, effects);
}

std::size_t CommittedOffsets::remove_if(std::string_view group_id, const Condition& gone, Effects& effects) {
  const auto group = groups_.find(group_id);
  if (group == groups_.end()) return 0;
  std::size_t removed = 0;
  for (auto& [topic, partitions] : group->second) {
    removed += std::erase_if(partitions, [&, &name = topic](const auto& entry) {
      if (!gone(name, entry.first, entry.second)) return false;
      append_tombstone(key_of(group_id, name, entry.first), effects);
      return true;
    });
  }
  size_ -= removed;
  std::erase_if(group->second, [](const auto& topic) { return topic.second.empty(); });
  if (group->second.empty()) groups_.erase(group);
  return removed;
}

void CommittedOffsets::replay(const OffsetCommitKey& key, const OffsetCommitValue* value) {
  if (value == nullptr) return erase(key.group_id, key.topic, key.partition);
  place(key.group_id, key.topic, key.partition) = {.offset = value->offset,
                                                   .leader_epoch = value->leader_epoch,
                                                   .metadata = value->metadata,
                                                   .commit_time_ms = value->commit_timestamp_ms,
                                                   .expire_time_ms = value->expire_timestamp_ms,
                                                   .topic_id = value->topic_id};
}

void CommittedOffsets::for_each_group(const std::function<void(const std::string&)>& visit) const {
  for (const auto& [group_id, topics] : groups_) visit(group_id);
}

}  // namespace cms::coordinator
