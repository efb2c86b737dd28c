// SPDX-License-Identifier: Apache-2.0
// JoinGroup.
#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "base/check.h"
#include "coordinator/classic/group.h"
#include "protocol/codec.h"

namespace cms::coordinator {
namespace {

using protocol::JoinGroupRequest;
using protocol::JoinGroupResponse;

// How long a member may wait in its first JoinGroup. It does not know its id, so when its client gives up and tries
// again it is another member, and this one stays for good (group.new.member.join.timeout.ms).
constexpr std::int64_t new_member_join_timeout_ms = 300'000;

// Member ids must fit into a string of the protocol, a UUID and all.
constexpr std::size_t id_prefix_bytes_max = protocol::string_bytes_max - 64;

constexpr protocol::Version needs_known_id_since = 4;

// One piece of memory for all that the member offers.
std::vector<ClassicProtocol> keep(const std::vector<JoinGroupRequest::Protocol>& offered) {
  std::size_t size = 0;
  for (const auto& protocol : offered) size += protocol.metadata.size();
  const auto memory = std::make_shared<std::byte[]>(size);
  std::vector<ClassicProtocol> kept;
  kept.reserve(offered.size());
  std::byte* end = memory.get();
  for (const auto& protocol : offered) {
    const base::ByteSpan bytes = protocol.metadata.bytes();
    if (!bytes.empty()) std::memcpy(end, bytes.data(), bytes.size());
    kept.push_back({protocol.name, base::Bytes(memory, base::ByteSpan(end, bytes.size()))});
    end += bytes.size();
  }
  return kept;
}

// Version 0 has one time-out for both.
std::int32_t rebalance_timeout_ms(const Call<JoinGroupRequest>& call) {
  const JoinGroupRequest& request = call.request;
  return call.version == 0 || request.rebalance_timeout_ms < 0 ? request.session_timeout_ms
                                                               : request.rebalance_timeout_ms;
}

}  // namespace

ErrorCode check_join(const ClassicOptions& options, const JoinGroupRequest& request) {
  if (request.group_id.empty()) return ErrorCode::invalid_group_id;
  if (request.session_timeout_ms < options.session_timeout_min_ms ||
      request.session_timeout_ms > options.session_timeout_max_ms) {
    return ErrorCode::invalid_session_timeout;
  }
  return ErrorCode::none;
}

JoinGroupResponse refused_join(std::string member_id, ErrorCode error) {
  JoinGroupResponse response;
  response.error_code = error;
  response.member_id = std::move(member_id);
  return response;
}

void ClassicGroup::join(Now now, const JoinCall& call, Effects& effects) {
  if (const ErrorCode error = check_join(environment_.options.classic, call.request); error != ErrorCode::none) {
    return effects.reply(call.ticket, refused_join(call.request.member_id, error));
  }
  // A new group is there after a restart, as empty as it is now: whoever joins has no assignment to lose yet.
  if (!has_record_ && phase_ == Phase::empty) append_record(effects);
  serve_join(now, call, effects);
  set_wake();
}

void ClassicGroup::serve_join(Now now, const JoinCall& call, Effects& effects) {
  const JoinGroupRequest& request = call.request;
  JoinedMember* known = members_.find(request.member_id);
  if (!has_room_for(request.member_id)) {
    if (known) remove(*known, effects);
    forget_pending(request.member_id);
    effects.reply(call.ticket, refused_join({}, ErrorCode::group_max_size_reached));
    complete_if_all_joined(now, effects);
  } else if (!supports(request)) {
    effects.reply(call.ticket, refused_join(request.member_id, ErrorCode::inconsistent_group_protocol));
  } else if (request.member_id.empty()) {
    join_new_member(now, call, effects);
  } else if (pending_.contains(request.member_id) && !request.group_instance_id) {
    forget_pending(request.member_id);
    add_member(now, call, request.member_id, effects);
  } else if (const ErrorCode error = check_member(request.member_id, request.group_instance_id);
             error != ErrorCode::none) {
    effects.reply(call.ticket, refused_join(request.member_id, error));
  } else {
    join_known_member(now, call, *known, effects);
  }
}

void ClassicGroup::join_new_member(Now now, const JoinCall& call, Effects& effects) {
  const auto& instance_id = call.request.group_instance_id;
  std::string id((instance_id ? std::string_view(*instance_id) : call.client.id).substr(0, id_prefix_bytes_max));
  id += '-';
  id += environment_.new_member_suffix();
  if (!instance_id) {
    if (call.version >= needs_known_id_since) return add_pending_member(now, call, std::move(id), effects);
    return add_member(now, call, std::move(id), effects);
  }
  const std::string* old_id = members_.id_of_instance(*instance_id);
  if (!old_id) return add_member(now, call, std::move(id), effects);
  replace_static_member(now, call, *old_id, std::move(id), effects);
}

void ClassicGroup::join_known_member(Now now, const JoinCall& call, JoinedMember& member, Effects& effects) {
  const bool same = member.offers_the_same(call.request.protocols);
  // Without a change it is a repetition: the answer got lost. Only a leader may want a rebalance without one, as its
  // assignment can depend on what nobody else sees, such as the partitions of a topic.
  const bool repeats = phase_ == Phase::completing_rebalance
                           ? same
                           : phase_ == Phase::stable && same && !members_.is_leader(member.data.id);
  if (repeats) {
    keep_alive(now, member);
    effects.reply(call.ticket, join_response(member));
    return;
  }
  update_member(call, member, effects);
  rebalance_or_complete(now, effects);
}

void ClassicGroup::add_member(Now now, const JoinCall& call, std::string id, Effects& effects) {
  const JoinGroupRequest& request = call.request;
  if (members_.empty()) protocol_type_ = request.protocol_type;
  if (phase_ == Phase::preparing_rebalance && phase_before_ == Phase::empty) joined_in_delay_ = true;
  JoinedMember& member = members_.add({
      .id = std::move(id),
      .instance_id = request.group_instance_id,
      .client_id = std::string(call.client.id),
      .client_host = std::string(call.client.host),
      .session_timeout_ms = request.session_timeout_ms,
      .rebalance_timeout_ms = rebalance_timeout_ms(call),
      .protocols = keep(request.protocols),
      .assignment = {},
  });
  member.is_new = true;
  members_.set_join_ticket(member, call.ticket);
  sessions_.set(member.data.id, now.steady_ms + new_member_join_timeout_ms);
  rebalance_or_complete(now, effects);
}

void ClassicGroup::update_member(const JoinCall& call, JoinedMember& member, Effects& effects) {
  members_.set_protocols(member, keep(call.request.protocols));
  member.data.session_timeout_ms = call.request.session_timeout_ms;
  member.data.rebalance_timeout_ms = rebalance_timeout_ms(call);
  if (const auto superseded = members_.set_join_ticket(member, call.ticket)) {
    effects.reply(*superseded, refused_join(member.data.id, ErrorCode::rebalance_in_progress));
  }
  // Who waits in JoinGroup is alive; a member that does not know its id keeps the time it has for that.
  if (!member.is_new) sessions_.set(member.data.id, never);
}

void ClassicGroup::add_pending_member(Now now, const JoinCall& call, std::string id, Effects& effects) {
  while (!pending_.empty() && pending_bytes_ + pending_bytes(id) > pending_bytes_max) {
    const std::string forgotten = *pending_.begin();
    forget_pending(forgotten);
  }
  pending_.insert(id);
  pending_bytes_ += pending_bytes(id);
  sessions_.set(id, now.steady_ms + call.request.session_timeout_ms);
  effects.reply(call.ticket, refused_join(std::move(id), ErrorCode::member_id_required));
}

bool ClassicGroup::has_room_for(const std::string& member_id) const {
  const auto members_max = static_cast<std::size_t>(std::max(environment_.options.classic.members_max, 0));
  const JoinedMember* member = members_.find(member_id);
  switch (phase_) {
    case Phase::empty:
      return true;
    case Phase::preparing_rebalance:
      // Those that wait count, not all: where the limit has been lowered, the last to rejoin have to go.
      return (member && member->join_ticket) || members_.waiting_for_join() < members_max;
    case Phase::completing_rebalance:
    case Phase::stable:
      return member || members_.size() < members_max;
  }
  return false;
}

bool ClassicGroup::supports(const JoinGroupRequest& request) const {
  if (members_.empty()) return !request.protocol_type.empty() && !request.protocols.empty();
  return protocol_type_ == request.protocol_type &&
         std::ranges::any_of(request.protocols, [&](const auto& offered) { return members_.all_offer(offered.name); });
}

JoinGroupResponse ClassicGroup::join_response(const JoinedMember& member) const {
  JoinGroupResponse response;
  response.generation_id = generation_;
  response.protocol_type = protocol_type_;
  response.protocol_name = protocol_name_;
  response.leader = members_.leader().value_or("");
  response.member_id = member.data.id;
  if (members_.is_leader(member.data.id) && phase_ == Phase::completing_rebalance) {
    response.members = list_for_leader();
  }
  return response;
}

std::vector<JoinGroupResponse::Member> ClassicGroup::list_for_leader() const {
  std::vector<JoinGroupResponse::Member> list;
  list.reserve(members_.size());
  for (const auto& [id, member] : members_.all()) {
    list.push_back({id, member.data.instance_id, member.data.metadata_of(*protocol_name_)});
  }
  return list;
}

}  // namespace cms::coordinator
