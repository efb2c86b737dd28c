// SPDX-License-Identifier: Apache-2.0
// The members of a classic group, with everything that is counted over them kept up to date: which protocols all of
// them offer, who waits for JoinGroup, who leads, which static member has which id.
//
// So a join costs a search by id and one count per protocol offered, however many members there are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/call.h"
#include "coordinator/classic/state.h"
#include "protocol/messages/groups.h"

namespace cms::coordinator {

// A member and what it waits for.
struct JoinedMember {
  ClassicMember data;
  std::optional<Ticket> join_ticket;  // set by set_join_ticket() and taken by take_join_ticket() only
  std::optional<Ticket> sync_ticket;
  bool unsynced = false;  // has been told the generation and has not sent SyncGroup
  bool is_new = false;    // has not been answered yet, so it does not know its id and cannot heartbeat

  // What a second request with the same metadata looks like.
  bool offers_the_same(const std::vector<protocol::JoinGroupRequest::Protocol>& protocols) const;
};

class ClassicMembers {
 public:
  using Map = std::map<std::string, JoinedMember, std::less<>>;

  // The id, and the instance id if it has one, must be new. The first member leads.
  JoinedMember& add(ClassicMember data);

  // The leadership of one that leaves goes to any other. What it waited for is the caller's to answer before.
  void remove(std::string_view id);

  // A static member that came back takes the place, data and leadership of the one it was. It waits for nothing.
  JoinedMember& replace(std::string_view old_id, std::string new_id);

  // Replaces what a member offers.
  void set_protocols(JoinedMember& member, std::vector<ClassicProtocol> protocols);

  // Returns the ticket that waited before, if any.
  std::optional<Ticket> set_join_ticket(JoinedMember& member, Ticket ticket);
  std::optional<Ticket> take_join_ticket(JoinedMember& member);

  JoinedMember* find(std::string_view id);
  const JoinedMember* find(std::string_view id) const;
  const std::string* id_of_instance(std::string_view instance_id) const;

  Map& all() { return members_; }
  const Map& all() const { return members_; }
  std::size_t size() const { return members_.size(); }
  bool empty() const { return members_.empty(); }
  std::size_t waiting_for_join() const { return waiting_for_join_; }

  const std::optional<std::string>& leader() const { return leader_; }
  bool is_leader(std::string_view id) const { return leader_ && *leader_ == id; }
  void set_leader(std::string id) { leader_ = std::move(id); }
  // Keeps a leader that waits for JoinGroup, or takes another who does; false if nobody does.
  bool elect_waiting_leader();

  bool all_offer(std::string_view protocol) const;
  // The protocol most members put first among those that all offer; of equals the first by name. None without members,
  // or without a common one, which JoinGroup keeps from happening.
  std::optional<std::string> vote() const;

  std::int64_t rebalance_timeout_max_ms() const;

 private:
  void count_protocols(const ClassicMember& member, bool more);

  Map members_;
  std::map<std::string, std::string, std::less<>> id_of_instance_;
  std::map<std::string, std::size_t, std::less<>> offered_by_;  // how many members offer a protocol
  std::optional<std::string> leader_;
  std::size_t waiting_for_join_ = 0;  // <= size()
};

}  // namespace cms::coordinator
