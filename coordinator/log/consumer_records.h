// SPDX-License-Identifier: Apache-2.0
// A consumer group of KIP-848 in `__consumer_offsets`. The group and each of its members have records of their own; the
// group is what they say together, read in the order of the log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "protocol/byte_fields.h"
#include "protocol/fields.h"
#include "protocol/version.h"

namespace cms::coordinator {

using protocol::operator==;  // of declared structs, member by member

// The group's epoch.
struct ConsumerGroupMetadataValue {
  static constexpr protocol::VersionRange versions{0, 0};
  static constexpr protocol::Version flexible_since = 0;

  std::int32_t epoch = 0;
  std::int64_t metadata_hash = 0;  // of the topics subscribed to (KIP-1101); 0: not computed

  static constexpr void fields(auto&& field) {
    using protocol::member, protocol::Tagged;
    field(member<&ConsumerGroupMetadataValue::epoch>);
    field(member<&ConsumerGroupMetadataValue::metadata_hash>, Tagged{0});
  }

  protocol::Version version_written() const { return 0; }
};

struct ConsumerGroupMetadataKey {
  using Value = ConsumerGroupMetadataValue;
  static constexpr std::int16_t record_type = 3;

  std::string group_id;

  static constexpr void fields(auto&& field) { field(protocol::member<&ConsumerGroupMetadataKey::group_id>); }
};

// The topics as the group last saw them. Kafka before 4.1 wrote it, newer ones only its tombstone (the hash above took
// its place): read and ignored.
struct ConsumerGroupPartitionMetadataValue {
  static constexpr protocol::VersionRange versions{0, 0};
  static constexpr protocol::Version flexible_since = 0;

  struct Partition {
    std::int32_t partition = 0;
    std::vector<std::string> racks;

    static constexpr void fields(auto&& field) {
      using protocol::member;
      field(member<&Partition::partition>);
      field(member<&Partition::racks>);
    }
  };

  struct Topic {
    base::Uuid topic_id;
    std::string topic_name;
    std::int32_t num_partitions = 0;
    std::vector<Partition> partition_metadata;

    static constexpr void fields(auto&& field) {
      using protocol::member;
      field(member<&Topic::topic_id>);
      field(member<&Topic::topic_name>);
      field(member<&Topic::num_partitions>);
      field(member<&Topic::partition_metadata>);
    }
  };

  std::vector<Topic> topics;

  static constexpr void fields(auto&& field) {
    using protocol::member;
    field(member<&ConsumerGroupPartitionMetadataValue::topics>);
  }

  protocol::Version version_written() const { return 0; }
};

struct ConsumerGroupPartitionMetadataKey {
  using Value = ConsumerGroupPartitionMetadataValue;
  static constexpr std::int16_t record_type = 4;

  std::string group_id;

  static constexpr void fields(auto&& field) { field(protocol::member<&ConsumerGroupPartitionMetadataKey::group_id>); }
};

// What a member says of itself.
struct ConsumerGroupMemberMetadataValue {
  static constexpr protocol::VersionRange versions{0, 0};
  static constexpr protocol::Version flexible_since = 0;

  struct ClassicProtocol {
    std::string name;
    protocol::SharedBytes metadata;

    static constexpr void fields(auto&& field) {
      using protocol::member;
      field(member<&ClassicProtocol::name>);
      field(member<&ClassicProtocol::metadata>);
    }
  };

  struct ClassicMemberMetadata {
    std::int32_t session_timeout_ms = 0;
    std::vector<ClassicProtocol> supported_protocols;

    static constexpr void fields(auto&& field) {
      using protocol::member;
      field(member<&ClassicMemberMetadata::session_timeout_ms>);
      field(member<&ClassicMemberMetadata::supported_protocols>);
    }
  };

  std::optional<std::string> instance_id;
  std::optional<std::string> rack_id;
  std::string client_id;
  std::string client_host;
  std::vector<std::string> subscribed_topic_names;
  std::optional<std::string> subscribed_topic_regex;
  std::int32_t rebalance_timeout_ms = -1;
  std::optional<std::string> server_assignor;
  std::optional<ClassicMemberMetadata> classic_member_metadata;  // null: not of the classic protocol

  static constexpr void fields(auto&& field) {
    using protocol::member, protocol::Tagged;
    field(member<&ConsumerGroupMemberMetadataValue::instance_id>);
    field(member<&ConsumerGroupMemberMetadataValue::rack_id>);
    field(member<&ConsumerGroupMemberMetadataValue::client_id>);
    field(member<&ConsumerGroupMemberMetadataValue::client_host>);
    field(member<&ConsumerGroupMemberMetadataValue::subscribed_topic_names>);
    field(member<&ConsumerGroupMemberMetadataValue::subscribed_topic_regex>);
    field(member<&ConsumerGroupMemberMetadataValue::rebalance_timeout_ms>);
    field(member<&ConsumerGroupMemberMetadataValue::server_assignor>);
    field(member<&ConsumerGroupMemberMetadataValue::classic_member_metadata>, Tagged{0});
  }

  protocol::Version version_written() const { return 0; }
};

struct ConsumerGroupMemberMetadataKey {
  using Value = ConsumerGroupMemberMetadataValue;
  static constexpr std::int16_t record_type = 5;

  std::string group_id;
  std::string member_id;

  static constexpr void fields(auto&& field) {
    field(protocol::member<&ConsumerGroupMemberMetadataKey::group_id>);
    field(protocol::member<&ConsumerGroupMemberMetadataKey::member_id>);
  }
};

// The group's epoch that the target assignment was made for.
struct ConsumerGroupTargetAssignmentMetadataValue {
  static constexpr protocol::VersionRange versions{0, 0};
  static constexpr protocol::Version flexible_since = 0;

  std::int32_t assignment_epoch = 0;
  std::int64_t assignment_timestamp_ms = 0;

  static constexpr void fields(auto&& field) {
    using protocol::member, protocol::Tagged;
    field(member<&ConsumerGroupTargetAssignmentMetadataValue::assignment_epoch>);
    field(member<&ConsumerGroupTargetAssignmentMetadataValue::assignment_timestamp_ms>, Tagged{0});
  }

  protocol::Version version_written() const { return 0; }
};

struct ConsumerGroupTargetAssignmentMetadataKey {
  using Value = ConsumerGroupTargetAssignmentMetadataValue;
  static constexpr std::int16_t record_type = 6;

  std::string group_id;

  static constexpr void fields(auto&& field) {
    field(protocol::member<&ConsumerGroupTargetAssignmentMetadataKey::group_id>);
  }
};

// What a member shall have.
struct ConsumerGroupTargetAssignmentMemberValue {
  static constexpr protocol::VersionRange versions{0, 0};
  static constexpr protocol::Version flexible_since = 0;

  struct TopicPartitions {
    base::Uuid topic_id;
    std::vector<std::int32_t> partitions;

    static constexpr void fields(auto&& field) {
      using protocol::member;
      field(member<&TopicPartitions::topic_id>);
      field(member<&TopicPartitions::partitions>);
    }
  };

  std::vector<TopicPartitions> topic_partitions;

  static constexpr void fields(auto&& field) {
    using protocol::member;
    field(member<&ConsumerGroupTargetAssignmentMemberValue::topic_partitions>);
  }

  protocol::Version version_written() const { return 0; }
};

struct ConsumerGroupTargetAssignmentMemberKey {
  using Value = ConsumerGroupTargetAssignmentMemberValue;
  static constexpr std::int16_t record_type = 7;

  std::string group_id;
  std::string member_id;

  static constexpr void fields(auto&& field) {
    field(protocol::member<&ConsumerGroupTargetAssignmentMemberKey::group_id>);
    field(protocol::member<&ConsumerGroupTargetAssignmentMemberKey::member_id>);
  }
};

// How far a member has got from one assignment to the next.
enum class ConsumerMemberState : std::int8_t {
  stable = 0,
  unrevoked_partitions = 1,   // it has not said yet that it gave up what is pending revocation
  unreleased_partitions = 2,  // it waits for partitions that others have
};

// What a member has.
struct ConsumerGroupCurrentMemberAssignmentValue {
  static constexpr protocol::VersionRange versions{0, 0};
  static constexpr protocol::Version flexible_since = 0;

  struct TopicPartitions {
    base::Uuid topic_id;
    std::vector<std::int32_t> partitions;
    std::optional<std::vector<std::int32_t>> assignment_epochs = std::vector<std::int32_t>{};  // when each was given

    static constexpr void fields(auto&& field) {
      using protocol::member, protocol::Tagged;
      field(member<&TopicPartitions::topic_id>);
      field(member<&TopicPartitions::partitions>);
      field(member<&TopicPartitions::assignment_epochs>, Tagged{0});
    }
  };

  std::int32_t member_epoch = 0;
  std::int32_t previous_member_epoch = 0;
  ConsumerMemberState state = ConsumerMemberState::stable;
  std::vector<TopicPartitions> assigned_partitions;
  std::vector<TopicPartitions> partitions_pending_revocation;

  static constexpr void fields(auto&& field) {
    using protocol::member;
    field(member<&ConsumerGroupCurrentMemberAssignmentValue::member_epoch>);
    field(member<&ConsumerGroupCurrentMemberAssignmentValue::previous_member_epoch>);
    field(member<&ConsumerGroupCurrentMemberAssignmentValue::state>);
    field(member<&ConsumerGroupCurrentMemberAssignmentValue::assigned_partitions>);
    field(member<&ConsumerGroupCurrentMemberAssignmentValue::partitions_pending_revocation>);
  }

  protocol::Version version_written() const { return 0; }
};

struct ConsumerGroupCurrentMemberAssignmentKey {
  using Value = ConsumerGroupCurrentMemberAssignmentValue;
  static constexpr std::int16_t record_type = 8;

  std::string group_id;
  std::string member_id;

  static constexpr void fields(auto&& field) {
    field(protocol::member<&ConsumerGroupCurrentMemberAssignmentKey::group_id>);
    field(protocol::member<&ConsumerGroupCurrentMemberAssignmentKey::member_id>);
  }
};

// The topics that a regular expression of the group matched.
struct ConsumerGroupRegularExpressionValue {
  static constexpr protocol::VersionRange versions{0, 0};
  static constexpr protocol::Version flexible_since = 0;

  std::vector<std::string> topics;
  std::int64_t version = 0;  // of the metadata it was resolved with
  std::int64_t timestamp_ms = 0;

  static constexpr void fields(auto&& field) {
    using protocol::member;
    field(member<&ConsumerGroupRegularExpressionValue::topics>);
    field(member<&ConsumerGroupRegularExpressionValue::version>);
    field(member<&ConsumerGroupRegularExpressionValue::timestamp_ms>);
  }

  protocol::Version version_written() const { return 0; }
};

struct ConsumerGroupRegularExpressionKey {
  using Value = ConsumerGroupRegularExpressionValue;
  static constexpr std::int16_t record_type = 16;

  std::string group_id;
  std::string regular_expression;

  static constexpr void fields(auto&& field) {
    field(protocol::member<&ConsumerGroupRegularExpressionKey::group_id>);
    field(protocol::member<&ConsumerGroupRegularExpressionKey::regular_expression>);
  }
};

}  // namespace cms::coordinator
