// SPDX-License-Identifier: Apache-2.0
#include "client/range_assignor.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace cms::client {

namespace {

// Members with an instance id come first, as in Kafka.
bool comes_before(const Subscriber& left, const Subscriber& right) {
  if (left.instance_id.has_value() != right.instance_id.has_value()) return left.instance_id.has_value();
  return std::tie(left.instance_id, left.member_id) < std::tie(right.instance_id, right.member_id);
}

bool wants(const Subscriber& subscriber, const std::string& topic) {
  return std::find(subscriber.topics.begin(), subscriber.topics.end(), topic) != subscriber.topics.end();
}

}  // namespace

std::map<std::string, protocol::ConsumerAssignment> assign_ranges(
    std::vector<Subscriber> subscribers, const std::map<std::string, std::int32_t>& partition_counts) {
  std::sort(subscribers.begin(), subscribers.end(), comes_before);
  std::map<std::string, protocol::ConsumerAssignment> assignments;
  for (const Subscriber& subscriber : subscribers) assignments[subscriber.member_id];
  for (const auto& [topic, partitions] : partition_counts) {
    const auto count = static_cast<std::int32_t>(std::count_if(
        subscribers.begin(), subscribers.end(), [&](const Subscriber& one) { return wants(one, topic); }));
    std::int32_t next = 0;
    std::int32_t index = 0;
    for (const Subscriber& subscriber : subscribers) {
      if (!wants(subscriber, topic)) continue;
      const std::int32_t share = partitions / count + (index++ < partitions % count ? 1 : 0);
      if (share == 0) continue;
      auto& assigned = assignments[subscriber.member_id].assigned_partitions.emplace_back();
      assigned.topic = topic;
      for (std::int32_t i = 0; i < share; ++i) assigned.partitions.push_back(next++);
    }
  }
  return assignments;
}

}  // namespace cms::client
