// SPDX-License-Identifier: Apache-2.0
#include "client/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "base/endian.h"

namespace cms::client {

namespace {

constexpr std::size_t length_size = sizeof(std::int32_t);
constexpr std::size_t receive_bytes_min = 64 << 10;
// How far the buffer may be ahead of the bytes received, so that a length alone never sizes an allocation.
constexpr std::size_t growth_bytes_max = 4 << 20;

// Waits until a connect that has begun ends; 0 or the errno of its failure.
int finish_connect(int descriptor, milliseconds timeout) {
  pollfd waiting{descriptor, POLLOUT, 0};
  int ready;
  do ready = ::poll(&waiting, 1, static_cast<int>(timeout.count()));
  while (ready < 0 && errno == EINTR);
  if (ready < 0) return errno;
  if (ready == 0) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return errno;
  return error;
}

// Connects a non-blocking socket and leaves it blocking; 0 or an errno.
int connect_one(int descriptor, const addrinfo& target, milliseconds timeout) {
  if (::connect(descriptor, target.ai_addr, target.ai_addrlen) < 0) {
    if (errno != EINPROGRESS) return errno;
    if (const int error = finish_connect(descriptor, timeout)) return error;
  }
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0 || ::fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) < 0) return errno;
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return 0;
}

timeval to_timeval(milliseconds timeout) {
  return {timeout.count() / 1000, static_cast<suseconds_t>(timeout.count() % 1000 * 1000)};
}

Error timed_out(std::string_view action) { return {ErrorKind::busy, std::string(action) + ": no answer in time"}; }

}  // namespace

Socket::Socket(Socket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      buffer_(std::move(other.buffer_)),
      begin_(std::exchange(other.begin_, 0)),
      end_(std::exchange(other.end_, 0)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(buffer_, other.buffer_);
  std::swap(begin_, other.begin_);
  std::swap(end_, other.end_);
  return *this;
}

Socket::~Socket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<Socket> Socket::connect(const Address& address, milliseconds timeout) {
  return address.is_unix() ? connect_unix(address) : connect_tcp(address, timeout);
}

Result<Socket> Socket::connect_unix(const Address& address) {
  sockaddr_un target{};
  CHECK(address.path.size() < sizeof target.sun_path);  // Address::parse
  target.sun_family = AF_UNIX;
  std::memcpy(target.sun_path, address.path.c_str(), address.path.size() + 1);
  Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.descriptor_ < 0) return Error::from_errno(errno, "making a socket");
  if (::connect(socket.descriptor_, reinterpret_cast<const sockaddr*>(&target), sizeof target) < 0)
    return Error::from_errno(errno, "no broker at " + address.to_string());
  return socket;
}

Result<Socket> Socket::connect_tcp(const Address& address, milliseconds timeout) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failure = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (failure != 0)
    return Error(ErrorKind::not_found, "no host is called '" + address.host + "': " + ::gai_strerror(failure));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> targets(found, &::freeaddrinfo);
  int error = 0;
  for (const addrinfo* target = targets.get(); target != nullptr; target = target->ai_next) {
    Socket socket(::socket(target->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (socket.descriptor_ < 0) return Error::from_errno(errno, "making a socket");
    error = connect_one(socket.descriptor_, *target, timeout);
    if (error == 0) return socket;
  }
  return Error::from_errno(error, "no broker at " + address.to_string());
}

Result<void> Socket::set_timeout(milliseconds timeout) {
  const timeval limit = to_timeval(timeout);
  if (::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0 ||
      ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0)
    return Error::from_errno(errno, "limiting the wait for a broker");
  return {};
}

Result<void> Socket::send(ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return timed_out("sending to the broker");
      return Error::from_errno(errno, "sending to the broker");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return {};
}

// Copied together, so that a frame leaves in one system call and one segment where it fits.
Result<void> Socket::send(std::span<const ByteSpan> parts) {
  if (parts.size() == 1) return send(parts.front());
  std::vector<std::byte> gathered;
  for (const ByteSpan part : parts) gathered.insert(gathered.end(), part.begin(), part.end());
  return send(gathered);
}

Result<std::size_t> Socket::send_some(std::span<const ByteSpan> parts) {
  constexpr std::size_t parts_max = 64;
  iovec pieces[parts_max];
  const std::size_t count = std::min(parts.size(), parts_max);
  for (std::size_t i = 0; i < count; ++i)
    pieces[i] = {const_cast<std::byte*>(parts[i].data()), parts[i].size()};  // sendmsg only reads
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = count;
  const ssize_t sent = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return std::size_t{0};
  return Error::from_errno(errno, "sending to the broker");
}

Result<std::size_t> Socket::frame_size() const {
  const auto size = base::load_big<std::int32_t>(buffer_.data() + begin_);
  if (size < 0 || static_cast<std::size_t>(size) > frame_bytes_max)
    return Error(ErrorKind::corrupt, "the answer begins with a length of " + std::to_string(size) +
                                         ": this is no Kafka broker, or it expects TLS");
  return static_cast<std::size_t>(size);
}

bool Socket::has_frame() const {
  if (buffered() < length_size) return false;
  const Result<std::size_t> size = frame_size();
  return !size || buffered() - length_size >= *size;
}

Result<ByteSpan> Socket::receive_frame() {
  if (begin_ == end_) begin_ = end_ = 0;
  while (buffered() < length_size) {
    if (Result<void> received = receive_more(length_size); !received) return received.error();
  }
  const Result<std::size_t> size = frame_size();
  if (!size) return size.error();
  while (buffered() < length_size + *size) {
    if (Result<void> received = receive_more(length_size + *size); !received) return received.error();
  }
  const ByteSpan frame{buffer_.data() + begin_ + length_size, *size};
  begin_ += length_size + *size;
  return frame;
}

// For `wanted` bytes in all, as far as growth_bytes_max allows, and for one at least.
void Socket::make_room(std::size_t wanted) {
  if (buffer_.size() - begin_ >= wanted && buffer_.size() != end_) return;
  if (begin_ != end_) std::memmove(buffer_.data(), buffer_.data() + begin_, buffered());
  end_ -= begin_;
  begin_ = 0;
  const std::size_t size = std::max(receive_bytes_min, std::min(wanted, end_ + growth_bytes_max));
  if (buffer_.size() < size) buffer_.resize(size);
}

Result<bool> Socket::receive_some() {
  if (begin_ == end_) begin_ = end_ = 0;
  std::size_t wanted = length_size;
  if (buffered() >= length_size) {
    const Result<std::size_t> size = frame_size();
    if (!size) return size.error();
    wanted += *size;
  }
  make_room(wanted);
  const ssize_t received = ::recv(descriptor_, buffer_.data() + end_, buffer_.size() - end_, MSG_DONTWAIT);
  if (received == 0) return Error(ErrorKind::closed, "the broker closed the connection");
  if (received < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return false;
    return Error::from_errno(errno, "receiving from the broker");
  }
  end_ += static_cast<std::size_t>(received);
  return true;
}

std::vector<std::byte> Socket::leave_buffer() {
  std::vector<std::byte> rest(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
                              buffer_.begin() + static_cast<std::ptrdiff_t>(end_));
  begin_ = 0;
  end_ = rest.size();
  return std::exchange(buffer_, std::move(rest));
}

// Receives once, making room for `wanted` bytes in all.
Result<void> Socket::receive_more(std::size_t wanted) {
  make_room(wanted);
  const ssize_t received = ::recv(descriptor_, buffer_.data() + end_, buffer_.size() - end_, 0);
  if (received == 0) return Error(ErrorKind::closed, "the broker closed the connection");
  if (received < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return timed_out("waiting for the broker");
    return Error::from_errno(errno, "receiving from the broker");
  }
  end_ += static_cast<std::size_t>(received);
  return {};
}

}  // namespace cms::client
