// SPDX-License-Identifier: Apache-2.0
// Where the broker listens and what it tells clients to connect to, in Kafka's notation NAME://HOST:PORT, or
// NAME://unix:/path for a Unix socket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cms::broker {

struct Listener {
  std::string name;               // in capitals: PLAINTEXT
  std::string security_protocol;  // PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL; from listener.security.protocol.map
  std::string host;               // without the brackets of IPv6; empty: every address
  std::uint16_t port = 0;         // 0: any free port
  std::string unix_path;          // not empty: a Unix socket, and neither host nor port

  bool is_unix() const { return !unix_path.empty(); }
  std::string address() const;    // HOST:PORT, [::1]:PORT or unix:/path
  std::string to_string() const;  // NAME://address
  bool operator==(const Listener&) const = default;
};

// "PLAINTEXT://127.0.0.1:9092,LOCAL://unix:/run/cms.sock". Names and addresses differ; security_protocol is not set.
base::Result<std::vector<Listener>> parse_listeners(std::string_view text);

// One entry; a bare HOST:PORT or unix:/path gets `default_name`.
base::Result<Listener> parse_listener(std::string_view text, std::string_view default_name);

std::string print_listeners(const std::vector<Listener>& listeners);

}  // namespace cms::broker
