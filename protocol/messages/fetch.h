// SPDX-License-Identifier: Apache-2.0
// Reading record batches from partitions, with long poll and fetch sessions (KIP-227).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "protocol/api.h"
#include "protocol/codec.h"
#include "protocol/errors.h"
#include "protocol/fields.h"
#include "protocol/records.h"
#include "protocol/types.h"
#include "protocol/version.h"

namespace cms::protocol {

struct FetchRequest {
  static constexpr ApiKey api_key = ApiKey::fetch;
  static constexpr VersionRange versions{4, 18};
  static constexpr Version flexible_since = 12;

  // A following broker says who it is (KIP-903).
  struct ReplicaState {
    std::int32_t replica_id = -1;
    std::int64_t replica_epoch = -1;

    static constexpr void fields(auto&& field) {
      field(member<&ReplicaState::replica_id>);
      field(member<&ReplicaState::replica_epoch>);
    }
  };

  struct Partition {
    std::int32_t partition = 0;
    std::int32_t current_leader_epoch = -1;
    std::int64_t fetch_offset = 0;
    std::int32_t last_fetched_epoch = -1;
    std::int64_t log_start_offset = -1;
    std::int32_t partition_max_bytes = 0;
    base::Uuid replica_directory_id;
    std::int64_t high_watermark = std::numeric_limits<std::int64_t>::max();  // that the follower knows (KIP-1166)

    static constexpr void fields(auto&& field) {
      field(member<&Partition::partition>);
      field(member<&Partition::current_leader_epoch>, Since{9});
      field(member<&Partition::fetch_offset>);
      field(member<&Partition::last_fetched_epoch>, Since{12});
      field(member<&Partition::log_start_offset>, Since{5});
      field(member<&Partition::partition_max_bytes>);
      field(member<&Partition::replica_directory_id>, Tagged{0}, Since{17});
      field(member<&Partition::high_watermark>, Tagged{1}, Since{18});
    }
  };

  struct Topic {
    std::string topic;
    base::Uuid topic_id;
    std::vector<Partition> partitions;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::topic>, Until{12});
      field(member<&Topic::topic_id>, Since{13});
      field(member<&Topic::partitions>);
    }
  };

  struct ForgottenTopic {
    std::string topic;
    base::Uuid topic_id;
    std::vector<std::int32_t> partitions;

    static constexpr void fields(auto&& field) {
      field(member<&ForgottenTopic::topic>, Until{12});
      field(member<&ForgottenTopic::topic_id>, Since{13});
      field(member<&ForgottenTopic::partitions>);
    }
  };

  std::optional<std::string> cluster_id;
  std::int32_t replica_id = -1;  // -1: a consumer
  ReplicaState replica_state;
  std::int32_t max_wait_ms = 0;
  std::int32_t min_bytes = 0;
  // Of the whole response; one batch is sent even if it is larger (KIP-74).
  std::int32_t max_bytes = std::numeric_limits<std::int32_t>::max();
  IsolationLevel isolation_level = IsolationLevel::read_uncommitted;
  std::int32_t session_id = 0;      // 0: none yet
  std::int32_t session_epoch = -1;  // 0: make a session; -1: none, or end this one; else the next number
  std::vector<Topic> topics;
  std::vector<ForgottenTopic> forgotten_topics_data;  // what the session no longer fetches
  std::string rack_id;

  static constexpr void fields(auto&& field) {
    field(member<&FetchRequest::cluster_id>, Tagged{0}, Since{12});
    field(member<&FetchRequest::replica_id>, Until{14});
    field(member<&FetchRequest::replica_state>, Tagged{1}, Since{15});
    field(member<&FetchRequest::max_wait_ms>);
    field(member<&FetchRequest::min_bytes>);
    field(member<&FetchRequest::max_bytes>);
    field(member<&FetchRequest::isolation_level>);
    field(member<&FetchRequest::session_id>, Since{7});
    field(member<&FetchRequest::session_epoch>, Since{7});
    field(member<&FetchRequest::topics>);
    field(member<&FetchRequest::forgotten_topics_data>, Since{7});
    field(member<&FetchRequest::rack_id>, Since{11});
  }
};

struct FetchResponse {
  static constexpr ApiKey api_key = ApiKey::fetch;
  static constexpr VersionRange versions{4, 18};
  static constexpr Version flexible_since = 12;

  struct EpochEndOffset {
    std::int32_t epoch = -1;
    std::int64_t end_offset = -1;

    static constexpr void fields(auto&& field) {
      field(member<&EpochEndOffset::epoch>);
      field(member<&EpochEndOffset::end_offset>);
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

  struct SnapshotId {
    std::int64_t end_offset = -1;
    std::int32_t epoch = -1;

    static constexpr void fields(auto&& field) {
      field(member<&SnapshotId::end_offset>);
      field(member<&SnapshotId::epoch>);
    }
  };

  struct AbortedTransaction {
    std::int64_t producer_id = 0;
    std::int64_t first_offset = 0;

    static constexpr void fields(auto&& field) {
      field(member<&AbortedTransaction::producer_id>);
      field(member<&AbortedTransaction::first_offset>);
    }
  };

  struct Partition {
    std::int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::none;
    std::int64_t high_watermark = 0;  // where the stable records end
    std::int64_t last_stable_offset = -1;
    std::int64_t log_start_offset = -1;
    EpochEndOffset diverging_epoch;  // where the logs part, to truncate there (KIP-595)
    LeaderIdAndEpoch current_leader;
    SnapshotId snapshot_id;
    // Null unless the consumer reads committed records only.
    std::optional<std::vector<AbortedTransaction>> aborted_transactions;
    std::int32_t preferred_read_replica = -1;  // -1: go on reading here (KIP-392)
    Records records;                           // with an error: empty, not null

    static constexpr void fields(auto&& field) {
      field(member<&Partition::partition_index>);
      field(member<&Partition::error_code>);
      field(member<&Partition::high_watermark>);
      field(member<&Partition::last_stable_offset>);
      field(member<&Partition::log_start_offset>, Since{5});
      field(member<&Partition::diverging_epoch>, Tagged{0}, Since{12});
      field(member<&Partition::current_leader>, Tagged{1}, Since{12});
      field(member<&Partition::snapshot_id>, Tagged{2}, Since{12});
      field(member<&Partition::aborted_transactions>);
      field(member<&Partition::preferred_read_replica>, Since{11});
      field(member<&Partition::records>);
    }
  };

  struct Topic {
    std::string topic;
    base::Uuid topic_id;
    std::vector<Partition> partitions;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::topic>, Until{12});
      field(member<&Topic::topic_id>, Since{13});
      field(member<&Topic::partitions>);
    }
  };

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

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::int32_t session_id = 0;  // 0: no session
  std::vector<Topic> responses;
  std::vector<NodeEndpoint> node_endpoints;

  static constexpr void fields(auto&& field) {
    field(member<&FetchResponse::throttle_time_ms>);
    field(member<&FetchResponse::error_code>, Since{7});
    field(member<&FetchResponse::session_id>, Since{7});
    field(member<&FetchResponse::responses>);
    field(member<&FetchResponse::node_endpoints>, Tagged{0}, Since{16});
  }
};

}  // namespace cms::protocol
