// SPDX-License-Identifier: Apache-2.0
#include "protocol/messages/produce.h"

#include "protocol/instantiate.h"

namespace cms::protocol {

CMS_INSTANTIATE_CODEC(ProduceRequest);
CMS_INSTANTIATE_CODEC(ProduceResponse);

}  // namespace cms::protocol
