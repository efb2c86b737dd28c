// SPDX-License-Identifier: Apache-2.0
// What others may know of a group: tools, and what decides about its offsets.
#include <utility>

#include "coordinator/classic/group.h"
#include "coordinator/classic/subscribed_topics.h"
#include "protocol/consumer_protocol.h"

namespace cms::coordinator {

using protocol::DescribeGroupsResponse;

std::string_view ClassicGroup::state_name() const {
  switch (phase_) {
    case Phase::empty:
      return "Empty";
    case Phase::preparing_rebalance:
      return "PreparingRebalance";
    case Phase::completing_rebalance:
      return "CompletingRebalance";
    case Phase::stable:
      return "Stable";
  }
  return "Unknown";
}

std::string_view ClassicGroup::protocol_type() const {
  return protocol_type_ ? std::string_view(*protocol_type_) : std::string_view();
}

std::optional<DescribeGroupsResponse::Group> ClassicGroup::describe_classic() const {
  DescribeGroupsResponse::Group group;
  group.group_id = id();
  group.group_state = state_name();
  group.protocol_type = protocol_type();
  // Before the members have agreed on a protocol, none of their metadata is the one to show.
  const bool stable = phase_ == Phase::stable;
  if (stable) group.protocol_data = *protocol_name_;
  group.members.reserve(members_.size());
  for (const auto& [id, member] : members_.all()) {
    DescribeGroupsResponse::Member& shown = group.members.emplace_back();
    shown.member_id = id;
    shown.group_instance_id = member.data.instance_id;
    shown.client_id = member.data.client_id;
    shown.client_host = member.data.client_host;
    shown.member_assignment = member.data.assignment;
    if (stable) shown.member_metadata = member.data.metadata_of(*protocol_name_);
  }
  return group;
}

void ClassicGroup::find_subscribed_topics() {
  subscribed_topics_.reset();
  if (protocol_type_ != protocol::consumer_protocol_type) return;
  SubscribedTopics topics;
  for (const auto& [id, member] : members_.all()) {
    if (!topics.add(member.data.metadata_of(*protocol_name_))) return;
  }
  subscribed_topics_ = std::move(topics).take();
}

bool ClassicGroup::is_subscribed_to(std::string_view topic) const {
  if (subscribed_topics_) return subscribed_topics_->contains(topic);
  return protocol_type_ ==
         protocol::consumer_protocol_type;  // not to be known: taken for subscribed, so that nothing is lost
}

Group::Aging ClassicGroup::aging() const {
  if (!protocol_type_) return Aging::from_commit;
  if (phase_ == Phase::empty) return phase_since_ms_ ? Aging::from_empty : Aging::from_commit;
  const bool knows_topics = phase_ == Phase::stable && subscribed_topics_;
  return knows_topics ? Aging::only_unsubscribed : Aging::none;
}

base::TimestampMs ClassicGroup::empty_since_ms() const { return phase_since_ms_.value_or(0); }

}  // namespace cms::coordinator
