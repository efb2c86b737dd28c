// SPDX-License-Identifier: Apache-2.0
// From one generation to the next, and what time does to a group.
#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"
#include "coordinator/classic/group.h"

namespace cms::coordinator {
namespace {

// Static members that asked for no time to rejoin are waited for all the same, but not without a pause.
constexpr std::int64_t postponement_min_ms = 1'000;

std::int32_t next_generation(std::int32_t generation) {
  return generation == std::numeric_limits<std::int32_t>::max() ? 0 : generation + 1;
}

}  // namespace

void ClassicGroup::rebalance_or_complete(Now now, Effects& effects) {
  if (phase_ == Phase::preparing_rebalance) return complete_if_all_joined(now, effects);
  prepare_rebalance(now, effects);
}

void ClassicGroup::prepare_rebalance(Now now, Effects& effects) {
  CHECK(phase_ != Phase::preparing_rebalance);
  if (phase_ == Phase::completing_rebalance) fail_assignment(now, ErrorCode::rebalance_in_progress, effects);
  sync_until_ms_ = never;
  const bool is_first = phase_ == Phase::empty;
  set_phase(now, Phase::preparing_rebalance);
  if (is_first) {
    initial_delay_ms_ = environment_.options.classic.initial_rebalance_delay_ms;
    initial_delay_left_ms_ = std::max<std::int64_t>(members_.rebalance_timeout_max_ms() - initial_delay_ms_, 0);
    joined_in_delay_ = false;
    join_until_ms_ = now.steady_ms + initial_delay_ms_;
    if (initial_delay_ms_ == 0) complete_join(now, effects);
  } else if (all_joined()) {
    complete_join(now, effects);
  } else {
    join_until_ms_ = now.steady_ms + members_.rebalance_timeout_max_ms();
  }
}

bool ClassicGroup::all_joined() const { return members_.size() == members_.waiting_for_join() && pending_.empty(); }

void ClassicGroup::complete_if_all_joined(Now now, Effects& effects) {
  // The first members of a group are waited for as long as the initial delay says: how many come is not known.
  if (phase_ != Phase::preparing_rebalance || phase_before_ == Phase::empty || !all_joined()) return;
  complete_join(now, effects);
}

void ClassicGroup::end_initial_delay(Now now, Effects& effects) {
  if (!joined_in_delay_ || initial_delay_left_ms_ == 0) return complete_join(now, effects);
  joined_in_delay_ = false;
  const std::int64_t left_ms = std::max<std::int64_t>(initial_delay_left_ms_ - initial_delay_ms_, 0);
  const std::int64_t whole_ms = environment_.options.classic.initial_rebalance_delay_ms;
  initial_delay_ms_ = std::min(whole_ms, initial_delay_left_ms_);
  initial_delay_left_ms_ = left_ms;
  join_until_ms_ = now.steady_ms + initial_delay_ms_;
}

void ClassicGroup::complete_join(Now now, Effects& effects) {
  join_until_ms_ = never;
  for (auto next = members_.all().begin(); next != members_.all().end();) {
    JoinedMember& member = (next++)->second;
    if (!member.join_ticket && !member.data.instance_id) remove(member, effects);
  }
  if (!members_.empty() && !members_.elect_waiting_leader()) {
    // Nobody but static members that are away: their sessions decide.
    join_until_ms_ = now.steady_ms + std::max(members_.rebalance_timeout_max_ms(), postponement_min_ms);
    return;
  }
  generation_ = next_generation(generation_);
  protocol_name_ = members_.vote();
  find_subscribed_topics();
  if (members_.empty()) {
    set_phase(now, Phase::empty);
    append_record(effects);
  } else {
    CHECK(protocol_name_.has_value());
    set_phase(now, Phase::completing_rebalance);
    tell_generation(now, effects);
  }
}

void ClassicGroup::tell_generation(Now now, Effects& effects) {
  for (auto& [id, member] : members_.all()) {
    if (const auto ticket = members_.take_join_ticket(member)) effects.reply(*ticket, join_response(member));
    member.is_new = false;
    member.unsynced = true;
    keep_alive(now, member);
  }
  unsynced_ = members_.size();
  sync_until_ms_ = now.steady_ms + members_.rebalance_timeout_max_ms();
}

void ClassicGroup::drop_unsynced(Now now, Effects& effects) {
  sync_until_ms_ = never;
  if (unsynced_ == 0) return;
  for (auto next = members_.all().begin(); next != members_.all().end();) {
    JoinedMember& member = (next++)->second;
    if (member.unsynced) remove(member, effects);
  }
  prepare_rebalance(now, effects);
}

void ClassicGroup::expire(Now now, const std::string& member_id, Effects& effects) {
  if (pending_.contains(member_id)) {
    forget_pending(member_id);
    return complete_if_all_joined(now, effects);
  }
  JoinedMember* member = members_.find(member_id);
  CHECK(member);
  remove(*member, effects);
  rebalance_or_complete(now, effects);
}

void ClassicGroup::tick(Now now, Effects& effects) {
  while (const auto expired = sessions_.take_expired(now.steady_ms)) expire(now, *expired, effects);
  if (join_until_ms_ <= now.steady_ms) {
    if (phase_before_ == Phase::empty) {
      end_initial_delay(now, effects);
    } else {
      complete_join(now, effects);
    }
  }
  if (sync_until_ms_ <= now.steady_ms) drop_unsynced(now, effects);
  set_wake();
}

void ClassicGroup::loaded(Now now, Effects& effects) {
  for (const auto& [id, member] : members_.all()) keep_alive(now, member);
  // The limit has been lowered. Members commit their offsets when they hear of a rebalance, before some have to go.
  const auto members_max = static_cast<std::size_t>(std::max(environment_.options.classic.members_max, 0));
  if (members_.size() > members_max) prepare_rebalance(now, effects);
  set_wake();
}

void ClassicGroup::set_phase(Now now, Phase phase) {
  phase_before_ = std::exchange(phase_, phase);
  phase_since_ms_ = now.wall_ms;
}

void ClassicGroup::set_wake() { wake_exactly(std::min({sessions_.first_ms(), join_until_ms_, sync_until_ms_})); }

}  // namespace cms::coordinator
