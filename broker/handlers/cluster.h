// SPDX-License-Identifier: Apache-2.0
// What tools and clients ask about the cluster itself: its brokers, its coordinators.
#pragma once

#include "broker/config/options.h"
#include "broker/handlers/request.h"
#include "broker/metadata/metadata.h"
#include "protocol/errors.h"
#include "protocol/messages/cluster.h"

namespace cms::broker {

void describe_cluster(const Metadata& node, const Options& options, const RequestContext& context,
                      const protocol::DescribeClusterRequest& request, protocol::DescribeClusterResponse& response);

// The coordinator of every group is this node; `groups` says why it cannot be just now. There are no transactions and
// share groups yet: a transaction's is refused with UNSUPPORTED_VERSION and a message, which clients hand to the
// application at once instead of waiting for it until they time out.
void find_coordinator(const Metadata& node, protocol::ErrorCode groups, const RequestContext& context,
                      const protocol::FindCoordinatorRequest& request, protocol::FindCoordinatorResponse& response);

}  // namespace cms::broker
