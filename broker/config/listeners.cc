// SPDX-License-Identifier: Apache-2.0
#include "broker/config/listeners.h"

#include <algorithm>
#include <set>

#include "broker/config/config_value.h"

namespace cms::broker {

namespace {

using base::Error;
using base::ErrorKind;
using base::Result;

constexpr std::string_view unix_prefix = "unix:";
constexpr std::size_t unix_path_bytes_max = 107;  // sockaddr_un::sun_path without its zero

Error wrong(std::string_view text, std::string_view why) {
  return {ErrorKind::invalid, "listener '" + std::string(text) + "' " + std::string(why)};
}

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  });
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
  }
  return result;
}

Result<void> parse_address(std::string_view text, std::string_view address, Listener& listener) {
  if (address.starts_with(unix_prefix)) {
    listener.unix_path = address.substr(unix_prefix.size());
    if (listener.unix_path.empty()) return wrong(text, "names no socket; write unix:/path");
    if (listener.unix_path.size() > unix_path_bytes_max) return wrong(text, "has a socket path of more than 107 bytes");
    return {};
  }
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return wrong(text, "has no port; write HOST:PORT");
  std::string_view host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong(text, "has an IPv6 address without brackets; write [ADDRESS]:PORT");
  }
  if (host.find_first_of("/ \t[]") != std::string_view::npos) return wrong(text, "has no valid host");
  const std::optional<std::int32_t> port = parse_int(address.substr(colon + 1));
  if (!port || *port < 0 || *port > 65'535) return wrong(text, "has no port from 0 to 65535");
  listener.host = host;
  listener.port = static_cast<std::uint16_t>(*port);
  return {};
}

}  // namespace

std::string Listener::address() const {
  if (is_unix()) return std::string(unix_prefix) + unix_path;
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Listener::to_string() const { return name + "://" + address(); }

Result<Listener> parse_listener(std::string_view text, std::string_view default_name) {
  text = trimmed(text);
  Listener listener;
  listener.name = default_name;
  std::string_view address = text;
  if (const std::size_t slashes = text.find("://"); slashes != std::string_view::npos) {
    listener.name = upper(text.substr(0, slashes));
    address = text.substr(slashes + 3);
  } else if (default_name.empty()) {
    return wrong(text, "has no name; write NAME://HOST:PORT");
  }
  if (!is_name(listener.name))
    return wrong(text, "has a name with other characters than letters, digits, '_', '-', '.'");
  if (auto parsed = parse_address(text, address, listener); !parsed) return parsed.error();
  return listener;
}

Result<std::vector<Listener>> parse_listeners(std::string_view text) {
  std::vector<Listener> listeners;
  std::set<std::string> names;
  std::set<std::string> addresses;
  for (const std::string& entry : split_list(text)) {
    auto listener = parse_listener(entry, "");
    if (!listener) return listener.error();
    if (!names.insert(listener->name).second) return wrong(entry, "has the name of another listener");
    const bool any_port = !listener->is_unix() && listener->port == 0;
    if (!any_port && !addresses.insert(listener->address()).second)
      return wrong(entry, "has the address of another listener");
    listeners.push_back(std::move(*listener));
  }
  return listeners;
}

std::string print_listeners(const std::vector<Listener>& listeners) {
  std::vector<std::string> entries;
  for (const Listener& listener : listeners) entries.push_back(listener.to_string());
  return join_list(entries);
}

}  // namespace cms::broker
