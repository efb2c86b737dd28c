// SPDX-License-Identifier: Apache-2.0
// A classic group as plain data: what the log keeps of it, and what a conversion between the two protocols (KIP-848)
// takes from it and makes one of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace cms::coordinator {

// One embedded protocol a member offers ("range", "cooperative-sticky"), with its opaque subscription.
struct ClassicProtocol {
  std::string name;
  base::Bytes metadata;
};

struct ClassicMember {
  std::string id;
  std::optional<std::string> instance_id;  // static membership (KIP-345)
  std::string client_id;
  std::string client_host;
  std::int32_t session_timeout_ms = 0;
  std::int32_t rebalance_timeout_ms = 0;
  std::vector<ClassicProtocol> protocols;  // in its order of preference; of a stored group only the chosen one
  base::Bytes assignment;

  // The metadata for a protocol; empty for one it does not offer.
  base::Bytes metadata_of(std::string_view protocol) const {
    for (const ClassicProtocol& offered : protocols) {
      if (offered.name == protocol) return offered.metadata;
    }
    return {};
  }
};

// A group between two rebalances: Stable if it has members, else Empty.
struct ClassicState {
  std::string group_id;
  std::int32_t generation = 0;
  std::optional<std::string> protocol_type;  // none: only ever used to commit offsets
  std::optional<std::string> protocol_name;
  std::optional<std::string> leader;
  std::optional<base::TimestampMs> since_ms;  // when it came into the state
  std::vector<ClassicMember> members;         // ids differ; each offers protocol_name
};

}  // namespace cms::coordinator
