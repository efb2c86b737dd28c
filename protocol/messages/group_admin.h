// SPDX-License-Identifier: Apache-2.0
// Groups as tools see them: describe, list, delete.
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
#include "protocol/types.h"
#include "protocol/version.h"

namespace cms::protocol {

struct DescribeGroupsRequest {
  static constexpr ApiKey api_key = ApiKey::describe_groups;
  static constexpr VersionRange versions{0, 6};
  static constexpr Version flexible_since = 5;

  std::vector<std::string> groups;
  bool include_authorized_operations = false;

  static constexpr void fields(auto&& field) {
    field(member<&DescribeGroupsRequest::groups>);
    field(member<&DescribeGroupsRequest::include_authorized_operations>, Since{3});
  }
};

// A group that is not there is Dead, from version 6 on GROUP_ID_NOT_FOUND (KIP-1043). The bytes are shared.
struct DescribeGroupsResponse {
  static constexpr ApiKey api_key = ApiKey::describe_groups;
  static constexpr VersionRange versions{0, 6};
  static constexpr Version flexible_since = 5;

  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id;
    std::string client_id;
    std::string client_host;
    SharedBytes member_metadata;
    SharedBytes member_assignment;

    static constexpr void fields(auto&& field) {
      field(member<&Member::member_id>);
      field(member<&Member::group_instance_id>, Since{4});
      field(member<&Member::client_id>);
      field(member<&Member::client_host>);
      field(member<&Member::member_metadata>);
      field(member<&Member::member_assignment>);
    }
  };

  struct Group {
    ErrorCode error_code = ErrorCode::none;
    std::optional<std::string> error_message;
    std::string group_id;
    std::string group_state;
    std::string protocol_type;
    std::string protocol_data;  // the protocol chosen
    std::vector<Member> members;
    std::int32_t authorized_operations = authorized_operations_omitted;

    static constexpr void fields(auto&& field) {
      field(member<&Group::error_code>);
      field(member<&Group::error_message>, Since{6});
      field(member<&Group::group_id>);
      field(member<&Group::group_state>);
      field(member<&Group::protocol_type>);
      field(member<&Group::protocol_data>);
      field(member<&Group::members>);
      field(member<&Group::authorized_operations>, Since{3});
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Group> groups;

  static constexpr void fields(auto&& field) {
    field(member<&DescribeGroupsResponse::throttle_time_ms>, Since{1});
    field(member<&DescribeGroupsResponse::groups>);
  }
};

struct ListGroupsRequest {
  static constexpr ApiKey api_key = ApiKey::list_groups;
  static constexpr VersionRange versions{0, 5};
  static constexpr Version flexible_since = 3;

  std::vector<std::string> states_filter;  // empty: all (KIP-518)
  std::vector<std::string> types_filter;   // empty: all (KIP-848)

  static constexpr void fields(auto&& field) {
    field(member<&ListGroupsRequest::states_filter>, Since{4});
    field(member<&ListGroupsRequest::types_filter>, Since{5});
  }
};

struct ListGroupsResponse {
  static constexpr ApiKey api_key = ApiKey::list_groups;
  static constexpr VersionRange versions{0, 5};
  static constexpr Version flexible_since = 3;

  struct Group {
    std::string group_id;
    std::string protocol_type;
    std::string group_state;
    std::string group_type;

    static constexpr void fields(auto&& field) {
      field(member<&Group::group_id>);
      field(member<&Group::protocol_type>);
      field(member<&Group::group_state>, Since{4});
      field(member<&Group::group_type>, Since{5});
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::none;
  std::vector<Group> groups;

  static constexpr void fields(auto&& field) {
    field(member<&ListGroupsResponse::throttle_time_ms>, Since{1});
    field(member<&ListGroupsResponse::error_code>);
    field(member<&ListGroupsResponse::groups>);
  }
};

struct DeleteGroupsRequest {
  static constexpr ApiKey api_key = ApiKey::delete_groups;
  static constexpr VersionRange versions{0, 2};
  static constexpr Version flexible_since = 2;

  std::vector<std::string> groups_names;

  static constexpr void fields(auto&& field) { field(member<&DeleteGroupsRequest::groups_names>); }
};

struct DeleteGroupsResponse {
  static constexpr ApiKey api_key = ApiKey::delete_groups;
  static constexpr VersionRange versions{0, 2};
  static constexpr Version flexible_since = 2;

  struct Result {
    std::string group_id;
    ErrorCode error_code = ErrorCode::none;

    static constexpr void fields(auto&& field) {
      field(member<&Result::group_id>);
      field(member<&Result::error_code>);
    }
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<Result> results;

  static constexpr void fields(auto&& field) {
    field(member<&DeleteGroupsResponse::throttle_time_ms>);
    field(member<&DeleteGroupsResponse::results>);
  }
};

}  // namespace cms::protocol
