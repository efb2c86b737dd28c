// SPDX-License-Identifier: Apache-2.0
// What a run does: the fields of OpenMessaging Benchmark's workload files, with their names and meanings, and a few of
// ours. docs/bench.md lists them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "records/batch.h"

namespace cms::client::bench {

enum class KeyDistributor : std::uint8_t { none, round_robin, random };
enum class Arrivals : std::uint8_t { constant, poisson };

struct Workload {
  // OpenMessaging Benchmark's.
  std::string name = "default";
  int topics = 1;
  int partitions_per_topic = 1;
  KeyDistributor keys = KeyDistributor::none;
  std::size_t message_size = 1024;
  bool randomized_payloads = false;
  double random_bytes_ratio = 0.5;
  int payload_pool_size = 100;
  std::string payload_file{};  // relative to the workload file
  int subscriptions_per_topic = 1;
  int producers_per_topic = 1;
  int consumers_per_subscription = 1;
  double producer_rate = 10'000;  // records a second, of all producers together; 0: closed loop
  double backlog_gb = 0;          // collected before consumers begin
  double backlog_drain_ratio = 1;
  double test_minutes = 1;
  double warmup_minutes = 1;

  // Ours.
  Arrivals arrivals = Arrivals::constant;
  int records_in_flight = 1'000;  // of each producer in the closed loop
  int batch_bytes = 16'384;       // what is due at once for a partition leaves together, up to so much
  records::Codec compression = records::Codec::none;
  int idle_connections = 0;  // that stay open beside the load
  double connects_per_second = 0;
  std::vector<std::pair<std::string, std::string>> topic_configs{};

  int producers() const { return topics * producers_per_topic; }
  bool is_closed_loop() const { return producer_rate == 0; }
};

inline constexpr std::size_t message_size_max = 64u << 20;
inline constexpr std::size_t workload_file_bytes_max = 1u << 20;

// From the text of a workload file. The error says in which line, and what was perhaps meant.
base::Result<Workload> parse_workload(const std::string& text);

// From a file; without a name in it the workload is called after the file.
base::Result<Workload> read_workload(const std::string& path);

// What would make a run meaningless, or need more memory than a load generator should.
base::Result<void> validate(const Workload& workload);

std::string_view to_string(KeyDistributor keys);  // as in the file
std::string_view to_string(Arrivals arrivals);

}  // namespace cms::client::bench
