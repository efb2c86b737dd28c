// SPDX-License-Identifier: Apache-2.0
// An endpoint's socket address. Numeric ones only: a look-up of a name could wait.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "base/result.h"
#include "transport/endpoint.h"

namespace cms::transport::rdma {

struct SocketAddress {
  sockaddr_storage storage{};
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

enum class Side : std::uint8_t { listens, connects };

// Error: invalid.
base::Result<SocketAddress> address_of(const Endpoint& endpoint, Side side);

}  // namespace cms::transport::rdma
