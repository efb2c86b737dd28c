// SPDX-License-Identifier: Apache-2.0
#include "protocol/messages/describe.h"

#include "protocol/instantiate.h"

namespace cms::protocol {

CMS_INSTANTIATE_CODEC(DescribeLogDirsRequest);
CMS_INSTANTIATE_CODEC(DescribeLogDirsResponse);
CMS_INSTANTIATE_CODEC(DescribeTopicPartitionsRequest);
CMS_INSTANTIATE_CODEC(DescribeTopicPartitionsResponse);

}  // namespace cms::protocol
