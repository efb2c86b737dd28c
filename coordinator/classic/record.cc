// SPDX-License-Identifier: Apache-2.0
#include "coordinator/classic/record.h"

#include <set>
#include <string_view>
#include <utility>

namespace cms::coordinator {

ClassicState state_of(std::string group_id, const GroupMetadataValue& value) {
  ClassicState state;
  state.group_id = std::move(group_id);
  state.generation = value.generation;
  if (!value.protocol_type.empty()) state.protocol_type = value.protocol_type;
  state.protocol_name = value.protocol_name;
  state.leader = value.leader;
  if (value.current_state_timestamp_ms >= 0) state.since_ms = value.current_state_timestamp_ms;
  std::set<std::string_view> ids;
  std::set<std::string_view> instance_ids;
  for (const GroupMetadataValue::Member& member : value.members) {
    if (!ids.insert(member.member_id).second) continue;
    if (member.group_instance_id && !instance_ids.insert(*member.group_instance_id).second) continue;
    state.members.push_back({
        .id = member.member_id,
        .instance_id = member.group_instance_id,
        .client_id = member.client_id,
        .client_host = member.client_host,
        .session_timeout_ms = member.session_timeout_ms,
        .rebalance_timeout_ms =
            member.rebalance_timeout_ms < 0 ? member.session_timeout_ms : member.rebalance_timeout_ms,
        .protocols = {{value.protocol_name.value_or(""), member.subscription.bytes()}},
        .assignment = member.assignment.bytes(),
    });
  }
  if (!state.members.empty() && !state.protocol_name) state.protocol_name = "";
  return state;
}

GroupMetadataValue value_of(const ClassicState& state) {
  GroupMetadataValue value;
  value.protocol_type = state.protocol_type.value_or("");
  value.generation = state.generation;
  value.protocol_name = state.protocol_name;
  value.leader = state.leader;
  value.current_state_timestamp_ms = state.since_ms.value_or(-1);
  value.members.reserve(state.members.size());
  for (const ClassicMember& member : state.members) {
    value.members.push_back({
        .member_id = member.id,
        .group_instance_id = member.instance_id,
        .client_id = member.client_id,
        .client_host = member.client_host,
        .rebalance_timeout_ms = member.rebalance_timeout_ms,
        .session_timeout_ms = member.session_timeout_ms,
        .subscription = state.protocol_name ? member.metadata_of(*state.protocol_name) : base::Bytes(),
        .assignment = member.assignment,
    });
  }
  return value;
}

}  // namespace cms::coordinator
