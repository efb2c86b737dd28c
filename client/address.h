// SPDX-License-Identifier: Apache-2.0
// Where a broker listens, as people write it: HOST, HOST:PORT, [IPV6]:PORT or unix:/path/to/socket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cms::client {

using base::Error;
using base::ErrorKind;
using base::Result;

inline constexpr std::uint16_t default_port = 9092;

struct Address {
  std::string host;  // empty for a Unix socket
  std::uint16_t port = default_port;
  std::string path;  // of a Unix socket, else empty

  static Result<Address> parse(std::string_view text);

  bool is_unix() const { return !path.empty(); }
  std::string to_string() const;

  bool operator==(const Address&) const = default;
};

// Several, separated by commas, as in bootstrap.servers; at least one.
Result<std::vector<Address>> parse_addresses(std::string_view text);

}  // namespace cms::client
