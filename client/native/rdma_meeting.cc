// SPDX-License-Identifier: Apache-2.0
#include "client/native/rdma_meeting.h"

#include <netdb.h>
#include <sys/socket.h>

#include <array>

#include "transport/rdma/rdma_connector.h"

namespace cms::client {

namespace {

using base::Error;
using base::ErrorKind;

// What is under way when a channel is closed is given so long to arrive.
constexpr std::chrono::milliseconds close_wait{1000};

// Numeric; empty for a Unix socket.
std::string host_of(int socket, int (*address_of)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (address_of(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0 || address.ss_family == AF_UNIX) return {};
  std::array<char, NI_MAXHOST> host{};
  const int status =
      ::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST);
  return status == 0 ? std::string(host.data()) : std::string();
}

}  // namespace

base::Result<std::unique_ptr<transport::RingChannel>> meet_over_rdma(const protocol::OpenChannelResponse& answer,
                                                                     int connection,
                                                                     std::chrono::milliseconds timeout) {
  const std::string theirs = host_of(connection, ::getpeername);
  const bool says_host = !answer.endpoint.starts_with(':');
  const std::string bracketed = theirs.find(':') == std::string::npos ? theirs : "[" + theirs + "]";
  base::Result<transport::Endpoint> endpoint =
      transport::Endpoint::parse(says_host ? answer.endpoint : bracketed + answer.endpoint);
  if (!endpoint || endpoint->host.empty()) {
    return Error(ErrorKind::invalid, "the broker does not say where, but " + answer.endpoint);
  }
  transport::RdmaTarget target;
  target.endpoint = *endpoint;
  target.token = answer.token.bytes;
  // The device whose address we are known by there. Towards another host the route decides.
  if (endpoint->host == theirs) target.source = host_of(connection, ::getsockname);
  target.timeout = timeout;
  transport::RdmaChannelOptions options;
  options.ring_bytes = static_cast<std::size_t>(answer.ring_bytes);
  options.close_wait = close_wait;
  return transport::connect_rdma(target, std::move(options));
}

}  // namespace cms::client
