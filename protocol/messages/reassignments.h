// SPDX-License-Identifier: Apache-2.0
// Where the replicas of partitions are, and which of them leads (KIP-455, KIP-460).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api.h"
#include "protocol/codec.h"
#include "protocol/errors.h"
#include "protocol/fields.h"
#include "protocol/version.h"

namespace cms::protocol {

// The preferred replica is the first of the assignment; unclean: any that is alive.
enum class ElectionType : std::int8_t { preferred = 0, unclean = 1 };

struct ElectLeadersRequest {
  static constexpr ApiKey api_key = ApiKey::elect_leaders;
  static constexpr VersionRange versions{0, 2};
  static constexpr Version flexible_since = 2;

  struct Topic {
    std::string topic;
    std::vector<std::int32_t> partitions;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::topic>);
      field(member<&Topic::partitions>);
    }
  };

  ElectionType election_type = ElectionType::preferred;
  std::optional<std::vector<Topic>> topic_partitions;  // null: all
  std::int32_t timeout_ms = 60000;

  static constexpr void fields(auto&& field) {
    field(member<&ElectLeadersRequest::election_type>, Since{1});
    field(member<&ElectLeadersRequest::topic_partitions>);
    field(member<&ElectLeadersRequest::timeout_ms>);
  }
};

struct ElectLeadersResponse {
  static constexpr ApiKey api_key = ApiKey::elect_leaders;
  static constexpr VersionRange versions{0, 2};
  static constexpr Version flexible_since = 2;

  struct Partition {
    std::int32_t partition_id = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message;

    static constexpr void fields(auto&& field) {
      field(member<&Partition::partition_id>);
      field(member<&Partition::error_code>);
      field(member<&Partition::error_message>);
    }
  };

  struct Topic {
    std::string topic;
    std::vector<Partition> partition_result;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::topic>);
      field(member<&Topic::partition_result>);
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::vector<Topic> replica_election_results;

  static constexpr void fields(auto&& field) {
    field(member<&ElectLeadersResponse::throttle_time_ms>);
    field(member<&ElectLeadersResponse::error_code>, Since{1});
    field(member<&ElectLeadersResponse::replica_election_results>);
  }
};

// Replicas of null: a reassignment under way is given up.
struct AlterPartitionReassignmentsRequest {
  static constexpr ApiKey api_key = ApiKey::alter_partition_reassignments;
  static constexpr VersionRange versions{0, 1};
  static constexpr Version flexible_since = 0;

  struct Partition {
    std::int32_t partition_index = 0;
    std::optional<std::vector<std::int32_t>> replicas;

    static constexpr void fields(auto&& field) {
      field(member<&Partition::partition_index>);
      field(member<&Partition::replicas>);
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

  std::int32_t timeout_ms = 60000;
  bool allow_replication_factor_change = true;  // KIP-860
  std::vector<Topic> topics;

  static constexpr void fields(auto&& field) {
    field(member<&AlterPartitionReassignmentsRequest::timeout_ms>);
    field(member<&AlterPartitionReassignmentsRequest::allow_replication_factor_change>, Since{1});
    field(member<&AlterPartitionReassignmentsRequest::topics>);
  }
};

struct AlterPartitionReassignmentsResponse {
  static constexpr ApiKey api_key = ApiKey::alter_partition_reassignments;
  static constexpr VersionRange versions{0, 1};
  static constexpr Version flexible_since = 0;

  struct Partition {
    std::int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message;

    static constexpr void fields(auto&& field) {
      field(member<&Partition::partition_index>);
      field(member<&Partition::error_code>);
      field(member<&Partition::error_message>);
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

  std::int32_t throttle_time_ms = 0;
  bool allow_replication_factor_change = true;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::vector<Topic> responses;

  static constexpr void fields(auto&& field) {
    field(member<&AlterPartitionReassignmentsResponse::throttle_time_ms>);
    field(member<&AlterPartitionReassignmentsResponse::allow_replication_factor_change>, Since{1});
    field(member<&AlterPartitionReassignmentsResponse::error_code>);
    field(member<&AlterPartitionReassignmentsResponse::error_message>);
    field(member<&AlterPartitionReassignmentsResponse::responses>);
  }
};

struct ListPartitionReassignmentsRequest {
  static constexpr ApiKey api_key = ApiKey::list_partition_reassignments;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  struct Topic {
    std::string name;
    std::vector<std::int32_t> partition_indexes;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::name>);
      field(member<&Topic::partition_indexes>);
    }
  };

  std::int32_t timeout_ms = 60000;
  std::optional<std::vector<Topic>> topics;  // null: all

  static constexpr void fields(auto&& field) {
    field(member<&ListPartitionReassignmentsRequest::timeout_ms>);
    field(member<&ListPartitionReassignmentsRequest::topics>);
  }
};

struct ListPartitionReassignmentsResponse {
  static constexpr ApiKey api_key = ApiKey::list_partition_reassignments;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  struct Partition {
    std::int32_t partition_index = 0;
    std::vector<std::int32_t> replicas;
    std::vector<std::int32_t> adding_replicas;
    std::vector<std::int32_t> removing_replicas;

    static constexpr void fields(auto&& field) {
      field(member<&Partition::partition_index>);
      field(member<&Partition::replicas>);
      field(member<&Partition::adding_replicas>);
      field(member<&Partition::removing_replicas>);
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

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::vector<Topic> topics;

  static constexpr void fields(auto&& field) {
    field(member<&ListPartitionReassignmentsResponse::throttle_time_ms>);
    field(member<&ListPartitionReassignmentsResponse::error_code>);
    field(member<&ListPartitionReassignmentsResponse::error_message>);
    field(member<&ListPartitionReassignmentsResponse::topics>);
  }
};

}  // namespace cms::protocol
