// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/table.h"

#include <algorithm>

#include "broker/handlers/admin_topics.h"
#include "broker/handlers/api_versions.h"
#include "broker/handlers/cluster.h"
#include "broker/handlers/config_resources.h"
#include "broker/handlers/configs.h"
#include "broker/handlers/group_admin.h"
#include "broker/handlers/group_offsets.h"
#include "broker/handlers/group_serving.h"
#include "broker/handlers/groups.h"
#include "broker/handlers/log_dirs.h"
#include "broker/handlers/metadata.h"
#include "broker/handlers/native.h"
#include "broker/handlers/offsets.h"
#include "broker/handlers/producers.h"
#include "broker/handlers/replicas.h"
#include "broker/handlers/serve.h"
#include "broker/handlers/telemetry.h"
#include "broker/handlers/topic_partitions.h"
#include "protocol/messages/native.h"

namespace cms::broker {

namespace {

using namespace protocol;

// What answers at once, on the connection's thread.
template <typename Request, typename Response, typename Function>
constexpr Handler on_core(Function) {
  return {Request::api_key, Request::versions, Request::versions, serve_on_core<Request, Response, Function>};
}

// What may wait for a disk.
template <typename Request, typename Response, typename Function>
constexpr Handler on_worker(Function) {
  return {Request::api_key, Request::versions, Request::versions, serve_on_worker<Request, Response, Function>};
}

template <typename Request, typename Response, typename Blocks, typename Function>
constexpr Handler on_worker_if(Blocks, Function) {
  return {Request::api_key, Request::versions, Request::versions,
          serve_either_way<Request, Response, Blocks, Function>};
}

Served serve_produce(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                     FrameBuffer& out) {
  return handlers.produce.serve(core, context, body, out);
}

Served serve_fetch(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                   FrameBuffer& out) {
  return handlers.fetch.serve(core, context, body, out);
}

ConfigOwners owners_of(Services& s) {
  return {s.topics, s.group_configs, s.subscriptions, s.options, s.metadata.node_id()};
}

// By API key. Produce 0 to 2 are told and not served: librdkafka before 2.11.1 takes them as the sign that compression
// is known (KIP-896 keeps them for this).
constexpr Handler handlers[] = {
    {ApiKey::produce, ProduceRequest::versions, {0, ProduceRequest::versions.last}, serve_produce},
    {ApiKey::fetch, FetchRequest::versions, FetchRequest::versions, serve_fetch},
    on_worker<ListOffsetsRequest, ListOffsetsResponse>(
        [](Services& s, const RequestContext& context, const ListOffsetsRequest& request,
           ListOffsetsResponse& response) { list_offsets(s.topics, context, request, response); }),
    on_worker_if<MetadataRequest, MetadataResponse>(
        [](Services& s, const MetadataRequest& request) { return needs_creation(s.topics, s.options, request); },
        [](Services& s, const RequestContext& context, const MetadataRequest& request, MetadataResponse& response) {
          metadata(s.topics, s.metadata, s.options, context, request, response);
        }),
    {ApiKey::offset_commit, OffsetCommitRequest::versions, OffsetCommitRequest::versions, serve_offset_commit},
    {ApiKey::offset_fetch, OffsetFetchRequest::versions, OffsetFetchRequest::versions, serve_offset_fetch},
    on_worker_if<FindCoordinatorRequest, FindCoordinatorResponse>(
        [](Services& s, const FindCoordinatorRequest& request) {
          return request.key_type == CoordinatorType::group && !s.groups.is_hosting();
        },
        [](Services& s, const RequestContext& context, const FindCoordinatorRequest& request,
           FindCoordinatorResponse& response) {
          const bool groups = request.key_type == CoordinatorType::group;
          const ErrorCode error = groups ? s.groups.ensure_topic() : ErrorCode::none;
          find_coordinator(s.metadata, error, context, request, response);
        }),
    {ApiKey::join_group, JoinGroupRequest::versions, JoinGroupRequest::versions, serve_join_group},
    {ApiKey::heartbeat, HeartbeatRequest::versions, HeartbeatRequest::versions, serve_heartbeat},
    {ApiKey::leave_group, LeaveGroupRequest::versions, LeaveGroupRequest::versions, serve_leave_group},
    {ApiKey::sync_group, SyncGroupRequest::versions, SyncGroupRequest::versions, serve_sync_group},
    {ApiKey::describe_groups, DescribeGroupsRequest::versions, DescribeGroupsRequest::versions, serve_describe_groups},
    {ApiKey::list_groups, ListGroupsRequest::versions, ListGroupsRequest::versions, serve_list_groups},
    on_core<ApiVersionsRequest, ApiVersionsResponse>(
        [](Services& s, const RequestContext& context, const ApiVersionsRequest& request,
           ApiVersionsResponse& response) { api_versions(handler_table(), s.metadata, context, request, response); }),
    on_worker<CreateTopicsRequest, CreateTopicsResponse>(
        [](Services& s, const RequestContext& context, const CreateTopicsRequest& request,
           CreateTopicsResponse& response) { create_topics(s.topics, s.metadata, context, request, response); }),
    on_worker<DeleteTopicsRequest, DeleteTopicsResponse>(
        [](Services& s, const RequestContext& context, const DeleteTopicsRequest& request,
           DeleteTopicsResponse& response) { delete_topics(s.topics, s.options, context, request, response); }),
    on_worker<DeleteRecordsRequest, DeleteRecordsResponse>(
        [](Services& s, const RequestContext& context, const DeleteRecordsRequest& request,
           DeleteRecordsResponse& response) { delete_records(s.topics, context, request, response); }),
    on_worker<InitProducerIdRequest, InitProducerIdResponse>(
        [](Services& s, const RequestContext& context, const InitProducerIdRequest& request,
           InitProducerIdResponse& response) { init_producer_id(s.producer_ids, context, request, response); }),
    on_worker<OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse>(
        [](Services& s, const RequestContext& context, const OffsetForLeaderEpochRequest& request,
           OffsetForLeaderEpochResponse& response) { offset_for_leader_epoch(s.topics, context, request, response); }),
    on_worker<DescribeConfigsRequest, DescribeConfigsResponse>([](Services& s, const RequestContext& context,
                                                                  const DescribeConfigsRequest& request,
                                                                  DescribeConfigsResponse& response) {
      describe_configs(s.topics, s.group_configs, s.subscriptions, s.metadata, s.options, context, request, response);
    }),
    on_worker<AlterConfigsRequest, AlterConfigsResponse>(
        [](Services& s, const RequestContext& context, const AlterConfigsRequest& request,
           AlterConfigsResponse& response) { alter_configs(owners_of(s), context, request, response); }),
    on_worker<DescribeLogDirsRequest, DescribeLogDirsResponse>([](Services& s, const RequestContext& context,
                                                                  const DescribeLogDirsRequest& request,
                                                                  DescribeLogDirsResponse& response) {
      describe_log_dirs(s.topics, s.disk, s.options, context, request, response);
    }),
    on_worker<CreatePartitionsRequest, CreatePartitionsResponse>([](Services& s, const RequestContext& context,
                                                                    const CreatePartitionsRequest& request,
                                                                    CreatePartitionsResponse& response) {
      create_partitions(s.topics, s.metadata, context, request, response);
    }),
    on_worker<ElectLeadersRequest, ElectLeadersResponse>(
        [](Services& s, const RequestContext& context, const ElectLeadersRequest& request,
           ElectLeadersResponse& response) { elect_leaders(s.topics, context, request, response); }),
    on_worker<IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse>(
        [](Services& s, const RequestContext& context, const IncrementalAlterConfigsRequest& request,
           IncrementalAlterConfigsResponse& response) {
          incremental_alter_configs(owners_of(s), context, request, response);
        }),
    {ApiKey::delete_groups, DeleteGroupsRequest::versions, DeleteGroupsRequest::versions, serve_delete_groups},
    on_worker<AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse>(
        [](Services& s, const RequestContext& context, const AlterPartitionReassignmentsRequest& request,
           AlterPartitionReassignmentsResponse& response) {
          alter_partition_reassignments(s.topics, s.metadata.node_id(), context, request, response);
        }),
    on_core<ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse>(
        [](Services&, const RequestContext& context, const ListPartitionReassignmentsRequest& request,
           ListPartitionReassignmentsResponse& response) { list_partition_reassignments(context, request, response); }),
    {ApiKey::offset_delete, OffsetDeleteRequest::versions, OffsetDeleteRequest::versions, serve_offset_delete},
    on_core<DescribeClusterRequest, DescribeClusterResponse>(
        [](Services& s, const RequestContext& context, const DescribeClusterRequest& request,
           DescribeClusterResponse& response) { describe_cluster(s.metadata, s.options, context, request, response); }),
    {ApiKey::consumer_group_heartbeat, ConsumerGroupHeartbeatRequest::versions, ConsumerGroupHeartbeatRequest::versions,
     serve_consumer_group_heartbeat},
    {ApiKey::consumer_group_describe, ConsumerGroupDescribeRequest::versions, ConsumerGroupDescribeRequest::versions,
     serve_consumer_group_describe},
    on_worker<GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse>(
        [](Services& s, const RequestContext& context, const GetTelemetrySubscriptionsRequest& request,
           GetTelemetrySubscriptionsResponse& response) {
          get_telemetry_subscriptions(s.client_instances, s.options.telemetry_bytes_max, context, request, response);
        }),
    {ApiKey::push_telemetry, PushTelemetryRequest::versions, PushTelemetryRequest::versions, serve_push_telemetry},
    on_core<ListConfigResourcesRequest, ListConfigResourcesResponse>([](Services& s, const RequestContext& context,
                                                                        const ListConfigResourcesRequest& request,
                                                                        ListConfigResourcesResponse& response) {
      list_config_resources(s.topics, s.metadata, s.group_configs, s.subscriptions, context, request, response);
    }),
    on_core<DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse>(
        [](Services& s, const RequestContext& context, const DescribeTopicPartitionsRequest& request,
           DescribeTopicPartitionsResponse& response) {
          describe_topic_partitions(s.topics, context, request, response);
        }),
    {ApiKey::open_channel, OpenChannelRequest::versions, OpenChannelRequest::versions, serve_open_channel},
    {ApiKey::subscribe, SubscribeRequest::versions, SubscribeRequest::versions, serve_subscribe},
    {ApiKey::unsubscribe, UnsubscribeRequest::versions, UnsubscribeRequest::versions, serve_unsubscribe},
    {ApiKey::seek, SeekRequest::versions, SeekRequest::versions, serve_seek},
    {ApiKey::open_publication, OpenPublicationRequest::versions, OpenPublicationRequest::versions,
     serve_open_publication},
    {ApiKey::channel_messages, ChannelMessagesRequest::versions, ChannelMessagesRequest::versions,
     serve_channel_messages},
    {ApiKey::describe_channels, DescribeChannelsRequest::versions, DescribeChannelsRequest::versions,
     serve_describe_channels},
};

}  // namespace

std::span<const Handler> handler_table() { return handlers; }

const Handler* find_handler(ApiKey key) {
  const auto* const found = std::find_if(std::begin(handlers), std::end(handlers),
                                         [key](const Handler& handler) { return handler.key == key; });
  return found == std::end(handlers) ? nullptr : found;
}

}  // namespace cms::broker
