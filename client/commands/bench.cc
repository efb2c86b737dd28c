// SPDX-License-Identifier: Apache-2.0
#include "client/commands/bench.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>

#include <nlohmann/json.hpp>

#include "client/bench/html_report.h"
#include "client/bench/report.h"
#include "client/bench/sweep.h"
#include "client/commands/bench_run.h"

namespace cms::client {

namespace {

using bench::Workload;

// To standard output, as text or JSON.
void print(const Context& context, const nlohmann::ordered_json& json, const std::string& text) {
  std::fputs(context.json() ? (json.dump(2) + "\n").c_str() : text.c_str(), stdout);
}

// Also where standard output goes to a program that does not show it.
void complain_about(const bench::Outcome& outcome) {
  if (outcome.is_correct()) return;
  complain("of " + std::to_string(outcome.sent_total) + " records " + std::to_string(outcome.missing) +
           " are missing, " + std::to_string(outcome.repeated) + " came again, " + std::to_string(outcome.corrupted) +
           " are changed, " + std::to_string(outcome.unacknowledged) + " are not acknowledged");
  for (const std::string& problem : outcome.problems) complain("  " + problem);
}

int exit_code_of(bool correct, bool interrupted) {
  if (!correct) {
    complain("records did not come through once, in order and unchanged (see above): the figures mean nothing");
    return exit_refused;
  }
  return interrupted ? exit_interrupted : exit_done;
}

int run_workload(const Context& context, const BenchArguments& arguments, const Workload& workload) {
  const Result<bench::Outcome> outcome = run_once(context, arguments, workload);
  if (!outcome) return fail(outcome.error());
  if (!arguments.histogram_log.empty()) {
    std::ofstream file(arguments.histogram_log, std::ios::trunc);
    file << bench::to_interval_log(*outcome);
    if (!file.flush()) return usage(arguments.histogram_log + " cannot be written");
  }
  const std::string driver = driver_named(arguments);
  print(context, bench::to_json(*outcome, driver, arguments.options), bench::to_text(*outcome, driver));
  complain_about(*outcome);
  return exit_code_of(outcome->is_correct(), outcome->interrupted);
}

int run_sweep(const Context& context, const BenchArguments& arguments, const Workload& workload) {
  std::vector<double> percents = arguments.percents;
  if (percents.empty())
    percents.assign(std::begin(bench::sweep_percents_default), std::end(bench::sweep_percents_default));
  bool correct = true;
  const auto run = [&](const Workload& one) {
    if (!arguments.quiet) {
      char line[64];
      std::snprintf(line, sizeof line, one.is_closed_loop() ? "as much as goes" : "%.0f records a second",
                    one.producer_rate);
      complain(line);
    }
    Result<bench::Outcome> outcome = run_once(context, arguments, one);
    if (outcome) complain_about(*outcome);
    if (outcome) correct = correct && outcome->is_correct();
    return outcome;
  };
  const Result<bench::Sweep> swept = bench::sweep(workload, percents, run);
  if (!swept) return fail(swept.error());
  const std::string driver = driver_named(arguments);
  print(context, bench::to_json(*swept, driver, arguments.options), bench::to_text(*swept, driver));
  return exit_code_of(correct, swept->points.size() < percents.size());
}

int measure(const Context& context, const BenchArguments& arguments) {
  const Result<Workload> workload = workload_of(arguments);
  if (!workload) return usage(workload.error().message());
  if (const auto checked = check(arguments, *workload); !checked) return usage(checked.error().message());
  return arguments.sweeps ? run_sweep(context, arguments, *workload) : run_workload(context, arguments, *workload);
}

Result<nlohmann::json> read_json(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Error(ErrorKind::not_found, path + " cannot be read");
  return nlohmann::json::parse(file, nullptr, false);
}

int write_report(const BenchArguments& arguments) {
  std::vector<std::pair<std::string, nlohmann::json>> runs;
  for (std::size_t i = 1; i < arguments.reported.size(); ++i) {
    auto run = read_json(arguments.reported[i]);
    if (!run) return usage(run.error().message());
    runs.emplace_back(std::filesystem::path(arguments.reported[i]).stem(), std::move(*run));
  }
  const Result<std::string> page = bench::to_html(runs);
  if (!page) return usage(page.error().message());
  std::ofstream file(arguments.reported[0], std::ios::trunc);
  file << *page;
  return file.flush() ? static_cast<int>(exit_done) : usage(arguments.reported[0] + " cannot be written");
}

int compare_runs(const BenchArguments& arguments) {
  const Result<nlohmann::json> a = read_json(arguments.compared[0]);
  if (!a) return usage(a.error().message());
  const Result<nlohmann::json> b = read_json(arguments.compared[1]);
  if (!b) return usage(b.error().message());
  const Result<std::string> text = bench::compare(*a, *b);
  if (!text) return usage(text.error().message());
  std::fputs(text->c_str(), stdout);
  return exit_done;
}

void declare_workload_options(CLI::App& command, BenchArguments& arguments) {
  command.add_option("--rate", arguments.rate, "Records a second, of all producers together; 0: as many as will go");
  command.add_option("--duration", arguments.duration_s, "Seconds to measure (10)");
  command.add_option("--warm-up", arguments.warm_up_s, "Seconds before that, which do not count (2)");
  command.add_option("--size", arguments.size, "Bytes of a record's value, 24 at least (1024)");
  command.add_option("--topics", arguments.topics, "Topics, made for the run (1)");
  command.add_option("--partitions", arguments.partitions, "Partitions of each topic (1)");
  command.add_option("--producers", arguments.producers, "Producers of each topic (1)");
  command.add_option("--subscriptions", arguments.subscriptions, "Subscriptions of each topic: each gets all (1)");
  command.add_option("--consumers", arguments.consumers, "Consumers of each subscription, who share it (1)");
  command.add_option("--records-in-flight", arguments.records_in_flight, "Of a producer, with a rate of 0 (1000)");
  command.add_option("--batch-bytes", arguments.batch_bytes,
                     "What is due at once for a partition leaves together, up to so much (16384)");
  command
      .add_option("--compression", arguments.compression,
                  "Of the kafka and librdkafka drivers: none, gzip, snappy, lz4 or zstd (none)")
      ->check(CLI::IsMember({"none", "gzip", "snappy", "lz4", "zstd"}));
  command.add_option("--idle-connections", arguments.idle_connections, "That stay open beside the load (0)");
  command.add_option("--connects-per-second", arguments.connects_per_second,
                     "Connections that come, ask for ApiVersions and go, beside the load (0)");
  command.add_flag("--poisson", arguments.poisson, "Records are due at random times, not at regular ones");
  command.add_option("--scale", arguments.scale, "Times the rate and the backlog of the workload file")
      ->check(CLI::PositiveNumber);
  command.add_option("-c,--config", arguments.configs, "NAME=VALUE of the topics; repeatable");
}

void declare_observation_options(CLI::App& command, BenchArguments& arguments) {
  command.add_flag("--sweep", arguments.sweeps,
                   "Latency over the rate: finds the highest rate that holds, then a run at each of --percents of it");
  command.add_option("--percents", arguments.percents, "Of --sweep, with commas between (10,25,50,75,90,95)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(0.001, 1000.0));
  command.add_option("--pid", arguments.pid, "The broker's process on this machine, to tell what it uses meanwhile")
      ->check(CLI::PositiveNumber);
  command.add_flag("--system-calls", arguments.counts_system_calls,
                   "With --pid: count those too, which slows each by some 0.1 us and takes root");
  command.add_option("--system", arguments.system, "What reports call the broker (the driver's name)");
}

}  // namespace

void declare_bench_command(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<BenchArguments>();
  CLI::App* command = app.add_subcommand("bench", "Measure a broker under a load");
  command->footer(
      "Examples:\n"
      "  cms bench --rate 50000 --size 100 --partitions 4\n"
      "  cms bench bench/workloads/1-partition-1kb.yaml --driver native --channel shm\n"
      "  cms bench --rate 0 -o json > a.json\n"
      "  cms bench --sweep --duration 5 --pid $(pidof cmsd)\n"
      "  cms bench --compare a.json b.json\n"
      "  cms bench --report page.html a.json b.json\n"
      "Records are sent when they are due, and a latency counts from then. Each record is checked: a run whose "
      "records\n"
      "did not come once, in order and unchanged ends with code 1. The topics are made for the run and removed.");
  command->add_option("WORKLOAD", arguments->file, "A workload file; what is given beside it takes precedence");
  command->add_option("--driver", arguments->driver, "kafka (a raw client), librdkafka or native")
      ->check(CLI::IsMember({"kafka", "librdkafka", "native"}))
      ->capture_default_str();
  command->add_option("--channel", arguments->options.channel, "Of the native driver: auto, shm, rdma or tcp")
      ->check(CLI::IsMember({"auto", "shm", "rdma", "tcp"}))
      ->capture_default_str();
  command->add_option("--acks", arguments->options.acks, "Of the kafka and librdkafka drivers: 1, or -1 for all")
      ->check(CLI::IsMember({1, -1}))
      ->capture_default_str();
  command
      ->add_option("--requests-in-flight", arguments->options.requests_in_flight,
                   "Of the kafka driver, of each producer")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command->add_option("--linger-ms", arguments->options.linger_ms, "Of the librdkafka driver")
      ->check(CLI::Range(0, 10'000))
      ->capture_default_str();
  command->add_flag("--spin", arguments->options.spin, "Look for more instead of sleeping");
  declare_workload_options(*command, *arguments);
  declare_observation_options(*command, *arguments);
  command->add_option("--seed", arguments->seed, "Of everything random; 0: another one each time");
  command->add_option("--histogram-log", arguments->histogram_log,
                      "A file for the end-to-end latency of each second, in HdrHistogram's interval log format");
  command->add_flag("-q,--quiet", arguments->quiet, "No progress on standard error");
  command->add_option("--compare", arguments->compared, "Two runs that -o json has written, side by side")->expected(2);
  command
      ->add_option("--report", arguments->reported,
                   "A page to write, and the runs that -o json has written to show in it: PAGE.html A.json ...")
      ->expected(2, 1000);
  command->callback([&context, arguments] {
    context.run = [&context, arguments] {
      if (!arguments->reported.empty()) return write_report(*arguments);
      return arguments->compared.empty() ? measure(context, *arguments) : compare_runs(*arguments);
    };
  });
}

}  // namespace cms::client
