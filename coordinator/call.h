// SPDX-License-Identifier: Apache-2.0
// What the coordinator is told about a request beside the message itself.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "protocol/version.h"

namespace cms::coordinator {

// The time of a step. Sessions and rebalances are measured on the steady clock, which no administrator sets back; what
// is stored and compared across restarts (commit times, expiry) is wall time.
struct Now {
  std::int64_t steady_ms = 0;
  base::TimestampMs wall_ms = 0;
};

// A steady time that never comes.
inline constexpr std::int64_t never = INT64_MAX;

// Who waits for a reply that may come in a later step. Given by the host, never used twice in a shard's life.
using Ticket = std::uint64_t;

// The client behind a request. Views are valid during the call.
struct Client {
  std::string_view id;    // of the request header; empty for none
  std::string_view host;  // as Kafka shows it: "/127.0.0.1"
};

template <typename Request>
struct Call {
  const Request& request;
  protocol::Version version = 0;
  Client client;
  Ticket ticket = 0;  // where the reply may have to wait (JoinGroup, SyncGroup)
};

}  // namespace cms::coordinator
