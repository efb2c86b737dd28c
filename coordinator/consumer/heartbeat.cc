// SPDX-License-Identifier: Apache-2.0
// ConsumerGroupHeartbeat.
#include <algorithm>
#include <utility>

#include "coordinator/consumer/group.h"
#include "coordinator/consumer/heartbeat_request.h"
#include "coordinator/consumer/topic_pattern.h"
#include "coordinator/sorted.h"

namespace cms::coordinator {

namespace {

using protocol::ConsumerGroupHeartbeatRequest;
using protocol::ConsumerGroupHeartbeatResponse;

bool says_nothing_new(const ConsumerGroupHeartbeatRequest& request) {
  return !request.instance_id && !request.rack_id && request.rebalance_timeout_ms == -1 &&
         !request.subscribed_topic_names && !request.subscribed_topic_regex && !request.server_assignor;
}

// A member that joins, or starts over after an error, sends every field that is not optional.
bool is_full(const ConsumerGroupHeartbeatRequest& request) {
  return request.member_epoch == epoch_of_joining ||
         (request.rebalance_timeout_ms != -1 && (request.subscribed_topic_names || request.subscribed_topic_regex) &&
          request.topic_partitions);
}

void update_from(const ConsumerGroupHeartbeatRequest& request, const Client& client, MemberMetadata& metadata) {
  if (request.instance_id) metadata.instance_id = request.instance_id;
  if (request.rack_id) metadata.rack_id = request.rack_id;
  if (request.rebalance_timeout_ms != -1) metadata.rebalance_timeout_ms = request.rebalance_timeout_ms;
  if (request.server_assignor) metadata.server_assignor = request.server_assignor;
  if (request.subscribed_topic_names) {
    metadata.subscribed_topic_names = *request.subscribed_topic_names;
    sort_without_doubles(metadata.subscribed_topic_names);
  }
  if (request.subscribed_topic_regex) metadata.subscribed_topic_regex = request.subscribed_topic_regex;
  if (!metadata.subscribed_topic_regex) metadata.subscribed_topic_regex.emplace();
  metadata.client_id = client.id;
  metadata.client_host = client.host;
  metadata.classic_member_metadata.reset();
}

ConsumerGroupHeartbeatResponse::Assignment to_response(const OwnedPartitions& owned) {
  ConsumerGroupHeartbeatResponse::Assignment assignment;
  for (const auto& [topic_id, partitions] : owned) {
    auto& topic = assignment.topic_partitions.emplace_back();
    topic.topic_id = topic_id;
    for (const OwnedPartition& partition : partitions) topic.partitions.push_back(partition.partition);
  }
  return assignment;
}

}  // namespace

ConsumerGroupHeartbeatResponse ConsumerGroup::heartbeat(Now now, const HeartbeatCall& call, Effects& effects) {
  const ConsumerGroupHeartbeatRequest& request = call.request;
  if (auto refused = check_heartbeat(request, call.version, environment_.options.consumer)) return *std::move(refused);
  if (request.member_epoch < 0) return leave_by_heartbeat(now, call, effects);

  const ConsumerMember* member = state_.find(request.member_id);
  if (member == nullptr || !changes_nothing(now, call, *member)) return update(now, call, effects);
  sessions_.set(request.member_id, now.steady_ms + session_timeout_ms(*member));
  set_wake();
  return heartbeat_response(call, request.member_id, member->current.assigned);
}

bool ConsumerGroup::changes_nothing(Now now, const HeartbeatCall& call, const ConsumerMember& member) const {
  const GroupEpochs& epochs = state_.epochs();
  return member.metadata && !member.is_classic() && says_nothing_new(call.request) &&
         call.request.member_epoch == member.current.epoch && member.metadata->client_id == call.client.id &&
         member.metadata->client_host == call.client.host && member.current.is_reconciled_to(epochs.assignment) &&
         (epochs.assignment >= epochs.group || !may_assign(now)) &&
         seen_generation_ == environment_.topics.generation() && !patterns_are_due(now);
}

ConsumerGroupHeartbeatResponse ConsumerGroup::update(Now now, const HeartbeatCall& call, Effects& effects) {
  const ConsumerGroupHeartbeatRequest& request = call.request;
  if (!has_room_for(request.member_id)) {
    return refuse_heartbeat(ErrorCode::group_max_size_reached,
                            "The consumer group has reached its maximum capacity of " +
                                std::to_string(environment_.options.consumer.members_max) + " members.");
  }
  if (request.subscribed_topic_regex && !request.subscribed_topic_regex->empty() &&
      !state_.pattern_users().contains(*request.subscribed_topic_regex)) {
    if (const auto why = why_not_a_pattern(*request.subscribed_topic_regex)) {
      return refuse_heartbeat(ErrorCode::invalid_regular_expression,
                              "SubscribedTopicRegex `" + *request.subscribed_topic_regex +
                                  "` is not a valid regular expression: " + *why + ".");
    }
  }
  const std::string member_id = request.member_id.empty() ? environment_.new_member_suffix() : request.member_id;

  Journal journal(id(), state_, effects);
  if (Refusal refusal = admit(call, member_id, journal); refusal.error != ErrorCode::none)
    return refuse_heartbeat(refusal.error, std::move(refusal.message));

  const ConsumerMember* known = state_.find(member_id);
  const OwnedPartitions assigned_before = known ? known->current.assigned : OwnedPartitions();
  MemberMetadata metadata = known && known->metadata ? *known->metadata : MemberMetadata();
  update_from(request, call.client, metadata);
  const SubscriptionChange change = change_metadata(member_id, std::move(metadata), journal);
  refresh_subscriptions(now, change, journal);
  update_target(now, journal);
  reconcile_member(now, member_id, change.any(), request.topic_partitions ? &*request.topic_partitions : nullptr,
                   journal);
  if (is_too_large(journal)) {
    take_back(journal);
    return refuse_heartbeat(ErrorCode::unknown_server_error, "The group's records are larger than its log takes.");
  }

  joins_.drop(member_id);  // it may have been on the classic protocol before
  syncs_.drop(member_id);
  sessions_.set(member_id, now.steady_ms + session_timeout_ms(*state_.find(member_id)));
  set_wake();
  return heartbeat_response(call, member_id, assigned_before);
}

ConsumerGroupHeartbeatResponse ConsumerGroup::heartbeat_response(const HeartbeatCall& call,
                                                                 const std::string& member_id,
                                                                 const OwnedPartitions& before) const {
  const CurrentAssignment& current = state_.find(member_id)->current;
  ConsumerGroupHeartbeatResponse response;
  response.member_id = member_id;
  response.member_epoch = current.epoch;
  response.heartbeat_interval_ms = environment_.group_configs(id()).heartbeat_interval_ms.value_or(
      environment_.options.consumer.heartbeat_interval_ms);
  if (is_full(call.request) || current.assigned != before) response.assignment = to_response(current.assigned);
  return response;
}

}  // namespace cms::coordinator
