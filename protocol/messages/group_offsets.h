// SPDX-License-Identifier: Apache-2.0
// What a group has consumed: its committed offsets.
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
#include "protocol/version.h"

namespace cms::protocol {

// Topics by name until version 9, then by id (KIP-848).
struct OffsetCommitRequest {
  static constexpr ApiKey api_key = ApiKey::offset_commit;
  static constexpr VersionRange versions{2, 10};
  static constexpr Version flexible_since = 8;

  struct Partition {
    std::int32_t partition_index = 0;
    std::int64_t committed_offset = 0;
    std::int32_t committed_leader_epoch = -1;
    std::optional<std::string> committed_metadata;

    static constexpr void fields(auto&& field) {
      field(member<&Partition::partition_index>);
      field(member<&Partition::committed_offset>);
      field(member<&Partition::committed_leader_epoch>, Since{6});
      field(member<&Partition::committed_metadata>);
    }
  };

  struct Topic {
    std::string name;
    base::Uuid topic_id;
    std::vector<Partition> partitions;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::name>, Until{9});
      field(member<&Topic::topic_id>, Since{10});
      field(member<&Topic::partitions>);
    }
  };

  std::string group_id;
  std::int32_t generation_id_or_member_epoch = -1;  // -1: from outside of the group
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::int64_t retention_time_ms = -1;  // -1: the broker's
  std::vector<Topic> topics;

  static constexpr void fields(auto&& field) {
    field(member<&OffsetCommitRequest::group_id>);
    field(member<&OffsetCommitRequest::generation_id_or_member_epoch>);
    field(member<&OffsetCommitRequest::member_id>);
    field(member<&OffsetCommitRequest::group_instance_id>, Since{7});
    field(member<&OffsetCommitRequest::retention_time_ms>, Until{4});
    field(member<&OffsetCommitRequest::topics>);
  }
};

struct OffsetCommitResponse {
  static constexpr ApiKey api_key = ApiKey::offset_commit;
  static constexpr VersionRange versions{2, 10};
  static constexpr Version flexible_since = 8;

  struct Partition {
    std::int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::none;

    static constexpr void fields(auto&& field) {
      field(member<&Partition::partition_index>);
      field(member<&Partition::error_code>);
    }
  };

  struct Topic {
    std::string name;
    base::Uuid topic_id;
    std::vector<Partition> partitions;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::name>, Until{9});
      field(member<&Topic::topic_id>, Since{10});
      field(member<&Topic::partitions>);
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  static constexpr void fields(auto&& field) {
    field(member<&OffsetCommitResponse::throttle_time_ms>, Since{3});
    field(member<&OffsetCommitResponse::topics>);
  }
};

// One group until version 7, then several (KIP-709). Topics by name until version 9, then by id.
struct OffsetFetchRequest {
  static constexpr ApiKey api_key = ApiKey::offset_fetch;
  static constexpr VersionRange versions{1, 10};
  static constexpr Version flexible_since = 6;

  struct Topic {
    std::string name;
    base::Uuid topic_id;
    std::vector<std::int32_t> partition_indexes;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::name>, Until{9});
      field(member<&Topic::topic_id>, Since{10});
      field(member<&Topic::partition_indexes>);
    }
  };

  struct Group {
    std::string group_id;
    std::optional<std::string> member_id;
    std::int32_t member_epoch = -1;            // -1: from outside of the group
    std::optional<std::vector<Topic>> topics;  // null: all that the group has offsets for

    static constexpr void fields(auto&& field) {
      field(member<&Group::group_id>);
      field(member<&Group::member_id>, Since{9});
      field(member<&Group::member_epoch>, Since{9});
      field(member<&Group::topics>);
    }
  };

  std::string group_id;
  std::optional<std::vector<Topic>> topics;  // null: all that the group has offsets for
  std::vector<Group> groups;
  bool require_stable = false;  // refuse where a transaction has offsets pending (KIP-447)

  static constexpr void fields(auto&& field) {
    field(member<&OffsetFetchRequest::group_id>, Until{7});
    field(member<&OffsetFetchRequest::topics>, Until{7}, NullableSince{2});
    field(member<&OffsetFetchRequest::groups>, Since{8});
    field(member<&OffsetFetchRequest::require_stable>, Since{7});
  }
};

// Errors of a group as a whole are on each of its partitions in versions 0 and 1. An offset of -1: none committed.
struct OffsetFetchResponse {
  static constexpr ApiKey api_key = ApiKey::offset_fetch;
  static constexpr VersionRange versions{1, 10};
  static constexpr Version flexible_since = 6;

  struct Partition {
    std::int32_t partition_index = 0;
    std::int64_t committed_offset = 0;
    std::int32_t committed_leader_epoch = -1;
    std::optional<std::string> metadata;
    ErrorCode error_code = ErrorCode::none;

    static constexpr void fields(auto&& field) {
      field(member<&Partition::partition_index>);
      field(member<&Partition::committed_offset>);
      field(member<&Partition::committed_leader_epoch>, Since{5});
      field(member<&Partition::metadata>);
      field(member<&Partition::error_code>);
    }
  };

  struct Topic {
    std::string name;
    base::Uuid topic_id;
    std::vector<Partition> partitions;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::name>, Until{9});
      field(member<&Topic::topic_id>, Since{10});
      field(member<&Topic::partitions>);
    }
  };

  struct Group {
    std::string group_id;
    std::vector<Topic> topics;
    ErrorCode error_code = ErrorCode::none;

    static constexpr void fields(auto&& field) {
      field(member<&Group::group_id>);
      field(member<&Group::topics>);
      field(member<&Group::error_code>);
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;
  ErrorCode error_code = ErrorCode::none;
  std::vector<Group> groups;

  static constexpr void fields(auto&& field) {
    field(member<&OffsetFetchResponse::throttle_time_ms>, Since{3});
    field(member<&OffsetFetchResponse::topics>, Until{7});
    field(member<&OffsetFetchResponse::error_code>, Since{2}, Until{7});
    field(member<&OffsetFetchResponse::groups>, Since{8});
  }
};

struct OffsetDeleteRequest {
  static constexpr ApiKey api_key = ApiKey::offset_delete;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 1;  // version 0, the only one, is not

  struct Partition {
    std::int32_t partition_index = 0;

    static constexpr void fields(auto&& field) { field(member<&Partition::partition_index>); }
  };

  struct Topic {
    std::string name;
    std::vector<Partition> partitions;

    static constexpr void fields(auto&& field) {
      field(member<&Topic::name>);
      field(member<&Topic::partitions>);
    }
  };

  std::string group_id;
  std::vector<Topic> topics;

  static constexpr void fields(auto&& field) {
    field(member<&OffsetDeleteRequest::group_id>);
    field(member<&OffsetDeleteRequest::topics>);
  }
};

struct OffsetDeleteResponse {
  static constexpr ApiKey api_key = ApiKey::offset_delete;
  static constexpr VersionRange versions{0, 0};
  static constexpr Version flexible_since = 1;  // version 0, the only one, is not

  struct Partition {
    std::int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::none;

    static constexpr void fields(auto&& field) {
      field(member<&Partition::partition_index>);
      field(member<&Partition::error_code>);
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

  ErrorCode error_code = ErrorCode::none;
  std::int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  static constexpr void fields(auto&& field) {
    field(member<&OffsetDeleteResponse::error_code>);
    field(member<&OffsetDeleteResponse::throttle_time_ms>);
    field(member<&OffsetDeleteResponse::topics>);
  }
};

}  // namespace cms::protocol
