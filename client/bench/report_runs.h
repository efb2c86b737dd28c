// SPDX-License-Identifier: Apache-2.0
// What a page is made of, read from the JSON of `cms bench` and of `cms ping --stages`.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/histogram.h"
#include "base/result.h"

namespace cms::client::bench {

struct BrokerFigures {
  double cpu_us = 0;  // a record, as the next two
  double switches = 0;
  std::optional<double> system_calls{};
  double resident_mb = 0;
};

struct Run {
  std::string name;
  std::string system;
  std::string driver;
  std::string workload;
  double received_per_second = 0;
  double sent_per_second = 0;
  double megabytes_per_second = 0;
  bool is_correct = false;
  base::Histogram end_to_end{};
  base::Histogram publish{};
  std::optional<BrokerFigures> broker{};
  nlohmann::json description{};
};

// From step to step of a pushed record's way.
struct Stages {
  std::string name;
  std::vector<std::pair<std::string, double>> steps;  // p50, us
};

struct ReportInput {
  std::vector<Run> runs;
  std::vector<Stages> stages;
};

// Adds what `described` holds: a run, the runs of a sweep, or stages. An error when it is none of them.
base::Result<void> read_into(ReportInput& input, const std::string& name, const nlohmann::json& described);

}  // namespace cms::client::bench
