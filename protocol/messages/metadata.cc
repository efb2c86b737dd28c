// SPDX-License-Identifier: Apache-2.0
#include "protocol/messages/metadata.h"

#include "protocol/instantiate.h"

namespace cms::protocol {

CMS_INSTANTIATE_CODEC(MetadataRequest);
CMS_INSTANTIATE_CODEC(MetadataResponse);

}  // namespace cms::protocol
