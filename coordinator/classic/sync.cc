// SPDX-License-Identifier: Apache-2.0
// SyncGroup: the leader brings the assignment, everybody fetches their part of it.
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "coordinator/classic/group.h"

namespace cms::coordinator {
namespace {

using protocol::SyncGroupRequest;
using protocol::SyncGroupResponse;

// Since then a member must say what it believes the group has agreed on (KIP-559).
constexpr protocol::Version names_protocol_since = 5;

bool contradicts(const std::optional<std::string>& told, const std::optional<std::string>& known) {
  return told && told != known;
}

}  // namespace

SyncGroupResponse refused_sync(ErrorCode error) {
  SyncGroupResponse response;
  response.error_code = error;
  return response;
}

ErrorCode ClassicGroup::check_sync(const Call<SyncGroupRequest>& call) const {
  const SyncGroupRequest& request = call.request;
  if (call.version >= names_protocol_since && !(request.protocol_type && request.protocol_name)) {
    return ErrorCode::inconsistent_group_protocol;
  }
  if (const ErrorCode error = check_member(request.member_id, request.group_instance_id); error != ErrorCode::none) {
    return error;
  }
  if (request.generation_id != generation_) return ErrorCode::illegal_generation;
  if (contradicts(request.protocol_type, protocol_type_) || contradicts(request.protocol_name, protocol_name_)) {
    return ErrorCode::inconsistent_group_protocol;
  }
  return ErrorCode::none;
}

void ClassicGroup::sync(Now now, const Call<SyncGroupRequest>& call, Effects& effects) {
  const SyncGroupRequest& request = call.request;
  ErrorCode error = check_sync(call);
  if (error == ErrorCode::none && phase_ == Phase::preparing_rebalance) error = ErrorCode::rebalance_in_progress;
  if (error != ErrorCode::none) {
    effects.reply(call.ticket, refused_sync(error));
    return;
  }
  JoinedMember& member = *members_.find(request.member_id);
  mark_synced(member);
  if (phase_ == Phase::stable) {
    keep_alive(now, member);
    effects.reply(call.ticket, sync_response(member));
  } else {
    if (const auto superseded = std::exchange(member.sync_ticket, call.ticket)) {
      effects.reply(*superseded, refused_sync(ErrorCode::rebalance_in_progress));
    }
    sessions_.set(member.data.id, never);  // who waits is alive
    if (members_.is_leader(member.data.id)) assign(now, request, effects);
  }
  set_wake();
}

SyncGroupResponse ClassicGroup::sync_response(const JoinedMember& member) const {
  SyncGroupResponse response;
  response.protocol_type = protocol_type_;
  response.protocol_name = protocol_name_;
  response.assignment = member.data.assignment;
  return response;
}

void ClassicGroup::mark_synced(JoinedMember& member) {
  if (!std::exchange(member.unsynced, false)) return;
  CHECK(unsynced_ > 0);
  if (--unsynced_ == 0) sync_until_ms_ = never;
}

void ClassicGroup::assign(Now now, const SyncGroupRequest& request, Effects& effects) {
  CHECK(phase_ == Phase::completing_rebalance);
  for (auto& [id, member] : members_.all()) member.data.assignment = {};
  for (const SyncGroupRequest::Assignment& assigned : request.assignments) {
    JoinedMember* member = members_.find(assigned.member_id);
    if (member) member->data.assignment = base::Bytes::copy_of(assigned.assignment.bytes());
  }
  const Phase before = phase_before_;
  const auto since_ms = phase_since_ms_;
  set_phase(now, Phase::stable);
  if (!append_record(effects)) {
    phase_ = Phase::completing_rebalance;
    phase_before_ = before;
    phase_since_ms_ = since_ms;
    // Trying again would not make it smaller; members that have left might.
    fail_assignment(now, ErrorCode::unknown_server_error, effects);
    return prepare_rebalance(now, effects);
  }
  for (auto& [id, member] : members_.all()) {
    const auto ticket = std::exchange(member.sync_ticket, std::nullopt);
    if (!ticket) continue;
    effects.reply(*ticket, sync_response(member));
    keep_alive(now, member);
  }
}

void ClassicGroup::fail_assignment(Now now, ErrorCode error, Effects& effects) {
  for (auto& [id, member] : members_.all()) {
    member.data.assignment = {};
    const auto ticket = std::exchange(member.sync_ticket, std::nullopt);
    if (!ticket) continue;
    effects.reply(*ticket, refused_sync(error));
    keep_alive(now, member);
  }
}

}  // namespace cms::coordinator
