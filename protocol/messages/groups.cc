// SPDX-License-Identifier: Apache-2.0
#include "protocol/messages/groups.h"

#include "protocol/instantiate.h"

namespace cms::protocol {

CMS_INSTANTIATE_CODEC(JoinGroupRequest);
CMS_INSTANTIATE_CODEC(JoinGroupResponse);
CMS_INSTANTIATE_CODEC(SyncGroupRequest);
CMS_INSTANTIATE_CODEC(SyncGroupResponse);
CMS_INSTANTIATE_CODEC(HeartbeatRequest);
CMS_INSTANTIATE_CODEC(HeartbeatResponse);
CMS_INSTANTIATE_CODEC(LeaveGroupRequest);
CMS_INSTANTIATE_CODEC(LeaveGroupResponse);

}  // namespace cms::protocol
