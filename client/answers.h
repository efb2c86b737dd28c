// SPDX-License-Identifier: Apache-2.0
// Which message answers which, and how a refusal reads.
#pragma once

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

template <typename Request>
using Answer = typename AnswerTo<Request>::type;

// What the broker refused, as an Error: "<the broker's message, or ours> (INVALID_CONFIG)". Its kind is never io, busy
// or closed, which stand for a broker that cannot be reached.
base::Error refusal(protocol::ErrorCode code, const std::optional<std::string>& message = std::nullopt);

// Whether an error means that the broker could not be reached, or was lost.
bool is_unreachable(const base::Error& error);

}  // namespace cms::client
