// SPDX-License-Identifier: Apache-2.0
// A group on the classic protocol in `__consumer_offsets`: one record, written when a generation has its assignment and
// when the group becomes empty.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/byte_fields.h"
#include "protocol/fields.h"
#include "protocol/version.h"

namespace cms::coordinator {

using protocol::operator==;  // of declared structs, member by member

struct GroupMetadataValue {
  static constexpr protocol::VersionRange versions{0, 4};
  static constexpr protocol::Version flexible_since = 4;

  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id;
    std::string client_id;
    std::string client_host;
    std::int32_t rebalance_timeout_ms = -1;  // -1, as in version 0: the session timeout
    std::int32_t session_timeout_ms = 0;
    protocol::SharedBytes subscription;  // its metadata for the group's protocol
    protocol::SharedBytes assignment;

    static constexpr void fields(auto&& field) {
      using protocol::member, protocol::Since;
      field(member<&Member::member_id>);
      field(member<&Member::group_instance_id>, Since{3});
      field(member<&Member::client_id>);
      field(member<&Member::client_host>);
      field(member<&Member::rebalance_timeout_ms>, Since{1});
      field(member<&Member::session_timeout_ms>);
      field(member<&Member::subscription>);
      field(member<&Member::assignment>);
    }
  };

  std::string protocol_type;  // empty: only offsets were ever committed
  std::int32_t generation = 0;
  std::optional<std::string> protocol_name;
  std::optional<std::string> leader;
  std::int64_t current_state_timestamp_ms = -1;  // when it came into its state; -1: not known
  std::vector<Member> members;

  static constexpr void fields(auto&& field) {
    using protocol::member, protocol::Since;
    field(member<&GroupMetadataValue::protocol_type>);
    field(member<&GroupMetadataValue::generation>);
    field(member<&GroupMetadataValue::protocol_name>);
    field(member<&GroupMetadataValue::leader>);
    field(member<&GroupMetadataValue::current_state_timestamp_ms>, Since{2});
    field(member<&GroupMetadataValue::members>);
  }

  // 4 says the same in the flexible form; Kafka keeps to 3, which older brokers and tools read.
  protocol::Version version_written() const { return 3; }
};

struct GroupMetadataKey {
  using Value = GroupMetadataValue;
  static constexpr std::int16_t record_type = 2;

  std::string group_id;

  static constexpr void fields(auto&& field) { field(protocol::member<&GroupMetadataKey::group_id>); }
};

}  // namespace cms::coordinator
