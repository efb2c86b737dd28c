// SPDX-License-Identifier: Apache-2.0
// DescribeGroups, ListGroups, DeleteGroups, ConsumerGroupDescribe: a part for each group, or for each shard.
#pragma once

#include "broker/handlers/table.h"

namespace cms::broker {

Served serve_describe_groups(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                             protocol::FrameBuffer& out);
Served serve_list_groups(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                         protocol::FrameBuffer& out);
Served serve_delete_groups(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                           protocol::FrameBuffer& out);
Served serve_consumer_group_describe(CoreHandlers& handlers, Core& core, const RequestContext& context,
                                     base::ByteSpan body, protocol::FrameBuffer& out);

}  // namespace cms::broker
