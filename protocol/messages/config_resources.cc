// SPDX-License-Identifier: Apache-2.0
#include "protocol/messages/config_resources.h"

#include "protocol/instantiate.h"

namespace cms::protocol {

CMS_INSTANTIATE_CODEC(ListConfigResourcesRequest);
CMS_INSTANTIATE_CODEC(ListConfigResourcesResponse);

}  // namespace cms::protocol
