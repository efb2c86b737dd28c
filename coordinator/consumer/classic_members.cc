// SPDX-License-Identifier: Apache-2.0
// Members on the classic protocol in a consumer group, while it changes from one protocol to the other (KIP-848). They
// walk the same way to their target as everybody else: JoinGroup says what they own and gives them the epoch as
// generation, SyncGroup gives the assignment, and Heartbeat sends them to join again when there is something to give up
// or to get. No one waits for others.
#include <algorithm>
#include <utility>

#include "coordinator/consumer/embedded.h"
#include "coordinator/consumer/group.h"
#include "coordinator/sorted.h"

namespace cms::coordinator {

namespace {

using protocol::ConsumerSubscription;
using ClassicMetadata = ConsumerGroupMemberMetadataValue::ClassicMemberMetadata;

ClassicMetadata classic_metadata(const protocol::JoinGroupRequest& request) {
  ClassicMetadata classic;
  classic.session_timeout_ms = request.session_timeout_ms;
  for (const auto& offered : request.protocols) {
    classic.supported_protocols.push_back(
        {.name = offered.name, .metadata = base::Bytes::copy_of(offered.metadata.bytes())});
  }
  return classic;
}

std::int32_t rebalance_timeout_ms(const protocol::JoinGroupRequest& request) {
  return request.rebalance_timeout_ms == -1 ? request.session_timeout_ms : request.rebalance_timeout_ms;
}

ReportedPartitions reported(const ConsumerSubscription& subscription, const TopicCatalog& topics) {
  ReportedPartitions reported;
  for (auto& [topic_id, partitions] : by_topic_id(subscription.owned_partitions, topics))
    reported.push_back({.topic_id = topic_id, .partitions = partitions});
  return reported;
}

}  // namespace

void ConsumerGroup::join(Now now, const JoinCall& call, Effects& effects) {
  const protocol::JoinGroupRequest& request = call.request;
  const std::string member_id = request.member_id.empty() ? environment_.new_member_suffix() : request.member_id;
  if (const ErrorCode error = check_join(environment_.options.classic, request); error != ErrorCode::none) {
    effects.reply(call.ticket, refused_join(request.member_id, error));
    return;
  }
  if (const ErrorCode error = check_classic_join(call); error != ErrorCode::none) {
    effects.reply(call.ticket, refused_join("", error));
    return;
  }
  if (request.member_id.empty() && !request.group_instance_id && call.version >= 4) {
    effects.reply(call.ticket, refused_join(member_id, ErrorCode::member_id_required));
    return;
  }
  // All of a member's protocols say the same of topics and partitions: the first one is read.
  const std::optional<ConsumerSubscription> subscription =
      read_subscription(request.protocols.front().metadata.bytes());
  if (!subscription) {
    effects.reply(call.ticket, refused_join("", ErrorCode::unknown_server_error));
    return;
  }
  join_classic_member(now, call, member_id, *subscription, effects);
}

ErrorCode ConsumerGroup::check_classic_join(const JoinCall& call) const {
  const protocol::JoinGroupRequest& request = call.request;
  if (environment_.options.consumer.migration == MigrationPolicy::disabled)
    return ErrorCode::inconsistent_group_protocol;
  if (!has_room_for(request.member_id)) return ErrorCode::group_max_size_reached;
  if (request.protocol_type != protocol::consumer_protocol_type || request.protocols.empty())
    return ErrorCode::inconsistent_group_protocol;
  const bool shared = std::ranges::any_of(request.protocols, [&](const auto& offered) {
    const auto found = state_.classic_protocols().find(offered.name);
    return (found == state_.classic_protocols().end() ? 0 : found->second) == state_.classic_count();
  });
  return shared || state_.members().empty() ? ErrorCode::none : ErrorCode::inconsistent_group_protocol;
}

ErrorCode ConsumerGroup::admit_classic(const JoinCall& call, const std::string& member_id, Journal& journal) {
  const protocol::JoinGroupRequest& request = call.request;
  if (!request.group_instance_id) return ErrorCode::none;
  const std::string* holder = state_.static_member_id(*request.group_instance_id);
  if (request.member_id.empty()) {
    if (holder != nullptr) replace_member(std::string(*holder), member_id, journal);
    return ErrorCode::none;
  }
  if (holder == nullptr) return ErrorCode::unknown_member_id;
  return *holder == member_id ? ErrorCode::none : ErrorCode::fenced_instance_id;
}

void ConsumerGroup::join_classic_member(Now now, const JoinCall& call, const std::string& member_id,
                                        const ConsumerSubscription& subscription, Effects& effects) {
  const protocol::JoinGroupRequest& request = call.request;
  // The last member of the other protocol may be about to give its place to this one.
  const std::string* holder = request.group_instance_id ? state_.static_member_id(*request.group_instance_id) : nullptr;
  const bool ends_migration = holder != nullptr && !state_.find(*holder)->is_classic() &&
                              state_.classic_count() + 1 == state_.members().size() &&
                              may_become_classic(state_.members().size());

  Journal journal(id(), state_, effects);
  if (const ErrorCode error = admit_classic(call, member_id, journal); error != ErrorCode::none) {
    effects.reply(call.ticket, refused_join("", error));
    return;
  }
  const ConsumerMember* known = state_.find(member_id);
  MemberMetadata metadata = known && known->metadata ? *known->metadata : MemberMetadata();
  if (request.group_instance_id) metadata.instance_id = request.group_instance_id;
  if (subscription.rack_id) metadata.rack_id = subscription.rack_id;
  metadata.rebalance_timeout_ms = rebalance_timeout_ms(request);
  metadata.subscribed_topic_names = subscription.topics;
  metadata.subscribed_topic_regex = "";
  metadata.client_id = call.client.id;
  metadata.client_host = call.client.host;
  metadata.classic_member_metadata = classic_metadata(request);
  const SubscriptionChange change = change_metadata(member_id, std::move(metadata), journal);
  refresh_subscriptions(now, change, journal);
  const bool stale = state_.epochs().assignment < state_.epochs().group;
  if (!ends_migration) update_target(now, journal);
  const ReportedPartitions owned = reported(subscription, environment_.topics);
  if (!ends_migration || !stale) reconcile_member(now, member_id, change.any(), &owned, journal);
  if (is_too_large(journal)) {
    take_back(journal);
    effects.reply(call.ticket, refused_join("", ErrorCode::unknown_server_error));
    return;
  }

  const ConsumerMember& member = *state_.find(member_id);
  protocol::JoinGroupResponse response;
  response.generation_id = member.current.epoch;
  response.protocol_type = std::string(protocol::consumer_protocol_type);
  response.protocol_name = request.protocols.front().name;
  response.member_id = member_id;
  revocations_.drop(member_id);
  joins_.drop(member_id);
  sessions_.set(member_id, now.steady_ms + request.session_timeout_ms);
  syncs_.set(member_id, now.steady_ms + rebalance_timeout_ms(request));
  set_wake();
  if (ends_migration) become_classic(now, {}, stale, effects);
  effects.reply(call.ticket, std::move(response));
}

std::variant<const std::string*, ErrorCode> ConsumerGroup::find_classic(
    std::string_view member_id, const std::optional<std::string>& instance_id) const {
  auto found = state_.members().find(member_id);
  if (instance_id) {
    const std::string* holder = state_.static_member_id(*instance_id);
    if (holder == nullptr) return ErrorCode::unknown_member_id;
    if (*holder != member_id) return ErrorCode::fenced_instance_id;
  }
  if (found == state_.members().end() || !found->second.is_classic()) return ErrorCode::unknown_member_id;
  return &found->first;
}

void ConsumerGroup::sync(Now now, const Call<protocol::SyncGroupRequest>& call, Effects& effects) {
  const protocol::SyncGroupRequest& request = call.request;
  if (const ErrorCode error = check_sync(now, request); error != ErrorCode::none) {
    effects.reply(call.ticket, refused_sync(error));
    return;
  }
  const ConsumerMember& member = *state_.find(request.member_id);
  syncs_.drop(request.member_id);
  sessions_.set(request.member_id, now.steady_ms + session_timeout_ms(member));
  set_wake();
  protocol::SyncGroupResponse response;
  response.protocol_type = request.protocol_type;
  response.protocol_name = request.protocol_name;
  response.assignment = assignment_bytes(
      without_epochs(member.current.assigned),
      member.metadata->classic_member_metadata->supported_protocols.front().metadata.bytes(), environment_.topics);
  effects.reply(call.ticket, std::move(response));
}

ErrorCode ConsumerGroup::check_sync(Now now, const protocol::SyncGroupRequest& request) {
  const auto found = find_classic(request.member_id, request.group_instance_id);
  if (const ErrorCode* error = std::get_if<ErrorCode>(&found)) return *error;
  const ConsumerMember& member = *state_.find(request.member_id);
  if (request.generation_id != member.current.epoch) return ErrorCode::illegal_generation;
  if (request.protocol_type && *request.protocol_type != protocol::consumer_protocol_type)
    return ErrorCode::inconsistent_group_protocol;
  const std::vector<ConsumerGroupMemberMetadataValue::ClassicProtocol>& offered =
      member.metadata->classic_member_metadata->supported_protocols;
  if (offered.empty() || (request.protocol_name && offered.front().name != *request.protocol_name))
    return ErrorCode::inconsistent_group_protocol;
  if (state_.epochs().assignment > member.current.epoch &&
      member.current.state != ConsumerMemberState::unrevoked_partitions) {
    joins_.set_if_absent(request.member_id, now.steady_ms + member.metadata->rebalance_timeout_ms);
    set_wake();
    return ErrorCode::rebalance_in_progress;
  }
  return ErrorCode::none;
}

protocol::HeartbeatResponse ConsumerGroup::heartbeat(Now now, const Call<protocol::HeartbeatRequest>& call,
                                                     Effects& effects) {
  protocol::HeartbeatResponse response;
  const auto found = find_classic(call.request.member_id, call.request.group_instance_id);
  if (const ErrorCode* error = std::get_if<ErrorCode>(&found)) {
    response.error_code = *error;
    return response;
  }
  const std::string& member_id = *std::get<const std::string*>(found);
  const ConsumerMember& member = *state_.find(member_id);
  if (call.request.generation_id != member.current.epoch) {
    response.error_code = ErrorCode::illegal_generation;
    return response;
  }
  sessions_.set(member_id, now.steady_ms + session_timeout_ms(member));
  if (seen_generation_ != environment_.topics.generation()) {
    Journal journal(id(), state_, effects);
    refresh_subscriptions(now, {}, journal);
  }
  if (should_join_again(now, member)) {
    response.error_code = ErrorCode::rebalance_in_progress;
    joins_.set_if_absent(member_id, now.steady_ms + member.metadata->rebalance_timeout_ms);
  }
  set_wake();
  return response;
}

// There is a newer assignment, or will be one as soon as somebody joins, or there is something to give up, or what it
// waits for has become free.
bool ConsumerGroup::should_join_again(Now now, const ConsumerMember& member) const {
  if (member.current.epoch < state_.epochs().assignment) return true;
  if (state_.epochs().assignment < state_.epochs().group && may_assign(now)) return true;
  if (member.current.state == ConsumerMemberState::unrevoked_partitions) return true;
  if (member.current.state != ConsumerMemberState::unreleased_partitions || !member.target) return false;
  for (const auto& [topic_id, partitions] : *member.target) {
    for (const std::int32_t partition : partitions) {
      if (find_partition(member.current.assigned, topic_id, partition) == nullptr &&
          !state_.is_free(topic_id, partition)) {
        return false;
      }
    }
  }
  return true;
}

protocol::LeaveGroupResponse ConsumerGroup::leave(Now now, const Call<protocol::LeaveGroupRequest>& call,
                                                  Effects& effects) {
  std::vector<protocol::LeaveGroupRequest::Member> leaving = call.request.members;
  if (call.version < 3) leaving = {{.member_id = call.request.member_id, .group_instance_id = {}, .reason = {}}};

  protocol::LeaveGroupResponse response;
  std::vector<std::string> ids;
  for (const auto& member : leaving) {
    ErrorCode error = ErrorCode::none;
    const std::string* member_id = &member.member_id;
    if (member.group_instance_id) {
      // An administrator removes static members without knowing their member ids.
      member_id = state_.static_member_id(*member.group_instance_id);
      if (member_id == nullptr) {
        error = ErrorCode::unknown_member_id;
      } else if (!member.member_id.empty() && *member_id != member.member_id) {
        error = ErrorCode::fenced_instance_id;
      }
    } else if (state_.find(*member_id) == nullptr) {
      error = ErrorCode::unknown_member_id;
    }
    if (error == ErrorCode::none) ids.push_back(*member_id);
    response.members.push_back({member.member_id, member.group_instance_id, error});
  }
  sort_without_doubles(ids);

  if (call.version < 3) {
    response.error_code = response.members.front().error_code;
    response.members.clear();
  }
  if (!remove_members(now, ids, effects)) response.error_code = ErrorCode::unknown_server_error;
  return response;
}

}  // namespace cms::coordinator
