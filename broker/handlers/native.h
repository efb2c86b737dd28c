// SPDX-License-Identifier: Apache-2.0
// The broker's own APIs (protocol/messages/native.h): requests to the session of a native client.
#pragma once

#include "broker/handlers/table.h"

namespace cms::broker {

Served serve_open_channel(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                          protocol::FrameBuffer& out);
Served serve_subscribe(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                       protocol::FrameBuffer& out);
Served serve_unsubscribe(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                         protocol::FrameBuffer& out);
Served serve_seek(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                  protocol::FrameBuffer& out);
Served serve_open_publication(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                              protocol::FrameBuffer& out);
Served serve_channel_messages(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                              protocol::FrameBuffer& out);
Served serve_describe_channels(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                               protocol::FrameBuffer& out);

}  // namespace cms::broker
