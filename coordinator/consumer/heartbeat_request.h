// SPDX-License-Identifier: Apache-2.0
// What is wrong with a ConsumerGroupHeartbeat whatever group it is for, and how refusals are said.
#pragma once

#include <optional>
#include <string>

#include "coordinator/options.h"
#include "protocol/errors.h"
#include "protocol/messages/consumer_group.h"
#include "protocol/version.h"

namespace cms::coordinator {

// The member epochs of requests that mean something else.
inline constexpr std::int32_t epoch_of_joining = 0;
inline constexpr std::int32_t epoch_of_leaving = -1;

protocol::ConsumerGroupHeartbeatResponse refuse_heartbeat(protocol::ErrorCode error, std::string message);

// None if the request may be looked at. Asked by the shard before it looks for the group, or makes it.
std::optional<protocol::ConsumerGroupHeartbeatResponse> check_heartbeat(
    const protocol::ConsumerGroupHeartbeatRequest& request, protocol::Version version, const ConsumerOptions& options);

}  // namespace cms::coordinator
