// SPDX-License-Identifier: Apache-2.0
// A connection with a channel on it: opened, of the kind asked for or, where any will do, of the best that works.
#pragma once

#include <cms/session.h>

#include <chrono>
#include <memory>
#include <string>

#include "client/cluster.h"
#include "client/native/mapped_chunks.h"
#include "client/native/socket_link.h"
#include "transport/ring_channel.h"

namespace cms::client {

// What ends first stands last: the channel uses the link, the link the connection.
struct OpenedChannel {
  std::unique_ptr<Cluster> cluster;         // of which bootstrap() is the connection
  std::unique_ptr<SocketLink> socket_link;  // of a TCP channel
  std::unique_ptr<transport::RingChannel> channel;
  std::unique_ptr<MappedChunks> chunks;  // where logs are read in place; else null
  std::string reason;                    // why it is of this kind, if another would have been better; else empty
  std::chrono::milliseconds heartbeat{};
};

Result<OpenedChannel> open_channel(const cms::SessionOptions& options);

}  // namespace cms::client
