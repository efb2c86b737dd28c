// SPDX-License-Identifier: Apache-2.0
#include "coordinator/consumer/embedded.h"

#include <algorithm>

#include "coordinator/sorted.h"

namespace cms::coordinator {

std::optional<protocol::ConsumerSubscription> read_subscription(base::ByteSpan metadata) {
  protocol::ConsumerSubscription subscription;
  if (!read(metadata, subscription)) return std::nullopt;
  sort_without_doubles(subscription.topics);
  return subscription;
}

base::Bytes assignment_bytes(const Partitions& partitions, base::ByteSpan member_metadata, const TopicCatalog& topics) {
  protocol::ConsumerAssignment assignment;
  for (const auto& [topic_id, list] : partitions) {
    if (const std::optional<TopicInfo> topic = topics.find(topic_id))
      assignment.assigned_partitions.push_back({.topic = topic->name, .partitions = list});
  }
  protocol::ConsumerSubscription subscription;
  const base::Result<protocol::Version> said = read(member_metadata, subscription);
  return to_bytes(assignment,
                  said ? std::min(*said, protocol::ConsumerAssignment::versions.last) : protocol::Version{0});
}

Partitions by_topic_id(const std::vector<protocol::ConsumerSubscription::TopicPartitions>& by_name,
                       const TopicCatalog& topics) {
  Partitions partitions;
  for (const auto& named : by_name) {
    const std::optional<TopicInfo> topic = topics.find(std::string_view(named.topic));
    if (!topic || named.partitions.empty()) continue;
    std::vector<std::int32_t>& list = partitions[topic->id];
    list.insert(list.end(), named.partitions.begin(), named.partitions.end());
    sort_without_doubles(list);
  }
  return partitions;
}

Partitions without_epochs(const OwnedPartitions& owned) {
  Partitions partitions;
  for (const auto& [topic_id, list] : owned)
    for (const OwnedPartition& partition : list) partitions[topic_id].push_back(partition.partition);
  return partitions;
}

OwnedPartitions with_epoch(const Partitions& partitions, std::int32_t epoch) {
  OwnedPartitions owned;
  for (const auto& [topic_id, list] : partitions)
    for (const std::int32_t partition : list) owned[topic_id].push_back({partition, epoch});
  return owned;
}

}  // namespace cms::coordinator
