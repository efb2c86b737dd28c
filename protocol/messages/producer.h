// SPDX-License-Identifier: Apache-2.0
// Producer ids for idempotence and transactions (KIP-98).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/api.h"
#include "protocol/codec.h"
#include "protocol/errors.h"
#include "protocol/fields.h"
#include "protocol/version.h"

namespace cms::protocol {

// Version 6 (two-phase commit, KIP-939) is not stable in Kafka and not served.
struct InitProducerIdRequest {
  static constexpr ApiKey api_key = ApiKey::init_producer_id;
  static constexpr VersionRange versions{0, 5};
  static constexpr Version flexible_since = 2;

  std::optional<std::string> transactional_id;  // null: idempotence only
  std::int32_t transaction_timeout_ms = 0;
  std::int64_t producer_id = -1;  // -1: a new one; else its epoch is raised (KIP-360)
  std::int16_t producer_epoch = -1;

  static constexpr void fields(auto&& field) {
    field(member<&InitProducerIdRequest::transactional_id>);
    field(member<&InitProducerIdRequest::transaction_timeout_ms>);
    field(member<&InitProducerIdRequest::producer_id>, Since{3});
    field(member<&InitProducerIdRequest::producer_epoch>, Since{3});
  }
};

struct InitProducerIdResponse {
  static constexpr ApiKey api_key = ApiKey::init_producer_id;
  static constexpr VersionRange versions{0, 5};
  static constexpr Version flexible_since = 2;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = 0;

  static constexpr void fields(auto&& field) {
    field(member<&InitProducerIdResponse::throttle_time_ms>);
    field(member<&InitProducerIdResponse::error_code>);
    field(member<&InitProducerIdResponse::producer_id>);
    field(member<&InitProducerIdResponse::producer_epoch>);
  }
};

}  // namespace cms::protocol
