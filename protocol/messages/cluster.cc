// SPDX-License-Identifier: Apache-2.0
#include "protocol/messages/cluster.h"

#include "protocol/instantiate.h"

namespace cms::protocol {

CMS_INSTANTIATE_CODEC(ApiVersionsRequest);
CMS_INSTANTIATE_CODEC(ApiVersionsResponse);
CMS_INSTANTIATE_CODEC(FindCoordinatorRequest);
CMS_INSTANTIATE_CODEC(FindCoordinatorResponse);
CMS_INSTANTIATE_CODEC(DescribeClusterRequest);
CMS_INSTANTIATE_CODEC(DescribeClusterResponse);

}  // namespace cms::protocol
