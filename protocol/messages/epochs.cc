// SPDX-License-Identifier: Apache-2.0
#include "protocol/messages/epochs.h"

#include "protocol/instantiate.h"

namespace cms::protocol {

CMS_INSTANTIATE_CODEC(OffsetForLeaderEpochRequest);
CMS_INSTANTIATE_CODEC(OffsetForLeaderEpochResponse);

}  // namespace cms::protocol
