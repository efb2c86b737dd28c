// SPDX-License-Identifier: Apache-2.0
#include "coordinator/shard.h"

#include <algorithm>
#include <unordered_map>

#include "coordinator/classic/group.h"
#include "coordinator/consumer/group.h"
#include "coordinator/consumer/heartbeat_request.h"

namespace cms::coordinator {

namespace {

using protocol::ConsumerGroupHeartbeatRequest;
using protocol::ConsumerGroupHeartbeatResponse;
using protocol::HeartbeatRequest;
using protocol::HeartbeatResponse;
using protocol::JoinGroupRequest;
using protocol::LeaveGroupRequest;
using protocol::LeaveGroupResponse;
using protocol::SyncGroupRequest;

// The first version in which members leave together and have an error each (KIP-345).
constexpr protocol::Version leave_together_since = 3;

}  // namespace

Shard::Shard(GroupEnvironment environment) : environment_(std::move(environment)) {}

Shard::~Shard() = default;

Group* Shard::find(std::string_view group_id) const {
  const auto found = groups_.find(group_id);
  return found == groups_.end() ? nullptr : found->second.group.get();
}

Group& Shard::add(std::unique_ptr<Group> group) {
  Hosted& hosted = groups_[group->id()];
  hosted.group = std::move(group);
  return *hosted.group;
}

void Shard::remove(std::string_view group_id) {
  const auto found = groups_.find(group_id);
  if (found == groups_.end()) return;
  timers_.erase({found->second.timer_ms, found->first});
  groups_.erase(found);
}

void Shard::settle(Now now, std::string_view group_id, Effects& effects) {
  const auto found = groups_.find(group_id);
  if (found == groups_.end()) return;
  Hosted& hosted = found->second;
  if (auto successor = hosted.group->take_successor(now, effects)) hosted.group = std::move(successor);
  set_timer(hosted);
}

// A timer is only moved forward: one that turns out to be early fires for nothing, which is cheaper than moving it with
// every heartbeat.
void Shard::set_timer(Hosted& hosted) {
  const std::int64_t wake_at_ms = hosted.group->wake_at_ms();
  if (wake_at_ms >= hosted.timer_ms) return;
  timers_.erase({hosted.timer_ms, hosted.group->id()});
  hosted.timer_ms = wake_at_ms;
  timers_.emplace(wake_at_ms, hosted.group->id());
}

void Shard::tick(Now now, Effects& effects) {
  while (!timers_.empty() && timers_.begin()->first <= now.steady_ms) {
    const std::string group_id = timers_.begin()->second;
    timers_.erase(timers_.begin());
    Hosted& hosted = groups_.find(group_id)->second;
    hosted.timer_ms = never;
    if (hosted.group->wake_at_ms() <= now.steady_ms) hosted.group->tick(now, effects);
    settle(now, group_id, effects);
  }
}

void Shard::step(Now now, const Call<JoinGroupRequest>& call, Effects& effects) {
  const JoinGroupRequest& request = call.request;
  Group* group = find(request.group_id);
  // A group of the other kind that nobody is in any more gives way (KIP-848); its offsets stay.
  const bool gives_way = group != nullptr && group->is_empty() && dynamic_cast<ConsumerGroup*>(group) != nullptr;
  if (group == nullptr || gives_way) {
    ErrorCode refused = check_join(environment_.options.classic, request);
    if (refused == ErrorCode::none && !request.member_id.empty()) refused = ErrorCode::unknown_member_id;
    if (refused != ErrorCode::none) return effects.reply(call.ticket, refused_join(request.member_id, refused));
    if (gives_way) group->append_tombstones(effects);
    group = &add(std::make_unique<ClassicGroup>(request.group_id, environment_));
  }
  group->join(now, call, effects);
  settle(now, request.group_id, effects);
}

void Shard::step(Now now, const Call<SyncGroupRequest>& call, Effects& effects) {
  const SyncGroupRequest& request = call.request;
  Group* group = find(request.group_id);
  if (group == nullptr) {
    const bool no_id = request.group_id.empty();
    return effects.reply(call.ticket, refused_sync(no_id ? ErrorCode::invalid_group_id : ErrorCode::unknown_member_id));
  }
  group->sync(now, call, effects);
  settle(now, request.group_id, effects);
}

HeartbeatResponse Shard::step(Now now, const Call<HeartbeatRequest>& call, Effects& effects) {
  const HeartbeatRequest& request = call.request;
  Group* group = find(request.group_id);
  if (group == nullptr) {
    HeartbeatResponse response;
    response.error_code = request.group_id.empty() ? ErrorCode::invalid_group_id : ErrorCode::unknown_member_id;
    return response;
  }
  HeartbeatResponse response = group->heartbeat(now, call, effects);
  settle(now, request.group_id, effects);
  return response;
}

LeaveGroupResponse Shard::step(Now now, const Call<LeaveGroupRequest>& call, Effects& effects) {
  const LeaveGroupRequest& request = call.request;
  Group* group = find(request.group_id);
  if (group == nullptr) {
    LeaveGroupResponse response;
    if (request.group_id.empty()) {
      response.error_code = ErrorCode::invalid_group_id;
    } else if (call.version < leave_together_since) {
      response.error_code = ErrorCode::unknown_member_id;
    } else {
      for (const auto& member : request.members) {
        response.members.push_back({member.member_id, member.group_instance_id, ErrorCode::unknown_member_id});
      }
    }
    return response;
  }
  LeaveGroupResponse response = group->leave(now, call, effects);
  settle(now, request.group_id, effects);
  return response;
}

ConsumerGroupHeartbeatResponse Shard::step(Now now, const Call<ConsumerGroupHeartbeatRequest>& call, Effects& effects) {
  const ConsumerGroupHeartbeatRequest& request = call.request;
  if (auto refused = check_heartbeat(request, call.version, environment_.options.consumer)) return std::move(*refused);
  if (request.member_epoch == 0) {
    if (auto refused = prepare_consumer_group(now, request.group_id, effects)) return std::move(*refused);
  }
  Group* group = find(request.group_id);
  if (group == nullptr) {
    const bool leaves = request.member_epoch < 0;
    return refuse_heartbeat(ErrorCode::group_id_not_found,
                            (leaves ? "Group " : "Consumer group ") + request.group_id + " not found.");
  }
  ConsumerGroupHeartbeatResponse response = group->heartbeat(now, call, effects);
  if (const auto* consumers = dynamic_cast<const ConsumerGroup*>(group);
      consumers != nullptr && consumers->is_unused()) {
    remove(request.group_id);
  } else {
    settle(now, request.group_id, effects);
  }
  return response;
}

// A member joins: there is to be a group that speaks its protocol.
std::optional<ConsumerGroupHeartbeatResponse> Shard::prepare_consumer_group(Now now, const std::string& group_id,
                                                                            Effects& effects) {
  Group* group = find(group_id);
  if (group == nullptr) {
    add(std::make_unique<ConsumerGroup>(group_id, environment_));
    return std::nullopt;
  }
  auto* classic = dynamic_cast<ClassicGroup*>(group);
  if (classic == nullptr) return std::nullopt;
  ConsumerGroup::Upgrade upgraded = ConsumerGroup::upgrade(*classic, environment_, now, effects);
  if (auto* refused = std::get_if<ConsumerGroupHeartbeatResponse>(&upgraded)) return std::move(*refused);
  add(std::move(std::get<std::unique_ptr<ConsumerGroup>>(upgraded)));
  return std::nullopt;
}

ErrorCode Shard::delete_group(std::string_view group_id, Effects& effects) {
  const Group* group = find(group_id);
  if (group == nullptr) return group_id.empty() ? ErrorCode::invalid_group_id : ErrorCode::group_id_not_found;
  if (const ErrorCode refused = group->why_not_deleted(); refused != ErrorCode::none) return refused;
  offsets_.remove_group(group_id, effects);
  group->append_tombstones(effects);
  remove(group_id);
  return ErrorCode::none;
}

protocol::DescribeGroupsResponse::Group Shard::describe_classic(const std::string& group_id) const {
  const Group* group = find(group_id);
  if (group != nullptr) {
    if (auto described = group->describe_classic()) return std::move(*described);
  }
  protocol::DescribeGroupsResponse::Group unknown;
  unknown.error_code = ErrorCode::group_id_not_found;
  unknown.error_message = "Group " + group_id + (group == nullptr ? " not found." : " is not a classic group.");
  unknown.group_id = group_id;
  unknown.group_state = "Dead";
  return unknown;
}

protocol::ConsumerGroupDescribeResponse::Group Shard::describe_consumer(const std::string& group_id) const {
  const Group* group = find(group_id);
  if (group != nullptr) {
    if (auto described = group->describe_consumer()) return std::move(*described);
  }
  protocol::ConsumerGroupDescribeResponse::Group unknown;
  unknown.error_code = ErrorCode::group_id_not_found;
  unknown.error_message = "Group " + group_id + (group == nullptr ? " not found." : " is not a consumer group.");
  unknown.group_id = group_id;
  return unknown;
}

void Shard::list(std::vector<protocol::ListGroupsResponse::Group>& into) const {
  into.reserve(into.size() + groups_.size());
  for (const auto& [id, hosted] : groups_) {
    into.push_back({.group_id = id,
                    .protocol_type = std::string(hosted.group->protocol_type()),
                    .group_state = std::string(hosted.group->state_name()),
                    .group_type = std::string(hosted.group->type_name())});
  }
}

void Shard::topics_changed(Now now, Effects& effects) {
  for (const auto& [id, hosted] : groups_) hosted.group->topics_changed(now, effects);
  for (const auto& [id, hosted] : groups_) settle(now, id, effects);
}

void Shard::forget_removed_topics(Effects& effects) {
  std::vector<std::string> groups;
  offsets_.for_each_group([&](const std::string& id) { groups.push_back(id); });
  // Each topic is looked up once, however many groups have offsets of it.
  std::unordered_map<std::string, std::optional<base::Uuid>> present;
  const auto id_of = [&](const std::string& name) {
    const auto [known, added] = present.try_emplace(name);
    if (!added) return known->second;
    if (const auto topic = environment_.topics.find(name)) known->second = topic->id;
    return known->second;
  };
  for (const std::string& group_id : groups) {
    offsets_.remove_if(
        group_id,
        [&](const std::string& name, std::int32_t, const CommittedOffset& offset) {
          const std::optional<base::Uuid> topic_id = id_of(name);
          return !topic_id || (!offset.topic_id.is_zero() && offset.topic_id != *topic_id);
        },
        effects);
  }
}

void Shard::loaded(Now now, Effects& effects) {
  // Offsets whose group's own records are lost still belong to somebody, and are to age.
  offsets_.for_each_group([this](const std::string& id) {
    if (find(id) == nullptr) add(std::make_unique<ClassicGroup>(id, environment_));
  });
  for (const auto& [id, hosted] : groups_) hosted.group->loaded(now, effects);
  for (const auto& [id, hosted] : groups_) settle(now, id, effects);
}

}  // namespace cms::coordinator
