// SPDX-License-Identifier: Apache-2.0
#include "client/group_offsets.h"

#include <algorithm>
#include <utility>

#include "client/ask_coordinator.h"

namespace cms::client {

namespace {

using protocol::ErrorCode;
using protocol::OffsetCommitRequest;
using protocol::OffsetCommitResponse;
using protocol::OffsetDeleteRequest;
using protocol::OffsetDeleteResponse;
using protocol::OffsetFetchRequest;
using protocol::OffsetFetchResponse;

// The newest version that names topics. A tool knows topics by name, and must also see offsets of topics that are gone.
constexpr protocol::Version newest_with_names = 9;

// Requests on their way to one coordinator; answers are read before more are sent, so that neither side has to hold
// many.
constexpr std::size_t in_flight_max = 64;

// In whichever layout the version has.
OffsetFetchRequest fetch_all_of(const std::string& group) {
  OffsetFetchRequest request;
  request.group_id = group;
  request.groups.push_back({group, std::nullopt, -1, std::nullopt});
  return request;
}

ErrorCode code_of(const OffsetFetchResponse& answer) {
  return answer.groups.empty() ? answer.error_code : answer.groups.front().error_code;
}

CommittedOffsets offsets_in(const OffsetFetchResponse& answer) {
  CommittedOffsets offsets;
  for (const auto& topic : answer.groups.empty() ? answer.topics : answer.groups.front().topics) {
    for (const auto& one : topic.partitions) {
      if (one.error_code == ErrorCode::none && one.committed_offset >= 0)
        offsets[{topic.name, one.partition_index}] = {one.committed_offset, one.committed_leader_epoch,
                                                      one.metadata.value_or("")};
    }
  }
  return offsets;
}

// The request's element for `topic`. Partitions come in the order of topics.
template <typename Topics>
auto& last_topic(Topics& topics, const std::string& topic) {
  if (topics.empty() || topics.back().name != topic) topics.emplace_back().name = topic;
  return topics.back();
}

// The first error of any partition, with its name.
template <typename Topics>
Result<void> check_partitions(const Topics& topics) {
  for (const auto& topic : topics) {
    for (const auto& partition : topic.partitions) {
      if (partition.error_code != ErrorCode::none)
        return refusal(partition.error_code).while_doing(topic.name + "-" + std::to_string(partition.partition_index));
    }
  }
  return {};
}

template <typename Topics>
ErrorCode first_code(const Topics& topics) {
  return topics.empty() || topics.front().partitions.empty() ? ErrorCode::none
                                                             : topics.front().partitions.front().error_code;
}

}  // namespace

Result<CommittedOffsets> committed_offsets(Cluster& cluster, const std::string& group) {
  const auto answer = ask_coordinator(cluster, group, fetch_all_of(group), code_of, newest_with_names);
  if (!answer) return answer.error();
  const ErrorCode code = code_of(*answer);
  if (code == ErrorCode::group_id_not_found) return CommittedOffsets{};
  if (code != ErrorCode::none) return refusal(code).while_doing("offsets of group " + group);
  return offsets_in(*answer);
}

Result<std::map<std::string, CommittedOffsets>> committed_offsets(Cluster& cluster,
                                                                  std::span<const std::string> groups) {
  struct Asked {
    const std::string& group;
    Connection* coordinator;
    Pending<OffsetFetchRequest> pending;
  };
  std::map<std::string, CommittedOffsets> all;
  for (; !groups.empty(); groups = groups.subspan(std::min(groups.size(), in_flight_max))) {
    std::vector<Asked> asked;
    for (const std::string& group : groups.first(std::min(groups.size(), in_flight_max))) {
      // A coordinator not asked for yet is asked for on the connection that answers are due on.
      const Result<Connection*> coordinator = cluster.coordinator_of(group);
      if (!coordinator) return coordinator.error();
      asked.push_back({group, *coordinator, {}});
    }
    for (Asked& one : asked) {
      const auto pending = one.coordinator->send(fetch_all_of(one.group), newest_with_names);
      if (!pending) return pending.error();
      one.pending = *pending;
    }
    for (const Asked& one : asked) {
      const auto answer = one.coordinator->receive(one.pending);
      if (!answer) return answer.error();
      if (is_passing(code_of(*answer))) cluster.forget_coordinator(one.group);
      if (code_of(*answer) == ErrorCode::none) all[one.group] = offsets_in(*answer);
    }
  }
  return all;
}

Result<void> commit_offsets(Cluster& cluster, const std::string& group, const PartitionOffsets& offsets) {
  OffsetCommitRequest request;
  request.group_id = group;
  for (const auto& [at, offset] : offsets)
    last_topic(request.topics, at.topic).partitions.push_back({at.partition, offset, -1, ""});
  const auto answer = ask_coordinator(
      cluster, group, request, [](const OffsetCommitResponse& response) { return first_code(response.topics); },
      newest_with_names);
  if (!answer) return answer.error();
  // What a group with members says to somebody who is none of them.
  const ErrorCode code = first_code(answer->topics);
  if (code == ErrorCode::unknown_member_id || code == ErrorCode::illegal_generation ||
      code == ErrorCode::stale_member_epoch || code == ErrorCode::rebalance_in_progress)
    return refusal(code, "group " + group + " has members");
  return check_partitions(answer->topics);
}

Result<void> delete_offsets(Cluster& cluster, const std::string& group, const std::set<TopicPartition>& partitions) {
  OffsetDeleteRequest request;
  request.group_id = group;
  for (const TopicPartition& at : partitions) last_topic(request.topics, at.topic).partitions.push_back({at.partition});
  const auto answer = ask_coordinator(cluster, group, request,
                                      [](const OffsetDeleteResponse& response) { return response.error_code; });
  if (!answer) return answer.error();
  if (answer->error_code == ErrorCode::group_id_not_found)
    return refusal(answer->error_code, "there is no group '" + group + "'");
  if (answer->error_code != ErrorCode::none) return refusal(answer->error_code);
  return check_partitions(answer->topics);
}

Result<PartitionOffsets> list_offsets(Cluster& cluster, const std::set<TopicPartition>& partitions,
                                      std::int64_t timestamp) {
  std::map<Connection*, protocol::ListOffsetsRequest> requests;
  for (const TopicPartition& at : partitions) {
    const Result<Connection*> leader = cluster.leader_of(at.topic, at.partition);
    if (!leader && is_unreachable(leader.error())) return leader.error();
    if (!leader) continue;
    auto& request = requests[*leader];
    request.replica_id = -1;
    last_topic(request.topics, at.topic).partitions.push_back({at.partition, -1, timestamp});
  }
  PartitionOffsets offsets;
  for (const auto& [leader, request] : requests) {
    const auto answer = leader->call(request);
    if (!answer) return answer.error();
    for (const auto& topic : answer->topics) {
      for (const auto& one : topic.partitions) {
        if (one.error_code == ErrorCode::none && one.offset >= 0)
          offsets[{topic.name, one.partition_index}] = one.offset;
      }
    }
  }
  return offsets;
}

}  // namespace cms::client
