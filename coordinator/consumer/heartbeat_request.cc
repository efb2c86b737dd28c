// SPDX-License-Identifier: Apache-2.0
#include "coordinator/consumer/heartbeat_request.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "coordinator/consumer/member.h"

namespace cms::coordinator {

namespace {

using protocol::ConsumerGroupHeartbeatRequest;
using protocol::ErrorCode;

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos; }
bool is_blank_if_there(const std::optional<std::string>& text) { return text && is_blank(std::string_view(*text)); }

// The words are Kafka's: clients show them.
std::string_view why_invalid(const ConsumerGroupHeartbeatRequest& request, protocol::Version version) {
  const std::int32_t epoch = request.member_epoch;
  const bool needs_member_id = version >= 1 || epoch > 0 || epoch == epoch_of_leaving;
  if (needs_member_id && is_blank(request.member_id)) return "MemberId can't be empty.";
  if (is_blank(request.group_id)) return "GroupId can't be empty.";
  if (is_blank_if_there(request.instance_id)) return "InstanceId can't be empty.";
  if (is_blank_if_there(request.rack_id)) return "RackId can't be empty.";
  if (epoch == epoch_of_joining) {
    if (request.rebalance_timeout_ms == -1) return "RebalanceTimeoutMs must be provided in first request.";
    if (!request.topic_partitions || !request.topic_partitions->empty())
      return "TopicPartitions must be empty when (re-)joining.";
    if (!request.subscribed_topic_names && !request.subscribed_topic_regex)
      return "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.";
  }
  if (epoch == epoch_of_expected_back && !request.instance_id) return "InstanceId can't be null.";
  if (epoch < epoch_of_expected_back) return "MemberEpoch is invalid.";
  return {};
}

}  // namespace

protocol::ConsumerGroupHeartbeatResponse refuse_heartbeat(ErrorCode error, std::string message) {
  protocol::ConsumerGroupHeartbeatResponse response;
  response.error_code = error;
  response.error_message = std::move(message);
  return response;
}

std::optional<protocol::ConsumerGroupHeartbeatResponse> check_heartbeat(const ConsumerGroupHeartbeatRequest& request,
                                                                        protocol::Version version,
                                                                        const ConsumerOptions& options) {
  if (const std::string_view why = why_invalid(request, version); !why.empty())
    return refuse_heartbeat(ErrorCode::invalid_request, std::string(why));
  if (request.server_assignor &&
      std::ranges::find(options.assignors, *request.server_assignor) == options.assignors.end()) {
    std::string supported;
    for (const std::string& name : options.assignors) supported += (supported.empty() ? "" : ", ") + name;
    return refuse_heartbeat(
        ErrorCode::unsupported_assignor,
        "ServerAssignor " + *request.server_assignor + " is not supported. Supported assignors: " + supported + ".");
  }
  return std::nullopt;
}

}  // namespace cms::coordinator
