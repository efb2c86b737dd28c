// SPDX-License-Identifier: Apache-2.0
// A classic group with the world around it, for tests: time that moves when told, replies by ticket, the log.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "coordinator/classic/group.h"
#include "coordinator/classic/record.h"

namespace cms::coordinator {

class NoTopics final : public TopicCatalog {
 public:
  std::optional<TopicInfo> find(std::string_view) const override { return {}; }
  std::optional<TopicInfo> find(const base::Uuid&) const override { return {}; }
  void for_each(const std::function<void(const TopicInfo&)>&) const override {}
  std::uint64_t generation() const override { return 0; }
};

// What a member asks for; the defaults are an ordinary consumer.
struct Joiner {
  std::string member_id = {};
  std::optional<std::string> instance_id = {};
  std::vector<std::pair<std::string, std::string>> protocols = {{"range", "metadata"}};
  std::string protocol_type = "consumer";
  std::int32_t session_timeout_ms = 10'000;
  std::int32_t rebalance_timeout_ms = 60'000;
  protocol::Version version = 9;
  std::string client_id = "client";
};

class TestGroup {
 public:
  using Phase = ClassicGroup::Phase;
  using Assignments = std::map<std::string, std::string>;

  explicit TestGroup(ClassicOptions classic = {.initial_rebalance_delay_ms = 0}) {
    options.classic = classic;
    group = std::make_unique<ClassicGroup>("group", environment_);
  }

  // --- Requests. Those of the first two are answered by ticket.
  Ticket join(const Joiner& joiner) {
    protocol::JoinGroupRequest request;
    request.group_id = "group";
    request.session_timeout_ms = joiner.session_timeout_ms;
    request.rebalance_timeout_ms = joiner.rebalance_timeout_ms;
    request.member_id = joiner.member_id;
    request.group_instance_id = joiner.instance_id;
    request.protocol_type = joiner.protocol_type;
    for (const auto& [name, metadata] : joiner.protocols) request.protocols.push_back({name, base::as_bytes(metadata)});
    Effects effects;
    group->join(now, {request, joiner.version, {joiner.client_id, "/127.0.0.1"}, ++last_ticket}, effects);
    take(effects);
    return last_ticket;
  }

  // Joins as clients do: a member without id asks for one first.
  Ticket join_with_id(Joiner joiner) {
    const Ticket first = join(joiner);
    if (!has_answer(first) || joined(first).error_code != ErrorCode::member_id_required) return first;
    joiner.member_id = joined(first).member_id;
    return join(joiner);
  }

  Ticket sync(const std::string& member_id, std::int32_t generation, const Assignments& assignments = {},
              std::optional<std::string> instance_id = {}) {
    protocol::SyncGroupRequest request;
    request.group_id = "group";
    request.generation_id = generation;
    request.member_id = member_id;
    request.group_instance_id = std::move(instance_id);
    for (const auto& [id, bytes] : assignments) request.assignments.push_back({id, base::as_bytes(bytes)});
    return sync(request, 4);
  }
  Ticket sync(const protocol::SyncGroupRequest& request, protocol::Version version) {
    Effects effects;
    group->sync(now, {request, version, {"client", "/127.0.0.1"}, ++last_ticket}, effects);
    take(effects);
    return last_ticket;
  }

  ErrorCode heartbeat(const std::string& member_id, std::int32_t generation,
                      std::optional<std::string> instance_id = {}) {
    protocol::HeartbeatRequest request{"group", generation, member_id, std::move(instance_id)};
    Effects effects;
    const auto response = group->heartbeat(now, {request, 4, {"client", "/127.0.0.1"}, 0}, effects);
    take(effects);
    return response.error_code;
  }

  protocol::LeaveGroupResponse leave(std::vector<protocol::LeaveGroupRequest::Member> members) {
    protocol::LeaveGroupRequest request{"group", {}, std::move(members)};
    return leave(request, 5);
  }
  protocol::LeaveGroupResponse leave(const protocol::LeaveGroupRequest& request, protocol::Version version) {
    Effects effects;
    auto response = group->leave(now, {request, version, {"client", "/127.0.0.1"}, 0}, effects);
    take(effects);
    return response;
  }

  ErrorCode commit(std::string_view member_id, std::int32_t generation, std::string_view instance_id = {}) {
    return group->check_commit(
        now, {.member_id = member_id, .instance_id = instance_id, .generation_or_epoch = generation, .version = 8});
  }

  // --- Time, in the steps that the group asks for.
  void advance(std::int64_t by_ms) {
    const std::int64_t end_ms = now.steady_ms + by_ms;
    while (group->wake_at_ms() <= end_ms) {
      move_to(std::max(now.steady_ms, group->wake_at_ms()));
      Effects effects;
      group->tick(now, effects);
      take(effects);
    }
    move_to(end_ms);
  }

  // --- What came of it.
  bool has_answer(Ticket ticket) const { return replies.contains(ticket); }
  const protocol::JoinGroupResponse& joined(Ticket ticket) const {
    return std::get<protocol::JoinGroupResponse>(replies.at(ticket));
  }
  const protocol::SyncGroupResponse& synced(Ticket ticket) const {
    return std::get<protocol::SyncGroupResponse>(replies.at(ticket));
  }
  std::string assignment(Ticket ticket) const { return std::string(base::as_text(synced(ticket).assignment.bytes())); }
  Phase phase() const { return group->phase(); }

  // What the last record says; there must be one.
  ClassicState logged() const {
    CHECK(!log.empty());
    const auto entry = parse_entry(base::as_bytes(log.back().key), base::as_bytes(*log.back().value));
    CHECK(entry.ok());
    const auto& of_group = std::get<Entry<GroupMetadataKey>>(entry.value());
    return state_of(of_group.key.group_id, *of_group.value);
  }

  // As after a restart of the broker. Who waits is not answered any more.
  void restart() {
    group = ClassicGroup::restore(environment_, logged());
    Effects effects;
    group->loaded(now, effects);
    take(effects);
  }

  // Members of a stable group: the first leads, each is assigned its own id. Ids in the order of the joiners.
  std::vector<std::string> settle(const std::vector<Joiner>& joiners) {
    std::vector<std::string> ids;
    std::vector<Ticket> tickets;
    for (const Joiner& joiner : joiners) {
      tickets.push_back(join_with_id(joiner));
      for (std::size_t i = 0; i < ids.size(); ++i) {
        Joiner again = joiners[i];
        again.member_id = ids[i];
        tickets[i] = join(again);
      }
      ids.push_back(joined(tickets.back()).member_id);
    }
    const std::int32_t generation = group->generation();
    Assignments assignments;
    for (const std::string& id : ids) assignments[id] = id;
    const std::string leader = *group->members().leader();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      sync(ids[i], generation, ids[i] == leader ? assignments : Assignments{}, joiners[i].instance_id);
    }
    CHECK(phase() == Phase::stable);
    return ids;
  }

  const GroupEnvironment& environment() const { return environment_; }

  Options options;
  Now now{.steady_ms = 1'000, .wall_ms = 1'700'000'000'000};
  std::unique_ptr<ClassicGroup> group;
  std::map<Ticket, WaitingResponse> replies;
  std::vector<LogRecord> log;
  Ticket last_ticket = 0;

 private:
  void take(Effects& effects) {
    for (Reply& reply : effects.replies) {
      const bool first = replies.emplace(reply.ticket, std::move(reply.response)).second;
      CHECK(first);  // nobody is answered twice
    }
    for (LogRecord& record : effects.records) log.push_back(std::move(record));
  }
  void move_to(std::int64_t steady_ms) {
    now.wall_ms += steady_ms - now.steady_ms;
    now.steady_ms = steady_ms;
  }

  NoTopics topics_;
  GroupConfigs group_configs_ = [](std::string_view) { return GroupConfig{}; };
  int ids_given_ = 0;
  GroupEnvironment environment_{options, topics_, group_configs_,
                                [this] { return "uuid-" + std::to_string(++ids_given_); }};
};

}  // namespace cms::coordinator
