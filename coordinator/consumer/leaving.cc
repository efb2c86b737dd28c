// SPDX-License-Identifier: Apache-2.0
// Members that leave, or are taken for gone.
#include <algorithm>
#include <set>
#include <utility>

#include "coordinator/consumer/group.h"
#include "coordinator/consumer/heartbeat_request.h"
#include "coordinator/consumer/metadata_hash.h"

namespace cms::coordinator {

namespace {

constexpr std::size_t expired_in_a_tick_max = 256;

}  // namespace

protocol::ConsumerGroupHeartbeatResponse ConsumerGroup::leave_by_heartbeat(Now now, const HeartbeatCall& call,
                                                                           Effects& effects) {
  const protocol::ConsumerGroupHeartbeatRequest& request = call.request;
  if (request.instance_id) {
    const std::string* holder = state_.static_member_id(*request.instance_id);
    if (holder == nullptr)
      return refuse_heartbeat(ErrorCode::unknown_member_id, "Instance id " + *request.instance_id + " is unknown.");
    if (*holder != request.member_id) {
      return refuse_heartbeat(ErrorCode::fenced_instance_id, "Static member " + request.member_id +
                                                                 " with instance id " + *request.instance_id +
                                                                 " was fenced by member " + *holder + ".");
    }
  } else if (state_.find(request.member_id) == nullptr) {
    return refuse_heartbeat(ErrorCode::unknown_member_id,
                            "Member " + request.member_id + " is not a member of group " + id() + ".");
  }

  if (request.member_epoch == epoch_of_expected_back) {
    // It keeps what it has, for who comes back in its place within the session timeout.
    Journal journal(id(), state_, effects);
    CurrentAssignment current = state_.find(request.member_id)->current;
    current.epoch = epoch_of_expected_back;
    current.revoking.clear();
    for (auto& [topic_id, partitions] : current.assigned)
      for (OwnedPartition& partition : partitions) partition.epoch = 0;
    journal.set_current(request.member_id, std::move(current));
    revocations_.drop(request.member_id);
    set_wake();
  } else if (!remove_members(now, {request.member_id}, effects)) {
    return refuse_heartbeat(ErrorCode::unknown_server_error, "The group's records are larger than its log takes.");
  }
  protocol::ConsumerGroupHeartbeatResponse response;
  response.member_id = request.member_id;
  response.member_epoch = request.member_epoch;
  return response;
}

// The ids differ and are members'. False, and nothing done, if that were too much for the log at once.
bool ConsumerGroup::remove_members(Now now, const std::vector<std::string>& ids, Effects& effects) {
  if (ids.empty()) return true;
  const auto classic_leavers = static_cast<std::size_t>(
      std::ranges::count_if(ids, [&](const std::string& member) { return state_.find(member)->is_classic(); }));
  const std::size_t left = state_.members().size() - ids.size();
  if (left > 0 && state_.classic_count() - classic_leavers == left && may_become_classic(left) &&
      become_classic(now, ids, true, effects)) {
    return true;
  }

  Journal journal(id(), state_, effects);
  for (const std::string& member_id : ids) journal.remove(member_id);
  std::vector<std::string> unused;
  for (const auto& [pattern, resolved] : state_.patterns())
    if (!state_.pattern_users().contains(pattern)) unused.push_back(pattern);
  for (const std::string& pattern : unused) journal.forget_pattern(pattern);
  journal.set_group_epoch(state_.epochs().group + 1, metadata_hash(state_.subscribed_topics(), environment_.topics));
  if (is_too_large(journal)) {
    take_back(journal);
    return false;
  }
  for (const std::string& member_id : ids) forget_timers(member_id);
  set_wake();
  return true;
}

void ConsumerGroup::forget_timers(std::string_view member_id) {
  for (Sessions* timers : {&sessions_, &revocations_, &joins_, &syncs_}) timers->drop(member_id);
}

void ConsumerGroup::set_wake() {
  wake_exactly(std::min({sessions_.first_ms(), revocations_.first_ms(), joins_.first_ms(), syncs_.first_ms()}));
}

std::int32_t ConsumerGroup::session_timeout_ms(const ConsumerMember& member) const {
  if (member.is_classic()) return member.metadata->classic_member_metadata->session_timeout_ms;
  return environment_.group_configs(id()).session_timeout_ms.value_or(environment_.options.consumer.session_timeout_ms);
}

void ConsumerGroup::tick(Now now, Effects& effects) {
  std::set<std::string> gone;
  const auto collect = [&](Sessions& timers, auto&& is_due) {
    while (gone.size() < expired_in_a_tick_max) {
      std::optional<std::string> member_id = timers.take_expired(now.steady_ms);
      if (!member_id) return;
      const ConsumerMember* member = state_.find(*member_id);
      if (member != nullptr && is_due(*member)) gone.insert(*std::move(member_id));
    }
  };
  collect(sessions_, [](const ConsumerMember&) { return true; });
  collect(revocations_, [](const ConsumerMember& member) {
    return member.current.state == ConsumerMemberState::unrevoked_partitions;
  });
  const auto is_classic = [](const ConsumerMember& member) { return member.is_classic(); };
  collect(joins_, is_classic);
  collect(syncs_, is_classic);
  if (!remove_members(now, {gone.begin(), gone.end()}, effects)) {
    // Not in one batch, then: each has another session's time to be taken alone or to be heard of again.
    for (const std::string& member_id : gone)
      sessions_.set(member_id, now.steady_ms + session_timeout_ms(*state_.find(member_id)));
  }
  set_wake();
}

}  // namespace cms::coordinator
