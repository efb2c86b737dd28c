// SPDX-License-Identifier: Apache-2.0
#include "bench/loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace cms::bench {

void die(const std::string& what) {
  std::perror(what.c_str());
  std::exit(1);
}

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

void connect_pair(int& left, int& right) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, generic, size) < 0 || ::listen(listener, 1) < 0 || ::getsockname(listener, generic, &size) < 0)
    die("listening on the loopback");
  left = ::socket(AF_INET, SOCK_STREAM, 0);
  if (::connect(left, generic, size) < 0) die("connecting over the loopback");
  right = ::accept(listener, nullptr, nullptr);
  if (right < 0) die("accepting over the loopback");
  ::close(listener);
}

}  // namespace cms::bench
