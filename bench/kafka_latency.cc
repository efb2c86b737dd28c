// SPDX-License-Identifier: Apache-2.0
// Compares two Kafka endpoints in one run, alternating between them: latency, rates, the brokers' processor time.
//
//   kafka_latency --a 127.0.0.1:9092 --pid-a $(pgrep -x cmsd) --a-config cms.durability=volatile --b 127.0.0.1:19092
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "bench/baselines.h"
#include "bench/cases.h"
#include "bench/figures.h"

namespace cms::bench {
namespace {

struct Arguments {
  std::string a;
  std::string b;
  int pid_a = 0;
  int pid_b = 0;
  bool counts_system_calls = false;
  std::vector<std::string> configs_a;
  std::vector<std::string> configs_b;
  int rounds = 5;
  double seconds = 1;
  std::vector<std::string> cases;
  std::string disk;
  std::string json;
};

std::string list_of_cases() {
  std::string text = "Cases:\n";
  for (const Case& one : all_cases()) {
    text += "  " + std::string(one.name) + std::string(12 - one.name.size(), ' ') + std::string(one.about) + "\n";
  }
  return text;
}

void declare(CLI::App& app, Arguments& arguments) {
  std::vector<std::string> names;
  for (const Case& one : all_cases()) names.emplace_back(one.name);
  app.add_option("--a", arguments.a, "One endpoint, HOST:PORT or unix:/path")->required();
  app.add_option("--b", arguments.b, "The other; ratios are A/B")->required();
  app.add_option("--pid-a", arguments.pid_a, "Process of A, to read its processor time");
  app.add_option("--pid-b", arguments.pid_b, "Process of B");
  app.add_flag("--system-calls", arguments.counts_system_calls,
               "Count the processes' system calls too, which slows each by some 0.1 us and takes root");
  app.add_option("--a-config", arguments.configs_a, "NAME=VALUE of the topics made at A; repeatable");
  app.add_option("--b-config", arguments.configs_b, "NAME=VALUE of the topics made at B; repeatable");
  app.add_option("--rounds", arguments.rounds, "Runs of each case at each side")->check(CLI::Range(1, 1000));
  app.add_option("--seconds", arguments.seconds, "Length of one run")->check(CLI::Range(0.05, 600.0));
  app.add_option("--case", arguments.cases, "Only these; default all")->check(CLI::IsMember(names))->delimiter(',');
  app.add_option("--disk", arguments.disk, "Directory in which to measure raw durable writes beside each round");
  app.add_option("--json", arguments.json, "A file to which each figure is added as a line of JSON");
  app.footer(list_of_cases() +
             "\nEach case runs `rounds` times at each side, alternating which goes first, so all cases take about\n"
             "16 x rounds x seconds. Nothing is pinned.");
}

Side make_side(const std::string& text, int pid, bool counts, const std::vector<std::string>& configs) {
  auto address = client::Address::parse(text);
  if (!address) throw CLI::ValidationError(address.error().message());
  Side side{*address, pid, counts, {}};
  for (const std::string& config : configs) {
    const std::size_t equals = config.find('=');
    if (equals == std::string::npos) throw CLI::ValidationError("'" + config + "' is not NAME=VALUE");
    side.configs.emplace_back(config.substr(0, equals), config.substr(equals + 1));
  }
  return side;
}

bool wanted(const Arguments& arguments, std::string_view name) {
  return arguments.cases.empty() ||
         std::find(arguments.cases.begin(), arguments.cases.end(), name) != arguments.cases.end();
}

void compare(const Arguments& arguments, const Case& one, const Side& a, const Side& b) {
  Comparison comparison{std::string(one.name)};
  for (int round = 0; round < arguments.rounds; ++round) {
    Figures of_a;
    Figures of_b;
    if (round % 2 == 0) of_a = one.run(a, arguments.seconds);
    of_b = one.run(b, arguments.seconds);
    if (round % 2 != 0) of_a = one.run(a, arguments.seconds);
    comparison.add_round(of_a, of_b);
  }
  comparison.print();
  comparison.add_to(arguments.json);
}

void measure_baselines(const Arguments& arguments) {
  if (wanted(arguments, "stream")) {
    Comparison tcp("raw tcp");
    for (int round = 0; round < arguments.rounds; ++round) tcp.add_round(tcp_stream_baseline(arguments.seconds), {});
    tcp.print();
    tcp.add_to(arguments.json);
  }
  if (!arguments.disk.empty()) {
    Comparison durable("raw durable");
    for (int round = 0; round < arguments.rounds; ++round)
      durable.add_round(durable_write_baseline(arguments.disk, arguments.seconds), {});
    durable.print();
    durable.add_to(arguments.json);
  }
}

int run(int argc, char** argv) {
  CLI::App app("Compares two Kafka endpoints in one run, alternating between them.");
  Arguments arguments;
  declare(app, arguments);
  try {
    app.parse(argc, argv);
    const Side a = make_side(arguments.a, arguments.pid_a, arguments.counts_system_calls, arguments.configs_a);
    const Side b = make_side(arguments.b, arguments.pid_b, arguments.counts_system_calls, arguments.configs_b);
    std::printf("%d rounds of %.2f s; median [lowest..highest] over the rounds\n", arguments.rounds, arguments.seconds);
    Comparison::print_heading(arguments.a, arguments.b);
    std::fflush(stdout);  // also because a baseline forks
    measure_baselines(arguments);
    for (const Case& one : all_cases()) {
      if (wanted(arguments, one.name)) compare(arguments, one, a, b);
    }
  } catch (const CLI::Error& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return 0;
}

}  // namespace
}  // namespace cms::bench

int main(int argc, char** argv) { return cms::bench::run(argc, argv); }
