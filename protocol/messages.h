// SPDX-License-Identifier: Apache-2.0
// All messages, and a loop over their types for what must treat every one alike (tests, fuzzers, tools).
#pragma once

#include "protocol/messages/cluster.h"
#include "protocol/messages/config_resources.h"
#include "protocol/messages/configs.h"
#include "protocol/messages/consumer_group.h"
#include "protocol/messages/describe.h"
#include "protocol/messages/epochs.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/group_admin.h"
#include "protocol/messages/group_offsets.h"
#include "protocol/messages/groups.h"
#include "protocol/messages/list_offsets.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/native.h"
#include "protocol/messages/produce.h"
#include "protocol/messages/producer.h"
#include "protocol/messages/reassignments.h"
#include "protocol/messages/telemetry.h"
#include "protocol/messages/topics.h"

namespace cms::protocol {

template <Message Request_, Message Response_>
struct MessagePair {
  using Request = Request_;
  using Response = Response_;
  static_assert(Request::api_key == Response::api_key && Request::versions == Response::versions &&
                Request::flexible_since == Response::flexible_since);
};

// Calls visit(MessagePair<Request, Response>{}) for every API.
template <typename Visit>
constexpr void for_each_api(Visit&& visit) {
  visit(MessagePair<ProduceRequest, ProduceResponse>{});
  visit(MessagePair<FetchRequest, FetchResponse>{});
  visit(MessagePair<ListOffsetsRequest, ListOffsetsResponse>{});
  visit(MessagePair<MetadataRequest, MetadataResponse>{});
  visit(MessagePair<OffsetCommitRequest, OffsetCommitResponse>{});
  visit(MessagePair<OffsetFetchRequest, OffsetFetchResponse>{});
  visit(MessagePair<FindCoordinatorRequest, FindCoordinatorResponse>{});
  visit(MessagePair<JoinGroupRequest, JoinGroupResponse>{});
  visit(MessagePair<HeartbeatRequest, HeartbeatResponse>{});
  visit(MessagePair<LeaveGroupRequest, LeaveGroupResponse>{});
  visit(MessagePair<SyncGroupRequest, SyncGroupResponse>{});
  visit(MessagePair<DescribeGroupsRequest, DescribeGroupsResponse>{});
  visit(MessagePair<ListGroupsRequest, ListGroupsResponse>{});
  visit(MessagePair<ApiVersionsRequest, ApiVersionsResponse>{});
  visit(MessagePair<CreateTopicsRequest, CreateTopicsResponse>{});
  visit(MessagePair<DeleteTopicsRequest, DeleteTopicsResponse>{});
  visit(MessagePair<DeleteRecordsRequest, DeleteRecordsResponse>{});
  visit(MessagePair<InitProducerIdRequest, InitProducerIdResponse>{});
  visit(MessagePair<OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse>{});
  visit(MessagePair<DescribeConfigsRequest, DescribeConfigsResponse>{});
  visit(MessagePair<AlterConfigsRequest, AlterConfigsResponse>{});
  visit(MessagePair<DescribeLogDirsRequest, DescribeLogDirsResponse>{});
  visit(MessagePair<CreatePartitionsRequest, CreatePartitionsResponse>{});
  visit(MessagePair<DeleteGroupsRequest, DeleteGroupsResponse>{});
  visit(MessagePair<ElectLeadersRequest, ElectLeadersResponse>{});
  visit(MessagePair<IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse>{});
  visit(MessagePair<AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse>{});
  visit(MessagePair<ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse>{});
  visit(MessagePair<OffsetDeleteRequest, OffsetDeleteResponse>{});
  visit(MessagePair<DescribeClusterRequest, DescribeClusterResponse>{});
  visit(MessagePair<ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse>{});
  visit(MessagePair<ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse>{});
  visit(MessagePair<GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse>{});
  visit(MessagePair<PushTelemetryRequest, PushTelemetryResponse>{});
  visit(MessagePair<ListConfigResourcesRequest, ListConfigResourcesResponse>{});
  visit(MessagePair<DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse>{});
  visit(MessagePair<OpenChannelRequest, OpenChannelResponse>{});
  visit(MessagePair<SubscribeRequest, SubscribeResponse>{});
  visit(MessagePair<UnsubscribeRequest, UnsubscribeResponse>{});
  visit(MessagePair<SeekRequest, SeekResponse>{});
  visit(MessagePair<OpenPublicationRequest, OpenPublicationResponse>{});
  visit(MessagePair<ChannelMessagesRequest, ChannelMessagesResponse>{});
  visit(MessagePair<DescribeChannelsRequest, DescribeChannelsResponse>{});
}

}  // namespace cms::protocol
