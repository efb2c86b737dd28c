// SPDX-License-Identifier: Apache-2.0
// Offsets by timestamp, or by a special timestamp.
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

struct ListOffsetsRequest {
  static constexpr ApiKey api_key = ApiKey::list_offsets;
  static constexpr VersionRange versions{1, 11};
  static constexpr Version flexible_since = 6;

  struct Partition {
    std::int32_t partition_index = 0;
    std::int32_t current_leader_epoch = -1;
    // In ms; or -1: the end, -2: the start, -3: of the newest timestamp, -4: the first one kept locally, -5: the last
    // one tiered, -6: the first one waiting to be uploaded.
    std::int64_t timestamp = 0;

    static constexpr void fields(auto&& field) {
      field(member<&Partition::partition_index>);
      field(member<&Partition::current_leader_epoch>, Since{4});
      field(member<&Partition::timestamp>);
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

  std::int32_t replica_id = 0;  // -1: a consumer
  IsolationLevel isolation_level = IsolationLevel::read_uncommitted;
  std::vector<Topic> topics;
  std::int32_t timeout_ms = 0;  // for what remote storage has to answer

  static constexpr void fields(auto&& field) {
    field(member<&ListOffsetsRequest::replica_id>);
    field(member<&ListOffsetsRequest::isolation_level>, Since{2});
    field(member<&ListOffsetsRequest::topics>);
    field(member<&ListOffsetsRequest::timeout_ms>, Since{10});
  }
};

struct ListOffsetsResponse {
  static constexpr ApiKey api_key = ApiKey::list_offsets;
  static constexpr VersionRange versions{1, 11};
  static constexpr Version flexible_since = 6;

  struct Partition {
    std::int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::none;
    std::int64_t timestamp = -1;  // of the record found; -1 where a special one was asked for
    std::int64_t offset = -1;     // -1: no record is that young
    std::int32_t leader_epoch = -1;

    static constexpr void fields(auto&& field) {
      field(member<&Partition::partition_index>);
      field(member<&Partition::error_code>);
      field(member<&Partition::timestamp>);
      field(member<&Partition::offset>);
      field(member<&Partition::leader_epoch>, Since{4});
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
  std::vector<Topic> topics;

  static constexpr void fields(auto&& field) {
    field(member<&ListOffsetsResponse::throttle_time_ms>, Since{2});
    field(member<&ListOffsetsResponse::topics>);
  }
};

}  // namespace cms::protocol
