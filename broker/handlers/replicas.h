// SPDX-License-Identifier: Apache-2.0
// Where the replicas of partitions are and which of them leads, as tools ask and wish (KIP-455, KIP-460). This node is
// the only broker: it leads every partition it can open, and no replica ever moves. Refusals carry Kafka's words.
// Nothing here blocks.
#pragma once

#include <cstdint>

#include "broker/handlers/request.h"
#include "broker/topics/topics.h"
#include "protocol/messages/reassignments.h"

namespace cms::broker {

// ELECTION_NOT_NEEDED for each partition that was named and has its leader, which is the preferred one. Where none is
// named, those are left out, and what remains is what cannot be led.
void elect_leaders(const Topics& topics, const RequestContext& context, const protocol::ElectLeadersRequest& request,
                   protocol::ElectLeadersResponse& response);

// An assignment to this node is what there is already, and succeeds; any other is refused.
void alter_partition_reassignments(const Topics& topics, std::int32_t node_id, const RequestContext& context,
                                   const protocol::AlterPartitionReassignmentsRequest& request,
                                   protocol::AlterPartitionReassignmentsResponse& response);

// None is ever under way.
void list_partition_reassignments(const RequestContext& context,
                                  const protocol::ListPartitionReassignmentsRequest& request,
                                  protocol::ListPartitionReassignmentsResponse& response);

}  // namespace cms::broker
