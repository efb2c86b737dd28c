// SPDX-License-Identifier: Apache-2.0
#include "protocol/messages/native.h"

#include "protocol/instantiate.h"

namespace cms::protocol {

CMS_INSTANTIATE_CODEC(OpenChannelRequest);
CMS_INSTANTIATE_CODEC(OpenChannelResponse);
CMS_INSTANTIATE_CODEC(SubscribeRequest);
CMS_INSTANTIATE_CODEC(SubscribeResponse);
CMS_INSTANTIATE_CODEC(UnsubscribeRequest);
CMS_INSTANTIATE_CODEC(UnsubscribeResponse);
CMS_INSTANTIATE_CODEC(SeekRequest);
CMS_INSTANTIATE_CODEC(SeekResponse);
CMS_INSTANTIATE_CODEC(OpenPublicationRequest);
CMS_INSTANTIATE_CODEC(OpenPublicationResponse);
CMS_INSTANTIATE_CODEC(ChannelMessagesRequest);
CMS_INSTANTIATE_CODEC(ChannelMessagesResponse);
CMS_INSTANTIATE_CODEC(DescribeChannelsRequest);
CMS_INSTANTIATE_CODEC(DescribeChannelsResponse);

}  // namespace cms::protocol
