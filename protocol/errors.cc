// SPDX-License-Identifier: Apache-2.0
#include "protocol/errors.h"

#include <iterator>

namespace cms::protocol {
namespace {

enum class Retry : bool { no, yes };

struct Entry {
  ErrorCode code;
  std::string_view name;
  Retry retry;
  std::string_view message;
};

// In the order of the codes, which begin at -1 and have no gaps: find() relies on it.
constexpr Entry entries[] = {
    {ErrorCode::unknown_server_error, "UNKNOWN_SERVER_ERROR", Retry::no,
     "the broker failed in a way it did not expect"},
    {ErrorCode::none, "NONE", Retry::no, "no error"},
    {ErrorCode::offset_out_of_range, "OFFSET_OUT_OF_RANGE", Retry::no,
     "the offset is outside the range the partition holds"},
    {ErrorCode::corrupt_message, "CORRUPT_MESSAGE", Retry::yes, "a record batch fails its checksum or its format"},
    {ErrorCode::unknown_topic_or_partition, "UNKNOWN_TOPIC_OR_PARTITION", Retry::yes,
     "the broker does not host this topic or partition"},
    {ErrorCode::invalid_fetch_size, "INVALID_FETCH_SIZE", Retry::no, "the requested fetch size is not valid"},
    {ErrorCode::leader_not_available, "LEADER_NOT_AVAILABLE", Retry::yes, "the partition has no leader at the moment"},
    {ErrorCode::not_leader_or_follower, "NOT_LEADER_OR_FOLLOWER", Retry::yes,
     "this broker is neither leader nor follower of the partition"},
    {ErrorCode::request_timed_out, "REQUEST_TIMED_OUT", Retry::yes, "the request was not finished in its time"},
    {ErrorCode::broker_not_available, "BROKER_NOT_AVAILABLE", Retry::yes, "the broker is not available"},
    {ErrorCode::replica_not_available, "REPLICA_NOT_AVAILABLE", Retry::yes, "the replica is not available"},
    {ErrorCode::message_too_large, "MESSAGE_TOO_LARGE", Retry::no, "a record batch is larger than the broker accepts"},
    {ErrorCode::stale_controller_epoch, "STALE_CONTROLLER_EPOCH", Retry::no, "the controller epoch is out of date"},
    {ErrorCode::offset_metadata_too_large, "OFFSET_METADATA_TOO_LARGE", Retry::no,
     "the metadata of a committed offset is too large"},
    {ErrorCode::network_exception, "NETWORK_EXCEPTION", Retry::yes, "the connection was lost before the response came"},
    {ErrorCode::coordinator_load_in_progress, "COORDINATOR_LOAD_IN_PROGRESS", Retry::yes,
     "the coordinator is still loading its state"},
    {ErrorCode::coordinator_not_available, "COORDINATOR_NOT_AVAILABLE", Retry::yes, "the coordinator is not available"},
    {ErrorCode::not_coordinator, "NOT_COORDINATOR", Retry::yes, "this broker is not the coordinator"},
    {ErrorCode::invalid_topic_exception, "INVALID_TOPIC_EXCEPTION", Retry::no,
     "the topic name is not valid, or the topic may not be written to"},
    {ErrorCode::record_list_too_large, "RECORD_LIST_TOO_LARGE", Retry::no,
     "the request holds a record batch larger than a segment"},
    {ErrorCode::not_enough_replicas, "NOT_ENOUGH_REPLICAS", Retry::yes,
     "fewer replicas are in sync than the topic demands"},
    {ErrorCode::not_enough_replicas_after_append, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", Retry::yes,
     "written, but to fewer in-sync replicas than the topic demands"},
    {ErrorCode::invalid_required_acks, "INVALID_REQUIRED_ACKS", Retry::no, "acks must be 0, 1 or -1"},
    {ErrorCode::illegal_generation, "ILLEGAL_GENERATION", Retry::no, "the generation is not the group's current one"},
    {ErrorCode::inconsistent_group_protocol, "INCONSISTENT_GROUP_PROTOCOL", Retry::no,
     "the group uses other protocols than this member offers"},
    {ErrorCode::invalid_group_id, "INVALID_GROUP_ID", Retry::no, "the group id is not valid"},
    {ErrorCode::unknown_member_id, "UNKNOWN_MEMBER_ID", Retry::no, "the group does not know this member"},
    {ErrorCode::invalid_session_timeout, "INVALID_SESSION_TIMEOUT", Retry::no,
     "the session timeout is outside the range the broker allows"},
    {ErrorCode::rebalance_in_progress, "REBALANCE_IN_PROGRESS", Retry::no, "the group is rebalancing, join it again"},
    {ErrorCode::invalid_commit_offset_size, "INVALID_COMMIT_OFFSET_SIZE", Retry::no,
     "the committed offsets are too large to store"},
    {ErrorCode::topic_authorization_failed, "TOPIC_AUTHORIZATION_FAILED", Retry::no, "not authorized for the topic"},
    {ErrorCode::group_authorization_failed, "GROUP_AUTHORIZATION_FAILED", Retry::no, "not authorized for the group"},
    {ErrorCode::cluster_authorization_failed, "CLUSTER_AUTHORIZATION_FAILED", Retry::no,
     "not authorized for the cluster"},
    {ErrorCode::invalid_timestamp, "INVALID_TIMESTAMP", Retry::no, "a record's timestamp is out of the accepted range"},
    {ErrorCode::unsupported_sasl_mechanism, "UNSUPPORTED_SASL_MECHANISM", Retry::no,
     "the broker does not offer this SASL mechanism"},
    {ErrorCode::illegal_sasl_state, "ILLEGAL_SASL_STATE", Retry::no,
     "this request does not fit the state of authentication"},
    {ErrorCode::unsupported_version, "UNSUPPORTED_VERSION", Retry::no, "this version of the API is not supported"},
    {ErrorCode::topic_already_exists, "TOPIC_ALREADY_EXISTS", Retry::no, "a topic of this name exists already"},
    {ErrorCode::invalid_partitions, "INVALID_PARTITIONS", Retry::no, "the number of partitions is not valid"},
    {ErrorCode::invalid_replication_factor, "INVALID_REPLICATION_FACTOR", Retry::no,
     "the replication factor is below one or above the number of brokers"},
    {ErrorCode::invalid_replica_assignment, "INVALID_REPLICA_ASSIGNMENT", Retry::no,
     "the replica assignment is not valid"},
    {ErrorCode::invalid_config, "INVALID_CONFIG", Retry::no, "the configuration is not valid"},
    {ErrorCode::not_controller, "NOT_CONTROLLER", Retry::yes, "this broker is not the controller"},
    {ErrorCode::invalid_request, "INVALID_REQUEST", Retry::no, "the request contradicts itself or the protocol"},
    {ErrorCode::unsupported_for_message_format, "UNSUPPORTED_FOR_MESSAGE_FORMAT", Retry::no,
     "the stored message format does not allow this request"},
    {ErrorCode::policy_violation, "POLICY_VIOLATION", Retry::no, "the request breaks a policy of the broker"},
    {ErrorCode::out_of_order_sequence_number, "OUT_OF_ORDER_SEQUENCE_NUMBER", Retry::no,
     "a batch arrived with a sequence number out of order"},
    {ErrorCode::duplicate_sequence_number, "DUPLICATE_SEQUENCE_NUMBER", Retry::no,
     "a batch with this sequence number was written before"},
    {ErrorCode::invalid_producer_epoch, "INVALID_PRODUCER_EPOCH", Retry::no,
     "a newer instance with the same transactional id has fenced this producer"},
    {ErrorCode::invalid_txn_state, "INVALID_TXN_STATE", Retry::no,
     "the transaction is in a state that does not allow this"},
    {ErrorCode::invalid_producer_id_mapping, "INVALID_PRODUCER_ID_MAPPING", Retry::no,
     "the producer id does not belong to this transactional id"},
    {ErrorCode::invalid_transaction_timeout, "INVALID_TRANSACTION_TIMEOUT", Retry::no,
     "the transaction timeout is larger than the broker allows"},
    {ErrorCode::concurrent_transactions, "CONCURRENT_TRANSACTIONS", Retry::no,
     "another operation on this transaction is still running"},
    {ErrorCode::transaction_coordinator_fenced, "TRANSACTION_COORDINATOR_FENCED", Retry::no,
     "the transaction coordinator has been replaced"},
    {ErrorCode::transactional_id_authorization_failed, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", Retry::no,
     "not authorized for the transactional id"},
    {ErrorCode::security_disabled, "SECURITY_DISABLED", Retry::no, "security features are switched off"},
    {ErrorCode::operation_not_attempted, "OPERATION_NOT_ATTEMPTED", Retry::no,
     "not attempted, because an earlier part of the request failed"},
    {ErrorCode::kafka_storage_error, "KAFKA_STORAGE_ERROR", Retry::yes, "the disk or the log on it failed"},
    {ErrorCode::log_dir_not_found, "LOG_DIR_NOT_FOUND", Retry::no, "the log directory does not exist"},
    {ErrorCode::sasl_authentication_failed, "SASL_AUTHENTICATION_FAILED", Retry::no, "authentication failed"},
    {ErrorCode::unknown_producer_id, "UNKNOWN_PRODUCER_ID", Retry::no,
     "the partition knows nothing of this producer id"},
    {ErrorCode::reassignment_in_progress, "REASSIGNMENT_IN_PROGRESS", Retry::no,
     "a reassignment of the partition is under way"},
    {ErrorCode::delegation_token_auth_disabled, "DELEGATION_TOKEN_AUTH_DISABLED", Retry::no,
     "delegation tokens are switched off"},
    {ErrorCode::delegation_token_not_found, "DELEGATION_TOKEN_NOT_FOUND", Retry::no,
     "the delegation token does not exist"},
    {ErrorCode::delegation_token_owner_mismatch, "DELEGATION_TOKEN_OWNER_MISMATCH", Retry::no,
     "the delegation token belongs to somebody else"},
    {ErrorCode::delegation_token_request_not_allowed, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", Retry::no,
     "delegation tokens cannot be used over this kind of connection"},
    {ErrorCode::delegation_token_authorization_failed, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", Retry::no,
     "not authorized for the delegation token"},
    {ErrorCode::delegation_token_expired, "DELEGATION_TOKEN_EXPIRED", Retry::no, "the delegation token has expired"},
    {ErrorCode::invalid_principal_type, "INVALID_PRINCIPAL_TYPE", Retry::no, "this kind of principal is not supported"},
    {ErrorCode::non_empty_group, "NON_EMPTY_GROUP", Retry::no, "the group still has members"},
    {ErrorCode::group_id_not_found, "GROUP_ID_NOT_FOUND", Retry::no, "the group does not exist"},
    {ErrorCode::fetch_session_id_not_found, "FETCH_SESSION_ID_NOT_FOUND", Retry::yes,
     "the fetch session does not exist"},
    {ErrorCode::invalid_fetch_session_epoch, "INVALID_FETCH_SESSION_EPOCH", Retry::yes,
     "the fetch session epoch is not the next one"},
    {ErrorCode::listener_not_found, "LISTENER_NOT_FOUND", Retry::yes,
     "the leader has no listener of the name the request came through"},
    {ErrorCode::topic_deletion_disabled, "TOPIC_DELETION_DISABLED", Retry::no, "deleting topics is switched off"},
    {ErrorCode::fenced_leader_epoch, "FENCED_LEADER_EPOCH", Retry::yes,
     "the leader epoch in the request is older than the broker's"},
    {ErrorCode::unknown_leader_epoch, "UNKNOWN_LEADER_EPOCH", Retry::yes,
     "the leader epoch in the request is newer than the broker's"},
    {ErrorCode::unsupported_compression_type, "UNSUPPORTED_COMPRESSION_TYPE", Retry::no,
     "the client does not support the compression type of the records"},
    {ErrorCode::stale_broker_epoch, "STALE_BROKER_EPOCH", Retry::no, "the broker epoch has changed"},
    {ErrorCode::offset_not_available, "OFFSET_NOT_AVAILABLE", Retry::yes,
     "the leader's high watermark has not caught up after its election"},
    {ErrorCode::member_id_required, "MEMBER_ID_REQUIRED", Retry::no, "join again with the member id in this response"},
    {ErrorCode::preferred_leader_not_available, "PREFERRED_LEADER_NOT_AVAILABLE", Retry::yes,
     "the preferred leader is not available"},
    {ErrorCode::group_max_size_reached, "GROUP_MAX_SIZE_REACHED", Retry::no,
     "the group has its maximum number of members"},
    {ErrorCode::fenced_instance_id, "FENCED_INSTANCE_ID", Retry::no,
     "another member has taken this static instance id"},
    {ErrorCode::eligible_leaders_not_available, "ELIGIBLE_LEADERS_NOT_AVAILABLE", Retry::yes,
     "no eligible leader is available"},
    {ErrorCode::election_not_needed, "ELECTION_NOT_NEEDED", Retry::yes, "the partition is led as asked already"},
    {ErrorCode::no_reassignment_in_progress, "NO_REASSIGNMENT_IN_PROGRESS", Retry::no, "no reassignment is under way"},
    {ErrorCode::group_subscribed_to_topic, "GROUP_SUBSCRIBED_TO_TOPIC", Retry::no,
     "the group is subscribed to the topic"},
    {ErrorCode::invalid_record, "INVALID_RECORD", Retry::no, "a record breaks a rule of the topic"},
    {ErrorCode::unstable_offset_commit, "UNSTABLE_OFFSET_COMMIT", Retry::yes,
     "offsets of an unfinished transaction are in the way"},
    {ErrorCode::throttling_quota_exceeded, "THROTTLING_QUOTA_EXCEEDED", Retry::yes,
     "a quota is used up, try again later"},
    {ErrorCode::producer_fenced, "PRODUCER_FENCED", Retry::no,
     "a newer producer with the same transactional id has fenced this one"},
    {ErrorCode::resource_not_found, "RESOURCE_NOT_FOUND", Retry::no, "the resource does not exist"},
    {ErrorCode::duplicate_resource, "DUPLICATE_RESOURCE", Retry::no, "the request names a resource twice"},
    {ErrorCode::unacceptable_credential, "UNACCEPTABLE_CREDENTIAL", Retry::no, "the credential is not acceptable"},
    {ErrorCode::inconsistent_voter_set, "INCONSISTENT_VOTER_SET", Retry::no,
     "sender and receiver disagree about the set of voters"},
    {ErrorCode::invalid_update_version, "INVALID_UPDATE_VERSION", Retry::no, "the update version is not valid"},
    {ErrorCode::feature_update_failed, "FEATURE_UPDATE_FAILED", Retry::no, "the feature could not be updated"},
    {ErrorCode::principal_deserialization_failure, "PRINCIPAL_DESERIALIZATION_FAILURE", Retry::no,
     "the principal could not be read"},
    {ErrorCode::snapshot_not_found, "SNAPSHOT_NOT_FOUND", Retry::no, "the snapshot does not exist"},
    {ErrorCode::position_out_of_range, "POSITION_OUT_OF_RANGE", Retry::no, "the position is outside the snapshot"},
    {ErrorCode::unknown_topic_id, "UNKNOWN_TOPIC_ID", Retry::yes, "the broker does not know a topic with this id"},
    {ErrorCode::duplicate_broker_registration, "DUPLICATE_BROKER_REGISTRATION", Retry::no,
     "the broker id is registered already"},
    {ErrorCode::broker_id_not_registered, "BROKER_ID_NOT_REGISTERED", Retry::no, "the broker id is not registered"},
    {ErrorCode::inconsistent_topic_id, "INCONSISTENT_TOPIC_ID", Retry::yes,
     "the topic id is not the one the partition has"},
    {ErrorCode::inconsistent_cluster_id, "INCONSISTENT_CLUSTER_ID", Retry::no, "the cluster id is not this cluster's"},
    {ErrorCode::transactional_id_not_found, "TRANSACTIONAL_ID_NOT_FOUND", Retry::no,
     "the transactional id does not exist"},
    {ErrorCode::fetch_session_topic_id_error, "FETCH_SESSION_TOPIC_ID_ERROR", Retry::yes,
     "the fetch session uses topic ids where the request does not, or the other way round"},
    {ErrorCode::ineligible_replica, "INELIGIBLE_REPLICA", Retry::no, "the replica may not join the in-sync set"},
    {ErrorCode::new_leader_elected, "NEW_LEADER_ELECTED", Retry::no, "a new leader was elected"},
    {ErrorCode::offset_moved_to_tiered_storage, "OFFSET_MOVED_TO_TIERED_STORAGE", Retry::no,
     "the offset has moved to tiered storage"},
    {ErrorCode::fenced_member_epoch, "FENCED_MEMBER_EPOCH", Retry::no, "the member epoch is fenced, join again"},
    {ErrorCode::unreleased_instance_id, "UNRELEASED_INSTANCE_ID", Retry::no,
     "another member still holds the instance id"},
    {ErrorCode::unsupported_assignor, "UNSUPPORTED_ASSIGNOR", Retry::no, "the broker does not have the assignor"},
    {ErrorCode::stale_member_epoch, "STALE_MEMBER_EPOCH", Retry::no, "the member epoch is out of date"},
    {ErrorCode::mismatched_endpoint_type, "MISMATCHED_ENDPOINT_TYPE", Retry::no,
     "the request went to the wrong kind of endpoint"},
    {ErrorCode::unsupported_endpoint_type, "UNSUPPORTED_ENDPOINT_TYPE", Retry::no,
     "the kind of endpoint is not supported"},
    {ErrorCode::unknown_controller_id, "UNKNOWN_CONTROLLER_ID", Retry::no, "the controller id is not known"},
    {ErrorCode::unknown_subscription_id, "UNKNOWN_SUBSCRIPTION_ID", Retry::no,
     "the telemetry subscription is out of date"},
    {ErrorCode::telemetry_too_large, "TELEMETRY_TOO_LARGE", Retry::no,
     "the telemetry is larger than the broker accepts"},
    {ErrorCode::invalid_registration, "INVALID_REGISTRATION", Retry::no, "the registration is not valid"},
    {ErrorCode::transaction_abortable, "TRANSACTION_ABORTABLE", Retry::no, "the transaction must be aborted"},
    {ErrorCode::invalid_record_state, "INVALID_RECORD_STATE", Retry::no,
     "the record is not in a state that allows this"},
    {ErrorCode::share_session_not_found, "SHARE_SESSION_NOT_FOUND", Retry::no, "the share session does not exist"},
    {ErrorCode::invalid_share_session_epoch, "INVALID_SHARE_SESSION_EPOCH", Retry::no,
     "the share session epoch is not the next one"},
    {ErrorCode::fenced_state_epoch, "FENCED_STATE_EPOCH", Retry::no,
     "the share partition's state epoch is out of date"},
    {ErrorCode::invalid_voter_key, "INVALID_VOTER_KEY", Retry::no, "the voter's key is not the registered one"},
    {ErrorCode::duplicate_voter, "DUPLICATE_VOTER", Retry::no, "the voter exists already"},
    {ErrorCode::voter_not_found, "VOTER_NOT_FOUND", Retry::no, "the voter does not exist"},
    {ErrorCode::invalid_regular_expression, "INVALID_REGULAR_EXPRESSION", Retry::no,
     "the regular expression is not valid"},
    {ErrorCode::rebootstrap_required, "REBOOTSTRAP_REQUIRED", Retry::no,
     "the client must start again from its bootstrap servers"},
    {ErrorCode::streams_invalid_topology, "STREAMS_INVALID_TOPOLOGY", Retry::no,
     "the topology of the streams group is not valid"},
    {ErrorCode::streams_invalid_topology_epoch, "STREAMS_INVALID_TOPOLOGY_EPOCH", Retry::no,
     "the topology epoch of the streams group is not valid"},
    {ErrorCode::streams_topology_fenced, "STREAMS_TOPOLOGY_FENCED", Retry::no,
     "the topology epoch of the streams group is out of date"},
    {ErrorCode::share_session_limit_reached, "SHARE_SESSION_LIMIT_REACHED", Retry::yes,
     "the broker has its maximum number of share sessions"},
};

constexpr bool codes_have_no_gaps() {
  for (std::size_t index = 0; index < std::size(entries); ++index) {
    if (static_cast<int>(entries[index].code) != static_cast<int>(index) - 1) return false;
  }
  return true;
}
static_assert(codes_have_no_gaps());

const Entry* find(ErrorCode code) {
  const int index = static_cast<int>(code) + 1;
  return index >= 0 && index < std::ssize(entries) ? &entries[index] : nullptr;
}

}  // namespace

std::string_view name_of(ErrorCode code) {
  const Entry* const entry = find(code);
  return entry ? entry->name : "UNKNOWN";
}

std::string_view message_of(ErrorCode code) {
  const Entry* const entry = find(code);
  return entry ? entry->message : "an error code this software does not know";
}

bool is_retriable(ErrorCode code) {
  const Entry* const entry = find(code);
  return entry && entry->retry == Retry::yes;
}

}  // namespace cms::protocol
