// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/addresses.h"

#include <netdb.h>

#include <cstring>

namespace cms::transport::rdma {

base::Result<SocketAddress> address_of(const Endpoint& endpoint, Side side) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | (side == Side::listens ? AI_PASSIVE : 0);
  addrinfo* found = nullptr;
  const std::string port = std::to_string(endpoint.port);
  const char* const host = endpoint.host.empty() ? nullptr : endpoint.host.c_str();
  if (endpoint.is_unix() || ::getaddrinfo(host, port.c_str(), &hints, &found) != 0) {
    return base::Error(base::ErrorKind::invalid, endpoint.to_string() + " is no address of an RDMA device");
  }
  SocketAddress address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  return address;
}

}  // namespace cms::transport::rdma
