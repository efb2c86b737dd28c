// SPDX-License-Identifier: Apache-2.0
#include "client/admin.h"

#include <algorithm>
#include <map>

namespace cms::client {

namespace {

using protocol::ErrorCode;

constexpr std::int32_t broker_timeout_ms = 20'000;

// The first element of an answer about one thing.
template <typename T>
Result<T> only(std::vector<T>& elements) {
  if (elements.size() != 1) return Error(ErrorKind::corrupt, "the broker's answer is not about what was asked");
  return std::move(elements.front());
}

}  // namespace

Result<protocol::CreateTopicsResponse::Topic> create_topic(Cluster& cluster, const NewTopic& topic) {
  protocol::CreateTopicsRequest request;
  request.timeout_ms = broker_timeout_ms;
  request.validate_only = topic.validate_only;
  auto& asked = request.topics.emplace_back();
  asked.name = topic.name;
  asked.num_partitions = topic.partitions;
  asked.replication_factor = topic.replication;
  for (const auto& [name, value] : topic.configs) asked.configs.push_back({name, value});
  auto answer = cluster.bootstrap().call(request);
  if (!answer) return answer.error();
  auto created = only(answer->topics);
  if (created && created->error_code != ErrorCode::none) return refusal(created->error_code, created->error_message);
  cluster.forget(topic.name);
  return created;
}

Result<void> delete_topic(Cluster& cluster, const std::string& name) {
  protocol::DeleteTopicsRequest request;
  request.timeout_ms = broker_timeout_ms;
  request.topics.push_back({name, {}});
  request.topic_names.push_back(name);
  auto answer = cluster.bootstrap().call(request);
  if (!answer) return answer.error();
  const auto deleted = only(answer->responses);
  if (!deleted) return deleted.error();
  if (deleted->error_code != ErrorCode::none) return refusal(deleted->error_code, deleted->error_message);
  cluster.forget(name);
  return {};
}

Result<void> add_partitions(Cluster& cluster, const std::string& name, std::int32_t total, bool validate_only) {
  protocol::CreatePartitionsRequest request;
  request.timeout_ms = broker_timeout_ms;
  request.validate_only = validate_only;
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  topic.count = total;
  auto answer = cluster.bootstrap().call(request);
  if (!answer) return answer.error();
  const auto result = only(answer->results);
  if (!result) return result.error();
  if (result->error_code != ErrorCode::none) return refusal(result->error_code, result->error_message);
  cluster.forget(name);
  return {};
}

Result<std::vector<ListedOffset>> list_offsets(Cluster& cluster, const std::string& topic,
                                               std::span<const std::int32_t> partitions, std::int64_t timestamp) {
  std::map<Connection*, protocol::ListOffsetsRequest> requests;
  for (const std::int32_t partition : partitions) {
    const Result<Connection*> leader = cluster.leader_of(topic, partition);
    if (!leader) return leader.error();
    auto& request = requests[*leader];
    request.replica_id = -1;
    if (request.topics.empty()) request.topics.push_back({topic, {}});
    request.topics.front().partitions.push_back({partition, -1, timestamp});
  }
  std::map<std::int32_t, ListedOffset> found;
  for (const auto& [leader, request] : requests) {
    auto answer = leader->call(request);
    if (!answer) return answer.error();
    const auto listed = only(answer->topics);
    if (!listed) return listed.error();
    for (const auto& one : listed->partitions) {
      if (one.error_code != ErrorCode::none)
        return refusal(one.error_code).while_doing(topic + "-" + std::to_string(one.partition_index));
      found[one.partition_index] = {one.partition_index, one.offset, one.timestamp, one.leader_epoch};
    }
  }
  std::vector<ListedOffset> offsets;
  for (const std::int32_t partition : partitions) offsets.push_back(found[partition]);
  return offsets;
}

Result<std::int64_t> delete_records(Cluster& cluster, const std::string& topic, std::int32_t partition,
                                    std::int64_t offset) {
  const Result<Connection*> leader = cluster.leader_of(topic, partition);
  if (!leader) return leader.error();
  protocol::DeleteRecordsRequest request;
  request.timeout_ms = broker_timeout_ms;
  request.topics.push_back({topic, {{partition, offset}}});
  auto answer = (*leader)->call(request);
  if (!answer) return answer.error();
  auto answered = only(answer->topics);
  if (!answered) return answered.error();
  const auto result = only(answered->partitions);
  if (!result) return result.error();
  if (result->error_code != ErrorCode::none) return refusal(result->error_code);
  return result->low_watermark;
}

Result<std::vector<ConfigEntry>> describe_configs(Cluster& cluster, const ConfigResource& resource,
                                                  const std::optional<std::vector<std::string>>& names) {
  protocol::DescribeConfigsRequest request;
  request.resources.push_back({resource.type, resource.name, names});
  auto answer = cluster.bootstrap().call(request);
  if (!answer) return answer.error();
  auto result = only(answer->results);
  if (!result) return result.error();
  if (result->error_code != ErrorCode::none) return refusal(result->error_code, result->error_message);
  std::sort(result->configs.begin(), result->configs.end(),
            [](const ConfigEntry& left, const ConfigEntry& right) { return left.name < right.name; });
  return std::move(result->configs);
}

Result<void> alter_configs(Cluster& cluster, const ConfigResource& resource, std::vector<ConfigChange> changes) {
  protocol::IncrementalAlterConfigsRequest request;
  request.resources.push_back({resource.type, resource.name, std::move(changes)});
  auto answer = cluster.bootstrap().call(request);
  if (!answer) return answer.error();
  const auto response = only(answer->responses);
  if (!response) return response.error();
  if (response->error_code != ErrorCode::none) return refusal(response->error_code, response->error_message);
  return {};
}

}  // namespace cms::client
