// SPDX-License-Identifier: Apache-2.0
#include "protocol/messages/producer.h"

#include "protocol/instantiate.h"

namespace cms::protocol {

CMS_INSTANTIATE_CODEC(InitProducerIdRequest);
CMS_INSTANTIATE_CODEC(InitProducerIdResponse);

}  // namespace cms::protocol
