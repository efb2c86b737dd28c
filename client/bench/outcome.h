// SPDX-License-Identifier: Apache-2.0
// What a run has found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/histogram.h"
#include "client/bench/connection_load.h"
#include "client/bench/process_usage.h"
#include "client/bench/workload.h"

namespace cms::client::bench {

// One second of the run, by when things happened. Latencies are in ns.
struct Second {
  double at = 0;  // its end, in seconds since the start, warm-up included
  double length = 0;
  bool warm_up = false;
  std::uint64_t sent = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t received = 0;
  std::uint64_t behind = 0;  // records that were due and could not be sent yet, at its end
  std::int64_t publish_p50 = 0, publish_p99 = 0, publish_max = 0;
  std::int64_t end_to_end_p50 = 0, end_to_end_p99 = 0, end_to_end_max = 0;
  std::string end_to_end_encoded{};  // Histogram::encode()
};

struct Backlog {
  std::uint64_t records = 0;  // that waited when consumers began
  double build_seconds = 0;
  double drain_seconds = 0;
};

struct Outcome {
  Workload workload{};
  std::int64_t started_unix_ms = 0;
  double measured_seconds = 0;
  std::uint64_t seed = 0;

  // While it was measured, by when they were sent, answered and received.
  std::uint64_t sent = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t received = 0;

  // Of the records that were due while it was measured, from when they were due.
  base::Histogram publish{};     // until they were acknowledged
  base::Histogram end_to_end{};  // until a subscription had them: each subscription counts
  base::Histogram delay{};       // until they were handed to the client

  ConnectionFigures connections{};  // that were beside the records

  std::string system{};                  // what reports call the broker; empty: the driver's name
  std::optional<ProcessUsage> broker{};  // while it was measured, where its process was observed

  std::vector<Second> seconds{};
  Backlog backlog{};

  // Of the whole run: warm-up and what came late too.
  std::uint64_t sent_total = 0;
  std::uint64_t received_total = 0;
  std::uint64_t missing = 0;
  std::uint64_t repeated = 0;
  std::uint64_t corrupted = 0;
  std::uint64_t unacknowledged = 0;
  bool interrupted = false;
  std::vector<std::string> problems{};

  bool is_correct() const { return missing + repeated + corrupted + unacknowledged == 0; }
};

}  // namespace cms::client::bench
