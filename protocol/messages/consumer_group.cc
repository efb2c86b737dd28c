// SPDX-License-Identifier: Apache-2.0
#include "protocol/messages/consumer_group.h"

#include "protocol/instantiate.h"

namespace cms::protocol {

CMS_INSTANTIATE_CODEC(ConsumerGroupHeartbeatRequest);
CMS_INSTANTIATE_CODEC(ConsumerGroupHeartbeatResponse);
CMS_INSTANTIATE_CODEC(ConsumerGroupDescribeRequest);
CMS_INSTANTIATE_CODEC(ConsumerGroupDescribeResponse);

}  // namespace cms::protocol
