// SPDX-License-Identifier: Apache-2.0
// A member of a consumer group (KIP-848), as plain data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/uuid.h"
#include "coordinator/assignors/assignor.h"
#include "coordinator/log/consumer_records.h"

namespace cms::coordinator {

// The epoch of a static member that has left and is expected back.
inline constexpr std::int32_t epoch_of_expected_back = -2;

// What a member says of itself. Here the topic names are ascending and without doubles; the pattern is empty or null
// for none.
using MemberMetadata = ConsumerGroupMemberMetadataValue;

struct OwnedPartition {
  std::int32_t partition = 0;
  std::int32_t epoch = 0;  // at which the member was given it (KIP-1251)

  friend bool operator==(const OwnedPartition&, const OwnedPartition&) = default;
};

// Each list ascending by partition, none empty.
using OwnedPartitions = std::map<base::Uuid, std::vector<OwnedPartition>>;

// Null when it is not among them.
const OwnedPartition* find_partition(const OwnedPartitions& owned, const base::Uuid& topic_id, std::int32_t partition);

// What a member has, or has to give up, on its way from one target to the next.
struct CurrentAssignment {
  std::int32_t epoch = 0;
  std::int32_t previous_epoch = -1;
  ConsumerMemberState state = ConsumerMemberState::stable;
  OwnedPartitions assigned;
  OwnedPartitions revoking;  // it has been told to give these up, and has not said yet that it did

  bool is_reconciled_to(std::int32_t target_epoch) const {
    return state == ConsumerMemberState::stable && epoch == target_epoch;
  }
  friend bool operator==(const CurrentAssignment&, const CurrentAssignment&) = default;
};

struct ConsumerMember {
  std::optional<MemberMetadata> metadata;  // none only while the log is being read
  CurrentAssignment current;
  std::optional<Partitions> target;  // none: not part of an assignment yet

  bool is_classic() const { return metadata && metadata->classic_member_metadata.has_value(); }
};

// To and from what the log keeps. Records of other software may lack order and epochs.
ConsumerGroupCurrentMemberAssignmentValue to_value(const CurrentAssignment& current);
CurrentAssignment from_value(const ConsumerGroupCurrentMemberAssignmentValue& value);
ConsumerGroupTargetAssignmentMemberValue to_value(const Partitions& partitions);
Partitions from_value(const ConsumerGroupTargetAssignmentMemberValue& value);

}  // namespace cms::coordinator
