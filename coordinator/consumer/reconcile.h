// SPDX-License-Identifier: Apache-2.0
// A member's next step towards its target assignment (KIP-848). A partition is given to a member only when nobody else
// has it, so members converge one by one and no record is consumed twice at a time.
//
//              told to give up some            gave them up, and the rest is free
//   stable ----------------------> unrevoked ------------------------------------> stable (at the target's epoch)
//     |                                |                                              ^
//     | others still have some         | gave them up, others still have some         |
//     +------------------------> unreleased ------------------------------------------+
//                                            they were given up
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "coordinator/consumer/member.h"
#include "protocol/messages/consumer_group.h"

namespace cms::coordinator {

using ReportedPartitions = std::vector<protocol::ConsumerGroupHeartbeatRequest::TopicPartitions>;

// Everything is borrowed for the call.
struct ReconcileInput {
  const CurrentAssignment& current;
  std::int32_t target_epoch = 0;
  const Partitions& target;
  const ReportedPartitions* reported = nullptr;  // what the member says it has; null: it does not say
  bool subscription_changed =
      false;  // topics it is not subscribed to any more go before there is a target without them
  std::function<bool(const base::Uuid& topic_id)> is_subscribed;
  std::function<bool(const base::Uuid& topic_id, std::int32_t partition)> is_free;
};

// None when nothing changes.
std::optional<CurrentAssignment> reconcile(const ReconcileInput& input);

// All that is reported is assigned: a member may then have missed the response that raised its epoch.
bool are_assigned(const ReportedPartitions& reported, const OwnedPartitions& assigned);

}  // namespace cms::coordinator
