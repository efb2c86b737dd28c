// SPDX-License-Identifier: Apache-2.0
// The group as tools see it.
#include <algorithm>

#include "coordinator/consumer/group.h"

namespace cms::coordinator {

namespace {

using protocol::ConsumerGroupDescribeResponse;

// Topics that are gone are left out: they have no name any more.
ConsumerGroupDescribeResponse::Assignment describe(const Partitions& partitions, const TopicCatalog& topics) {
  ConsumerGroupDescribeResponse::Assignment assignment;
  for (const auto& [topic_id, list] : partitions) {
    if (const std::optional<TopicInfo> topic = topics.find(topic_id))
      assignment.topic_partitions.push_back({.topic_id = topic_id, .topic_name = topic->name, .partitions = list});
  }
  return assignment;
}

Partitions all_owned(const CurrentAssignment& current) {
  Partitions all;
  for (const OwnedPartitions* owned : {&current.assigned, &current.revoking}) {
    for (const auto& [topic_id, partitions] : *owned)
      for (const OwnedPartition& partition : partitions) all[topic_id].push_back(partition.partition);
  }
  for (auto& [topic_id, list] : all) std::ranges::sort(list);
  return all;
}

ConsumerGroupDescribeResponse::Member describe(const std::string& member_id, const ConsumerMember& member,
                                               const TopicCatalog& topics) {
  static const Partitions nothing;
  ConsumerGroupDescribeResponse::Member described;
  described.member_id = member_id;
  described.member_epoch = member.current.epoch;
  if (member.metadata) {
    described.instance_id = member.metadata->instance_id;
    described.rack_id = member.metadata->rack_id;
    described.client_id = member.metadata->client_id;
    described.client_host = member.metadata->client_host;
    described.subscribed_topic_names = member.metadata->subscribed_topic_names;
    described.subscribed_topic_regex = member.metadata->subscribed_topic_regex;
  }
  described.assignment = describe(all_owned(member.current), topics);
  described.target_assignment = describe(member.target ? *member.target : nothing, topics);
  described.member_type =
      member.is_classic() ? protocol::ConsumerMemberType::classic : protocol::ConsumerMemberType::consumer;
  return described;
}

}  // namespace

std::string_view ConsumerGroup::state_name() const {
  if (state_.members().empty()) return "Empty";
  if (state_.epochs().group > state_.epochs().assignment) return "Assigning";
  const bool stable = std::ranges::all_of(state_.members(), [&](const auto& member) {
    return member.second.current.is_reconciled_to(state_.epochs().assignment);
  });
  return stable ? "Stable" : "Reconciling";
}

std::optional<ConsumerGroupDescribeResponse::Group> ConsumerGroup::describe_consumer() const {
  ConsumerGroupDescribeResponse::Group group;
  group.group_id = id();
  group.group_state = state_name();
  group.group_epoch = state_.epochs().group;
  group.assignment_epoch = state_.epochs().assignment;
  group.assignor_name = preferred_assignor();
  for (const auto& [member_id, member] : state_.members())
    group.members.push_back(describe(member_id, member, environment_.topics));
  return group;
}

}  // namespace cms::coordinator
