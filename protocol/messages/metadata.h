// SPDX-License-Identifier: Apache-2.0
// Brokers, topics, partitions and their leaders.
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

struct MetadataRequest {
  static constexpr ApiKey api_key = ApiKey::metadata;
  static constexpr VersionRange versions{0, 13};
  static constexpr Version flexible_since = 9;

  struct Topic {
    base::Uuid topic_id;
    std::optional<std::string> name;  // null: the id says which

    static constexpr void fields(auto&& field) {
      field(member<&Topic::topic_id>, Since{10});
      field(member<&Topic::name>, NullableSince{10});
    }
  };

  // Null: all topics; empty: none. Version 0 cannot say null, there empty means all.
  std::optional<std::vector<Topic>> topics;
  bool allow_auto_topic_creation = true;
  bool include_cluster_authorized_operations = false;
  bool include_topic_authorized_operations = false;

  static constexpr void fields(auto&& field) {
    field(member<&MetadataRequest::topics>, NullableSince{1});
    field(member<&MetadataRequest::allow_auto_topic_creation>, Since{4});
    field(member<&MetadataRequest::include_cluster_authorized_operations>, Since{8}, Until{10});
    field(member<&MetadataRequest::include_topic_authorized_operations>, Since{8});
  }
};

struct MetadataResponse {
  static constexpr ApiKey api_key = ApiKey::metadata;
  static constexpr VersionRange versions{0, 13};
  static constexpr Version flexible_since = 9;

  struct Broker {
    std::int32_t node_id = 0;
    std::string host;
    std::int32_t port = 0;
    std::optional<std::string> rack;

    static constexpr void fields(auto&& field) {
      field(member<&Broker::node_id>);
      field(member<&Broker::host>);
      field(member<&Broker::port>);
      field(member<&Broker::rack>, Since{1});
    }
  };

  struct Partition {
    ErrorCode error_code = ErrorCode::none;
    std::int32_t partition_index = 0;
    std::int32_t leader_id = 0;  // -1: none
    std::int32_t leader_epoch = -1;
    std::vector<std::int32_t> replica_nodes;
    std::vector<std::int32_t> isr_nodes;
    std::vector<std::int32_t> offline_replicas;

    static constexpr void fields(auto&& field) {
      field(member<&Partition::error_code>);
      field(member<&Partition::partition_index>);
      field(member<&Partition::leader_id>);
      field(member<&Partition::leader_epoch>, Since{7});
      field(member<&Partition::replica_nodes>);
      field(member<&Partition::isr_nodes>);
      field(member<&Partition::offline_replicas>, Since{5});
    }
  };

  struct Topic {
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> name;  // null where only the unknown id is known
    base::Uuid topic_id;
    bool is_internal = false;
    std::vector<Partition> partitions;
    std::int32_t topic_authorized_operations = authorized_operations_omitted;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::error_code>);
      field(member<&Topic::name>, NullableSince{12});
      field(member<&Topic::topic_id>, Since{10});
      field(member<&Topic::is_internal>, Since{1});
      field(member<&Topic::partitions>);
      field(member<&Topic::topic_authorized_operations>, Since{8});
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Broker> brokers;
  std::optional<std::string> cluster_id;
  std::int32_t controller_id = -1;
  std::vector<Topic> topics;
  std::int32_t cluster_authorized_operations = authorized_operations_omitted;
  ErrorCode error_code = ErrorCode::none;

  static constexpr void fields(auto&& field) {
    field(member<&MetadataResponse::throttle_time_ms>, Since{3});
    field(member<&MetadataResponse::brokers>);
    field(member<&MetadataResponse::cluster_id>, Since{2});
    field(member<&MetadataResponse::controller_id>, Since{1});
    field(member<&MetadataResponse::topics>);
    field(member<&MetadataResponse::cluster_authorized_operations>, Since{8}, Until{10});
    field(member<&MetadataResponse::error_code>, Since{13});
  }
};

}  // namespace cms::protocol
