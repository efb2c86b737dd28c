// SPDX-License-Identifier: Apache-2.0
#include "client/address.h"

#include <sys/un.h>

#include <charconv>

namespace cms::client {

namespace {

constexpr std::string_view unix_prefix = "unix:";
constexpr std::size_t unix_path_max = sizeof(sockaddr_un::sun_path) - 1;

Error invalid(std::string_view text, std::string_view why) {
  return {ErrorKind::invalid, "'" + std::string(text) + "' is no address: " + std::string(why) +
                                  " (HOST, HOST:PORT, [IPV6]:PORT or unix:/path)"};
}

Result<Address> parse_unix(std::string_view text) {
  const std::string_view path = text.substr(unix_prefix.size());
  if (path.empty()) return invalid(text, "the path is empty");
  if (path.size() > unix_path_max)
    return invalid(text, "the path has more than " + std::to_string(unix_path_max) + " bytes");
  Address address;
  address.port = 0;
  address.path = path;
  return address;
}

// The host of HOST, HOST:PORT or [IPV6]:PORT; `rest` is set to what follows it, ":PORT" or nothing.
std::string_view split_host(std::string_view text, std::string_view& rest) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return {};
    rest = text.substr(end + 1);
    return text.substr(1, end - 1);
  }
  const std::size_t colon = text.find(':');
  rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
  return text.substr(0, colon);
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  if (text.starts_with(unix_prefix)) return parse_unix(text);
  std::string_view rest;
  Address address;
  address.host = split_host(text, rest);
  if (address.host.empty()) return invalid(text, "the host is missing");
  if (rest.empty()) return address;
  if (!rest.starts_with(':')) return invalid(text, "a port begins with a colon");
  rest.remove_prefix(1);
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), address.port);
  if (error != std::errc{} || end != rest.data() + rest.size() || address.port == 0)
    return invalid(text, "a port is a number from 1 to 65535");
  return address;
}

std::string Address::to_string() const {
  if (is_unix()) return std::string(unix_prefix) + path;
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<std::vector<Address>> parse_addresses(std::string_view text) {
  std::vector<Address> addresses;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view one = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    Result<Address> address = Address::parse(one);
    if (!address) return address.error();
    addresses.push_back(std::move(*address));
  }
  if (addresses.empty()) return Error(ErrorKind::invalid, "no address given");
  return addresses;
}

}  // namespace cms::client
