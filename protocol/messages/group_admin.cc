// SPDX-License-Identifier: Apache-2.0
#include "protocol/messages/group_admin.h"

#include "protocol/instantiate.h"

namespace cms::protocol {

CMS_INSTANTIATE_CODEC(DescribeGroupsRequest);
CMS_INSTANTIATE_CODEC(DescribeGroupsResponse);
CMS_INSTANTIATE_CODEC(ListGroupsRequest);
CMS_INSTANTIATE_CODEC(ListGroupsResponse);
CMS_INSTANTIATE_CODEC(DeleteGroupsRequest);
CMS_INSTANTIATE_CODEC(DeleteGroupsResponse);

}  // namespace cms::protocol
