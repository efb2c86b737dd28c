// SPDX-License-Identifier: Apache-2.0
// Consumer groups on the protocol of KIP-848: the coordinator assigns, and a heartbeat says everything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "protocol/api.h"
#include "protocol/codec.h"
#include "protocol/errors.h"
#include "protocol/fields.h"
#include "protocol/types.h"
#include "protocol/version.h"

namespace cms::protocol {

// How a member of a consumer group came to it.
enum class ConsumerMemberType : std::int8_t { unknown = -1, classic = 0, consumer = 1 };

struct ConsumerGroupHeartbeatRequest {
  static constexpr ApiKey api_key = ApiKey::consumer_group_heartbeat;
  static constexpr VersionRange versions{0, 1};
  static constexpr Version flexible_since = 0;

  struct TopicPartitions {
    base::Uuid topic_id;
    std::vector<std::int32_t> partitions;

    static constexpr void fields(auto&& field) {
      field(member<&TopicPartitions::topic_id>);
      field(member<&TopicPartitions::partitions>);
    }
  };

  std::string group_id;
  std::string member_id;          // empty in version 0: the coordinator makes one; later the member does
  std::int32_t member_epoch = 0;  // 0: joins; -1: leaves; -2: a static member leaves for now
  std::optional<std::string> instance_id;
  std::optional<std::string> rack_id;
  std::int32_t rebalance_timeout_ms = -1;  // -1: unchanged, as null is in what follows
  std::optional<std::vector<std::string>> subscribed_topic_names;
  std::optional<std::string> subscribed_topic_regex;  // in the syntax of RE2; empty: none
  std::optional<std::string> server_assignor;
  std::optional<std::vector<TopicPartitions>> topic_partitions;  // what the member owns

  static constexpr void fields(auto&& field) {
    field(member<&ConsumerGroupHeartbeatRequest::group_id>);
    field(member<&ConsumerGroupHeartbeatRequest::member_id>);
    field(member<&ConsumerGroupHeartbeatRequest::member_epoch>);
    field(member<&ConsumerGroupHeartbeatRequest::instance_id>);
    field(member<&ConsumerGroupHeartbeatRequest::rack_id>);
    field(member<&ConsumerGroupHeartbeatRequest::rebalance_timeout_ms>);
    field(member<&ConsumerGroupHeartbeatRequest::subscribed_topic_names>);
    field(member<&ConsumerGroupHeartbeatRequest::subscribed_topic_regex>, Since{1});
    field(member<&ConsumerGroupHeartbeatRequest::server_assignor>);
    field(member<&ConsumerGroupHeartbeatRequest::topic_partitions>);
  }
};

struct ConsumerGroupHeartbeatResponse {
  static constexpr ApiKey api_key = ApiKey::consumer_group_heartbeat;
  static constexpr VersionRange versions{0, 1};
  static constexpr Version flexible_since = 0;

  struct TopicPartitions {
    base::Uuid topic_id;
    std::vector<std::int32_t> partitions;

    static constexpr void fields(auto&& field) {
      field(member<&TopicPartitions::topic_id>);
      field(member<&TopicPartitions::partitions>);
    }
  };

  struct Assignment {
    std::vector<TopicPartitions> topic_partitions;

    static constexpr void fields(auto&& field) { field(member<&Assignment::topic_partitions>); }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::optional<std::string> member_id;
  std::int32_t member_epoch = 0;
  std::int32_t heartbeat_interval_ms = 0;
  std::optional<Assignment> assignment;  // null: unchanged

  static constexpr void fields(auto&& field) {
    field(member<&ConsumerGroupHeartbeatResponse::throttle_time_ms>);
    field(member<&ConsumerGroupHeartbeatResponse::error_code>);
    field(member<&ConsumerGroupHeartbeatResponse::error_message>);
    field(member<&ConsumerGroupHeartbeatResponse::member_id>);
    field(member<&ConsumerGroupHeartbeatResponse::member_epoch>);
    field(member<&ConsumerGroupHeartbeatResponse::heartbeat_interval_ms>);
    field(member<&ConsumerGroupHeartbeatResponse::assignment>);
  }
};

struct ConsumerGroupDescribeRequest {
  static constexpr ApiKey api_key = ApiKey::consumer_group_describe;
  static constexpr VersionRange versions{0, 1};
  static constexpr Version flexible_since = 0;

  std::vector<std::string> group_ids;
  bool include_authorized_operations = false;

  static constexpr void fields(auto&& field) {
    field(member<&ConsumerGroupDescribeRequest::group_ids>);
    field(member<&ConsumerGroupDescribeRequest::include_authorized_operations>);
  }
};

struct ConsumerGroupDescribeResponse {
  static constexpr ApiKey api_key = ApiKey::consumer_group_describe;
  static constexpr VersionRange versions{0, 1};
  static constexpr Version flexible_since = 0;

  struct TopicPartitions {
    base::Uuid topic_id;
    std::string topic_name;
    std::vector<std::int32_t> partitions;

    static constexpr void fields(auto&& field) {
      field(member<&TopicPartitions::topic_id>);
      field(member<&TopicPartitions::topic_name>);
      field(member<&TopicPartitions::partitions>);
    }
  };

  struct Assignment {
    std::vector<TopicPartitions> topic_partitions;

    static constexpr void fields(auto&& field) { field(member<&Assignment::topic_partitions>); }
  };

  struct Member {
    std::string member_id;
    std::optional<std::string> instance_id;
    std::optional<std::string> rack_id;
    std::int32_t member_epoch = 0;
    std::string client_id;
    std::string client_host;
    std::vector<std::string> subscribed_topic_names;
    std::optional<std::string> subscribed_topic_regex;
    Assignment assignment;
    Assignment target_assignment;
    ConsumerMemberType member_type = ConsumerMemberType::unknown;

    static constexpr void fields(auto&& field) {
      field(member<&Member::member_id>);
      field(member<&Member::instance_id>);
      field(member<&Member::rack_id>);
      field(member<&Member::member_epoch>);
      field(member<&Member::client_id>);
      field(member<&Member::client_host>);
      field(member<&Member::subscribed_topic_names>);
      field(member<&Member::subscribed_topic_regex>);
      field(member<&Member::assignment>);
      field(member<&Member::target_assignment>);
      field(member<&Member::member_type>, Since{1});
    }
  };

  struct Group {
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message;
    std::string group_id;
    std::string group_state;
    std::int32_t group_epoch = 0;
    std::int32_t assignment_epoch = 0;
    std::string assignor_name;
    std::vector<Member> members;
    std::int32_t authorized_operations = authorized_operations_omitted;

    static constexpr void fields(auto&& field) {
      field(member<&Group::error_code>);
      field(member<&Group::error_message>);
      field(member<&Group::group_id>);
      field(member<&Group::group_state>);
      field(member<&Group::group_epoch>);
      field(member<&Group::assignment_epoch>);
      field(member<&Group::assignor_name>);
      field(member<&Group::members>);
      field(member<&Group::authorized_operations>);
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Group> groups;

  static constexpr void fields(auto&& field) {
    field(member<&ConsumerGroupDescribeResponse::throttle_time_ms>);
    field(member<&ConsumerGroupDescribeResponse::groups>);
  }
};

}  // namespace cms::protocol
