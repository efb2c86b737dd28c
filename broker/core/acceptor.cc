// SPDX-License-Identifier: Apache-2.0
#include "broker/core/acceptor.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>

#include "base/log.h"

namespace cms::broker {

namespace {

using base::Error;
using base::Result;

constexpr int backlog = 4096;          // a burst of connects waits here (net.core.somaxconn may be lower)
constexpr int accepted_per_turn = 64;  // then others on this core get theirs
constexpr auto retry_after = std::chrono::milliseconds(100);

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Result<Address> unix_address(const transport::Endpoint& endpoint) {
  Address address;
  auto* const to = reinterpret_cast<sockaddr_un*>(&address.storage);
  to->sun_family = AF_UNIX;
  std::memcpy(to->sun_path, endpoint.unix_path.data(), endpoint.unix_path.size());
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + endpoint.unix_path.size() + 1);
  return address;
}

Result<Address> resolve(const transport::Endpoint& endpoint) {
  if (endpoint.is_unix()) return unix_address(endpoint);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const char* const host = endpoint.host.empty() ? nullptr : endpoint.host.c_str();
  const int failed = getaddrinfo(host, std::to_string(endpoint.port).c_str(), &hints, &found);
  if (failed != 0) {
    return Error(base::ErrorKind::not_found, "no address for host '" + endpoint.host + "': " + gai_strerror(failed));
  }
  Address address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  freeaddrinfo(found);
  return address;
}

// A socket file that nobody listens on is left over from a broker that was killed.
void remove_stale_socket(const transport::Endpoint& endpoint, const Address& address) {
  struct stat info {};
  if (lstat(endpoint.unix_path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return;
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return;
  const bool refused =
      connect(probe, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  if (refused) unlink(endpoint.unix_path.c_str());
}

Error cannot_listen(int code, const transport::Endpoint& endpoint) {
  std::string action = "cannot listen on " + endpoint.to_string();
  if (code == EADDRINUSE) action += " (is another broker running? choose another address with --listen HOST:PORT)";
  if (code == EACCES) action += " (ports below 1024 need privileges; choose another with --listen HOST:PORT)";
  return Error::from_errno(code, action);
}

Result<int> open_listening(const transport::Endpoint& endpoint, const Address& address) {
  const int descriptor = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return cannot_listen(errno, endpoint);
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (endpoint.is_unix()) remove_stale_socket(endpoint, address);
  if (bind(descriptor, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0 ||
      ::listen(descriptor, backlog) != 0) {
    const Error error = cannot_listen(errno, endpoint);
    ::close(descriptor);
    return error;
  }
  return descriptor;
}

std::uint16_t bound_port(int descriptor) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size);
  if (bound.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
  if (bound.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port);
  return 0;
}

// The numeric host this connection was made to; empty if the system does not tell.
std::string reached_host(int descriptor) {
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &size) != 0) return {};
  char host[NI_MAXHOST];
  if (getnameinfo(reinterpret_cast<sockaddr*>(&own), size, host, sizeof host, nullptr, 0, NI_NUMERICHOST) != 0)
    return {};
  return host;
}

bool is_wildcard(std::string_view host) { return host.empty() || host == "0.0.0.0" || host == "::"; }

std::string peer_address(int descriptor) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return "unknown";
  if (peer.ss_family == AF_UNIX) return "unix";
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (getnameinfo(reinterpret_cast<sockaddr*>(&peer), size, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "unknown";
  }
  return std::string(host) + ":" + port;
}

}  // namespace

Result<std::unique_ptr<Acceptor>> Acceptor::listen(const transport::Endpoint& endpoint, std::vector<Place> places,
                                                   ConnectionSettings& settings) {
  const auto address = resolve(endpoint);
  if (!address) return address.error().while_doing("listening on " + endpoint.to_string());
  const auto descriptor = open_listening(endpoint, *address);
  if (!descriptor) return descriptor.error();
  return std::unique_ptr<Acceptor>(new Acceptor(endpoint, *descriptor, std::move(places), settings));
}

Acceptor::Acceptor(transport::Endpoint endpoint, int descriptor, std::vector<Place> places,
                   ConnectionSettings& settings)
    : places_(std::move(places)),
      settings_(settings),
      endpoint_(std::move(endpoint)),
      listening_(places_.front().core->loop(), descriptor),
      retry_(places_.front().core->loop()) {
  if (!endpoint_.is_unix()) endpoint_.port = bound_port(descriptor);
}

Acceptor::~Acceptor() {
  if (endpoint_.is_unix()) unlink(endpoint_.unix_path.c_str());
}

void Acceptor::start(ListenerInfo info) {
  info_ = std::move(info);
  await();
}

void Acceptor::stop() {
  boost::system::error_code ignored;
  listening_.close(ignored);
  retry_.cancel();
}

void Acceptor::await() {
  listening_.async_wait(boost::asio::posix::descriptor_base::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;
    accept_all();
  });
}

void Acceptor::accept_all() {
  for (int i = 0; i < accepted_per_turn; ++i) {
    const int descriptor = accept4(listening_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor >= 0) {
      give(descriptor);
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      // Nothing tells when a descriptor becomes free, and the socket stays ready: look again a little later.
      base::log_warning("no connection can be accepted", "why", std::strerror(errno), "remedy", "raise ulimit -n");
      retry_.expires_after(retry_after);
      retry_.async_wait([this](const boost::system::error_code& error) {
        if (!error) accept_all();
      });
      return;
    }
    break;
  }
  await();
}

void Acceptor::give(int descriptor) {
  std::size_t total = 0;
  const Place* least = &places_.front();
  for (const Place& place : places_) {
    total += place.core->connection_count();
    if (place.core->connection_count() < least->core->connection_count()) least = &place;
  }
  if (total >= settings_.connections_max) {
    settings_.turned_away.add();
    ::close(descriptor);
    return;
  }
  settings_.accepted.add();
  if (!endpoint_.is_unix()) {
    const int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  }
  const ListenerInfo* const info = &info_for(descriptor);
  const auto begin = [this, descriptor, info, place = *least] {
    const int family = endpoint_.is_unix()                             ? AF_UNIX
                       : endpoint_.host.find(':') != std::string::npos ? AF_INET6
                                                                       : AF_INET;
    Socket socket(place.core->loop(),
                  boost::asio::generic::stream_protocol(family, endpoint_.is_unix() ? 0 : IPPROTO_TCP), descriptor);
    Peer peer{info, peer_address(descriptor), static_cast<std::uint64_t>(descriptor)};
    auto connection = std::make_shared<Connection>(*place.core, std::move(socket), std::move(peer), *place.service,
                                                   settings_.limits, settings_.budget, settings_.metrics);
    place.core->add(connection);
    connection->start();
  };
  if (least->core->on_this_thread()) {
    begin();
  } else {
    boost::asio::post(least->core->loop(), begin);
  }
}

const ListenerInfo& Acceptor::info_for(int descriptor) {
  if (endpoint_.is_unix() || !is_wildcard(info_.advertised_host)) return info_;
  std::string host = reached_host(descriptor);
  if (host.empty()) return info_;
  const auto [place, made] = by_address_.try_emplace(host, info_);
  if (made) place->second.advertised_host = std::move(host);
  return place->second;
}

}  // namespace cms::broker
