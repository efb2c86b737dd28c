// SPDX-License-Identifier: Apache-2.0
// From one protocol to the other while the members stay (KIP-848). Offsets belong to the group's id and are not
// touched.
#include <algorithm>
#include <utility>

#include "coordinator/consumer/embedded.h"
#include "coordinator/consumer/group.h"
#include "coordinator/consumer/heartbeat_request.h"
#include "coordinator/consumer/metadata_hash.h"

namespace cms::coordinator {

namespace {

// What a member of the classic group says and has, in the words of this one.
struct Converted {
  MemberMetadata metadata;
  Partitions assigned;
};

enum class Obstacle { none, malformed, user_data };

Obstacle convert_assignment(const ClassicMember& member, const TopicCatalog& topics, Partitions& into) {
  if (member.assignment.empty()) return Obstacle::none;
  protocol::ConsumerAssignment assignment;
  if (!read(member.assignment, assignment)) return Obstacle::malformed;
  // An assignor of the members' own keeps something there, which would be lost.
  if (assignment.user_data && !assignment.user_data->empty()) return Obstacle::user_data;
  into = by_topic_id(assignment.assigned_partitions, topics);
  return Obstacle::none;
}

Obstacle convert(const ClassicMember& member, const std::optional<std::string>& protocol, const TopicCatalog& topics,
                 Converted& into) {
  if (member.protocols.empty()) return Obstacle::malformed;
  auto subscription = read_subscription(protocol ? member.metadata_of(*protocol) : member.protocols.front().metadata);
  if (!subscription) return Obstacle::malformed;

  into.metadata.instance_id = member.instance_id;
  into.metadata.rack_id = subscription->rack_id;
  into.metadata.client_id = member.client_id;
  into.metadata.client_host = member.client_host;
  into.metadata.subscribed_topic_names = std::move(subscription->topics);
  into.metadata.subscribed_topic_regex = "";
  into.metadata.rebalance_timeout_ms = member.rebalance_timeout_ms;
  MemberMetadata::ClassicMemberMetadata classic;
  classic.session_timeout_ms = member.session_timeout_ms;
  for (const ClassicProtocol& offered : member.protocols)
    classic.supported_protocols.push_back({.name = offered.name, .metadata = offered.metadata});
  into.metadata.classic_member_metadata = std::move(classic);
  return convert_assignment(member, topics, into.assigned);
}

// None if the group may change to this protocol.
std::optional<std::string_view> why_not_upgraded(const ClassicState& classic, const ConsumerOptions& options) {
  if (options.migration != MigrationPolicy::upgrade && options.migration != MigrationPolicy::bidirectional)
    return "because online upgrade is disabled.";
  if (classic.protocol_type != protocol::consumer_protocol_type)
    return "because the group does not use the consumer embedded protocol.";
  if (classic.members.size() > static_cast<std::size_t>(options.members_max))
    return "because the group size exceeds the consumer group maximum size.";
  return std::nullopt;
}

// It is to have what the target gives it: what it still has besides, it gives up when it joins again.
ClassicMember to_classic(const std::string& member_id, const ConsumerMember& member, const TopicCatalog& topics) {
  static const Partitions nothing;
  const auto& said = *member.metadata->classic_member_metadata;
  ClassicMember classic;
  classic.id = member_id;
  classic.instance_id = member.metadata->instance_id;
  classic.client_id = member.metadata->client_id;
  classic.client_host = member.metadata->client_host;
  classic.session_timeout_ms = said.session_timeout_ms;
  classic.rebalance_timeout_ms = member.metadata->rebalance_timeout_ms;
  for (const auto& offered : said.supported_protocols)
    classic.protocols.push_back({.name = offered.name, .metadata = offered.metadata.bytes()});
  if (!classic.protocols.empty()) {
    classic.assignment =
        assignment_bytes(member.target ? *member.target : nothing, classic.protocols.front().metadata, topics);
  }
  return classic;
}

protocol::ConsumerGroupHeartbeatResponse not_upgraded(const std::string& group_id, std::string_view why) {
  return refuse_heartbeat(ErrorCode::group_id_not_found,
                          "Cannot upgrade classic group " + group_id + " to consumer group " + std::string(why));
}

}  // namespace

ConsumerGroup::Upgrade ConsumerGroup::upgrade(ClassicGroup& classic, const GroupEnvironment& environment, Now now,
                                              Effects& effects) {
  auto group = std::make_unique<ConsumerGroup>(classic.id(), environment);
  if (classic.is_empty()) {
    classic.append_tombstones(effects);
    return group;
  }
  const ClassicState state = classic.state();
  if (const auto why = why_not_upgraded(state, environment.options.consumer)) return not_upgraded(classic.id(), *why);
  std::vector<Converted> members(state.members.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    switch (convert(state.members[i], state.protocol_name, environment.topics, members[i])) {
      case Obstacle::none:
        break;
      case Obstacle::malformed:
        return not_upgraded(classic.id(), "because the embedded consumer protocol is malformed.");
      case Obstacle::user_data:
        return not_upgraded(classic.id(),
                            "because an unsupported custom assignor is in use. Please refer to the documentation or "
                            "switch to a default assignor before re-attempting the upgrade.");
    }
  }

  Effects appended;
  classic.append_tombstones(appended);
  Journal journal(group->id(), group->state_, appended);
  for (std::size_t i = 0; i < members.size(); ++i)
    journal.set_metadata(state.members[i].id, std::move(members[i].metadata));
  journal.set_group_epoch(state.generation, metadata_hash(group->state_.subscribed_topics(), environment.topics));
  for (std::size_t i = 0; i < members.size(); ++i) journal.set_target(state.members[i].id, members[i].assigned);
  journal.set_assignment_epoch(state.generation, 0);
  for (std::size_t i = 0; i < members.size(); ++i) {
    CurrentAssignment current;
    current.epoch = state.generation;
    current.previous_epoch = state.generation;
    current.assigned = with_epoch(members[i].assigned, state.generation);
    journal.set_current(state.members[i].id, std::move(current));
  }
  if (group->is_too_large(journal))
    return refuse_heartbeat(ErrorCode::unknown_server_error, "The group's records are larger than its log takes.");

  for (LogRecord& record : appended.records) effects.records.push_back(std::move(record));
  classic.release(effects);
  for (const auto& [member_id, member] : group->state_.members())
    group->sessions_.set(member_id, now.steady_ms + group->session_timeout_ms(member));
  group->set_wake();
  return group;
}

bool ConsumerGroup::may_become_classic(std::size_t member_count) const {
  const MigrationPolicy policy = environment_.options.consumer.migration;
  return (policy == MigrationPolicy::downgrade || policy == MigrationPolicy::bidirectional) &&
         member_count <= static_cast<std::size_t>(environment_.options.classic.members_max);
}

ClassicState ConsumerGroup::classic_state(const std::vector<std::string>& without) const {
  ClassicState classic;
  classic.group_id = id();
  classic.generation = state_.epochs().group;
  classic.protocol_type = std::string(protocol::consumer_protocol_type);
  for (const auto& [member_id, member] : state_.members()) {
    if (std::ranges::find(without, member_id) != without.end()) continue;
    classic.members.push_back(to_classic(member_id, member, environment_.topics));
  }
  ClassicMembers voters;
  for (const ClassicMember& member : classic.members) voters.add(member);
  classic.protocol_name = voters.vote();
  classic.leader = voters.leader();
  return classic;
}

// The members but those of `without` all speak the classic protocol. False, and nothing done, when that is too much for
// the log at once.
bool ConsumerGroup::become_classic(Now now, const std::vector<std::string>& without, bool rebalance, Effects& effects) {
  Effects appended;
  Journal::bury(id(), state_, appended);
  const std::size_t tombstones = appended.records.size();
  ClassicState state = classic_state(without);
  if (!state.protocol_name) return false;
  state.since_ms = now.wall_ms;
  std::unique_ptr<ClassicGroup> classic = ClassicGroup::restore(environment_, std::move(state));
  classic->converted(now, rebalance, appended);
  if (appended.records.size() == tombstones ||
      record_bytes(appended, 0) > static_cast<std::size_t>(environment_.options.record_bytes_max)) {
    return false;
  }

  for (LogRecord& record : appended.records) effects.records.push_back(std::move(record));
  for (Reply& reply : appended.replies) effects.replies.push_back(std::move(reply));
  successor_ = std::move(classic);
  return true;
}

}  // namespace cms::coordinator
