// SPDX-License-Identifier: Apache-2.0
// Membership in a group, on the classic protocol: join, get one's assignment, heartbeat, leave.
//
// The bytes in them are the embedded protocol of the group's members (consumer_protocol.h for consumers) and opaque to
// a coordinator. In requests they are borrowed from the frame, as RecordsView is; in responses shared.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/api.h"
#include "protocol/byte_fields.h"
#include "protocol/codec.h"
#include "protocol/errors.h"
#include "protocol/fields.h"
#include "protocol/version.h"

namespace cms::protocol {

// From version 4 on a member without an id is given one and told to join again with it (KIP-394).
struct JoinGroupRequest {
  static constexpr ApiKey api_key = ApiKey::join_group;
  static constexpr VersionRange versions{0, 9};
  static constexpr Version flexible_since = 6;

  struct Protocol {
    std::string name;
    BytesView metadata;  // borrowed from the frame

    static constexpr void fields(auto&& field) {
      field(member<&Protocol::name>);
      field(member<&Protocol::metadata>);
    }
  };

  std::string group_id;
  std::int32_t session_timeout_ms = 0;
  std::int32_t rebalance_timeout_ms = -1;        // -1, as before version 1: the session timeout
  std::string member_id;                         // empty: the coordinator makes one
  std::optional<std::string> group_instance_id;  // static membership (KIP-345)
  std::string protocol_type;
  std::vector<Protocol> protocols;    // in the member's order of preference
  std::optional<std::string> reason;  // why it joins again (KIP-800)

  static constexpr void fields(auto&& field) {
    field(member<&JoinGroupRequest::group_id>);
    field(member<&JoinGroupRequest::session_timeout_ms>);
    field(member<&JoinGroupRequest::rebalance_timeout_ms>, Since{1});
    field(member<&JoinGroupRequest::member_id>);
    field(member<&JoinGroupRequest::group_instance_id>, Since{5});
    field(member<&JoinGroupRequest::protocol_type>);
    field(member<&JoinGroupRequest::protocols>);
    field(member<&JoinGroupRequest::reason>, Since{8});
  }
};

struct JoinGroupResponse {
  static constexpr ApiKey api_key = ApiKey::join_group;
  static constexpr VersionRange versions{0, 9};
  static constexpr Version flexible_since = 6;

  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id;
    SharedBytes metadata;

    static constexpr void fields(auto&& field) {
      field(member<&Member::member_id>);
      field(member<&Member::group_instance_id>, Since{5});
      field(member<&Member::metadata>);
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::int32_t generation_id = -1;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  std::string leader;            // its member id; the leader's response alone lists the members
  bool skip_assignment = false;  // the leader need not assign: a static leader that came back (KIP-814)
  std::string member_id;
  std::vector<Member> members;

  static constexpr void fields(auto&& field) {
    field(member<&JoinGroupResponse::throttle_time_ms>, Since{2});
    field(member<&JoinGroupResponse::error_code>);
    field(member<&JoinGroupResponse::generation_id>);
    field(member<&JoinGroupResponse::protocol_type>, Since{7});
    field(member<&JoinGroupResponse::protocol_name>, NullableSince{7});
    field(member<&JoinGroupResponse::leader>);
    field(member<&JoinGroupResponse::skip_assignment>, Since{9});
    field(member<&JoinGroupResponse::member_id>);
    field(member<&JoinGroupResponse::members>);
  }
};

struct SyncGroupRequest {
  static constexpr ApiKey api_key = ApiKey::sync_group;
  static constexpr VersionRange versions{0, 5};
  static constexpr Version flexible_since = 4;

  struct Assignment {
    std::string member_id;
    BytesView assignment;  // borrowed from the frame

    static constexpr void fields(auto&& field) {
      field(member<&Assignment::member_id>);
      field(member<&Assignment::assignment>);
    }
  };

  std::string group_id;
  std::int32_t generation_id = 0;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  std::vector<Assignment> assignments;  // of the leader; empty from everybody else

  static constexpr void fields(auto&& field) {
    field(member<&SyncGroupRequest::group_id>);
    field(member<&SyncGroupRequest::generation_id>);
    field(member<&SyncGroupRequest::member_id>);
    field(member<&SyncGroupRequest::group_instance_id>, Since{3});
    field(member<&SyncGroupRequest::protocol_type>, Since{5});
    field(member<&SyncGroupRequest::protocol_name>, Since{5});
    field(member<&SyncGroupRequest::assignments>);
  }
};

struct SyncGroupResponse {
  static constexpr ApiKey api_key = ApiKey::sync_group;
  static constexpr VersionRange versions{0, 5};
  static constexpr Version flexible_since = 4;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  SharedBytes assignment;

  static constexpr void fields(auto&& field) {
    field(member<&SyncGroupResponse::throttle_time_ms>, Since{1});
    field(member<&SyncGroupResponse::error_code>);
    field(member<&SyncGroupResponse::protocol_type>, Since{5});
    field(member<&SyncGroupResponse::protocol_name>, Since{5});
    field(member<&SyncGroupResponse::assignment>);
  }
};

struct HeartbeatRequest {
  static constexpr ApiKey api_key = ApiKey::heartbeat;
  static constexpr VersionRange versions{0, 4};
  static constexpr Version flexible_since = 4;

  std::string group_id;
  std::int32_t generation_id = 0;
  std::string member_id;
  std::optional<std::string> group_instance_id;

  static constexpr void fields(auto&& field) {
    field(member<&HeartbeatRequest::group_id>);
    field(member<&HeartbeatRequest::generation_id>);
    field(member<&HeartbeatRequest::member_id>);
    field(member<&HeartbeatRequest::group_instance_id>, Since{3});
  }
};

struct HeartbeatResponse {
  static constexpr ApiKey api_key = ApiKey::heartbeat;
  static constexpr VersionRange versions{0, 4};
  static constexpr Version flexible_since = 4;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;

  static constexpr void fields(auto&& field) {
    field(member<&HeartbeatResponse::throttle_time_ms>, Since{1});
    field(member<&HeartbeatResponse::error_code>);
  }
};

// One member until version 2, then several at once (KIP-345).
struct LeaveGroupRequest {
  static constexpr ApiKey api_key = ApiKey::leave_group;
  static constexpr VersionRange versions{0, 5};
  static constexpr Version flexible_since = 4;

  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id;
    std::optional<std::string> reason;

    static constexpr void fields(auto&& field) {
      field(member<&Member::member_id>);
      field(member<&Member::group_instance_id>);
      field(member<&Member::reason>, Since{5});
    }
  };

  std::string group_id;
  std::string member_id;
  std::vector<Member> members;

  static constexpr void fields(auto&& field) {
    field(member<&LeaveGroupRequest::group_id>);
    field(member<&LeaveGroupRequest::member_id>, Until{2});
    field(member<&LeaveGroupRequest::members>, Since{3});
  }
};

struct LeaveGroupResponse {
  static constexpr ApiKey api_key = ApiKey::leave_group;
  static constexpr VersionRange versions{0, 5};
  static constexpr Version flexible_since = 4;

  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id;
    ErrorCode error_code = ErrorCode::none;

    static constexpr void fields(auto&& field) {
      field(member<&Member::member_id>);
      field(member<&Member::group_instance_id>);
      field(member<&Member::error_code>);
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::vector<Member> members;

  static constexpr void fields(auto&& field) {
    field(member<&LeaveGroupResponse::throttle_time_ms>, Since{1});
    field(member<&LeaveGroupResponse::error_code>);
    field(member<&LeaveGroupResponse::members>, Since{3});
  }
};

}  // namespace cms::protocol
