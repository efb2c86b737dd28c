// SPDX-License-Identifier: Apache-2.0
#include "coordinator/consumer/member.h"

#include <algorithm>

#include "coordinator/sorted.h"

namespace cms::coordinator {

namespace {

using RecordPartitions = std::vector<ConsumerGroupCurrentMemberAssignmentValue::TopicPartitions>;

RecordPartitions to_record(const OwnedPartitions& owned) {
  RecordPartitions record;
  record.reserve(owned.size());
  for (const auto& [topic_id, partitions] : owned) {
    ConsumerGroupCurrentMemberAssignmentValue::TopicPartitions& topic = record.emplace_back();
    topic.topic_id = topic_id;
    topic.assignment_epochs.emplace();
    for (const OwnedPartition& partition : partitions) {
      topic.partitions.push_back(partition.partition);
      topic.assignment_epochs->push_back(partition.epoch);
    }
  }
  return record;
}

// Without epochs of its own (Kafka before 4.3) a partition counts as given at the member's.
OwnedPartitions from_record(const RecordPartitions& record, std::int32_t member_epoch) {
  OwnedPartitions owned;
  for (const auto& topic : record) {
    if (topic.partitions.empty()) continue;
    const bool with_epochs = topic.assignment_epochs && topic.assignment_epochs->size() == topic.partitions.size();
    std::vector<OwnedPartition>& partitions = owned[topic.topic_id];
    for (std::size_t i = 0; i < topic.partitions.size(); ++i)
      partitions.push_back({topic.partitions[i], with_epochs ? (*topic.assignment_epochs)[i] : member_epoch});
    std::ranges::stable_sort(partitions, {}, &OwnedPartition::partition);
    const auto is_same = [](const OwnedPartition& a, const OwnedPartition& b) { return a.partition == b.partition; };
    partitions.erase(std::unique(partitions.begin(), partitions.end(), is_same), partitions.end());
  }
  return owned;
}

}  // namespace

const OwnedPartition* find_partition(const OwnedPartitions& owned, const base::Uuid& topic_id, std::int32_t partition) {
  const auto topic = owned.find(topic_id);
  if (topic == owned.end()) return nullptr;
  const auto found = std::ranges::lower_bound(topic->second, partition, {}, &OwnedPartition::partition);
  return found != topic->second.end() && found->partition == partition ? &*found : nullptr;
}

ConsumerGroupCurrentMemberAssignmentValue to_value(const CurrentAssignment& current) {
  ConsumerGroupCurrentMemberAssignmentValue value;
  value.member_epoch = current.epoch;
  value.previous_member_epoch = current.previous_epoch;
  value.state = current.state;
  value.assigned_partitions = to_record(current.assigned);
  value.partitions_pending_revocation = to_record(current.revoking);
  return value;
}

CurrentAssignment from_value(const ConsumerGroupCurrentMemberAssignmentValue& value) {
  return {.epoch = value.member_epoch,
          .previous_epoch = value.previous_member_epoch,
          .state = value.state,
          .assigned = from_record(value.assigned_partitions, value.member_epoch),
          .revoking = from_record(value.partitions_pending_revocation, value.member_epoch)};
}

ConsumerGroupTargetAssignmentMemberValue to_value(const Partitions& partitions) {
  ConsumerGroupTargetAssignmentMemberValue value;
  value.topic_partitions.reserve(partitions.size());
  for (const auto& [topic_id, list] : partitions) value.topic_partitions.push_back({topic_id, list});
  return value;
}

Partitions from_value(const ConsumerGroupTargetAssignmentMemberValue& value) {
  Partitions partitions;
  for (const auto& topic : value.topic_partitions) {
    if (topic.partitions.empty()) continue;
    std::vector<std::int32_t>& list = partitions[topic.topic_id];
    list.insert(list.end(), topic.partitions.begin(), topic.partitions.end());
    sort_without_doubles(list);
  }
  return partitions;
}

}  // namespace cms::coordinator
