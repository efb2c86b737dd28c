// SPDX-License-Identifier: Apache-2.0
// The client's side of making an RDMA channel.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/result.h"
#include "transport/endpoint.h"
#include "transport/rdma/rdma.h"
#include "transport/ring_channel.h"

namespace cms::transport {

struct RdmaTarget {
  Endpoint endpoint;  // an address that belongs to an RDMA device
  RdmaToken token{};
  std::string source;  // address to connect from; empty: as the route says
  std::chrono::milliseconds timeout{3000};
};

// Waits for the broker, `timeout` at most. Error: unsupported (no device leads there), invalid, denied (the token is
// not wanted), full (memory cannot be pinned), io.
base::Result<std::unique_ptr<RingChannel>> connect_rdma(const RdmaTarget& target, RdmaChannelOptions options);

}  // namespace cms::transport
