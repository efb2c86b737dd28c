// SPDX-License-Identifier: Apache-2.0
// Metadata: this broker, the topics, their partitions and leaders.
#pragma once

#include "broker/handlers/request.h"
#include "broker/metadata/metadata.h"
#include "broker/topics/topics.h"
#include "protocol/messages/metadata.h"

namespace cms::broker {

inline constexpr std::int32_t no_leader = -1;

// What a client that asks for it may do (KIP-430): everything that the resource has, as a bit per operation. There is
// no authorizer.
inline constexpr std::int32_t all_topic_operations = 0b1101'1111'1000;
inline constexpr std::int32_t all_cluster_operations = 0b1'1111'1010'0000;

// Whether answering makes topics: then metadata() blocks until they are durable.
bool needs_creation(const Topics& topics, const Options& options, const protocol::MetadataRequest& request);

// A topic made by the request is complete in its answer: its leader is known at once. Internal topics are never made
// so.
void metadata(Topics& topics, const Metadata& node, const Options& options, const RequestContext& context,
              const protocol::MetadataRequest& request, protocol::MetadataResponse& response);

}  // namespace cms::broker
