// SPDX-License-Identifier: Apache-2.0
#include "protocol/messages/group_offsets.h"

#include "protocol/instantiate.h"

namespace cms::protocol {

CMS_INSTANTIATE_CODEC(OffsetCommitRequest);
CMS_INSTANTIATE_CODEC(OffsetCommitResponse);
CMS_INSTANTIATE_CODEC(OffsetFetchRequest);
CMS_INSTANTIATE_CODEC(OffsetFetchResponse);
CMS_INSTANTIATE_CODEC(OffsetDeleteRequest);
CMS_INSTANTIATE_CODEC(OffsetDeleteResponse);

}  // namespace cms::protocol
