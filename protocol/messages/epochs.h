// SPDX-License-Identifier: Apache-2.0
// Where a leader epoch ended, to find out about truncation (KIP-101, KIP-320).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/api.h"
#include "protocol/codec.h"
#include "protocol/errors.h"
#include "protocol/fields.h"
#include "protocol/version.h"

namespace cms::protocol {

struct OffsetForLeaderEpochRequest {
  static constexpr ApiKey api_key = ApiKey::offset_for_leader_epoch;
  static constexpr VersionRange versions{2, 4};
  static constexpr Version flexible_since = 4;

  struct Partition {
    std::int32_t partition = 0;
    std::int32_t current_leader_epoch = -1;
    std::int32_t leader_epoch = 0;

    static constexpr void fields(auto&& field) {
      field(member<&Partition::partition>);
      field(member<&Partition::current_leader_epoch>);
      field(member<&Partition::leader_epoch>);
    }
  };

  struct Topic {
    std::string topic;
    std::vector<Partition> partitions;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::topic>);
      field(member<&Topic::partitions>);
    }
  };

  std::int32_t replica_id = -2;  // -1: a consumer; -2: a debugging one
  std::vector<Topic> topics;

  static constexpr void fields(auto&& field) {
    field(member<&OffsetForLeaderEpochRequest::replica_id>, Since{3});
    field(member<&OffsetForLeaderEpochRequest::topics>);
  }
};

struct OffsetForLeaderEpochResponse {
  static constexpr ApiKey api_key = ApiKey::offset_for_leader_epoch;
  static constexpr VersionRange versions{2, 4};
  static constexpr Version flexible_since = 4;

  struct EpochEndOffset {
    ErrorCode error_code = ErrorCode::none;
    std::int32_t partition = 0;
    std::int32_t leader_epoch = -1;
    std::int64_t end_offset = -1;  // of the last batch of the epoch, plus one

    static constexpr void fields(auto&& field) {
      field(member<&EpochEndOffset::error_code>);
      field(member<&EpochEndOffset::partition>);
      field(member<&EpochEndOffset::leader_epoch>);
      field(member<&EpochEndOffset::end_offset>);
    }
  };

  struct Topic {
    std::string topic;
    std::vector<EpochEndOffset> partitions;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::topic>);
      field(member<&Topic::partitions>);
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  static constexpr void fields(auto&& field) {
    field(member<&OffsetForLeaderEpochResponse::throttle_time_ms>);
    field(member<&OffsetForLeaderEpochResponse::topics>);
  }
};

}  // namespace cms::protocol
