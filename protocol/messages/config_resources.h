// SPDX-License-Identifier: Apache-2.0
// Which resources have configs of their own (KIP-714, KIP-1142).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/api.h"
#include "protocol/codec.h"
#include "protocol/errors.h"
#include "protocol/fields.h"
#include "protocol/types.h"
#include "protocol/version.h"

namespace cms::protocol {

// Version 0 knows client metrics only.
struct ListConfigResourcesRequest {
  static constexpr ApiKey api_key = ApiKey::list_config_resources;
  static constexpr VersionRange versions{0, 1};
  static constexpr Version flexible_since = 0;

  std::vector<ConfigResourceType> resource_types;  // empty: all that have configs

  static constexpr void fields(auto&& field) { field(member<&ListConfigResourcesRequest::resource_types>, Since{1}); }
};

struct ListConfigResourcesResponse {
  static constexpr ApiKey api_key = ApiKey::list_config_resources;
  static constexpr VersionRange versions{0, 1};
  static constexpr Version flexible_since = 0;

  struct ConfigResource {
    std::string resource_name;
    ConfigResourceType resource_type = ConfigResourceType::client_metrics;

    static constexpr void fields(auto&& field) {
      field(member<&ConfigResource::resource_name>);
      field(member<&ConfigResource::resource_type>, Since{1});
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::vector<ConfigResource> config_resources;

  static constexpr void fields(auto&& field) {
    field(member<&ListConfigResourcesResponse::throttle_time_ms>);
    field(member<&ListConfigResourcesResponse::error_code>);
    field(member<&ListConfigResourcesResponse::config_resources>);
  }
};

}  // namespace cms::protocol
