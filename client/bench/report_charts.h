// SPDX-License-Identifier: Apache-2.0
// Which runs belong in one chart, and what it shows of them.
#pragma once

#include <vector>

#include "client/bench/chart.h"
#include "client/bench/report_runs.h"

namespace cms::client::bench {

// One for each shape that was run by schedule: a line for each system, on an axis of nines.
std::vector<Chart> percentile_charts(const std::vector<Run>& runs, const char* title, base::Histogram Run::*measured);

// Of the runs of one system and shape that differ in rate: a line for p50 and one for p99.
Chart rate_chart(const std::vector<Run>& runs);

// Of the runs in the closed loop that differ in one field of the workload: how much went through, and, where the
// broker was observed, what it cost.
std::vector<Chart> throughput_charts(const std::vector<Run>& runs);

BarChart stage_chart(const std::vector<Stages>& stages);

}  // namespace cms::client::bench
