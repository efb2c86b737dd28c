// SPDX-License-Identifier: Apache-2.0
// One run of `cms bench`: what was asked on the command line as a workload, its topics and its driver.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/bench/driver.h"
#include "client/bench/outcome.h"
#include "client/commands/context.h"

namespace cms::client {

// What is given takes the place of the workload's.
struct BenchArguments {
  std::string file;
  std::string driver = "kafka";
  bench::DriverOptions options;
  std::optional<double> rate;
  std::optional<double> duration_s;
  std::optional<double> warm_up_s;
  std::optional<std::size_t> size;
  std::optional<int> topics;
  std::optional<int> partitions;
  std::optional<int> producers;
  std::optional<int> subscriptions;
  std::optional<int> consumers;
  std::optional<int> records_in_flight;
  std::optional<int> batch_bytes;
  std::optional<std::string> compression;
  std::optional<int> idle_connections;
  std::optional<double> connects_per_second;
  bool poisson = false;
  double scale = 1;
  std::vector<std::string> configs;
  std::uint64_t seed = 0;
  std::string histogram_log;
  bool quiet = false;
  std::string system;  // what reports call the broker
  pid_t pid = 0;       // of the broker, where what it uses is to be told
  bool counts_system_calls = false;
  bool sweeps = false;
  std::vector<double> percents;  // of a sweep; empty: the usual ones
  std::vector<std::string> compared;
  std::vector<std::string> reported;  // the page, then the runs
};

// The workload file with what was given in its place, valid.
Result<bench::Workload> workload_of(const BenchArguments& arguments);

// The driver's name, and the native one's channel with it.
std::string driver_named(const BenchArguments& arguments);

// An error when the options do not go together, or the driver or the payload cannot be made.
Result<void> check(const BenchArguments& arguments, const bench::Workload& workload);

// Makes the topics, runs the workload, removes the topics. What was checked may be run again and again.
Result<bench::Outcome> run_once(const Context& context, const BenchArguments& arguments,
                                const bench::Workload& workload);

}  // namespace cms::client
