// SPDX-License-Identifier: Apache-2.0
#include "protocol/api.h"

#include <iterator>
#include <limits>
#include <span>

namespace cms::protocol {
namespace {

constexpr Version never = std::numeric_limits<Version>::max();

struct Api {
  ApiKey key;
  std::string_view name;
  Version flexible_since;
};

// In the order of the keys, which have no gaps: find() relies on it.
constexpr Api apis[] = {
    {ApiKey::produce, "Produce", 9},
    {ApiKey::fetch, "Fetch", 12},
    {ApiKey::list_offsets, "ListOffsets", 6},
    {ApiKey::metadata, "Metadata", 9},
    {ApiKey::leader_and_isr, "LeaderAndIsr", 4},
    {ApiKey::stop_replica, "StopReplica", 2},
    {ApiKey::update_metadata, "UpdateMetadata", 6},
    {ApiKey::controlled_shutdown, "ControlledShutdown", 3},
    {ApiKey::offset_commit, "OffsetCommit", 8},
    {ApiKey::offset_fetch, "OffsetFetch", 6},
    {ApiKey::find_coordinator, "FindCoordinator", 3},
    {ApiKey::join_group, "JoinGroup", 6},
    {ApiKey::heartbeat, "Heartbeat", 4},
    {ApiKey::leave_group, "LeaveGroup", 4},
    {ApiKey::sync_group, "SyncGroup", 4},
    {ApiKey::describe_groups, "DescribeGroups", 5},
    {ApiKey::list_groups, "ListGroups", 3},
    {ApiKey::sasl_handshake, "SaslHandshake", never},
    {ApiKey::api_versions, "ApiVersions", 3},
    {ApiKey::create_topics, "CreateTopics", 5},
    {ApiKey::delete_topics, "DeleteTopics", 4},
    {ApiKey::delete_records, "DeleteRecords", 2},
    {ApiKey::init_producer_id, "InitProducerId", 2},
    {ApiKey::offset_for_leader_epoch, "OffsetForLeaderEpoch", 4},
    {ApiKey::add_partitions_to_txn, "AddPartitionsToTxn", 3},
    {ApiKey::add_offsets_to_txn, "AddOffsetsToTxn", 3},
    {ApiKey::end_txn, "EndTxn", 3},
    {ApiKey::write_txn_markers, "WriteTxnMarkers", 1},
    {ApiKey::txn_offset_commit, "TxnOffsetCommit", 3},
    {ApiKey::describe_acls, "DescribeAcls", 2},
    {ApiKey::create_acls, "CreateAcls", 2},
    {ApiKey::delete_acls, "DeleteAcls", 2},
    {ApiKey::describe_configs, "DescribeConfigs", 4},
    {ApiKey::alter_configs, "AlterConfigs", 2},
    {ApiKey::alter_replica_log_dirs, "AlterReplicaLogDirs", 2},
    {ApiKey::describe_log_dirs, "DescribeLogDirs", 2},
    {ApiKey::sasl_authenticate, "SaslAuthenticate", 2},
    {ApiKey::create_partitions, "CreatePartitions", 2},
    {ApiKey::create_delegation_token, "CreateDelegationToken", 2},
    {ApiKey::renew_delegation_token, "RenewDelegationToken", 2},
    {ApiKey::expire_delegation_token, "ExpireDelegationToken", 2},
    {ApiKey::describe_delegation_token, "DescribeDelegationToken", 2},
    {ApiKey::delete_groups, "DeleteGroups", 2},
    {ApiKey::elect_leaders, "ElectLeaders", 2},
    {ApiKey::incremental_alter_configs, "IncrementalAlterConfigs", 1},
    {ApiKey::alter_partition_reassignments, "AlterPartitionReassignments", 0},
    {ApiKey::list_partition_reassignments, "ListPartitionReassignments", 0},
    {ApiKey::offset_delete, "OffsetDelete", never},
    {ApiKey::describe_client_quotas, "DescribeClientQuotas", 1},
    {ApiKey::alter_client_quotas, "AlterClientQuotas", 1},
    {ApiKey::describe_user_scram_credentials, "DescribeUserScramCredentials", 0},
    {ApiKey::alter_user_scram_credentials, "AlterUserScramCredentials", 0},
    {ApiKey::vote, "Vote", 0},
    {ApiKey::begin_quorum_epoch, "BeginQuorumEpoch", 1},
    {ApiKey::end_quorum_epoch, "EndQuorumEpoch", 1},
    {ApiKey::describe_quorum, "DescribeQuorum", 0},
    {ApiKey::alter_partition, "AlterPartition", 0},
    {ApiKey::update_features, "UpdateFeatures", 0},
    {ApiKey::envelope, "Envelope", 0},
    {ApiKey::fetch_snapshot, "FetchSnapshot", 0},
    {ApiKey::describe_cluster, "DescribeCluster", 0},
    {ApiKey::describe_producers, "DescribeProducers", 0},
    {ApiKey::broker_registration, "BrokerRegistration", 0},
    {ApiKey::broker_heartbeat, "BrokerHeartbeat", 0},
    {ApiKey::unregister_broker, "UnregisterBroker", 0},
    {ApiKey::describe_transactions, "DescribeTransactions", 0},
    {ApiKey::list_transactions, "ListTransactions", 0},
    {ApiKey::allocate_producer_ids, "AllocateProducerIds", 0},
    {ApiKey::consumer_group_heartbeat, "ConsumerGroupHeartbeat", 0},
    {ApiKey::consumer_group_describe, "ConsumerGroupDescribe", 0},
    {ApiKey::controller_registration, "ControllerRegistration", 0},
    {ApiKey::get_telemetry_subscriptions, "GetTelemetrySubscriptions", 0},
    {ApiKey::push_telemetry, "PushTelemetry", 0},
    {ApiKey::assign_replicas_to_dirs, "AssignReplicasToDirs", 0},
    {ApiKey::list_config_resources, "ListConfigResources", 0},
    {ApiKey::describe_topic_partitions, "DescribeTopicPartitions", 0},
    {ApiKey::share_group_heartbeat, "ShareGroupHeartbeat", 0},
    {ApiKey::share_group_describe, "ShareGroupDescribe", 0},
    {ApiKey::share_fetch, "ShareFetch", 0},
    {ApiKey::share_acknowledge, "ShareAcknowledge", 0},
    {ApiKey::add_raft_voter, "AddRaftVoter", 0},
    {ApiKey::remove_raft_voter, "RemoveRaftVoter", 0},
    {ApiKey::update_raft_voter, "UpdateRaftVoter", 0},
    {ApiKey::initialize_share_group_state, "InitializeShareGroupState", 0},
    {ApiKey::read_share_group_state, "ReadShareGroupState", 0},
    {ApiKey::write_share_group_state, "WriteShareGroupState", 0},
    {ApiKey::delete_share_group_state, "DeleteShareGroupState", 0},
    {ApiKey::read_share_group_state_summary, "ReadShareGroupStateSummary", 0},
    {ApiKey::streams_group_heartbeat, "StreamsGroupHeartbeat", 0},
    {ApiKey::streams_group_describe, "StreamsGroupDescribe", 0},
    {ApiKey::describe_share_group_offsets, "DescribeShareGroupOffsets", 0},
    {ApiKey::alter_share_group_offsets, "AlterShareGroupOffsets", 0},
    {ApiKey::delete_share_group_offsets, "DeleteShareGroupOffsets", 0},
};

constexpr bool keys_have_no_gaps() {
  for (std::size_t index = 0; index < std::size(apis); ++index) {
    if (apis[index].key != static_cast<ApiKey>(index)) return false;
  }
  return true;
}
static_assert(keys_have_no_gaps());

constexpr Api private_apis[] = {
    {ApiKey::open_channel, "OpenChannel", 0},
    {ApiKey::subscribe, "Subscribe", 0},
    {ApiKey::unsubscribe, "Unsubscribe", 0},
    {ApiKey::seek, "Seek", 0},
    {ApiKey::open_publication, "OpenPublication", 0},
    {ApiKey::channel_messages, "ChannelMessages", 0},
    {ApiKey::describe_channels, "DescribeChannels", 0},
};

const Api* find(ApiKey key) {
  const std::span<const Api> among = is_private(key) ? std::span<const Api>(private_apis) : std::span<const Api>(apis);
  const int index = static_cast<int>(key) - static_cast<int>(among.front().key);
  return index >= 0 && index < std::ssize(among) ? &among[static_cast<std::size_t>(index)] : nullptr;
}

}  // namespace

std::string_view name_of(ApiKey key) {
  const Api* const api = find(key);
  return api ? api->name : "unknown";
}

bool is_known(ApiKey key) { return find(key) != nullptr; }

bool is_flexible(ApiKey key, Version version) {
  const Api* const api = find(key);
  return api && version >= api->flexible_since;
}

}  // namespace cms::protocol
