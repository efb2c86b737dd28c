// SPDX-License-Identifier: Apache-2.0
// Membership in groups, on both protocols: each request is one step of its group's shard, on the connection's thread.
#pragma once

#include "broker/handlers/table.h"

namespace cms::broker {

Served serve_join_group(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                        protocol::FrameBuffer& out);
Served serve_sync_group(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                        protocol::FrameBuffer& out);
Served serve_heartbeat(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                       protocol::FrameBuffer& out);
Served serve_leave_group(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                         protocol::FrameBuffer& out);
Served serve_consumer_group_heartbeat(CoreHandlers& handlers, Core& core, const RequestContext& context,
                                      base::ByteSpan body, protocol::FrameBuffer& out);

}  // namespace cms::broker
