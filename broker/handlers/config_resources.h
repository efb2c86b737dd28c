// SPDX-License-Identifier: Apache-2.0
// ListConfigResources (KIP-1000, KIP-1142): what has configs, by type.
#pragma once

#include "broker/groups/group_configs.h"
#include "broker/handlers/request.h"
#include "broker/topics/topics.h"
#include "protocol/messages/config_resources.h"

namespace cms::broker {

// Groups that have configs of their own, this broker, topics, in this order. Loggers have no configs here and client
// metrics are not collected: both are known types with nothing in them. A type that is not known is
// UNSUPPORTED_VERSION.
void list_config_resources(const Topics& topics, const Metadata& node, const GroupConfigs& groups,
                           const RequestContext& context, const protocol::ListConfigResourcesRequest& request,
                           protocol::ListConfigResourcesResponse& response);

}  // namespace cms::broker
