// SPDX-License-Identifier: Apache-2.0
#include "client/bench/sweep.h"

#include <cstdio>

#include "client/bench/report.h"
#include "client/commands/latencies.h"
#include "client/commands/table.h"

namespace cms::client::bench {

namespace {

// Parts of the closed loop's rate, the highest first: records that come by schedule leave in smaller batches than those
// that wait for room, so that the same broker holds less of them.
constexpr double parts_tried[] = {1, 0.85, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05};
constexpr double share_received = 0.98;
constexpr std::int64_t soon_ns = 10'000'000;
constexpr double shown_percents[] = {50, 90, 99, 99.9, 99.99, 100};

double received_per_second(const Outcome& outcome) {
  return outcome.measured_seconds > 0 ? static_cast<double>(outcome.received) / outcome.measured_seconds : 0;
}

}  // namespace

bool holds(const Outcome& outcome) {
  const double due = outcome.workload.producer_rate * outcome.workload.subscriptions_per_topic;
  return received_per_second(outcome) >= share_received * due && outcome.end_to_end.percentile(50) < soon_ns;
}

Result<Sweep> sweep(const Workload& workload, const std::vector<double>& percents,
                    const std::function<Result<Outcome>(const Workload&)>& run) {
  Workload tried = workload;
  tried.producer_rate = 0;
  const auto closed = run(tried);
  if (!closed) return closed.error();
  Sweep found;
  found.closed_loop_per_second = received_per_second(*closed) / std::max(workload.subscriptions_per_topic, 1);
  for (const double part : parts_tried) {
    tried.producer_rate = found.closed_loop_per_second * part;
    const auto outcome = run(tried);
    if (!outcome) return outcome.error();
    if (outcome->interrupted) return found;
    if (!holds(*outcome)) continue;
    found.highest_per_second = tried.producer_rate;
    break;
  }
  if (found.highest_per_second == 0)
    return base::Error(base::ErrorKind::invalid, "no rate held down to 5 % of the closed loop's");
  for (const double percent : percents) {
    tried.producer_rate = found.highest_per_second * percent / 100;
    auto outcome = run(tried);
    if (!outcome) return outcome.error();
    if (outcome->interrupted) return found;
    found.percents.push_back(percent);
    found.points.push_back(std::move(*outcome));
  }
  return found;
}

nlohmann::ordered_json to_json(const Sweep& sweep, const std::string& driver, const DriverOptions& options) {
  nlohmann::ordered_json shown{{"format", "cms-bench-sweep-1"},
                               {"closed_loop_per_second", sweep.closed_loop_per_second},
                               {"highest_per_second", sweep.highest_per_second},
                               {"percents", sweep.percents},
                               {"runs", nlohmann::ordered_json::array()}};
  for (const Outcome& point : sweep.points) shown["runs"].push_back(to_json(point, driver, options));
  return shown;
}

std::string to_text(const Sweep& sweep, const std::string& driver) {
  char line[256];
  std::snprintf(line, sizeof line,
                "over %s: %.0f/s in the closed loop, %.0f/s by schedule is the highest rate tried that holds\n",
                driver.c_str(), sweep.closed_loop_per_second, sweep.highest_per_second);
  Table table({">% of it", ">records/s", ">p50 us", ">p90", ">p99", ">p99.9", ">p99.99", ">max", "records"});
  for (std::size_t i = 0; i < sweep.points.size(); ++i) {
    const Outcome& point = sweep.points[i];
    char percent[32], rate[32];
    std::snprintf(percent, sizeof percent, "%g", sweep.percents[i]);
    std::snprintf(rate, sizeof rate, "%.0f", point.workload.producer_rate);
    std::vector<std::string> row{percent, rate};
    for (const double one : shown_percents)
      row.push_back(shown_us(static_cast<double>(point.end_to_end.percentile(one)) / 1e3));
    row.emplace_back(point.is_correct() ? "as sent" : "NOT AS SENT");
    table.add(std::move(row));
  }
  return line + std::string("end to end:\n") + table.to_text();
}

}  // namespace cms::client::bench
