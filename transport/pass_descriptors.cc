// SPDX-License-Identifier: Apache-2.0
#include "transport/pass_descriptors.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace cms::transport {

namespace {

using base::Error;
using base::ErrorKind;

constexpr std::size_t control_bytes = CMSG_SPACE(descriptors_passed_max * sizeof(int));

struct Control {
  alignas(cmsghdr) std::array<std::byte, control_bytes> bytes{};
};

Error socket_error(std::string_view action) {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {ErrorKind::busy, std::string(action)};
  if (errno == EPIPE || errno == ECONNRESET) return {ErrorKind::closed, std::string(action) + ": the peer has gone"};
  return Error::from_errno(errno, action);
}

// All that came, also what nobody has asked for: what is not taken over here would stay open for ever.
std::vector<Descriptor> take_descriptors(msghdr& message) {
  std::vector<Descriptor> taken;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int descriptor;
      std::memcpy(&descriptor, CMSG_DATA(part) + i * sizeof(int), sizeof descriptor);
      taken.emplace_back(descriptor);
    }
  }
  return taken;
}

}  // namespace

base::Result<void> send_descriptors(int socket, base::ByteSpan payload, std::span<const int> descriptors) {
  CHECK(!payload.empty() && payload.size() <= passed_payload_bytes_max);
  CHECK(!descriptors.empty() && descriptors.size() <= descriptors_passed_max);
  Control control;
  iovec bytes{const_cast<std::byte*>(payload.data()), payload.size()};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  cmsghdr* const part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(part), descriptors.data(), descriptors.size_bytes());
  ssize_t sent;
  do sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) return socket_error("handing over descriptors");
  if (static_cast<std::size_t>(sent) != payload.size()) {
    return Error(ErrorKind::io, "handing over descriptors: the socket has cut them off");
  }
  return {};
}

base::Result<PassedDescriptors> receive_descriptors(int socket, base::MutableByteSpan payload, std::size_t expected) {
  CHECK(!payload.empty() && expected <= descriptors_passed_max);
  Control control;
  iovec bytes{payload.data(), payload.size()};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  ssize_t received;
  do received = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (received < 0 && errno == EINTR);
  if (received < 0) return socket_error("receiving descriptors");
  PassedDescriptors passed{take_descriptors(message), static_cast<std::size_t>(received)};
  if (received == 0) return Error(ErrorKind::closed, "receiving descriptors: the peer has gone");
  if ((message.msg_flags & MSG_CTRUNC) != 0) return Error(ErrorKind::invalid, "receiving descriptors: cut off");
  if (passed.descriptors.size() != expected) {
    return Error(ErrorKind::invalid, "receiving descriptors: " + std::to_string(passed.descriptors.size()) +
                                         " came where " + std::to_string(expected) + " were expected");
  }
  return passed;
}

base::Result<PeerCredentials> peer_credentials(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return Error::from_errno(errno, "asking who is at the other end of a socket");
  }
  return PeerCredentials{credentials.pid, credentials.uid, credentials.gid};
}

}  // namespace cms::transport
