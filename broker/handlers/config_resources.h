// SPDX-License-Identifier: Apache-2.0
// ListConfigResources (KIP-1000, KIP-1142): what has configs, by type.
#pragma once

#include "broker/groups/group_configs.h"
#include "broker/handlers/request.h"
#include "broker/telemetry/subscriptions.h"
#include "broker/topics/topics.h"
#include "protocol/messages/config_resources.h"

namespace cms::broker {

// Groups that have configs of their own, subscriptions to clients' metrics (all that version 0 lists), this broker,
// topics, in this order. Loggers have no configs here: a known type with nothing in it. A type that is not known is
// UNSUPPORTED_VERSION.
void list_config_resources(const Topics& topics, const Metadata& node, const GroupConfigs& groups,
                           const Subscriptions& subscriptions, const RequestContext& context,
                           const protocol::ListConfigResourcesRequest& request,
                           protocol::ListConfigResourcesResponse& response);

}  // namespace cms::broker
