// SPDX-License-Identifier: Apache-2.0
#include "protocol/messages/topics.h"

#include "protocol/instantiate.h"

namespace cms::protocol {

CMS_INSTANTIATE_CODEC(CreateTopicsRequest);
CMS_INSTANTIATE_CODEC(CreateTopicsResponse);
CMS_INSTANTIATE_CODEC(DeleteTopicsRequest);
CMS_INSTANTIATE_CODEC(DeleteTopicsResponse);
CMS_INSTANTIATE_CODEC(CreatePartitionsRequest);
CMS_INSTANTIATE_CODEC(CreatePartitionsResponse);
CMS_INSTANTIATE_CODEC(DeleteRecordsRequest);
CMS_INSTANTIATE_CODEC(DeleteRecordsResponse);

}  // namespace cms::protocol
