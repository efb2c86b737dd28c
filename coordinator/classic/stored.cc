// SPDX-License-Identifier: Apache-2.0
// A classic group between its log, the other protocol and memory.
#include <utility>

#include "base/check.h"
#include "coordinator/classic/group.h"
#include "coordinator/classic/record.h"

namespace cms::coordinator {

ClassicGroup::ClassicGroup(std::string id, const GroupEnvironment& environment)
    : Group(std::move(id)), environment_(environment) {}

std::unique_ptr<ClassicGroup> ClassicGroup::restore(const GroupEnvironment& environment, ClassicState state) {
  auto group = std::make_unique<ClassicGroup>(std::move(state.group_id), environment);
  group->phase_ = state.members.empty() ? Phase::empty : Phase::stable;
  group->phase_before_ = group->phase_;
  group->phase_since_ms_ = state.since_ms;
  group->generation_ = state.generation;
  group->protocol_type_ = std::move(state.protocol_type);
  group->protocol_name_ = std::move(state.protocol_name);
  CHECK(state.members.empty() || group->protocol_name_);
  for (ClassicMember& member : state.members) group->members_.add(std::move(member));
  if (state.leader && group->members_.find(*state.leader)) group->members_.set_leader(std::move(*state.leader));
  group->has_record_ = true;
  group->find_subscribed_topics();
  return group;
}

void ClassicGroup::converted(Now now, bool rebalance, Effects& effects) {
  append_record(effects);
  for (const auto& [id, member] : members_.all()) keep_alive(now, member);
  if (rebalance && phase_ == Phase::stable) prepare_rebalance(now, effects);
  set_wake();
}

ClassicState ClassicGroup::release(Effects& effects) {
  ClassicState released = state();
  for (auto& [id, member] : members_.all()) {
    answer_waiting(member, id, ErrorCode::rebalance_in_progress, effects);
    sessions_.drop(id);
  }
  members_ = {};
  pending_.clear();
  pending_bytes_ = 0;
  return released;
}

ClassicState ClassicGroup::state() const {
  ClassicState state{
      .group_id = id(),
      .generation = generation_,
      .protocol_type = protocol_type_,
      .protocol_name = protocol_name_,
      .leader = members_.leader(),
      .since_ms = phase_since_ms_,
      .members = {},
  };
  state.members.reserve(members_.size());
  for (const auto& [id, member] : members_.all()) state.members.push_back(member.data);
  return state;
}

bool ClassicGroup::append_record(Effects& effects) {
  std::string key = key_bytes(GroupMetadataKey{id()});
  std::string value = value_bytes(value_of(state()));
  const auto bytes_max = static_cast<std::size_t>(environment_.options.record_bytes_max);
  if (key.size() + value.size() > bytes_max) return false;
  effects.append(std::move(key), std::move(value));
  has_record_ = true;
  return true;
}

void ClassicGroup::append_tombstones(Effects& effects) const {
  if (has_record_) append_tombstone(GroupMetadataKey{id()}, effects);
}

}  // namespace cms::coordinator
