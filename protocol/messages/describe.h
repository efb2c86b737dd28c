// SPDX-License-Identifier: Apache-2.0
// Longer descriptions for tools: log directories (KIP-113), and topics page by page (KIP-966).
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

struct DescribeLogDirsRequest {
  static constexpr ApiKey api_key = ApiKey::describe_log_dirs;
  static constexpr VersionRange versions{1, 5};
  static constexpr Version flexible_since = 2;

  struct Topic {
    std::string topic;
    std::vector<std::int32_t> partitions;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::topic>);
      field(member<&Topic::partitions>);
    }
  };

  std::optional<std::vector<Topic>> topics;  // null: all

  static constexpr void fields(auto&& field) { field(member<&DescribeLogDirsRequest::topics>); }
};

struct DescribeLogDirsResponse {
  static constexpr ApiKey api_key = ApiKey::describe_log_dirs;
  static constexpr VersionRange versions{1, 5};
  static constexpr Version flexible_since = 2;

  struct Partition {
    std::int32_t partition_index = 0;
    std::int64_t partition_size = 0;
    std::int64_t offset_lag = 0;
    bool is_future_key = false;

    static constexpr void fields(auto&& field) {
      field(member<&Partition::partition_index>);
      field(member<&Partition::partition_size>);
      field(member<&Partition::offset_lag>);
      field(member<&Partition::is_future_key>);
    }
  };

  struct Topic {
    std::string name;
    std::vector<Partition> partitions;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::name>);
      field(member<&Topic::partitions>);
    }
  };

  struct LogDir {
    ErrorCode error_code = ErrorCode::none;
    std::string log_dir;
    std::vector<Topic> topics;
    std::int64_t total_bytes = -1;
    std::int64_t usable_bytes = -1;
    bool is_cordoned = false;

    static constexpr void fields(auto&& field) {
      field(member<&LogDir::error_code>);
      field(member<&LogDir::log_dir>);
      field(member<&LogDir::topics>);
      field(member<&LogDir::total_bytes>, Since{4});
      field(member<&LogDir::usable_bytes>, Since{4});
      field(member<&LogDir::is_cordoned>, Since{5});
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::vector<LogDir> results;

  static constexpr void fields(auto&& field) {
    field(member<&DescribeLogDirsResponse::throttle_time_ms>);
    field(member<&DescribeLogDirsResponse::error_code>, Since{3});
    field(member<&DescribeLogDirsResponse::results>);
  }
};

struct DescribeTopicPartitionsRequest {
  static constexpr ApiKey api_key = ApiKey::describe_topic_partitions;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  struct Topic {
    std::string name;

    static constexpr void fields(auto&& field) { field(member<&Topic::name>); }
  };

  // Where the page before this one ended.
  struct Cursor {
    std::string topic_name;
    std::int32_t partition_index = 0;

    static constexpr void fields(auto&& field) {
      field(member<&Cursor::topic_name>);
      field(member<&Cursor::partition_index>);
    }
  };

  std::vector<Topic> topics;
  std::int32_t response_partition_limit = 2000;
  std::optional<Cursor> cursor;

  static constexpr void fields(auto&& field) {
    field(member<&DescribeTopicPartitionsRequest::topics>);
    field(member<&DescribeTopicPartitionsRequest::response_partition_limit>);
    field(member<&DescribeTopicPartitionsRequest::cursor>);
  }
};

struct DescribeTopicPartitionsResponse {
  static constexpr ApiKey api_key = ApiKey::describe_topic_partitions;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  struct Partition {
    ErrorCode error_code = ErrorCode::none;
    std::int32_t partition_index = 0;
    std::int32_t leader_id = 0;
    std::int32_t leader_epoch = -1;
    std::vector<std::int32_t> replica_nodes;
    std::vector<std::int32_t> isr_nodes;
    std::optional<std::vector<std::int32_t>> eligible_leader_replicas;
    std::optional<std::vector<std::int32_t>> last_known_elr;
    std::vector<std::int32_t> offline_replicas;

    static constexpr void fields(auto&& field) {
      field(member<&Partition::error_code>);
      field(member<&Partition::partition_index>);
      field(member<&Partition::leader_id>);
      field(member<&Partition::leader_epoch>);
      field(member<&Partition::replica_nodes>);
      field(member<&Partition::isr_nodes>);
      field(member<&Partition::eligible_leader_replicas>);
      field(member<&Partition::last_known_elr>);
      field(member<&Partition::offline_replicas>);
    }
  };

  struct Topic {
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> name;
    base::Uuid topic_id;
    bool is_internal = false;
    std::vector<Partition> partitions;
    std::int32_t topic_authorized_operations = authorized_operations_omitted;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::error_code>);
      field(member<&Topic::name>);
      field(member<&Topic::topic_id>);
      field(member<&Topic::is_internal>);
      field(member<&Topic::partitions>);
      field(member<&Topic::topic_authorized_operations>);
    }
  };

  // Where the next page begins; null after the last one.
  struct Cursor {
    std::string topic_name;
    std::int32_t partition_index = 0;

    static constexpr void fields(auto&& field) {
      field(member<&Cursor::topic_name>);
      field(member<&Cursor::partition_index>);
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;
  std::optional<Cursor> next_cursor;

  static constexpr void fields(auto&& field) {
    field(member<&DescribeTopicPartitionsResponse::throttle_time_ms>);
    field(member<&DescribeTopicPartitionsResponse::topics>);
    field(member<&DescribeTopicPartitionsResponse::next_cursor>);
  }
};

}  // namespace cms::protocol
