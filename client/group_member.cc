// SPDX-License-Identifier: Apache-2.0
#include "client/group_member.h"

#include <algorithm>
#include <utility>

#include "client/ask_coordinator.h"
#include "client/range_assignor.h"
#include "protocol/consumer_protocol.h"

namespace cms::client {

namespace {

using protocol::ErrorCode;
using protocol::JoinGroupRequest;
using protocol::JoinGroupResponse;
using protocol::SyncGroupRequest;

constexpr const char* assignor = "range";
constexpr protocol::Version newest_with_names = 9;  // of OffsetCommit
// A group that other members keep joining and leaving settles in between; one that never does is given up.
constexpr int join_tries_max = 100;

const auto code_of = [](const auto& answer) { return answer.error_code; };

// The group is at another generation, or does not know the member any more; joining again mends it.
bool is_outdated(ErrorCode code) {
  return code == ErrorCode::rebalance_in_progress || code == ErrorCode::illegal_generation ||
         code == ErrorCode::unknown_member_id;
}

// What the leader of the group gives each member.
Result<std::vector<std::pair<std::string, base::Bytes>>> assignments_for(Cluster& cluster,
                                                                         const JoinGroupResponse& joined) {
  std::vector<Subscriber> subscribers;
  std::map<std::string, std::int32_t> partition_counts;
  for (const JoinGroupResponse::Member& member : joined.members) {
    protocol::ConsumerSubscription subscription;
    if (const auto read = protocol::read(member.metadata.bytes(), subscription); !read)
      return read.error().while_doing("the subscription of member " + member.member_id);
    for (const std::string& name : subscription.topics) {
      cluster.forget(name);  // it may have got partitions
      const auto topic = cluster.topic(name);
      if (!topic && is_unreachable(topic.error())) return topic.error();
      if (topic) partition_counts[name] = static_cast<std::int32_t>((*topic)->partitions.size());
    }
    subscribers.push_back({member.member_id, member.group_instance_id, std::move(subscription.topics)});
  }
  std::vector<std::pair<std::string, base::Bytes>> assignments;
  for (const auto& [member, assignment] : assign_ranges(std::move(subscribers), partition_counts))
    assignments.emplace_back(member, protocol::to_bytes(assignment, protocol::ConsumerAssignment::versions.first));
  return assignments;
}

}  // namespace

GroupMember::GroupMember(std::string group, std::string topic, GroupMemberOptions options)
    : group_(std::move(group)), topic_(std::move(topic)), options_(options) {}

Result<void> GroupMember::join(Cluster& cluster) {
  partitions_.clear();
  for (int tries = 0; tries < join_tries_max; ++tries) {
    const Result<JoinGroupResponse> joined = ask_to_join(cluster);
    if (!joined) return joined.error();
    if (joined->error_code == ErrorCode::member_id_required) {  // KIP-394
      member_id_ = joined->member_id;
      continue;
    }
    if (is_outdated(joined->error_code)) {
      member_id_.clear();
      continue;
    }
    if (joined->error_code != ErrorCode::none)
      return refusal(joined->error_code).while_doing("joining group " + group_);
    member_id_ = joined->member_id;
    generation_ = joined->generation_id;
    const Result<bool> synchronized = synchronize(cluster, *joined);
    if (!synchronized) return synchronized.error();
    if (*synchronized) return {};
  }
  return refusal(ErrorCode::rebalance_in_progress, "group " + group_ + " does not come to rest");
}

Result<JoinGroupResponse> GroupMember::ask_to_join(Cluster& cluster) {
  protocol::ConsumerSubscription subscription;
  subscription.topics.push_back(topic_);
  const base::Bytes metadata = protocol::to_bytes(subscription, protocol::ConsumerSubscription::versions.first);
  JoinGroupRequest request;
  request.group_id = group_;
  request.session_timeout_ms = static_cast<std::int32_t>(options_.session_timeout.count());
  request.rebalance_timeout_ms = static_cast<std::int32_t>(options_.rebalance_timeout.count());
  request.member_id = member_id_;
  request.protocol_type = protocol::consumer_protocol_type;
  request.protocols.push_back({assignor, metadata.span()});
  return ask_coordinator(cluster, group_, request, code_of);
}

// False when the group has begun anew meanwhile.
Result<bool> GroupMember::synchronize(Cluster& cluster, const JoinGroupResponse& joined) {
  SyncGroupRequest request;
  request.group_id = group_;
  request.generation_id = generation_;
  request.member_id = member_id_;
  request.protocol_type = protocol::consumer_protocol_type;
  request.protocol_name = assignor;
  std::vector<std::pair<std::string, base::Bytes>> assignments;  // the request borrows from it
  if (joined.leader == member_id_ && !joined.skip_assignment) {
    auto made = assignments_for(cluster, joined);
    if (!made) return made.error();
    assignments = std::move(*made);
    for (const auto& [member, bytes] : assignments) request.assignments.push_back({member, bytes.span()});
  }
  const auto answer = ask_coordinator(cluster, group_, request, code_of);
  if (!answer) return answer.error();
  if (is_outdated(answer->error_code)) {
    if (answer->error_code == ErrorCode::unknown_member_id) member_id_.clear();
    return false;
  }
  if (answer->error_code != ErrorCode::none) return refusal(answer->error_code).while_doing("joining group " + group_);
  protocol::ConsumerAssignment assignment;
  if (!answer->assignment.empty()) {
    if (const auto read = protocol::read(answer->assignment.bytes(), assignment); !read) return read.error();
  }
  for (const auto& topic : assignment.assigned_partitions) {
    if (topic.topic == topic_) partitions_.insert(partitions_.end(), topic.partitions.begin(), topic.partitions.end());
  }
  std::sort(partitions_.begin(), partitions_.end());
  return true;
}

Result<bool> GroupMember::heartbeat(Cluster& cluster, base::Nanoseconds now) {
  if (now < heartbeat_due_) return true;
  const auto answer =
      ask_coordinator(cluster, group_, protocol::HeartbeatRequest{group_, generation_, member_id_, {}}, code_of);
  if (!answer) return answer.error();
  heartbeat_due_ = now + options_.heartbeat_interval;
  if (is_outdated(answer->error_code)) return false;
  if (answer->error_code != ErrorCode::none) return refusal(answer->error_code).while_doing("member of " + group_);
  return true;
}

Result<bool> GroupMember::commit(Cluster& cluster, const std::map<std::int32_t, std::int64_t>& positions) {
  if (positions.empty()) return true;
  protocol::OffsetCommitRequest request;
  request.group_id = group_;
  request.generation_id_or_member_epoch = generation_;
  request.member_id = member_id_;
  auto& topic = request.topics.emplace_back();
  topic.name = topic_;
  for (const auto& [partition, offset] : positions) topic.partitions.push_back({partition, offset, -1, ""});
  const auto first_code = [](const protocol::OffsetCommitResponse& response) {
    return response.topics.empty() || response.topics.front().partitions.empty()
               ? ErrorCode::none
               : response.topics.front().partitions.front().error_code;
  };
  const auto answer = ask_coordinator(cluster, group_, request, first_code, newest_with_names);
  if (!answer) return answer.error();
  for (const auto& answered : answer->topics) {
    for (const auto& partition : answered.partitions) {
      if (is_outdated(partition.error_code)) return false;
      if (partition.error_code != ErrorCode::none)
        return refusal(partition.error_code).while_doing("committing for group " + group_);
    }
  }
  return true;
}

Result<void> GroupMember::leave(Cluster& cluster) {
  if (member_id_.empty()) return {};
  protocol::LeaveGroupRequest request;
  request.group_id = group_;
  request.member_id = member_id_;
  request.members.push_back({member_id_, std::nullopt, std::nullopt});
  const auto answer = ask_coordinator(cluster, group_, request, code_of);
  member_id_.clear();
  partitions_.clear();
  if (!answer) return answer.error();
  if (answer->error_code != ErrorCode::none && !is_outdated(answer->error_code))
    return refusal(answer->error_code).while_doing("leaving group " + group_);
  return {};
}

}  // namespace cms::client
