// SPDX-License-Identifier: Apache-2.0
// Appending record batches to partitions.
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
#include "protocol/records.h"
#include "protocol/version.h"

namespace cms::protocol {

// Clients also look for version 0 in the broker's range to see whether it takes compressed batches, so ApiVersions says
// 0-13 (KIP-896); versions 0 to 2 carried message sets, which are not served.
struct ProduceRequest {
  static constexpr ApiKey api_key = ApiKey::produce;
  static constexpr VersionRange versions{3, 13};
  static constexpr Version flexible_since = 9;

  struct Partition {
    std::int32_t index = 0;
    RecordsView records;  // null or empty is an error of the client's

    static constexpr void fields(auto&& field) {
      field(member<&Partition::index>);
      field(member<&Partition::records>);
    }
  };

  struct Topic {
    std::string name;  // from version 13 on the id says which topic
    base::Uuid topic_id;
    std::vector<Partition> partition_data;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::name>, Until{12});
      field(member<&Topic::topic_id>, Since{13});
      field(member<&Topic::partition_data>);
    }
  };

  std::optional<std::string> transactional_id;
  std::int16_t acks = 0;  // -1: when all in-sync replicas have it; 1: the leader; 0: no response at all
  std::int32_t timeout_ms = 0;
  std::vector<Topic> topic_data;

  static constexpr void fields(auto&& field) {
    field(member<&ProduceRequest::transactional_id>);
    field(member<&ProduceRequest::acks>);
    field(member<&ProduceRequest::timeout_ms>);
    field(member<&ProduceRequest::topic_data>);
  }
};

struct ProduceResponse {
  static constexpr ApiKey api_key = ApiKey::produce;
  static constexpr VersionRange versions{3, 13};
  static constexpr Version flexible_since = 9;

  // A record for whose sake the whole batch was refused (KIP-467).
  struct RecordError {
    std::int32_t batch_index = 0;
    std::optional<std::string> batch_index_error_message;

    static constexpr void fields(auto&& field) {
      field(member<&RecordError::batch_index>);
      field(member<&RecordError::batch_index_error_message>);
    }
  };

  struct LeaderIdAndEpoch {
    std::int32_t leader_id = -1;
    std::int32_t leader_epoch = -1;

    static constexpr void fields(auto&& field) {
      field(member<&LeaderIdAndEpoch::leader_id>);
      field(member<&LeaderIdAndEpoch::leader_epoch>);
    }
  };

  struct Partition {
    std::int32_t index = 0;
    ErrorCode error_code = ErrorCode::none;
    std::int64_t base_offset = 0;          // of the first record appended
    std::int64_t log_append_time_ms = -1;  // -1 unless the topic stamps records itself
    std::int64_t log_start_offset = -1;
    std::vector<RecordError> record_errors;
    std::optional<std::string> error_message;
    LeaderIdAndEpoch current_leader;  // only with NOT_LEADER_OR_FOLLOWER, so that the client need not ask (KIP-951)

    static constexpr void fields(auto&& field) {
      field(member<&Partition::index>);
      field(member<&Partition::error_code>);
      field(member<&Partition::base_offset>);
      field(member<&Partition::log_append_time_ms>);
      field(member<&Partition::log_start_offset>, Since{5});
      field(member<&Partition::record_errors>, Since{8});
      field(member<&Partition::error_message>, Since{8});
      field(member<&Partition::current_leader>, Tagged{0}, Since{10});
    }
  };

  struct Topic {
    std::string name;
    base::Uuid topic_id;
    std::vector<Partition> partition_responses;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::name>, Until{12});
      field(member<&Topic::topic_id>, Since{13});
      field(member<&Topic::partition_responses>);
    }
  };

  // Address of a leader named above.
  struct NodeEndpoint {
    std::int32_t node_id = 0;
    std::string host;
    std::int32_t port = 0;
    std::optional<std::string> rack;

    static constexpr void fields(auto&& field) {
      field(member<&NodeEndpoint::node_id>);
      field(member<&NodeEndpoint::host>);
      field(member<&NodeEndpoint::port>);
      field(member<&NodeEndpoint::rack>);
    }
  };

  std::vector<Topic> responses;
  std::int32_t throttle_time_ms = 0;
  std::vector<NodeEndpoint> node_endpoints;

  static constexpr void fields(auto&& field) {
    field(member<&ProduceResponse::responses>);
    field(member<&ProduceResponse::throttle_time_ms>);
    field(member<&ProduceResponse::node_endpoints>, Tagged{0}, Since{10});
  }
};

}  // namespace cms::protocol
