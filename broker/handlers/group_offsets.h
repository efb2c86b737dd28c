// SPDX-License-Identifier: Apache-2.0
// OffsetCommit, OffsetFetch, OffsetDelete. Topics are named or identified by the client; the coordinator gets both.
#pragma once

#include "broker/handlers/table.h"

namespace cms::broker {

Served serve_offset_commit(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                           protocol::FrameBuffer& out);
Served serve_offset_fetch(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                          protocol::FrameBuffer& out);
Served serve_offset_delete(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                           protocol::FrameBuffer& out);

}  // namespace cms::broker
