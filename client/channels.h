// SPDX-License-Identifier: Apache-2.0
// The channels that native clients have to the brokers.
#pragma once

#include <cstddef>
#include <vector>

#include "client/cluster.h"
#include "protocol/messages/native.h"

namespace cms::client {

using DescribedChannel = protocol::DescribeChannelsResponse::Channel;

struct DescribedChannels {
  std::vector<DescribedChannel> channels;  // of each broker those that lag most
  std::size_t total = 0;                   // that there are
};

// Of all brokers. One that does not tell, being of another make, has none.
Result<DescribedChannels> describe_channels(Cluster& cluster);

}  // namespace cms::client
