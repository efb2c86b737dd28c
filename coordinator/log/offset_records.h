// SPDX-License-Identifier: Apache-2.0
// A committed offset in `__consumer_offsets`.
#pragma once

#include <cstdint>
#include <string>

#include "base/uuid.h"
#include "protocol/fields.h"
#include "protocol/version.h"

namespace cms::coordinator {

using protocol::operator==;  // of declared structs, member by member

struct OffsetCommitValue {
  static constexpr protocol::VersionRange versions{0, 4};
  static constexpr protocol::Version flexible_since = 4;

  std::int64_t offset = 0;
  std::int32_t leader_epoch = -1;
  std::string metadata;
  std::int64_t commit_timestamp_ms = 0;
  std::int64_t expire_timestamp_ms = -1;  // asked for by clients before OffsetCommit 5; -1: the broker's retention
  base::Uuid topic_id;                    // zero: not known (KIP-848)

  static constexpr void fields(auto&& field) {
    using protocol::member, protocol::Since, protocol::Until, protocol::Tagged;
    field(member<&OffsetCommitValue::offset>);
    field(member<&OffsetCommitValue::leader_epoch>, Since{3});
    field(member<&OffsetCommitValue::metadata>);
    field(member<&OffsetCommitValue::commit_timestamp_ms>);
    field(member<&OffsetCommitValue::expire_timestamp_ms>, Since{1}, Until{1});
    field(member<&OffsetCommitValue::topic_id>, Tagged{0}, Since{4});
  }

  // Only version 1 can say when the offset expires; it loses leader epoch and topic id.
  protocol::Version version_written() const { return expire_timestamp_ms == -1 ? 4 : 1; }
};

// Also read from records of type 0, which Kafka wrote before 0.9.
struct OffsetCommitKey {
  using Value = OffsetCommitValue;
  static constexpr std::int16_t record_type = 1;
  static constexpr std::int16_t record_type_legacy = 0;

  std::string group_id;
  std::string topic;
  std::int32_t partition = 0;

  static constexpr void fields(auto&& field) {
    using protocol::member;
    field(member<&OffsetCommitKey::group_id>);
    field(member<&OffsetCommitKey::topic>);
    field(member<&OffsetCommitKey::partition>);
  }
};

}  // namespace cms::coordinator
