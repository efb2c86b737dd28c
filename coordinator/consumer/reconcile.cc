// SPDX-License-Identifier: Apache-2.0
#include "coordinator/consumer/reconcile.h"

#include <algorithm>
#include <set>
#include <utility>

namespace cms::coordinator {

namespace {

// What it does not report it has given up; if it reports nothing, nothing is known to be given up.
bool still_has_some(const ReportedPartitions* reported, const OwnedPartitions& revoking) {
  if (reported == nullptr) return true;
  for (const auto& topic : *reported) {
    for (const std::int32_t partition : topic.partitions)
      if (find_partition(revoking, topic.topic_id, partition) != nullptr) return true;
  }
  return false;
}

CurrentAssignment moved_to(std::int32_t epoch, ConsumerMemberState state, const CurrentAssignment& from) {
  CurrentAssignment next;
  next.epoch = epoch;
  next.previous_epoch = from.epoch;
  next.state = state;
  return next;
}

struct Difference {
  OwnedPartitions kept;
  OwnedPartitions surplus;
  OwnedPartitions free;  // to be given, with the target's epoch
  bool others_have_some = false;
};

void compare_topic(const ReconcileInput& input, const base::Uuid& topic_id, Difference& difference) {
  static const std::vector<std::int32_t> none;
  const auto wanted = input.is_subscribed(topic_id) ? input.target.find(topic_id) : input.target.end();
  const std::vector<std::int32_t>& target = wanted == input.target.end() ? none : wanted->second;

  const auto assigned = input.current.assigned.find(topic_id);
  if (assigned != input.current.assigned.end()) {
    for (const OwnedPartition& partition : assigned->second) {
      const bool stays = std::ranges::binary_search(target, partition.partition);
      (stays ? difference.kept : difference.surplus)[topic_id].push_back(partition);
    }
  }
  for (const std::int32_t partition : target) {
    if (find_partition(input.current.assigned, topic_id, partition) != nullptr) continue;
    // What the member itself is giving up counts as free: it may have it back.
    if (input.is_free(topic_id, partition) || find_partition(input.current.revoking, topic_id, partition) != nullptr) {
      difference.free[topic_id].push_back({partition, input.target_epoch});
    } else {
      difference.others_have_some = true;
    }
  }
}

CurrentAssignment towards_target(const ReconcileInput& input) {
  std::set<base::Uuid> topic_ids;
  for (const auto& [topic_id, partitions] : input.target) topic_ids.insert(topic_id);
  for (const auto& [topic_id, partitions] : input.current.assigned) topic_ids.insert(topic_id);
  Difference difference;
  for (const base::Uuid& topic_id : topic_ids) compare_topic(input, topic_id, difference);

  if (!difference.surplus.empty() && still_has_some(input.reported, difference.surplus)) {
    CurrentAssignment next = moved_to(input.current.epoch, ConsumerMemberState::unrevoked_partitions, input.current);
    next.assigned = std::move(difference.kept);
    next.revoking = std::move(difference.surplus);
    return next;
  }
  CurrentAssignment next =
      moved_to(input.target_epoch,
               difference.others_have_some ? ConsumerMemberState::unreleased_partitions : ConsumerMemberState::stable,
               input.current);
  next.assigned = std::move(difference.kept);
  for (auto& [topic_id, partitions] : difference.free) {
    std::vector<OwnedPartition>& list = next.assigned[topic_id];
    list.insert(list.end(), partitions.begin(), partitions.end());
    std::ranges::sort(list, {}, &OwnedPartition::partition);
  }
  return next;
}

// The target stays as it is, but what the member is not subscribed to any more has to go at once.
CurrentAssignment without_unsubscribed(const ReconcileInput& input) {
  CurrentAssignment next = input.current;
  for (const auto& [topic_id, partitions] : input.current.assigned) {
    if (input.is_subscribed(topic_id)) continue;
    next.assigned.erase(topic_id);
    std::vector<OwnedPartition>& revoking = next.revoking[topic_id];
    revoking.insert(revoking.end(), partitions.begin(), partitions.end());
    std::ranges::sort(revoking, {}, &OwnedPartition::partition);
  }
  if (next.assigned.size() == input.current.assigned.size()) return next;
  next.previous_epoch = input.current.epoch;
  if (still_has_some(input.reported, next.revoking)) {
    next.state = ConsumerMemberState::unrevoked_partitions;
  } else {
    next.revoking = input.current.revoking;
  }
  return next;
}

CurrentAssignment next_assignment(const ReconcileInput& input) {
  switch (input.current.state) {
    case ConsumerMemberState::stable:
      if (input.current.epoch != input.target_epoch) return towards_target(input);
      return input.subscription_changed ? without_unsubscribed(input) : input.current;
    case ConsumerMemberState::unrevoked_partitions:
      if (!still_has_some(input.reported, input.current.revoking)) return towards_target(input);
      return input.subscription_changed ? without_unsubscribed(input) : input.current;
    case ConsumerMemberState::unreleased_partitions:
      break;
  }
  return towards_target(input);  // also from a state that newer software has written
}

}  // namespace

std::optional<CurrentAssignment> reconcile(const ReconcileInput& input) {
  CurrentAssignment next = next_assignment(input);
  if (next == input.current) return std::nullopt;
  return next;
}

bool are_assigned(const ReportedPartitions& reported, const OwnedPartitions& assigned) {
  return std::ranges::all_of(reported, [&](const auto& topic) {
    return std::ranges::all_of(topic.partitions, [&](std::int32_t partition) {
      return find_partition(assigned, topic.topic_id, partition) != nullptr;
    });
  });
}

}  // namespace cms::coordinator
