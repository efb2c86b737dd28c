// SPDX-License-Identifier: Apache-2.0
// Offsets by time and by leader epoch.
#pragma once

#include "broker/handlers/request.h"
#include "broker/topics/topics.h"
#include "protocol/messages/epochs.h"
#include "protocol/messages/list_offsets.h"

namespace cms::broker {

// Blocks where the batch that holds an offset is on the disk.
void list_offsets(const Topics& topics, const RequestContext& context, const protocol::ListOffsetsRequest& request,
                  protocol::ListOffsetsResponse& response);

void offset_for_leader_epoch(const Topics& topics, const RequestContext& context,
                             const protocol::OffsetForLeaderEpochRequest& request,
                             protocol::OffsetForLeaderEpochResponse& response);

}  // namespace cms::broker
