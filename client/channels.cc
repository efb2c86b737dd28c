// SPDX-License-Identifier: Apache-2.0
#include "client/channels.h"

#include <algorithm>
#include <iterator>

namespace cms::client {

Result<DescribedChannels> describe_channels(Cluster& cluster) {
  const auto brokers = cluster.brokers();
  if (!brokers) return brokers.error();
  DescribedChannels all;
  for (Connection* const broker : *brokers) {
    auto answer = broker->call(protocol::DescribeChannelsRequest{});
    if (!answer && answer.error().kind() == ErrorKind::unsupported) continue;
    if (!answer) return answer.error();
    if (answer->error_code != protocol::ErrorCode::none) return refusal(answer->error_code, answer->error_message);
    all.total += std::max(answer->channels.size(), static_cast<std::size_t>(std::max(answer->total, 0)));
    std::move(answer->channels.begin(), answer->channels.end(), std::back_inserter(all.channels));
  }
  return all;
}

}  // namespace cms::client
