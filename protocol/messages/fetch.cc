// SPDX-License-Identifier: Apache-2.0
#include "protocol/messages/fetch.h"

#include "protocol/instantiate.h"

namespace cms::protocol {

CMS_INSTANTIATE_CODEC(FetchRequest);
CMS_INSTANTIATE_CODEC(FetchResponse);

}  // namespace cms::protocol
