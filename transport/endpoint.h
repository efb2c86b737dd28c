// SPDX-License-Identifier: Apache-2.0
// Where a stream socket listens or connects: HOST:PORT, [IPV6]:PORT or unix:/path.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cms::transport {

struct Endpoint {
  std::string host;  // empty for a Unix socket; "" or "0.0.0.0" listens on all addresses
  std::uint16_t port = 0;
  std::string unix_path;

  bool is_unix() const { return !unix_path.empty(); }
  std::string to_string() const;
  bool operator==(const Endpoint&) const = default;

  // Error: invalid, saying what is expected.
  static base::Result<Endpoint> parse(std::string_view text);
};

}  // namespace cms::transport
