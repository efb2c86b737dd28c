// SPDX-License-Identifier: Apache-2.0
// What clients measure about themselves (KIP-714).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "protocol/api.h"
#include "protocol/byte_fields.h"
#include "protocol/codec.h"
#include "protocol/errors.h"
#include "protocol/fields.h"
#include "protocol/version.h"

namespace cms::protocol {

struct GetTelemetrySubscriptionsRequest {
  static constexpr ApiKey api_key = ApiKey::get_telemetry_subscriptions;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  base::Uuid client_instance_id;  // zero: the broker gives one

  static constexpr void fields(auto&& field) { field(member<&GetTelemetrySubscriptionsRequest::client_instance_id>); }
};

struct GetTelemetrySubscriptionsResponse {
  static constexpr ApiKey api_key = ApiKey::get_telemetry_subscriptions;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  base::Uuid client_instance_id;
  std::int32_t subscription_id = 0;
  std::vector<std::int8_t> accepted_compression_types;  // numbers of record batches; best first
  std::int32_t push_interval_ms = 0;
  std::int32_t telemetry_max_bytes = 0;
  bool delta_temporality = false;              // counters as what was added since the last push, else as totals
  std::vector<std::string> requested_metrics;  // prefixes of names; empty: none; one empty prefix: all

  static constexpr void fields(auto&& field) {
    field(member<&GetTelemetrySubscriptionsResponse::throttle_time_ms>);
    field(member<&GetTelemetrySubscriptionsResponse::error_code>);
    field(member<&GetTelemetrySubscriptionsResponse::client_instance_id>);
    field(member<&GetTelemetrySubscriptionsResponse::subscription_id>);
    field(member<&GetTelemetrySubscriptionsResponse::accepted_compression_types>);
    field(member<&GetTelemetrySubscriptionsResponse::push_interval_ms>);
    field(member<&GetTelemetrySubscriptionsResponse::telemetry_max_bytes>);
    field(member<&GetTelemetrySubscriptionsResponse::delta_temporality>);
    field(member<&GetTelemetrySubscriptionsResponse::requested_metrics>);
  }
};

struct PushTelemetryRequest {
  static constexpr ApiKey api_key = ApiKey::push_telemetry;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  base::Uuid client_instance_id;
  std::int32_t subscription_id = 0;
  bool terminating = false;  // the last push of the client
  std::int8_t compression_type = 0;
  BytesView metrics;  // OpenTelemetry MetricsData version 1, compressed; borrowed from the frame

  static constexpr void fields(auto&& field) {
    field(member<&PushTelemetryRequest::client_instance_id>);
    field(member<&PushTelemetryRequest::subscription_id>);
    field(member<&PushTelemetryRequest::terminating>);
    field(member<&PushTelemetryRequest::compression_type>);
    field(member<&PushTelemetryRequest::metrics>);
  }
};

struct PushTelemetryResponse {
  static constexpr ApiKey api_key = ApiKey::push_telemetry;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 0;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;

  static constexpr void fields(auto&& field) {
    field(member<&PushTelemetryResponse::throttle_time_ms>);
    field(member<&PushTelemetryResponse::error_code>);
  }
};

}  // namespace cms::protocol
