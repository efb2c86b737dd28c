// SPDX-License-Identifier: Apache-2.0
// Configurations of topics and brokers, shown and changed. Changes block until they are durable; each resource is
// changed as a whole or not at all.
//
// Broker loggers are shown (there is one, the root), and a change of them is refused.
#pragma once

#include "broker/config/options.h"
#include "broker/groups/group_configs.h"
#include "broker/handlers/request.h"
#include "broker/metadata/metadata.h"
#include "broker/telemetry/subscriptions.h"
#include "broker/topics/topics.h"
#include "protocol/messages/configs.h"

namespace cms::broker {

// A resource listed twice is answered with INVALID_REQUEST the second time, so that an answer does not outgrow what
// there is to show.
void describe_configs(const Topics& topics, const GroupConfigs& groups, const Subscriptions& subscriptions,
                      const Metadata& node, const Options& options, const RequestContext& context,
                      const protocol::DescribeConfigsRequest& request, protocol::DescribeConfigsResponse& response);

// What configs are changed in; borrowed for the call.
struct ConfigOwners {
  Topics& topics;
  GroupConfigs& groups;
  Subscriptions& subscriptions;
  const Options& options;
  std::int32_t node_id;
};

void alter_configs(const ConfigOwners& owners, const RequestContext& context,
                   const protocol::AlterConfigsRequest& request, protocol::AlterConfigsResponse& response);
void incremental_alter_configs(const ConfigOwners& owners, const RequestContext& context,
                               const protocol::IncrementalAlterConfigsRequest& request,
                               protocol::IncrementalAlterConfigsResponse& response);

}  // namespace cms::broker
