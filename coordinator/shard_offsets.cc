// SPDX-License-Identifier: Apache-2.0
// Offsets of a shard's groups: who may commit and read them, and when they are forgotten.
#include <algorithm>

#include "coordinator/classic/group.h"
#include "coordinator/shard.h"
#include "protocol/consumer_protocol.h"

namespace cms::coordinator {

namespace {

using protocol::OffsetCommitRequest;
using protocol::OffsetCommitResponse;
using protocol::OffsetDeleteRequest;
using protocol::OffsetDeleteResponse;
using protocol::OffsetFetchRequest;
using protocol::OffsetFetchResponse;

// The first versions in which a member says its epoch (KIP-848).
constexpr protocol::Version epochs_since = 9;

OffsetFetchResponse::Partition shown(std::int32_t partition, const CommittedOffset* offset) {
  OffsetFetchResponse::Partition answer;
  answer.partition_index = partition;
  answer.committed_offset = offset == nullptr ? -1 : offset->offset;
  answer.committed_leader_epoch = offset == nullptr ? -1 : offset->leader_epoch;
  answer.metadata = offset == nullptr ? std::string() : offset->metadata;
  return answer;
}

// One partition of a commit.
ErrorCode check(const OffsetOptions& options, const OffsetCommitRequest::Partition& partition) {
  const std::size_t bytes = partition.committed_metadata ? partition.committed_metadata->size() : 0;
  if (bytes > static_cast<std::size_t>(options.metadata_bytes_max)) return ErrorCode::offset_metadata_too_large;
  return ErrorCode::none;
}

std::size_t record_bytes(const OffsetCommitRequest& request) {
  std::size_t bytes = 0;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      const std::string_view metadata =
          partition.committed_metadata ? *partition.committed_metadata : std::string_view();
      bytes += CommittedOffsets::record_bytes(request.group_id, topic.name, metadata);
    }
  }
  return bytes;
}

}  // namespace

ErrorCode Shard::may_commit(Now now, const Call<OffsetCommitRequest>& call) {
  const OffsetCommitRequest& request = call.request;
  if (record_bytes(request) > static_cast<std::size_t>(environment_.options.record_bytes_max)) {
    return ErrorCode::invalid_commit_offset_size;
  }
  Group* group = find(request.group_id);
  if (group == nullptr) {
    // Who does not use groups at all may still keep offsets under a name.
    if (request.generation_id_or_member_epoch < 0) return ErrorCode::none;
    return call.version >= epochs_since ? ErrorCode::group_id_not_found : ErrorCode::illegal_generation;
  }
  const std::string instance_id = request.group_instance_id.value_or(std::string());
  const OffsetClaim claim{.member_id = request.member_id,
                          .instance_id = instance_id,
                          .generation_or_epoch = request.generation_id_or_member_epoch,
                          .version = call.version};
  if (const ErrorCode refused = group->check_commit(now, claim); refused != ErrorCode::none) return refused;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      const ErrorCode refused = group->check_commit_of(claim, topic.topic_id, partition.partition_index);
      if (refused != ErrorCode::none) return refused;
    }
  }
  return ErrorCode::none;
}

OffsetCommitResponse Shard::step(Now now, const Call<OffsetCommitRequest>& call, Effects& effects) {
  const OffsetCommitRequest& request = call.request;
  const ErrorCode refused = may_commit(now, call);
  if (refused == ErrorCode::none && find(request.group_id) == nullptr) {
    add(std::make_unique<ClassicGroup>(request.group_id, environment_));
  }
  OffsetCommitResponse response;
  response.topics.reserve(request.topics.size());
  for (const auto& topic : request.topics) {
    auto& answer = response.topics.emplace_back();
    answer.name = topic.name;
    answer.topic_id = topic.topic_id;
    for (const auto& partition : topic.partitions) {
      const ErrorCode error = refused != ErrorCode::none ? refused : check(environment_.options.offsets, partition);
      answer.partitions.push_back({partition.partition_index, error});
      if (error != ErrorCode::none) continue;
      const bool asks_retention = request.retention_time_ms >= 0;
      offsets_.commit(request.group_id, topic.name, partition.partition_index,
                      {.offset = partition.committed_offset,
                       .leader_epoch = partition.committed_leader_epoch,
                       .metadata = partition.committed_metadata.value_or(std::string()),
                       .commit_time_ms = now.wall_ms,
                       .expire_time_ms = asks_retention ? now.wall_ms + request.retention_time_ms : -1,
                       .topic_id = topic.topic_id},
                      effects);
    }
  }
  settle(now, request.group_id, effects);
  return response;
}

OffsetFetchResponse::Group Shard::fetch_offsets(const OffsetFetchRequest::Group& wanted,
                                                protocol::Version version) const {
  OffsetFetchResponse::Group answer;
  answer.group_id = wanted.group_id;
  if (const Group* group = find(wanted.group_id); group != nullptr) {
    answer.error_code = group->check_fetch({.member_id = wanted.member_id ? std::string_view(*wanted.member_id) : "",
                                            .instance_id = {},
                                            .generation_or_epoch = wanted.member_epoch,
                                            .version = version});
    if (answer.error_code != ErrorCode::none) return answer;
  }
  if (!wanted.topics) {
    const CommittedOffsets::Topics* topics = offsets_.of_group(wanted.group_id);
    if (topics == nullptr) return answer;
    for (const auto& [name, partitions] : *topics) {
      auto& shown_topic = answer.topics.emplace_back();
      shown_topic.name = name;
      for (const auto& [index, offset] : partitions) shown_topic.partitions.push_back(shown(index, &offset));
    }
    return answer;
  }
  answer.topics.reserve(wanted.topics->size());
  for (const auto& topic : *wanted.topics) {
    auto& shown_topic = answer.topics.emplace_back();
    shown_topic.name = topic.name;
    shown_topic.topic_id = topic.topic_id;
    for (const std::int32_t index : topic.partition_indexes) {
      shown_topic.partitions.push_back(shown(index, offsets_.find(wanted.group_id, topic.name, index)));
    }
  }
  return answer;
}

OffsetDeleteResponse Shard::step(Now now, const Call<OffsetDeleteRequest>& call, Effects& effects) {
  const OffsetDeleteRequest& request = call.request;
  OffsetDeleteResponse response;
  const Group* group = find(request.group_id);
  if (group == nullptr) {
    response.error_code = ErrorCode::group_id_not_found;
    return response;
  }
  if (!group->is_empty() && group->protocol_type() != protocol::consumer_protocol_type) {
    response.error_code = ErrorCode::non_empty_group;
    return response;
  }
  for (const auto& topic : request.topics) {
    auto& answer = response.topics.emplace_back();
    answer.name = topic.name;
    const bool subscribed = group->is_subscribed_to(topic.name);
    for (const auto& partition : topic.partitions) {
      answer.partitions.push_back(
          {partition.partition_index, subscribed ? ErrorCode::group_subscribed_to_topic : ErrorCode::none});
      if (subscribed || offsets_.find(request.group_id, topic.name, partition.partition_index) == nullptr) continue;
      offsets_.remove(request.group_id, topic.name, partition.partition_index, effects);
    }
  }
  settle(now, request.group_id, effects);
  return response;
}

bool Shard::has_aged(const Group& group, Now now, const std::string& topic, const CommittedOffset& offset) const {
  if (!group.is_empty() && group.is_subscribed_to(topic)) return false;
  base::TimestampMs since_ms = offset.commit_time_ms;
  switch (group.aging()) {
    case Group::Aging::none:
      return false;
    case Group::Aging::from_commit:
    case Group::Aging::only_unsubscribed:
      break;
    case Group::Aging::from_empty:
      if (!group.is_empty()) return false;
      since_ms = std::max(since_ms, group.empty_since_ms());
      break;
  }
  if (offset.expire_time_ms >= 0) return now.wall_ms >= std::max(offset.expire_time_ms, since_ms);
  return now.wall_ms - since_ms >= environment_.options.offsets.retention_ms;
}

bool Shard::expire(Now now, std::size_t records_max, Effects& effects) {
  std::vector<std::string> gone;
  for (const auto& [id, hosted] : groups_) {
    if (effects.records.size() >= records_max) break;
    const Group& group = *hosted.group;
    offsets_.remove_if(
        id,
        [&](const std::string& topic, std::int32_t, const CommittedOffset& offset) {
          return has_aged(group, now, topic, offset);
        },
        effects);
    if (!group.is_empty() || offsets_.of_group(id) != nullptr) continue;
    group.append_tombstones(effects);
    gone.push_back(id);
  }
  for (const std::string& id : gone) remove(id);
  return effects.records.size() < records_max;
}

}  // namespace cms::coordinator
