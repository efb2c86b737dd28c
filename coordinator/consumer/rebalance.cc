// SPDX-License-Identifier: Apache-2.0
// From a change of subscriptions or topics to a new epoch of the group, from there to a new target, and a member's way
// to it.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "coordinator/consumer/group.h"
#include "coordinator/consumer/metadata_hash.h"
#include "coordinator/consumer/target.h"
#include "coordinator/consumer/topic_pattern.h"

namespace cms::coordinator {

namespace {

// While topics come and go, patterns are not resolved more often than this.
constexpr std::int64_t pattern_interval_ms = 10'000;

}  // namespace

ConsumerGroup::SubscriptionChange ConsumerGroup::change_metadata(const std::string& member_id, MemberMetadata metadata,
                                                                 Journal& journal) {
  const ConsumerMember* known = state_.find(member_id);
  if (known != nullptr && known->metadata == metadata) return {};
  SubscriptionChange change;
  static const MemberMetadata silent;
  const MemberMetadata& before = known && known->metadata ? *known->metadata : silent;
  change.old_pattern = before.subscribed_topic_regex.value_or("");
  change.names = before.subscribed_topic_names != metadata.subscribed_topic_names;
  change.pattern = change.old_pattern != metadata.subscribed_topic_regex.value_or("");
  journal.set_metadata(member_id, std::move(metadata));
  return change;
}

void ConsumerGroup::refresh_subscriptions(Now now, const SubscriptionChange& change, Journal& journal) {
  if (change.pattern && !state_.pattern_users().contains(change.old_pattern))
    journal.forget_pattern(change.old_pattern);
  bool needs_assignment = resolve_patterns(now, journal) || change.any();

  const std::uint64_t generation = environment_.topics.generation();
  if (!needs_assignment && seen_generation_ == generation) return;
  const std::int64_t hash = metadata_hash(state_.subscribed_topics(), environment_.topics);
  needs_assignment |= hash != state_.epochs().metadata_hash;
  seen_generation_ = generation;
  if (needs_assignment) journal.set_group_epoch(state_.epochs().group + 1, hash);
}

bool ConsumerGroup::patterns_are_due(Now now) const {
  if (state_.pattern_users().empty()) return false;
  if (!patterns_time_ms_ || now.wall_ms < *patterns_time_ms_) return true;  // the clock has been set back
  const std::int64_t age_ms = now.wall_ms - *patterns_time_ms_;
  return age_ms >= environment_.options.consumer.regex_refresh_ms ||
         (age_ms >= pattern_interval_ms && patterns_generation_ != environment_.topics.generation());
}

// Whether one matches other topics than before.
bool ConsumerGroup::resolve_patterns(Now now, Journal& journal) {
  if (state_.pattern_users().empty()) return false;
  const std::uint64_t generation = environment_.topics.generation();
  const bool all = patterns_are_due(now);
  bool changed = false;
  for (const auto& [pattern, users] : state_.pattern_users()) {
    const auto known = state_.patterns().find(pattern);
    const bool is_known = known != state_.patterns().end();
    if (is_known && !all) continue;
    ResolvedPattern resolved{.topics = matching_topics(pattern, environment_.topics),
                             .version = static_cast<std::int64_t>(generation),
                             .resolved_at_ms = now.wall_ms};
    if (is_known && known->second.topics == resolved.topics) continue;
    changed |= is_known || !resolved.topics.empty();
    journal.set_pattern(pattern, std::move(resolved));
  }
  if (all) {
    patterns_generation_ = generation;
    patterns_time_ms_ = now.wall_ms;
  }
  return changed;
}

bool ConsumerGroup::may_assign(Now now) const {
  const std::int32_t interval_ms = environment_.group_configs(id()).assignment_interval_ms.value_or(
      environment_.options.consumer.assignment_interval_ms);
  const base::TimestampMs last_ms = state_.epochs().assigned_at_ms;
  return last_ms == 0 || now.wall_ms < last_ms || now.wall_ms >= last_ms + interval_ms;
}

// The members vote; if nobody does, the first of the options.
std::string ConsumerGroup::preferred_assignor() const {
  const ConsumerOptions& options = environment_.options.consumer;
  std::size_t most = 0;
  std::string_view preferred = options.assignors.front();
  for (const auto& [name, votes] : state_.assignor_votes()) {
    if (votes <= most || std::ranges::find(options.assignors, name) == options.assignors.end()) continue;
    most = votes;
    preferred = name;
  }
  return std::string(preferred);
}

void ConsumerGroup::update_target(Now now, Journal& journal) {
  const GroupEpochs& epochs = state_.epochs();
  if (epochs.assignment >= epochs.group || !may_assign(now)) return;
  const Assignor assignor = find_assignor(preferred_assignor());
  CHECK(assignor != nullptr);  // options are checked when they are read
  for (auto& [member_id, partitions] : compute_target(state_, environment_.topics, assignor)) {
    const ConsumerMember& member = *state_.find(member_id);
    if (!member.target || *member.target != partitions)
      journal.set_target(std::string(member_id), std::move(partitions));
  }
  journal.set_assignment_epoch(epochs.group, now.wall_ms);
}

void ConsumerGroup::reconcile_member(Now now, const std::string& member_id, bool subscription_changed,
                                     const ReportedPartitions* reported, Journal& journal) {
  const ConsumerMember& member = *state_.find(member_id);
  if (!subscription_changed && member.current.is_reconciled_to(state_.epochs().assignment)) return;
  static const Partitions nothing;
  std::optional<CurrentAssignment> next =
      reconcile({.current = member.current,
                 .target_epoch = state_.epochs().assignment,
                 .target = member.target ? *member.target : nothing,
                 .reported = reported,
                 .subscription_changed = subscription_changed,
                 .is_subscribed =
                     [&](const base::Uuid& topic_id) {
                       const std::optional<TopicInfo> topic = environment_.topics.find(topic_id);
                       return topic && state_.is_subscribed(*member.metadata, topic->name);
                     },
                 .is_free = [&](const base::Uuid& topic_id,
                                std::int32_t partition) { return state_.is_free(topic_id, partition); }});
  if (!next) return;
  const bool has_to_revoke = next->state == ConsumerMemberState::unrevoked_partitions;
  journal.set_current(member_id, *std::move(next));
  if (member.is_classic()) return;  // it is told to join again instead, and has so long for that
  if (has_to_revoke) {
    revocations_.set(member_id, now.steady_ms + member.metadata->rebalance_timeout_ms);
  } else {
    revocations_.drop(member_id);
  }
}

bool ConsumerGroup::is_too_large(const Journal& journal) const {
  return journal.bytes() > static_cast<std::size_t>(environment_.options.record_bytes_max);
}

void ConsumerGroup::take_back(Journal& journal) {
  journal.roll_back();
  seen_generation_.reset();
  patterns_time_ms_.reset();
}

}  // namespace cms::coordinator
