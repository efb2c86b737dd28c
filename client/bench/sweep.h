// SPDX-License-Identifier: Apache-2.0
// Latency over the rate: how much goes through in the closed loop, the highest rate by schedule that holds, and a run
// at each of several parts of that.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "client/bench/driver.h"
#include "client/bench/outcome.h"

namespace cms::client::bench {

inline constexpr double sweep_percents_default[] = {10, 25, 50, 75, 90, 95};

struct Sweep {
  double closed_loop_per_second = 0;
  double highest_per_second = 0;  // by schedule
  std::vector<double> percents;   // of that, one for each point
  std::vector<Outcome> points;
};

// A rate holds when what was due came, and soon: at least 98 % of it while it was measured, half of it within 10 ms.
bool holds(const Outcome& outcome);

// Makes runs of `workload` at rates of its choice, by `run`, which may be interrupted; then the points are fewer. An
// error is the run's, or says that no rate that was tried held.
Result<Sweep> sweep(const Workload& workload, const std::vector<double>& percents,
                    const std::function<Result<Outcome>(const Workload&)>& run);

nlohmann::ordered_json to_json(const Sweep& sweep, const std::string& driver, const DriverOptions& options);
std::string to_text(const Sweep& sweep, const std::string& driver);

}  // namespace cms::client::bench
