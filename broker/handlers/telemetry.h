// SPDX-License-Identifier: Apache-2.0
// GetTelemetrySubscriptions and PushTelemetry (KIP-714): which of its metrics a client is to send, and what it sends.
#pragma once

#include "broker/handlers/table.h"
#include "broker/telemetry/client_instances.h"
#include "protocol/messages/telemetry.h"

namespace cms::broker {

void get_telemetry_subscriptions(ClientInstances& clients, std::int32_t push_bytes_max, const RequestContext& context,
                                 const protocol::GetTelemetrySubscriptionsRequest& request,
                                 protocol::GetTelemetrySubscriptionsResponse& response);

// Takes as long as it takes to decompress and read the metrics. `metrics_bytes` is their size; they are looked at only
// when a push of that size may come.
ErrorCode push_telemetry(ClientInstances& clients, const RequestContext& context,
                         const protocol::PushTelemetryRequest& request, std::size_t metrics_bytes);

// On a worker, with a copy of the metrics.
Served serve_push_telemetry(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                            protocol::FrameBuffer& out);

}  // namespace cms::broker
