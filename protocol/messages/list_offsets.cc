// SPDX-License-Identifier: Apache-2.0
#include "protocol/messages/list_offsets.h"

#include "protocol/instantiate.h"

namespace cms::protocol {

CMS_INSTANTIATE_CODEC(ListOffsetsRequest);
CMS_INSTANTIATE_CODEC(ListOffsetsResponse);

}  // namespace cms::protocol
