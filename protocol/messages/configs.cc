// SPDX-License-Identifier: Apache-2.0
#include "protocol/messages/configs.h"

#include "protocol/instantiate.h"

namespace cms::protocol {

CMS_INSTANTIATE_CODEC(DescribeConfigsRequest);
CMS_INSTANTIATE_CODEC(DescribeConfigsResponse);
CMS_INSTANTIATE_CODEC(AlterConfigsRequest);
CMS_INSTANTIATE_CODEC(AlterConfigsResponse);
CMS_INSTANTIATE_CODEC(IncrementalAlterConfigsRequest);
CMS_INSTANTIATE_CODEC(IncrementalAlterConfigsResponse);

}  // namespace cms::protocol
