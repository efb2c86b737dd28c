// SPDX-License-Identifier: Apache-2.0
// How far a partition is stable: held by every member of its view as durably as its topic promises. Kafka's high
// watermark.
//
// Invariant: stable() <= held by each member. It never falls, also when a view with other members is installed: what
// was shown to a reader once stays shown. Pure; the partition's lock covers it.
#pragma once

#include <cstdint>
#include <vector>

#include "replication/view.h"

namespace cms::replication {

class StabilityFrontier {
 public:
  // `held` of every member starts at `held_by_all`, which is where the log recovered to.
  StabilityFrontier(View view, std::int64_t held_by_all);

  // A member holds everything below `end`. Acknowledgements of nodes outside the view, and older ones, change nothing.
  // Returns whether stable() has moved.
  bool acknowledge(NodeId member, std::int64_t end);

  // Members that stay keep what they hold; `held_by_new` is what joining members were brought up to, at least stable().
  void install(View view, std::int64_t held_by_new);

  std::int64_t stable() const { return stable_; }
  const View& view() const { return view_; }

 private:
  bool advance();

  View view_;
  std::vector<std::int64_t> held_;  // by member, in the view's order
  std::int64_t stable_;
};

}  // namespace cms::replication
