// SPDX-License-Identifier: Apache-2.0
#include "coordinator/classic/members.h"

#include <algorithm>
#include <set>

#include "base/check.h"

namespace cms::coordinator {

bool JoinedMember::offers_the_same(const std::vector<protocol::JoinGroupRequest::Protocol>& protocols) const {
  return std::ranges::equal(data.protocols, protocols, [](const ClassicProtocol& mine, const auto& theirs) {
    return mine.name == theirs.name && std::ranges::equal(mine.metadata.span(), theirs.metadata.bytes());
  });
}

JoinedMember& ClassicMembers::add(ClassicMember data) {
  if (data.instance_id) {
    const bool is_new = id_of_instance_.try_emplace(*data.instance_id, data.id).second;
    CHECK(is_new);
  }
  if (!leader_) leader_ = data.id;
  std::string id = data.id;
  const auto [position, inserted] = members_.try_emplace(std::move(id), JoinedMember{std::move(data), {}, {}});
  CHECK(inserted);
  count_protocols(position->second.data, true);
  return position->second;
}

void ClassicMembers::remove(std::string_view id) {
  const auto position = members_.find(id);
  CHECK(position != members_.end());
  JoinedMember& member = position->second;
  count_protocols(member.data, false);
  if (member.join_ticket) --waiting_for_join_;
  if (member.data.instance_id) id_of_instance_.erase(*member.data.instance_id);
  const bool led = is_leader(id);
  members_.erase(position);
  if (!led) return;
  leader_.reset();
  if (!members_.empty()) leader_ = members_.begin()->first;
}

JoinedMember& ClassicMembers::replace(std::string_view old_id, std::string new_id) {
  const auto position = members_.find(old_id);
  CHECK(position != members_.end());
  CHECK(!position->second.join_ticket && !position->second.sync_ticket && position->second.data.instance_id);
  if (is_leader(old_id)) leader_ = new_id;
  auto node = members_.extract(position);
  node.key() = new_id;
  node.mapped().data.id = new_id;
  const auto result = members_.insert(std::move(node));
  CHECK(result.inserted);
  JoinedMember& member = result.position->second;
  id_of_instance_[*member.data.instance_id] = std::move(new_id);
  return member;
}

void ClassicMembers::set_protocols(JoinedMember& member, std::vector<ClassicProtocol> protocols) {
  count_protocols(member.data, false);
  member.data.protocols = std::move(protocols);
  count_protocols(member.data, true);
}

std::optional<Ticket> ClassicMembers::set_join_ticket(JoinedMember& member, Ticket ticket) {
  const std::optional<Ticket> before = take_join_ticket(member);
  member.join_ticket = ticket;
  ++waiting_for_join_;
  return before;
}

std::optional<Ticket> ClassicMembers::take_join_ticket(JoinedMember& member) {
  if (member.join_ticket) --waiting_for_join_;
  return std::exchange(member.join_ticket, std::nullopt);
}

JoinedMember* ClassicMembers::find(std::string_view id) {
  const auto position = members_.find(id);
  return position == members_.end() ? nullptr : &position->second;
}

const JoinedMember* ClassicMembers::find(std::string_view id) const {
  const auto position = members_.find(id);
  return position == members_.end() ? nullptr : &position->second;
}

const std::string* ClassicMembers::id_of_instance(std::string_view instance_id) const {
  const auto position = id_of_instance_.find(instance_id);
  return position == id_of_instance_.end() ? nullptr : &position->second;
}

bool ClassicMembers::elect_waiting_leader() {
  if (leader_) {
    const JoinedMember* leader = find(*leader_);
    if (leader && leader->join_ticket) return true;
  }
  if (waiting_for_join_ == 0) return false;
  for (const auto& [id, member] : members_) {
    if (!member.join_ticket) continue;
    leader_ = id;
    return true;
  }
  return false;
}

bool ClassicMembers::all_offer(std::string_view protocol) const {
  const auto position = offered_by_.find(protocol);
  return position != offered_by_.end() && position->second == members_.size();
}

std::optional<std::string> ClassicMembers::vote() const {
  std::map<std::string_view, std::size_t> votes;
  for (const auto& [id, member] : members_) {
    const auto first = std::ranges::find_if(member.data.protocols, [&](const auto& p) { return all_offer(p.name); });
    if (first != member.data.protocols.end()) ++votes[first->name];
  }
  const auto most = std::ranges::max_element(votes, {}, [](const auto& entry) { return entry.second; });
  if (most == votes.end()) return std::nullopt;
  return std::string(most->first);
}

std::int64_t ClassicMembers::rebalance_timeout_max_ms() const {
  std::int64_t longest = 0;
  for (const auto& [id, member] : members_) longest = std::max<std::int64_t>(longest, member.data.rebalance_timeout_ms);
  return longest;
}

void ClassicMembers::count_protocols(const ClassicMember& member, bool more) {
  // A name offered twice counts once, or it would seem to be offered by one member more.
  std::set<std::string_view> names;
  for (const ClassicProtocol& protocol : member.protocols) {
    if (!names.insert(protocol.name).second) continue;
    if (more) {
      ++offered_by_[protocol.name];
    } else {
      const auto position = offered_by_.find(protocol.name);
      CHECK(position != offered_by_.end());
      if (--position->second == 0) offered_by_.erase(position);
    }
  }
}

}  // namespace cms::coordinator
