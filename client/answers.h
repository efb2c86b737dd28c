// SPDX-License-Identifier: Apache-2.0
// Which message answers which, and how a refusal reads.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "protocol/errors.h"
#include "protocol/messages.h"

namespace cms::client {

template <typename Request>
struct AnswerTo;

template <>
struct AnswerTo<protocol::ProduceRequest> : std::type_identity<protocol::ProduceResponse> {};
template <>
struct AnswerTo<protocol::FetchRequest> : std::type_identity<protocol::FetchResponse> {};
template <>
struct AnswerTo<protocol::ListOffsetsRequest> : std::type_identity<protocol::ListOffsetsResponse> {};
template <>
struct AnswerTo<protocol::MetadataRequest> : std::type_identity<protocol::MetadataResponse> {};
template <>
struct AnswerTo<protocol::CreateTopicsRequest> : std::type_identity<protocol::CreateTopicsResponse> {};
template <>
struct AnswerTo<protocol::DeleteTopicsRequest> : std::type_identity<protocol::DeleteTopicsResponse> {};
template <>
struct AnswerTo<protocol::DeleteRecordsRequest> : std::type_identity<protocol::DeleteRecordsResponse> {};
template <>
struct AnswerTo<protocol::CreatePartitionsRequest> : std::type_identity<protocol::CreatePartitionsResponse> {};
template <>
struct AnswerTo<protocol::InitProducerIdRequest> : std::type_identity<protocol::InitProducerIdResponse> {};
template <>
struct AnswerTo<protocol::DescribeConfigsRequest> : std::type_identity<protocol::DescribeConfigsResponse> {};
template <>
struct AnswerTo<protocol::IncrementalAlterConfigsRequest>
    : std::type_identity<protocol::IncrementalAlterConfigsResponse> {};
template <>
struct AnswerTo<protocol::DescribeClusterRequest> : std::type_identity<protocol::DescribeClusterResponse> {};
template <>
struct AnswerTo<protocol::OffsetForLeaderEpochRequest> : std::type_identity<protocol::OffsetForLeaderEpochResponse> {};
template <>
struct AnswerTo<protocol::FindCoordinatorRequest> : std::type_identity<protocol::FindCoordinatorResponse> {};
template <>
struct AnswerTo<protocol::ListGroupsRequest> : std::type_identity<protocol::ListGroupsResponse> {};
template <>
struct AnswerTo<protocol::DescribeGroupsRequest> : std::type_identity<protocol::DescribeGroupsResponse> {};
template <>
struct AnswerTo<protocol::ConsumerGroupDescribeRequest> : std::type_identity<protocol::ConsumerGroupDescribeResponse> {
};
template <>
struct AnswerTo<protocol::DeleteGroupsRequest> : std::type_identity<protocol::DeleteGroupsResponse> {};
template <>
struct AnswerTo<protocol::OffsetFetchRequest> : std::type_identity<protocol::OffsetFetchResponse> {};
template <>
struct AnswerTo<protocol::OffsetCommitRequest> : std::type_identity<protocol::OffsetCommitResponse> {};
template <>
struct AnswerTo<protocol::OffsetDeleteRequest> : std::type_identity<protocol::OffsetDeleteResponse> {};
template <>
struct AnswerTo<protocol::JoinGroupRequest> : std::type_identity<protocol::JoinGroupResponse> {};
template <>
struct AnswerTo<protocol::SyncGroupRequest> : std::type_identity<protocol::SyncGroupResponse> {};
template <>
struct AnswerTo<protocol::HeartbeatRequest> : std::type_identity<protocol::HeartbeatResponse> {};
template <>
struct AnswerTo<protocol::LeaveGroupRequest> : std::type_identity<protocol::LeaveGroupResponse> {};
template <>
struct AnswerTo<protocol::OpenChannelRequest> : std::type_identity<protocol::OpenChannelResponse> {};
template <>
struct AnswerTo<protocol::SubscribeRequest> : std::type_identity<protocol::SubscribeResponse> {};
template <>
struct AnswerTo<protocol::UnsubscribeRequest> : std::type_identity<protocol::UnsubscribeResponse> {};
template <>
struct AnswerTo<protocol::SeekRequest> : std::type_identity<protocol::SeekResponse> {};
template <>
struct AnswerTo<protocol::OpenPublicationRequest> : std::type_identity<protocol::OpenPublicationResponse> {};
template <>
struct AnswerTo<protocol::DescribeChannelsRequest> : std::type_identity<protocol::DescribeChannelsResponse> {};

template <typename Request>
using Answer = typename AnswerTo<Request>::type;

// What the broker refused, as an Error: "<the broker's message, or ours> (INVALID_CONFIG)". Its kind is never io, busy
// or closed, which stand for a broker that cannot be reached.
base::Error refusal(protocol::ErrorCode code, const std::optional<std::string>& message = std::nullopt);

// Whether a group's coordinator is only not there yet: being made, loading, or moved to another broker.
bool is_passing(protocol::ErrorCode code);

// How often, and with what pause between, to ask again then: for 10 s.
inline constexpr int coordinator_tries_max = 100;
inline constexpr std::chrono::milliseconds coordinator_pause{100};

// Whether an error means that the broker could not be reached, or was lost.
bool is_unreachable(const base::Error& error);

}  // namespace cms::client
