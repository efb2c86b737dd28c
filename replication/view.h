// SPDX-License-Identifier: Apache-2.0
// The numbered set of replicas that hold a partition now (virtual synchrony; Birman, Joseph 1987). Its number is
// Kafka's leader epoch, its members are Kafka's in-sync replicas, its first member leads.
#pragma once

#include <cstdint>
#include <vector>

#include "base/check.h"

namespace cms::replication {

using NodeId = std::int32_t;
using ViewNumber = std::int32_t;

struct View {
  ViewNumber number = 0;
  std::vector<NodeId> members;  // the leader first; never empty

  NodeId leader() const {
    CHECK(!members.empty());
    return members.front();
  }
  bool operator==(const View&) const = default;
};

}  // namespace cms::replication
