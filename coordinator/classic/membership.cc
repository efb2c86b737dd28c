// SPDX-License-Identifier: Apache-2.0
// Who is a member and may do what: Heartbeat, LeaveGroup, commits.
#include <utility>

#include "base/check.h"
#include "coordinator/classic/group.h"

namespace cms::coordinator {

using protocol::ConsumerGroupHeartbeatRequest;
using protocol::ConsumerGroupHeartbeatResponse;
using protocol::HeartbeatRequest;
using protocol::HeartbeatResponse;
using protocol::LeaveGroupRequest;
using protocol::LeaveGroupResponse;

ErrorCode ClassicGroup::check_member(std::string_view member_id, std::optional<std::string_view> instance_id) const {
  if (instance_id) {
    const std::string* present = members_.id_of_instance(*instance_id);
    if (!present) return ErrorCode::unknown_member_id;
    if (*present != member_id) return ErrorCode::fenced_instance_id;
  }
  return members_.find(member_id) ? ErrorCode::none : ErrorCode::unknown_member_id;
}

HeartbeatResponse ClassicGroup::heartbeat(Now now, const Call<HeartbeatRequest>& call, Effects&) {
  const HeartbeatRequest& request = call.request;
  HeartbeatResponse response;
  response.error_code = check_member(request.member_id, request.group_instance_id);
  if (response.error_code != ErrorCode::none) return response;
  if (request.generation_id != generation_) {
    response.error_code = ErrorCode::illegal_generation;
    return response;
  }
  keep_alive(now, *members_.find(request.member_id));
  if (phase_ == Phase::preparing_rebalance) response.error_code = ErrorCode::rebalance_in_progress;
  set_wake();
  return response;
}

ConsumerGroupHeartbeatResponse ClassicGroup::heartbeat(Now, const Call<ConsumerGroupHeartbeatRequest>&, Effects&) {
  // The shard has converted the group if that was possible.
  ConsumerGroupHeartbeatResponse response;
  response.error_code = ErrorCode::group_id_not_found;
  response.error_message = "Group " + id() + " is not a consumer group.";
  return response;
}

LeaveGroupResponse ClassicGroup::leave(Now now, const Call<LeaveGroupRequest>& call, Effects& effects) {
  constexpr protocol::Version several_since = 3;
  LeaveGroupResponse response;
  bool removed = false;
  if (call.version < several_since) {
    response.error_code = leave_one(call.request.member_id, std::nullopt, removed, effects);
  } else {
    response.members.reserve(call.request.members.size());
    for (const LeaveGroupRequest::Member& member : call.request.members) {
      const ErrorCode error = leave_one(member.member_id, member.group_instance_id, removed, effects);
      response.members.push_back({member.member_id, member.group_instance_id, error});
    }
  }
  if (removed) {
    rebalance_or_complete(now, effects);
  } else {
    complete_if_all_joined(now, effects);  // one that was waited for may have been a pending one
  }
  set_wake();
  return response;
}

ErrorCode ClassicGroup::leave_one(std::string_view member_id, const std::optional<std::string>& instance_id,
                                  bool& removed, Effects& effects) {
  std::string id(member_id);
  if (id.empty()) {
    // An administrator names static members without knowing their ids.
    const std::string* present = instance_id ? members_.id_of_instance(*instance_id) : nullptr;
    if (!present) return ErrorCode::unknown_member_id;
    id = *present;
  } else if (pending_.contains(id)) {
    forget_pending(id);
    return ErrorCode::none;
  } else if (const ErrorCode error = check_member(id, instance_id); error != ErrorCode::none) {
    return error;
  }
  remove(*members_.find(id), effects);
  removed = true;
  return ErrorCode::none;
}

void ClassicGroup::remove(JoinedMember& member, Effects& effects) {
  // A client that still waits is told at once, with no id to go on with, and joins anew.
  answer_waiting(member, {}, ErrorCode::unknown_member_id, effects);
  mark_synced(member);
  const std::string id = member.data.id;
  sessions_.drop(id);
  members_.remove(id);
}

void ClassicGroup::answer_waiting(JoinedMember& member, std::string member_id, ErrorCode error, Effects& effects) {
  if (const auto ticket = members_.take_join_ticket(member)) {
    effects.reply(*ticket, refused_join(std::move(member_id), error));
  }
  if (const auto ticket = std::exchange(member.sync_ticket, std::nullopt)) effects.reply(*ticket, refused_sync(error));
}

void ClassicGroup::forget_pending(std::string_view id) {
  const auto position = pending_.find(id);
  if (position == pending_.end()) return;
  const auto forgotten = pending_.extract(position);
  pending_bytes_ -= pending_bytes(forgotten.value());
  sessions_.drop(forgotten.value());
}

void ClassicGroup::keep_alive(Now now, const JoinedMember& member) {
  // Who waits is alive, and one that does not know its id has another time.
  if (member.join_ticket || member.sync_ticket || member.is_new) return;
  sessions_.set(member.data.id, now.steady_ms + member.data.session_timeout_ms);
}

ErrorCode ClassicGroup::check_commit(Now now, const OffsetClaim& claim) {
  const bool from_outside = claim.generation_or_epoch < 0;
  if (from_outside && phase_ == Phase::empty) return ErrorCode::none;
  if (from_outside && claim.member_id.empty() && claim.instance_id.empty()) return ErrorCode::unknown_member_id;
  const auto instance_id = claim.instance_id.empty() ? std::nullopt : std::optional(claim.instance_id);
  if (const ErrorCode error = check_member(claim.member_id, instance_id); error != ErrorCode::none) return error;
  if (claim.generation_or_epoch != generation_) return ErrorCode::illegal_generation;
  // What it has read it has read under another assignment than the one it will get; it commits on the way there.
  if (phase_ == Phase::completing_rebalance) return ErrorCode::rebalance_in_progress;
  if (phase_ != Phase::empty) {
    keep_alive(now, *members_.find(claim.member_id));
    set_wake();
  }
  return ErrorCode::none;
}

ErrorCode ClassicGroup::check_fetch(const OffsetClaim&) const { return ErrorCode::none; }

ErrorCode ClassicGroup::why_not_deleted() const {
  return phase_ == Phase::empty ? ErrorCode::none : ErrorCode::non_empty_group;
}

}  // namespace cms::coordinator
