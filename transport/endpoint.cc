// SPDX-License-Identifier: Apache-2.0
#include "transport/endpoint.h"

#include <sys/un.h>

#include <charconv>

namespace cms::transport {

using base::Error;
using base::ErrorKind;
using base::Result;

std::string Endpoint::to_string() const {
  if (is_unix()) return "unix:" + unix_path;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return Error(ErrorKind::invalid, "'" + std::string(text) + "' is no address: " + std::string(why) +
                                         "; expected HOST:PORT, [IPV6]:PORT or unix:/path");
  };
  Endpoint endpoint;
  if (text.starts_with("unix:")) {
    endpoint.unix_path = text.substr(5);
    if (endpoint.unix_path.empty() || endpoint.unix_path.size() >= sizeof(sockaddr_un::sun_path)) {
      return wrong("a socket path has 1 to 107 bytes");
    }
    return endpoint;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong("the port is missing");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') != host.ends_with(']')) return wrong("the brackets do not match");
  if (host.starts_with('[')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong("an IPv6 address needs brackets");
  }
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (error != std::errc() || end != port.data() + port.size()) return wrong("the port is no number from 0 to 65535");
  endpoint.host = host;
  return endpoint;
}

}  // namespace cms::transport
