// SPDX-License-Identifier: Apache-2.0
#include "coordinator/consumer/journal.h"

#include <utility>

#include "coordinator/log/records.h"

namespace cms::coordinator {

namespace {

void append_pattern(const std::string& group_id, const std::string& pattern, const ResolvedPattern& resolved,
                    Effects& effects) {
  ConsumerGroupRegularExpressionValue value;
  value.topics = resolved.topics;
  value.version = resolved.version;
  value.timestamp_ms = resolved.resolved_at_ms;
  append(ConsumerGroupRegularExpressionKey{group_id, pattern}, value, effects);
}

}  // namespace

std::size_t record_bytes(const Effects& effects, std::size_t first) {
  constexpr std::size_t framing_bytes_max = 32;  // lengths and deltas
  std::size_t sum = 0;
  for (std::size_t i = first; i < effects.records.size(); ++i) {
    const LogRecord& record = effects.records[i];
    sum += framing_bytes_max + record.key.size() + (record.value ? record.value->size() : 0);
  }
  return sum;
}

void Journal::keep_member(const std::string& member_id) {
  const ConsumerMember* member = state_.find(member_id);
  old_.push_back(OldMember{member_id, member ? std::optional(*member) : std::nullopt});
}

void Journal::set_metadata(const std::string& member_id, MemberMetadata metadata) {
  append(ConsumerGroupMemberMetadataKey{group_id_, member_id}, metadata, effects_);
  keep_member(member_id);
  state_.set_metadata(member_id, std::move(metadata));
}

void Journal::set_current(const std::string& member_id, CurrentAssignment current) {
  append(ConsumerGroupCurrentMemberAssignmentKey{group_id_, member_id}, to_value(current), effects_);
  if (const ConsumerMember* member = state_.find(member_id)) {
    old_.push_back(OldCurrent{member_id, member->current});
  } else {
    keep_member(member_id);
  }
  state_.set_current(member_id, std::move(current));
}

void Journal::set_target(const std::string& member_id, Partitions target) {
  append(ConsumerGroupTargetAssignmentMemberKey{group_id_, member_id}, to_value(target), effects_);
  if (const ConsumerMember* member = state_.find(member_id)) {
    old_.push_back(OldTarget{member_id, member->target});
  } else {
    keep_member(member_id);
  }
  state_.set_target(member_id, std::move(target));
}

void Journal::remove(const std::string& member_id) {
  append_tombstone(ConsumerGroupCurrentMemberAssignmentKey{group_id_, member_id}, effects_);
  append_tombstone(ConsumerGroupTargetAssignmentMemberKey{group_id_, member_id}, effects_);
  append_tombstone(ConsumerGroupMemberMetadataKey{group_id_, member_id}, effects_);
  keep_member(member_id);
  state_.put(member_id, std::nullopt);
}

void Journal::set_group_epoch(std::int32_t epoch, std::int64_t metadata_hash) {
  ConsumerGroupMetadataValue value;
  value.epoch = epoch;
  value.metadata_hash = metadata_hash;
  append(ConsumerGroupMetadataKey{group_id_}, value, effects_);
  GroupEpochs epochs = state_.epochs();
  old_.push_back(epochs);
  epochs.group = epoch;
  epochs.metadata_hash = metadata_hash;
  state_.set_epochs(epochs);
}

void Journal::set_assignment_epoch(std::int32_t epoch, base::TimestampMs at_ms) {
  ConsumerGroupTargetAssignmentMetadataValue value;
  value.assignment_epoch = epoch;
  value.assignment_timestamp_ms = at_ms;
  append(ConsumerGroupTargetAssignmentMetadataKey{group_id_}, value, effects_);
  GroupEpochs epochs = state_.epochs();
  old_.push_back(epochs);
  epochs.assignment = epoch;
  epochs.assigned_at_ms = at_ms;
  state_.set_epochs(epochs);
}

void Journal::set_pattern(const std::string& pattern, ResolvedPattern resolved) {
  append_pattern(group_id_, pattern, resolved, effects_);
  const auto found = state_.patterns().find(pattern);
  old_.push_back(OldPattern{pattern, found == state_.patterns().end() ? std::nullopt : std::optional(found->second)});
  state_.set_pattern(pattern, std::move(resolved));
}

void Journal::forget_pattern(const std::string& pattern) {
  const auto found = state_.patterns().find(pattern);
  if (found == state_.patterns().end()) return;
  append_tombstone(ConsumerGroupRegularExpressionKey{group_id_, pattern}, effects_);
  old_.push_back(OldPattern{pattern, found->second});
  state_.set_pattern(pattern, std::nullopt);
}

void Journal::bury(const std::string& group_id, const ConsumerState& state, Effects& effects) {
  for (const auto& [id, member] : state.members())
    append_tombstone(ConsumerGroupCurrentMemberAssignmentKey{group_id, id}, effects);
  for (const auto& [id, member] : state.members())
    append_tombstone(ConsumerGroupTargetAssignmentMemberKey{group_id, id}, effects);
  append_tombstone(ConsumerGroupTargetAssignmentMetadataKey{group_id}, effects);
  for (const auto& [id, member] : state.members())
    append_tombstone(ConsumerGroupMemberMetadataKey{group_id, id}, effects);
  for (const auto& [pattern, resolved] : state.patterns())
    append_tombstone(ConsumerGroupRegularExpressionKey{group_id, pattern}, effects);
  // Kafka before 4.1 may have left the topics as it saw them.
  append_tombstone(ConsumerGroupPartitionMetadataKey{group_id}, effects);
  append_tombstone(ConsumerGroupMetadataKey{group_id}, effects);
}

void Journal::roll_back() {
  for (auto old = old_.rbegin(); old != old_.rend(); ++old) {
    if (auto* member = std::get_if<OldMember>(&*old)) {
      state_.put(member->id, std::move(member->member));
    } else if (auto* current = std::get_if<OldCurrent>(&*old)) {
      state_.set_current(current->id, std::move(current->current));
    } else if (auto* target = std::get_if<OldTarget>(&*old)) {
      state_.set_target(target->id, std::move(target->target));
    } else if (auto* pattern = std::get_if<OldPattern>(&*old)) {
      state_.set_pattern(pattern->pattern, std::move(pattern->resolved));
    } else {
      state_.set_epochs(std::get<GroupEpochs>(*old));
    }
  }
  old_.clear();
  effects_.records.resize(first_record_);
}

}  // namespace cms::coordinator
