// SPDX-License-Identifier: Apache-2.0
#include "protocol/messages/telemetry.h"

#include "protocol/instantiate.h"

namespace cms::protocol {

CMS_INSTANTIATE_CODEC(GetTelemetrySubscriptionsRequest);
CMS_INSTANTIATE_CODEC(GetTelemetrySubscriptionsResponse);
CMS_INSTANTIATE_CODEC(PushTelemetryRequest);
CMS_INSTANTIATE_CODEC(PushTelemetryResponse);

}  // namespace cms::protocol
