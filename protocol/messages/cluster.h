// SPDX-License-Identifier: Apache-2.0
// What a client asks to find its way: versions, coordinators, brokers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api.h"
#include "protocol/codec.h"
#include "protocol/errors.h"
#include "protocol/fields.h"
#include "protocol/types.h"
#include "protocol/version.h"

namespace cms::protocol {

struct ApiVersionsRequest {
  static constexpr ApiKey api_key = ApiKey::api_versions;
  static constexpr VersionRange versions{0, 4};
  static constexpr Version flexible_since = 3;

  std::string client_software_name;
  std::string client_software_version;

  static constexpr void fields(auto&& field) {
    field(member<&ApiVersionsRequest::client_software_name>, Since{3});
    field(member<&ApiVersionsRequest::client_software_version>, Since{3});
  }
};

// A version that is not served is answered in the layout of version 0 (KIP-511). Features are KIP-584's.
struct ApiVersionsResponse {
  static constexpr ApiKey api_key = ApiKey::api_versions;
  static constexpr VersionRange versions{0, 4};
  static constexpr Version flexible_since = 3;

  struct Api {
    ApiKey api_key = ApiKey::produce;
    std::int16_t min_version = 0;
    std::int16_t max_version = 0;

    static constexpr void fields(auto&& field) {
      field(member<&Api::api_key>);
      field(member<&Api::min_version>);
      field(member<&Api::max_version>);
    }
  };

  struct SupportedFeature {
    std::string name;
    std::int16_t min_version = 0;
    std::int16_t max_version = 0;

    static constexpr void fields(auto&& field) {
      field(member<&SupportedFeature::name>);
      field(member<&SupportedFeature::min_version>);
      field(member<&SupportedFeature::max_version>);
    }
  };

  struct FinalizedFeature {
    std::string name;
    std::int16_t max_version_level = 0;
    std::int16_t min_version_level = 0;

    static constexpr void fields(auto&& field) {
      field(member<&FinalizedFeature::name>);
      field(member<&FinalizedFeature::max_version_level>);
      field(member<&FinalizedFeature::min_version_level>);
    }
  };

  ErrorCode error_code = ErrorCode::none;
  std::vector<Api> api_keys;
  std::int32_t throttle_time_ms = 0;
  std::vector<SupportedFeature> supported_features;
  std::int64_t finalized_features_epoch = -1;
  std::vector<FinalizedFeature> finalized_features;
  bool zk_migration_ready = false;

  static constexpr void fields(auto&& field) {
    field(member<&ApiVersionsResponse::error_code>);
    field(member<&ApiVersionsResponse::api_keys>);
    field(member<&ApiVersionsResponse::throttle_time_ms>, Since{1});
    field(member<&ApiVersionsResponse::supported_features>, Tagged{0}, Since{3});
    field(member<&ApiVersionsResponse::finalized_features_epoch>, Tagged{1}, Since{3});
    field(member<&ApiVersionsResponse::finalized_features>, Tagged{2}, Since{3});
    field(member<&ApiVersionsResponse::zk_migration_ready>, Tagged{3}, Since{3});
  }
};

// One key until version 3, then several of the same type (KIP-699).
struct FindCoordinatorRequest {
  static constexpr ApiKey api_key = ApiKey::find_coordinator;
  static constexpr VersionRange versions{0, 6};
  static constexpr Version flexible_since = 3;

  std::string key;
  CoordinatorType key_type = CoordinatorType::group;
  std::vector<std::string> coordinator_keys;

  static constexpr void fields(auto&& field) {
    field(member<&FindCoordinatorRequest::key>, Until{3});
    field(member<&FindCoordinatorRequest::key_type>, Since{1});
    field(member<&FindCoordinatorRequest::coordinator_keys>, Since{4});
  }
};

struct FindCoordinatorResponse {
  static constexpr ApiKey api_key = ApiKey::find_coordinator;
  static constexpr VersionRange versions{0, 6};
  static constexpr Version flexible_since = 3;

  struct Coordinator {
    std::string key;
    std::int32_t node_id = 0;
    std::string host;
    std::int32_t port = 0;
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message;

    static constexpr void fields(auto&& field) {
      field(member<&Coordinator::key>);
      field(member<&Coordinator::node_id>);
      field(member<&Coordinator::host>);
      field(member<&Coordinator::port>);
      field(member<&Coordinator::error_code>);
      field(member<&Coordinator::error_message>);
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  std::int32_t node_id = 0;
  std::string host;
  std::int32_t port = 0;
  std::vector<Coordinator> coordinators;

  static constexpr void fields(auto&& field) {
    field(member<&FindCoordinatorResponse::throttle_time_ms>, Since{1});
    field(member<&FindCoordinatorResponse::error_code>, Until{3});
    field(member<&FindCoordinatorResponse::error_message>, Since{1}, Until{3});
    field(member<&FindCoordinatorResponse::node_id>, Until{3});
    field(member<&FindCoordinatorResponse::host>, Until{3});
    field(member<&FindCoordinatorResponse::port>, Until{3});
    field(member<&FindCoordinatorResponse::coordinators>, Since{4});
  }
};

struct DescribeClusterRequest {
  static constexpr ApiKey api_key = ApiKey::describe_cluster;
  static constexpr VersionRange versions{0, 2};
  static constexpr Version flexible_since = 0;

  bool include_cluster_authorized_operations = false;
  EndpointType endpoint_type = EndpointType::brokers;
  bool include_fenced_brokers = false;

  static constexpr void fields(auto&& field) {
    field(member<&DescribeClusterRequest::include_cluster_authorized_operations>);
    field(member<&DescribeClusterRequest::endpoint_type>, Since{1});
    field(member<&DescribeClusterRequest::include_fenced_brokers>, Since{2});
  }
};

struct DescribeClusterResponse {
  static constexpr ApiKey api_key = ApiKey::describe_cluster;
  static constexpr VersionRange versions{0, 2};
  static constexpr Version flexible_since = 0;

  struct Broker {
    std::int32_t broker_id = 0;
    std::string host;
    std::int32_t port = 0;
    std::optional<std::string> rack;
    bool is_fenced = false;

    static constexpr void fields(auto&& field) {
      field(member<&Broker::broker_id>);
      field(member<&Broker::host>);
      field(member<&Broker::port>);
      field(member<&Broker::rack>);
      field(member<&Broker::is_fenced>, Since{2});
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> error_message;
  EndpointType endpoint_type = EndpointType::brokers;
  std::string cluster_id;
  std::int32_t controller_id = -1;
  std::vector<Broker> brokers;
  std::int32_t cluster_authorized_operations = authorized_operations_omitted;

  static constexpr void fields(auto&& field) {
    field(member<&DescribeClusterResponse::throttle_time_ms>);
    field(member<&DescribeClusterResponse::error_code>);
    field(member<&DescribeClusterResponse::error_message>);
    field(member<&DescribeClusterResponse::endpoint_type>, Since{1});
    field(member<&DescribeClusterResponse::cluster_id>);
    field(member<&DescribeClusterResponse::controller_id>);
    field(member<&DescribeClusterResponse::brokers>);
    field(member<&DescribeClusterResponse::cluster_authorized_operations>);
  }
};

}  // namespace cms::protocol
