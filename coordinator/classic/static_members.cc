// SPDX-License-Identifier: Apache-2.0
// A static member that comes back without its id (KIP-345): it takes the place of the one it was.
#include <utility>

#include "base/check.h"
#include "coordinator/classic/group.h"

namespace cms::coordinator {
namespace {

// Since then a leader can be told the members without being asked to assign (KIP-814).
constexpr protocol::Version skips_assignment_since = 9;

}  // namespace

void ClassicGroup::replace_static_member(Now now, const JoinCall& call, std::string old_id, std::string new_id,
                                         Effects& effects) {
  JoinedMember& old_member = *members_.find(old_id);
  // Who still waits under the old id is another process with the same instance id.
  answer_waiting(old_member, old_id, ErrorCode::fenced_instance_id, effects);
  const ClassicMember before = old_member.data;
  sessions_.drop(old_id);
  JoinedMember& member = members_.replace(old_id, std::move(new_id));
  member.is_new = false;
  update_member(call, member, effects);
  switch (phase_) {
    case Phase::stable:
      return return_to_stable_group(now, call, member, before, effects);
    case Phase::completing_rebalance:
      // The leader may be assigning to the old id right now.
      return prepare_rebalance(now, effects);
    case Phase::preparing_rebalance:
      return complete_if_all_joined(now, effects);
    case Phase::empty:
      CHECK(false);
  }
}

void ClassicGroup::return_to_stable_group(Now now, const JoinCall& call, JoinedMember& member,
                                          const ClassicMember& before, Effects& effects) {
  if (members_.vote() != protocol_name_) return prepare_rebalance(now, effects);
  const Ticket ticket = *members_.take_join_ticket(member);
  if (!append_record(effects)) {
    sessions_.drop(member.data.id);
    members_.set_protocols(member, before.protocols);
    members_.replace(std::string(member.data.id), before.id);
    member.data = before;
    keep_alive(now, member);
    return effects.reply(ticket, refused_join({}, ErrorCode::unknown_server_error));
  }
  keep_alive(now, member);
  protocol::JoinGroupResponse response = join_response(member);
  if (members_.is_leader(member.data.id)) {
    if (call.version >= skips_assignment_since) {
      response.members = list_for_leader();
      response.skip_assignment = true;
    } else {
      // An old client would assign if it were told that it leads. It is not, and asks for its assignment only.
      response.leader = before.id;
    }
  }
  effects.reply(ticket, std::move(response));
}

}  // namespace cms::coordinator
