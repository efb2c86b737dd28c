// SPDX-License-Identifier: Apache-2.0
#include "tests/group_requests.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <thread>

namespace cms::tests {

namespace {

constexpr Version named_commit = 9;
constexpr Version named_offset_fetch = 9;
constexpr milliseconds pause_between_retries{20};

std::runtime_error failure(const std::string& what, ErrorCode error) {
  return std::runtime_error(what + ": " + std::string(protocol::name_of(error)));
}

}  // namespace

bool is_to_retry(ErrorCode error) {
  return error == ErrorCode::coordinator_load_in_progress || error == ErrorCode::not_coordinator ||
         error == ErrorCode::coordinator_not_available;
}

void await_coordinator(Wire& wire, const std::string& group) {
  protocol::FindCoordinatorRequest request;
  request.coordinator_keys = {group};
  const auto found = wire.call(request).coordinators.at(0).error_code;
  if (found != ErrorCode::none) throw failure("finding the coordinator", found);
  for (const std::int64_t end = now_ms() + patience.count(); now_ms() < end;) {
    if (!is_to_retry(fetch_offsets(wire, group).error_code)) return;
    std::this_thread::sleep_for(pause_between_retries);
  }
  throw std::runtime_error("the coordinator does not get ready");
}

protocol::OffsetCommitRequest commit_request(const std::string& group, const std::string& topic, std::int32_t partition,
                                             Offset offset, const Claim& claim) {
  protocol::OffsetCommitRequest request;
  request.group_id = group;
  request.generation_id_or_member_epoch = claim.generation;
  request.member_id = claim.member_id;
  request.group_instance_id = claim.instance_id;
  auto& wanted = request.topics.emplace_back();
  wanted.name = topic;
  wanted.partitions.push_back({.partition_index = partition,
                               .committed_offset = offset,
                               .committed_leader_epoch = -1,
                               .committed_metadata = std::string()});
  return request;
}

ErrorCode commit(Wire& wire, const std::string& group, const std::string& topic, std::int32_t partition, Offset offset,
                 const Claim& claim, Version version) {
  const auto response = wire.call(commit_request(group, topic, partition, offset, claim), version);
  return response.topics.at(0).partitions.at(0).error_code;
}

protocol::OffsetFetchResponse::Group fetch_offsets(Wire& wire, const std::string& group) {
  protocol::OffsetFetchRequest request;
  request.groups.push_back({.group_id = group, .member_id = {}, .member_epoch = -1, .topics = {}});
  return wire.call(request, named_offset_fetch).groups.at(0);
}

CommittedAnswer committed_of(Wire& wire, const std::string& group, const std::string& topic, std::int32_t partition) {
  protocol::OffsetFetchRequest request;
  auto& wanted = request.groups.emplace_back();
  wanted.group_id = group;
  wanted.topics.emplace().push_back({.name = topic, .topic_id = {}, .partition_indexes = {partition}});
  const auto answer = wire.call(request, named_offset_fetch).groups.at(0);
  if (answer.error_code != ErrorCode::none) {
    CommittedAnswer failed;
    failed.error_code = answer.error_code;
    return failed;
  }
  return answer.topics.at(0).partitions.at(0);
}

Offset committed(Wire& wire, const std::string& group, const std::string& topic, std::int32_t partition) {
  for (const std::int64_t end = now_ms() + patience.count(); now_ms() < end;) {
    const CommittedAnswer answer = committed_of(wire, group, topic, partition);
    if (answer.error_code == ErrorCode::none) return answer.committed_offset;
    if (!is_to_retry(answer.error_code)) throw failure("fetching an offset of " + group, answer.error_code);
    std::this_thread::sleep_for(pause_between_retries);
  }
  throw std::runtime_error("no committed offset of " + group + " in time");
}

protocol::DescribeGroupsResponse::Group described(Wire& wire, const std::string& group, Version version) {
  protocol::DescribeGroupsRequest request;
  request.groups = {group};
  return wire.call(request, version).groups.at(0);
}

protocol::ConsumerGroupDescribeResponse::Group described_consumer(Wire& wire, const std::string& group) {
  protocol::ConsumerGroupDescribeRequest request;
  request.group_ids = {group};
  return wire.call(request).groups.at(0);
}

protocol::ListGroupsResponse::Group listed(Wire& wire, const std::string& group) {
  const auto response = wire.call(protocol::ListGroupsRequest{});
  for (const auto& one : response.groups)
    if (one.group_id == group) return one;
  return {};
}

ErrorCode delete_group(Wire& wire, const std::string& group) {
  protocol::DeleteGroupsRequest request;
  request.groups_names = {group};
  return wire.call(request).results.at(0).error_code;
}

protocol::JoinGroupRequest ClassicMember::join_request() const {
  protocol::JoinGroupRequest request;
  request.group_id = setup_.group;
  request.session_timeout_ms = setup_.session_timeout_ms;
  request.rebalance_timeout_ms = setup_.rebalance_timeout_ms;
  request.member_id = id_;
  request.group_instance_id = setup_.instance_id;
  request.protocol_type = setup_.protocol_type;
  request.protocols.push_back({setup_.protocol, base::as_bytes(setup_.metadata)});
  return request;
}

void ClassicMember::send_join_without_id() { wire_->send(join_request()); }

void ClassicMember::ask_for_id() {
  if (!id_.empty() || setup_.instance_id) return;
  send_join_without_id();
  receive_join();
  if (joined_.error_code != ErrorCode::member_id_required) throw failure("asking for a member id", joined_.error_code);
}

void ClassicMember::send_join() {
  ask_for_id();
  wire_->send(join_request());
}

const protocol::JoinGroupResponse& ClassicMember::receive_join(milliseconds limit) {
  joined_ = wire_->receive<protocol::JoinGroupResponse>(limit);
  if (joined_.error_code == ErrorCode::none || joined_.error_code == ErrorCode::member_id_required) {
    id_ = joined_.member_id;
    generation_ = joined_.generation_id;
  }
  return joined_;
}

void ClassicMember::send_sync(const Assignments& assignments) {
  protocol::SyncGroupRequest request;
  request.group_id = setup_.group;
  request.generation_id = generation_;
  request.member_id = id_;
  request.group_instance_id = setup_.instance_id;
  request.protocol_type = setup_.protocol_type;
  request.protocol_name = setup_.protocol;
  for (const auto& [id, bytes] : assignments) request.assignments.push_back({id, base::as_bytes(bytes)});
  wire_->send(request);
}

protocol::SyncGroupResponse ClassicMember::receive_sync(milliseconds limit) {
  auto response = wire_->receive<protocol::SyncGroupResponse>(limit);
  assignment_ = base::as_text(response.assignment.bytes().span());
  return response;
}

ErrorCode ClassicMember::heartbeat() {
  const protocol::HeartbeatRequest request{setup_.group, generation_, id_, setup_.instance_id};
  return wire_->call(request).error_code;
}

ErrorCode ClassicMember::leave() {
  protocol::LeaveGroupRequest request;
  request.group_id = setup_.group;
  request.members.push_back({.member_id = id_, .group_instance_id = setup_.instance_id, .reason = {}});
  const auto response = wire_->call(request);
  return response.error_code != ErrorCode::none ? response.error_code : response.members.at(0).error_code;
}

ErrorCode ClassicMember::commit(const std::string& topic, std::int32_t partition, Offset offset) {
  return tests::commit(*wire_, setup_.group, topic, partition, offset, claim());
}

void settle(const std::vector<ClassicMember*>& members) {
  // A rebalance waits for all who have an id, and whoever comes with other metadata than before starts one.
  for (ClassicMember* member : members) {
    member->ask_for_id();
    member->change_metadata();
  }
  for (ClassicMember* member : members) member->send_join();
  for (ClassicMember* member : members) {
    if (member->receive_join().error_code != ErrorCode::none) throw failure("joining", member->joined().error_code);
  }
  ClassicMember::Assignments assignments;
  for (const ClassicMember* member : members) assignments[member->id()] = member->id();
  for (ClassicMember* member : members) {
    member->send_sync(member->leads() ? assignments : ClassicMember::Assignments{});
  }
  for (ClassicMember* member : members) {
    const ErrorCode error = member->receive_sync().error_code;
    if (error != ErrorCode::none) throw failure("syncing", error);
    if (member->assignment() != member->id()) throw std::runtime_error("somebody else's assignment");
  }
}

void ConsumerMember::send_beat(Wire& wire) {
  protocol::ConsumerGroupHeartbeatRequest request;
  request.group_id = group_;
  request.member_id = id_;
  request.member_epoch = epoch_;
  if (epoch_ == 0) {
    request.rebalance_timeout_ms = 60'000;
    request.subscribed_topic_names = topics_;
  }
  auto& owned = request.topic_partitions.emplace();
  for (const auto& [topic, partitions] : owned_) owned.push_back({.topic_id = topic, .partitions = partitions});
  wire.send(request);
}

ErrorCode ConsumerMember::receive_beat(Wire& wire) {
  last_ = wire.receive<protocol::ConsumerGroupHeartbeatResponse>();
  if (is_to_retry(last_.error_code)) return last_.error_code;
  if (last_.error_code != ErrorCode::none) {
    epoch_ = 0;
    owned_.clear();
    return last_.error_code;
  }
  epoch_ = last_.member_epoch;
  if (last_.assignment) {
    owned_.clear();
    for (const auto& topic : last_.assignment->topic_partitions) owned_[topic.topic_id] = topic.partitions;
  }
  return ErrorCode::none;
}

ErrorCode ConsumerMember::beat(Wire& wire) {
  send_beat(wire);
  return receive_beat(wire);
}

ErrorCode ConsumerMember::leave(Wire& wire) {
  protocol::ConsumerGroupHeartbeatRequest request;
  request.group_id = group_;
  request.member_id = id_;
  request.member_epoch = -1;
  epoch_ = 0;
  owned_.clear();
  return wire.call(request).error_code;
}

std::size_t ConsumerMember::partition_count() const {
  std::size_t count = 0;
  for (const auto& [topic, partitions] : owned_) count += partitions.size();
  return count;
}

void settle(Wire& wire, const std::vector<ConsumerMember*>& members, std::size_t partitions) {
  for (const std::int64_t end = now_ms() + patience.count(); now_ms() < end;) {
    std::set<std::int32_t> epochs;
    std::size_t owned = 0;
    for (ConsumerMember* member : members) {
      member->beat(wire);
      epochs.insert(member->epoch());
      owned += member->partition_count();
    }
    const bool all_owned = epochs.size() == 1 && *epochs.begin() > 0 && owned == partitions;
    if (all_owned && described_consumer(wire, members[0]->group()).group_state == "Stable") return;
    std::this_thread::sleep_for(pause_between_retries);
  }
  throw std::runtime_error("the group does not settle");
}

}  // namespace cms::tests
