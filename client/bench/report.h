// SPDX-License-Identifier: Apache-2.0
// An outcome for people and for programs, and two of them side by side.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "client/bench/driver.h"
#include "client/bench/outcome.h"

namespace cms::client::bench {

// Everything about a run: docs/bench.md has the fields. Latencies in us.
nlohmann::ordered_json to_json(const Outcome& outcome, const std::string& driver, const DriverOptions& options);

// A summary of a few lines.
std::string to_text(const Outcome& outcome, const std::string& driver);

// The runs that to_json() described, b beside a, with b / a. An error when one of them is nothing of that kind.
Result<std::string> compare(const nlohmann::json& a, const nlohmann::json& b);

// The second's line of the progress.
std::string to_line(const Second& second, double seconds_left);

// The seconds that were measured, as an HdrHistogram interval log of the end-to-end latency.
std::string to_interval_log(const Outcome& outcome);

}  // namespace cms::client::bench
