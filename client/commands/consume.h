// SPDX-License-Identifier: Apache-2.0
// `cms consume`.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "client/commands/context.h"
#include "client/commands/start_point.h"
#include "records/batch.h"

namespace cms::client {

struct ConsumeArguments {
  std::string topic;
  std::string group;  // empty: of none
  std::vector<std::int32_t> partitions;
  std::string from = "start";
  std::int64_t count = std::numeric_limits<std::int64_t>::max();
  bool follow = false;
  std::string format = "%s\\n";
};

using Offsets = std::map<std::int32_t, records::Offset>;

// Where to begin, and where the partitions end now.
struct ReadRange {
  Offsets starts;
  Offsets ends;
};

Result<ReadRange> read_range(Cluster& cluster, const std::string& topic, const std::vector<std::int32_t>& partitions,
                             const StartPoint& from);

// Both outlive the parsing and the run.
void declare_consume_command(CLI::App& app, Context& context);

}  // namespace cms::client
