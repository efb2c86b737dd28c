// SPDX-License-Identifier: Apache-2.0
// Who of a group is to own which partitions (KIP-848): pure functions from subscriptions and the last assignment to the
// next one. They see members and topics by index, so that a group of thousands costs no look-ups of names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "base/uuid.h"

namespace cms::coordinator {

// Partitions of topics: each list ascending and without doubles, none empty.
using Partitions = std::map<base::Uuid, std::vector<std::int32_t>>;

struct AssignorTopic {
  base::Uuid id;
  std::int32_t partition_count = 0;  // the racks of each partition's replicas would stand beside it (KIP-881)
};

// The views and the pointer are valid during the call.
struct AssignorMember {
  std::string_view member_id;
  std::string_view instance_id;  // empty: none
  std::string_view rack_id;      // empty: none; no assignor looks at it yet
  std::size_t subscription = 0;  // which of AssignorInput::subscriptions
  const Partitions* owned =
      nullptr;  // the last assignment; may name what does not exist or is not subscribed to any more
};

struct AssignorInput {
  std::vector<AssignorTopic> topics;                      // ascending by id; each is subscribed to by a member at least
  std::vector<std::vector<std::uint32_t>> subscriptions;  // indexes of topics, ascending; no two alike
  std::vector<AssignorMember> members;                    // ascending by member id

  // Every member has the same subscription.
  bool is_homogeneous() const { return subscriptions.size() <= 1; }
};

// One entry a member, in the order of the input. Every partition of every topic is in exactly one of them, and only a
// subscriber of its topic has it.
using AssignorOutput = std::vector<Partitions>;
using Assignor = AssignorOutput (*)(const AssignorInput& input);

// By its name in requests and options: "uniform" or "range". Null for any other.
Assignor find_assignor(std::string_view name);

// As even as the subscriptions allow (within one partition when all members have the same), and with as few partitions
// moved from their owner as that allows.
AssignorOutput assign_uniform(const AssignorInput& input);

// Each topic in consecutive ranges over its subscribers, in order of instance id, then member id. Topics with the same
// number of partitions and the same subscribers are cut alike, so that their records can be joined. Owners do not
// count.
AssignorOutput assign_range(const AssignorInput& input);

}  // namespace cms::coordinator
