// SPDX-License-Identifier: Apache-2.0
#include "tests/wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

#include "base/endian.h"

namespace cms::tests {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t frame_bytes_max = 256u << 20;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }
[[noreturn]] void fail_with_errno(const std::string& what) { fail(what + ": " + std::strerror(errno)); }

milliseconds left_until(Clock::time_point deadline) {
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(deadline - Clock::now()));
}

}  // namespace

std::vector<std::byte> bytes_of(protocol::FrameBuffer& frames) {
  std::vector<std::byte> bytes;
  bytes.reserve(frames.size());
  for (const ByteSpan part : frames.gather()) bytes.insert(bytes.end(), part.begin(), part.end());
  return bytes;
}

template <protocol::Message Request>
std::vector<std::byte> frame_of(const Request& request, Version version, std::int32_t correlation_id,
                                std::optional<std::string> client_id) {
  protocol::FrameBuffer frames;
  write_request({Request::api_key, version, correlation_id, std::move(client_id)}, request, frames);
  return bytes_of(frames);
}

std::vector<std::byte> raw_frame(std::int16_t api_key, Version version, std::int32_t correlation_id, ByteSpan body,
                                 bool flexible) {
  constexpr std::size_t header_bytes = 10;  // with a null client id
  const std::size_t tags = flexible ? 1 : 0;
  std::vector<std::byte> frame(4 + header_bytes + tags + body.size());
  base::store_big(frame.data(), static_cast<std::int32_t>(frame.size() - 4));
  base::store_big(frame.data() + 4, api_key);
  base::store_big(frame.data() + 6, version);
  base::store_big(frame.data() + 8, correlation_id);
  base::store_big(frame.data() + 12, std::int16_t{-1});
  std::ranges::copy(body, frame.begin() + static_cast<std::ptrdiff_t>(4 + header_bytes + tags));
  return frame;
}

Wire::Wire(std::uint16_t port, int receive_window) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (descriptor_ < 0) fail_with_errno("socket");
  if (receive_window > 0) ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_window, sizeof receive_window);
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int code = errno;
    ::close(descriptor_);
    errno = code;
    fail_with_errno("connecting to port " + std::to_string(port));
  }
}

Wire::Wire(const std::string& path) : descriptor_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (descriptor_ < 0) fail_with_errno("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) fail("too long for a Unix socket: " + path);
  path.copy(address.sun_path, path.size());
  if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int code = errno;
    ::close(descriptor_);
    errno = code;
    fail_with_errno("connecting to " + path);
  }
}

Wire::~Wire() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void Wire::send_bytes(ByteSpan bytes) {
  const auto deadline = Clock::now() + patience;
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno != EAGAIN) fail_with_errno("sending");
    pollfd writable{descriptor_, POLLOUT, 0};
    if (::poll(&writable, 1, static_cast<int>(left_until(deadline).count())) <= 0) fail("the broker takes no more");
  }
}

void Wire::shut_down_sending() { ::shutdown(descriptor_, SHUT_WR); }

bool Wire::await_readable(milliseconds limit) const {
  pollfd readable{descriptor_, POLLIN, 0};
  return ::poll(&readable, 1, static_cast<int>(limit.count())) > 0;
}

std::vector<std::byte> Wire::receive_some(std::size_t count, milliseconds limit) {
  if (!await_readable(limit)) fail("no bytes within " + std::to_string(limit.count()) + " ms");
  std::vector<std::byte> bytes(count);
  const ssize_t got = ::recv(descriptor_, bytes.data(), count, 0);
  bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return bytes;
}

ByteSpan Wire::receive_frame(milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  frame_.clear();
  std::size_t wanted = 4;
  bool has_size = false;
  while (frame_.size() < wanted) {
    if (!await_readable(left_until(deadline))) fail("no answer within " + std::to_string(limit.count()) + " ms");
    const std::size_t have = frame_.size();
    frame_.resize(wanted);
    const ssize_t got = ::recv(descriptor_, frame_.data() + have, wanted - have, 0);
    if (got == 0) fail("the broker has closed the connection");
    if (got < 0) fail_with_errno("receiving");
    frame_.resize(have + static_cast<std::size_t>(got));
    if (has_size || frame_.size() < 4) continue;
    has_size = true;
    wanted = base::load_big<std::uint32_t>(frame_.data());
    if (wanted > frame_bytes_max) fail("the broker sends a frame of " + std::to_string(wanted) + " bytes");
    frame_.clear();
  }
  return frame_;
}

bool Wire::is_closed(milliseconds limit) {
  if (!await_readable(limit)) return false;
  std::byte byte;
  return ::recv(descriptor_, &byte, 1, 0) <= 0;
}

bool Wire::is_quiet(milliseconds span) { return !await_readable(span); }

Wire::Expected Wire::next_expected(ApiKey key) {
  if (expected_.empty()) fail("no request awaits an answer");
  const Expected expected = expected_.front();
  expected_.pop_front();
  if (expected.api_key != key) fail("the next answer is of " + std::string(protocol::name_of(expected.api_key)));
  return expected;
}

bool Wire::take_if_pushed(ByteSpan frame) {
  if (!take_pushed_ || frame.size() < 4) return false;
  if (base::load_big<std::int32_t>(frame.data()) != protocol::push_correlation_id) return false;
  take_pushed_(frame.subspan(4));
  return true;
}

bool Wire::receive_pushed(milliseconds limit) {
  if (!await_readable(limit)) return false;
  if (!take_if_pushed(receive_frame())) fail("an answer that nobody awaits");
  return true;
}

ByteSpan Wire::receive_body(const Expected& expected, milliseconds limit) {
  ByteSpan frame = receive_frame(limit);
  while (take_if_pushed(frame)) frame = receive_frame(limit);
  std::int32_t correlation_id = 0;
  const auto body = protocol::read_response_header(frame, expected.api_key, expected.version, correlation_id);
  if (!body) fail(body.error().message());
  if (correlation_id != expected.correlation_id) {
    fail("correlation id " + std::to_string(correlation_id) + " where " + std::to_string(expected.correlation_id) +
         " is next");
  }
  return *body;
}

template <protocol::Message Response>
void Wire::read_into(Response& response, const Expected& expected, milliseconds limit) {
  const auto parsed = protocol::read(receive_body(expected, limit), expected.version, response);
  if (!parsed) fail(parsed.error().message());
}

// Compiled here once for all tests.
#define CMS_INSTANTIATE(name)                                                                     \
  template std::vector<std::byte> frame_of(const protocol::name##Request&, Version, std::int32_t, \
                                           std::optional<std::string>);                           \
  template void Wire::read_into(protocol::name##Response&, const Expected&, milliseconds);
CMS_EACH_API(CMS_INSTANTIATE)
#undef CMS_INSTANTIATE

protocol::ApiVersionsResponse ask_versions(Wire& wire, Version version) {
  return wire.call(protocol::ApiVersionsRequest{.client_software_name = "wire", .client_software_version = "1.0"},
                   version);
}

bool serves(std::uint16_t port) {
  Wire wire(port);
  return ask_versions(wire).error_code == ErrorCode::none;
}

}  // namespace cms::tests
