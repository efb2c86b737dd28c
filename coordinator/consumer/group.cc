// SPDX-License-Identifier: Apache-2.0
#include "coordinator/consumer/group.h"

#include <algorithm>
#include <utility>

#include "coordinator/sorted.h"

namespace cms::coordinator {

ConsumerGroup::ConsumerGroup(std::string id, const GroupEnvironment& environment)
    : Group(std::move(id)), environment_(environment) {}

void ConsumerGroup::replay(const Entry<ConsumerGroupMetadataKey>& entry) {
  GroupEpochs epochs = state_.epochs();
  epochs.group = entry.value ? entry.value->epoch : GroupEpochs().group;
  epochs.metadata_hash = entry.value ? entry.value->metadata_hash : 0;
  state_.set_epochs(epochs);
}

void ConsumerGroup::replay(const Entry<ConsumerGroupTargetAssignmentMetadataKey>& entry) {
  GroupEpochs epochs = state_.epochs();
  epochs.assignment = entry.value ? entry.value->assignment_epoch : GroupEpochs().assignment;
  epochs.assigned_at_ms = entry.value ? entry.value->assignment_timestamp_ms : 0;
  state_.set_epochs(epochs);
}

void ConsumerGroup::replay(const Entry<ConsumerGroupMemberMetadataKey>& entry) {
  if (!entry.value) {
    state_.put(entry.key.member_id, std::nullopt);
    return;
  }
  MemberMetadata metadata = *entry.value;
  sort_without_doubles(metadata.subscribed_topic_names);
  state_.set_metadata(entry.key.member_id, std::move(metadata));
}

// Tombstones of a member that is gone already must not make one again.
void ConsumerGroup::replay(const Entry<ConsumerGroupTargetAssignmentMemberKey>& entry) {
  if (entry.value) {
    state_.set_target(entry.key.member_id, from_value(*entry.value));
  } else if (state_.find(entry.key.member_id) != nullptr) {
    state_.set_target(entry.key.member_id, std::nullopt);
  }
}

void ConsumerGroup::replay(const Entry<ConsumerGroupCurrentMemberAssignmentKey>& entry) {
  if (entry.value) {
    state_.set_current(entry.key.member_id, from_value(*entry.value));
  } else if (state_.find(entry.key.member_id) != nullptr) {
    state_.set_current(entry.key.member_id, {});
  }
}

void ConsumerGroup::replay(const Entry<ConsumerGroupRegularExpressionKey>& entry) {
  if (!entry.value) {
    state_.set_pattern(entry.key.regular_expression, std::nullopt);
    return;
  }
  ResolvedPattern resolved{
      .topics = entry.value->topics, .version = entry.value->version, .resolved_at_ms = entry.value->timestamp_ms};
  std::ranges::sort(resolved.topics);
  state_.set_pattern(entry.key.regular_expression, std::move(resolved));
}

void ConsumerGroup::loaded(Now now, Effects&) {
  // Left of a member whose other records are gone.
  std::vector<std::string> remains;
  for (const auto& [member_id, member] : state_.members())
    if (!member.metadata) remains.push_back(member_id);
  for (const std::string& member_id : remains) state_.put(member_id, std::nullopt);

  for (const auto& [member_id, member] : state_.members()) {
    sessions_.set(member_id, now.steady_ms + session_timeout_ms(member));
    if (!member.is_classic() && member.current.state == ConsumerMemberState::unrevoked_partitions &&
        member.current.epoch != epoch_of_expected_back) {
      revocations_.set(member_id, now.steady_ms + member.metadata->rebalance_timeout_ms);
    }
  }
  set_wake();
}

ErrorCode ConsumerGroup::check_commit(Now now, const OffsetClaim& claim) {
  if (claim.generation_or_epoch < 0 && state_.members().empty()) return ErrorCode::none;
  const ConsumerMember* member = state_.find(claim.member_id);
  if (member == nullptr) return ErrorCode::unknown_member_id;
  if (!member->is_classic() && claim.version < 9) return ErrorCode::unsupported_version;
  if (claim.generation_or_epoch > member->current.epoch)
    return member->is_classic() ? ErrorCode::illegal_generation : ErrorCode::stale_member_epoch;
  if (member->is_classic()) {
    sessions_.set(claim.member_id, now.steady_ms + session_timeout_ms(*member));
    set_wake();
  }
  return ErrorCode::none;
}

ErrorCode ConsumerGroup::check_commit_of(const OffsetClaim& claim, const base::Uuid& topic_id,
                                         std::int32_t partition) const {
  const ConsumerMember* member = state_.find(claim.member_id);
  if (member == nullptr || claim.generation_or_epoch == member->current.epoch) return ErrorCode::none;
  const OwnedPartition* owned = find_partition(member->current.assigned, topic_id, partition);
  if (owned == nullptr) owned = find_partition(member->current.revoking, topic_id, partition);
  if (owned != nullptr && claim.generation_or_epoch >= owned->epoch) return ErrorCode::none;
  return member->is_classic() ? ErrorCode::illegal_generation : ErrorCode::stale_member_epoch;
}

ErrorCode ConsumerGroup::check_fetch(const OffsetClaim& claim) const {
  if (claim.member_id.empty() && claim.generation_or_epoch < 0) return ErrorCode::none;
  const ConsumerMember* member = state_.find(claim.member_id);
  if (member == nullptr) return ErrorCode::unknown_member_id;
  if (claim.generation_or_epoch == member->current.epoch) return ErrorCode::none;
  return member->is_classic() ? ErrorCode::illegal_generation : ErrorCode::stale_member_epoch;
}

ErrorCode ConsumerGroup::why_not_deleted() const {
  return state_.members().empty() ? ErrorCode::none : ErrorCode::non_empty_group;
}

void ConsumerGroup::append_tombstones(Effects& effects) const { Journal::bury(id(), state_, effects); }

std::unique_ptr<Group> ConsumerGroup::take_successor(Now, Effects&) { return std::move(successor_); }

}  // namespace cms::coordinator
