// SPDX-License-Identifier: Apache-2.0
#include "client/bench/report_runs.h"

#include "client/bench/interval_log.h"
#include "client/commands/ping.h"

namespace cms::client::bench {

namespace {

using nlohmann::json;

base::Result<base::Histogram> histogram_of(const json& run, const char* name) {
  return histogram_from_text(run.at("latency_us").at(name).at("histogram").get<std::string>());
}

BrokerFigures broker_figures(const json& broker) {
  BrokerFigures figures{.cpu_us = broker.at("cpu_us_per_record").get<double>(),
                        .switches = broker.at("switches_per_record").get<double>(),
                        .resident_mb = broker.at("resident_mb").get<double>()};
  if (broker.contains("system_calls_per_record"))
    figures.system_calls = broker["system_calls_per_record"].get<double>();
  return figures;
}

// Throws what the library throws when something is not as expected.
base::Result<void> read_run(ReportInput& input, const std::string& name, const json& described) {
  Run run;
  run.name = name;
  run.driver = described.at("driver").get<std::string>();
  run.system = described.value("system", run.driver);
  run.workload = described.at("workload").at("name").get<std::string>();
  run.received_per_second = described.at("received_per_second").get<double>();
  run.sent_per_second = described.at("sent_per_second").get<double>();
  run.megabytes_per_second = described.at("received_megabytes_per_second").get<double>();
  run.is_correct = described.at("correctness").at("correct").get<bool>();
  auto end_to_end = histogram_of(described, "end_to_end");
  if (!end_to_end) return end_to_end.error();
  auto publish = histogram_of(described, "publish");
  if (!publish) return publish.error();
  run.end_to_end = std::move(*end_to_end);
  run.publish = std::move(*publish);
  if (described.contains("broker")) run.broker = broker_figures(described["broker"]);
  run.description = {{"workload", described.at("workload")},
                     {"options", described.at("options")},
                     {"machine", described.at("machine")}};
  input.runs.push_back(std::move(run));
  return {};
}

void read_stages(ReportInput& input, const json& described) {
  Stages stages;
  stages.name = described.at("channel").get<std::string>() + ", " + described.at("durability").get<std::string>() +
                ", " + std::to_string(described.at("bytes").get<int>()) + " B" + described.value("note", "");
  for (const char* const step : push_steps)
    stages.steps.emplace_back(step, described.at("stages_us").at(step).at("p50").get<double>());
  input.stages.push_back(std::move(stages));
}

}  // namespace

base::Result<void> read_into(ReportInput& input, const std::string& name, const json& described) {
  try {  // the library tells by throwing what is not as expected
    if (described.contains("stages_us")) {
      read_stages(input, described);
      return {};
    }
    if (!described.contains("percents")) return read_run(input, name, described);
    for (std::size_t i = 0; i < described.at("runs").size(); ++i) {
      const std::string point = std::to_string(described["percents"].at(i).get<int>()) + " % of " + name;
      if (auto read = read_run(input, point, described["runs"][i]); !read) return read;
    }
    return {};
  } catch (const json::exception& error) {
    return base::Error(base::ErrorKind::invalid, name + " is no run of cms bench: " + error.what());
  }
}

}  // namespace cms::client::bench
