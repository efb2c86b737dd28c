// SPDX-License-Identifier: Apache-2.0
#include "client/native/open_channel.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "client/native/rdma_meeting.h"
#include "protocol/push/messages.h"
#include "transport/pass_descriptors.h"
#include "transport/rdma/rdma.h"
#include "transport/shared_memory_channel.h"

namespace cms::client {

namespace {

using protocol::ErrorCode;
using protocol::OpenChannelRequest;
using protocol::OpenChannelResponse;
using transport::SharedMemoryChannel;
using Kind = transport::ChannelKind;

constexpr std::size_t ring_bytes_default = 4 << 20;  // where the broker does not say
constexpr milliseconds heartbeat_default{10'000};

// Whether both ends of the connection are on one machine.
bool is_local(const Connection& connection, int descriptor) {
  if (connection.address().is_unix()) return true;
  sockaddr_storage ours{};
  sockaddr_storage theirs{};
  socklen_t size = sizeof ours;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&ours), &size) != 0) return false;
  size = sizeof theirs;
  if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&theirs), &size) != 0) return false;
  if (ours.ss_family != theirs.ss_family) return false;
  if (ours.ss_family == AF_INET) {
    return reinterpret_cast<sockaddr_in&>(ours).sin_addr.s_addr ==
           reinterpret_cast<sockaddr_in&>(theirs).sin_addr.s_addr;
  }
  return ours.ss_family == AF_INET6 &&
         std::memcmp(&reinterpret_cast<sockaddr_in6&>(ours).sin6_addr,
                     &reinterpret_cast<sockaddr_in6&>(theirs).sin6_addr, sizeof(in6_addr)) == 0;
}

Result<OpenedChannel> connect(const cms::SessionOptions& options) {
  Result<std::vector<Address>> addresses = parse_addresses(options.bootstrap);
  if (!addresses) return addresses.error();
  ConnectionOptions connection;
  connection.connect_timeout = options.connect_timeout;
  connection.request_timeout = options.request_timeout;
  connection.client_id = options.client_id;
  Result<Cluster> cluster = Cluster::open(std::move(*addresses), connection);
  if (!cluster) return cluster.error();
  OpenedChannel opened;
  opened.cluster = std::make_unique<Cluster>(std::move(*cluster));
  return opened;
}

Result<OpenChannelResponse> ask(Connection& connection, Kind kind, const cms::SessionOptions& options) {
  OpenChannelRequest request;
  request.kind = static_cast<std::int8_t>(kind);
  request.layout_version = protocol::push::layout_version;
  request.ring_bytes = static_cast<std::int32_t>(options.ring_bytes);
  request.heartbeat_ms = static_cast<std::int32_t>(options.heartbeat.count());
  request.want_stages = options.want_stages;
  request.map_logs = options.read_in_place && kind == Kind::shared_memory;
  if (!connection.version_of(OpenChannelRequest::api_key, OpenChannelRequest::versions)) {
    return Error(ErrorKind::unsupported, connection.address().to_string() +
                                             " is not a Cascade Messaging Service broker, or an older one: it does "
                                             "not serve OpenChannel");
  }
  Result<OpenChannelResponse> answer = connection.call(request);
  if (!answer) return answer;
  if (answer->error_code == ErrorCode::unsupported_version ||
      answer->error_code == ErrorCode::unsupported_endpoint_type)
    return Error(ErrorKind::unsupported, answer->error_message.value_or("the broker has no such channel"));
  if (answer->error_code != ErrorCode::none)
    return refusal(answer->error_code, answer->error_message).while_doing("opening a channel");
  if (answer->layout_version != protocol::push::layout_version)
    return Error(ErrorKind::unsupported, "the broker's channels have another layout than this library's");
  if (answer->ring_bytes == 0) answer->ring_bytes = static_cast<std::int32_t>(ring_bytes_default);
  if (!transport::is_ring_size(static_cast<std::size_t>(answer->ring_bytes)))
    return Error(ErrorKind::corrupt, "the broker's ring has " + std::to_string(answer->ring_bytes) + " bytes");
  return answer;
}

Result<void> await_readable(int descriptor, milliseconds timeout) {
  pollfd ready{descriptor, POLLIN, 0};
  const int count = ::poll(&ready, 1, static_cast<int>(timeout.count()));
  if (count < 0) return Error::from_errno(errno, "waiting for the rings");
  if (count == 0) return Error(ErrorKind::busy, "the broker hands over no rings");
  return {};
}

// Shows the token where the broker said, and gets the rings.
Result<std::unique_ptr<transport::RingChannel>> attach(const OpenChannelResponse& answer, milliseconds timeout) {
  constexpr std::size_t count = SharedMemoryChannel::descriptors_passed;
  const Result<Address> at = Address::parse("unix:" + answer.endpoint);
  if (!at) return at.error();
  Result<Socket> socket = Socket::connect(*at, timeout);
  if (!socket) return socket.error();
  if (Result<void> shown = socket->send(answer.token.bytes); !shown) return shown.error();
  if (Result<void> ready = await_readable(socket->descriptor(), timeout); !ready) return ready.error();
  std::array<std::byte, 16> payload{};
  Result<transport::PassedDescriptors> passed = transport::receive_descriptors(socket->descriptor(), payload, count);
  if (!passed) return passed.error();
  std::array<transport::Descriptor, count> descriptors;
  for (std::size_t i = 0; i < count; ++i) descriptors[i] = std::move(passed->descriptors[i]);
  auto channel = SharedMemoryChannel::attach(std::move(descriptors), static_cast<std::size_t>(answer.ring_bytes));
  if (!channel) return channel.error();
  return std::unique_ptr<transport::RingChannel>(std::move(*channel));
}

Result<OpenedChannel> open_as(Kind kind, const cms::SessionOptions& options, Result<OpenedChannel> opened) {
  if (!opened) return opened;
  Connection& connection = opened->cluster->bootstrap();
  // Before the answer: what is pushed may come right behind it.
  if (kind == Kind::tcp) opened->socket_link = std::make_unique<SocketLink>(connection);
  const Result<OpenChannelResponse> answer = ask(connection, kind, options);
  if (!answer) return answer.error();
  opened->heartbeat = answer->heartbeat_ms > 0 ? milliseconds(answer->heartbeat_ms) : heartbeat_default;
  if (kind == Kind::tcp) {
    auto channel = transport::StreamChannel::create(static_cast<std::size_t>(answer->ring_bytes), *opened->socket_link);
    if (!channel) return channel.error();
    opened->channel = std::move(*channel);
  } else if (kind == Kind::rdma) {
    auto channel = meet_over_rdma(*answer, connection.socket().descriptor(), options.connect_timeout);
    if (!channel) return channel.error().while_doing("opening an RDMA channel");
    opened->channel = std::move(*channel);
  } else {
    auto channel = attach(*answer, options.connect_timeout);
    if (!channel) return channel.error().while_doing("sharing memory with the broker");
    opened->channel = std::move(*channel);
    if (answer->map_logs) opened->chunks = std::make_unique<MappedChunks>();
  }
  return opened;
}

// The best kind that works: what spares copies and wakes first, TCP last, which always does.
Result<OpenedChannel> open_best(const cms::SessionOptions& options, Result<OpenedChannel> opened) {
  Connection& connection = opened->cluster->bootstrap();
  const bool local = is_local(connection, connection.socket().descriptor());
  std::string why = local ? "no shared memory: " : "the broker is on another machine, and there is no RDMA to it: ";
  if (Result<void> available = transport::rdma_available(); !local && !available) {
    why += available.error().message();
  } else {
    Result<OpenedChannel> best = open_as(local ? Kind::shared_memory : Kind::rdma, options, std::move(opened));
    if (best) return best;
    why += best.error().message();
    opened = connect(options);  // a connection takes one attempt
  }
  opened = open_as(Kind::tcp, options, std::move(opened));
  if (opened) opened->reason = std::move(why);
  return opened;
}

}  // namespace

Result<OpenedChannel> open_channel(const cms::SessionOptions& options) {
  Result<OpenedChannel> opened = connect(options);
  if (!opened) return opened;
  switch (options.channel) {
    case cms::ChannelKind::tcp:
      return open_as(Kind::tcp, options, std::move(opened));
    case cms::ChannelKind::shared_memory:
      return open_as(Kind::shared_memory, options, std::move(opened));
    case cms::ChannelKind::rdma:
      if (Result<void> available = transport::rdma_available(); !available) return available.error();
      return open_as(Kind::rdma, options, std::move(opened));
    case cms::ChannelKind::automatic:
      break;
  }
  return open_best(options, std::move(opened));
}

}  // namespace cms::client
