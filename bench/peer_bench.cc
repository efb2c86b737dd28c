// SPDX-License-Identifier: Apache-2.0
// The load of `cms bench` against systems that do not speak Kafka, and its JSON.
//
//   nats-server -a 127.0.0.1 -p 14222 &
//   peer_bench --system nats --address 127.0.0.1:14222 --rate 2000 --size 100
//   redis-server --port 16379 --save "" &
//   peer_bench --system redis-streams --address 127.0.0.1:16379 --rate 0
//
// nats: core publish and subscribe; it answers no publish, so that a record counts as acknowledged when the first
// subscription has it. redis: PUBLISH and SUBSCRIBE. redis-streams: XADD and XREAD BLOCK; how durable, the server's
// configuration says (appendonly, appendfsync). None of them speaks of partitions: each is a channel of its own.
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "base/random.h"
#include "bench/loopback.h"
#include "bench/peer_driver.h"
#include "client/bench/generator.h"
#include "client/bench/report.h"

namespace cms::bench {
namespace {

std::unique_ptr<PeerDriver> driver_named(const std::string& system, const DriverOptions& options) {
  if (system == "nats") return make_nats_driver(options);
  return system == "redis" ? make_redis_driver(options) : make_redis_streams_driver(options);
}

// What is asked beside the workload.
struct Asked {
  std::string system;
  DriverOptions options;
  pid_t pid = 0;
  bool counts_system_calls = false;
};

int run(const Asked& asked, const Workload& workload) {
  const std::uint64_t seed = base::Random::system_seed();
  auto payloads = client::bench::Payloads::make(workload, seed);
  if (!payloads) die(payloads.error().message());
  auto observation = client::bench::Observation::of(asked.pid, asked.counts_system_calls);
  if (!observation) die(observation.error().message());
  const auto driver = driver_named(asked.system, asked.options);
  client::bench::RunOptions how;
  how.seed = seed;
  how.on_measuring = [&](std::int64_t) { observation->begin(); };
  how.on_measured = [&] { observation->end(); };
  client::bench::Generator generator(workload, *driver, std::move(*payloads), how);
  const std::string topic = "cms-bench-" + std::to_string(::getpid()) + "-" + std::to_string(seed % 1'000'007);
  auto outcome = generator.run({topic});
  if (!outcome) {
    std::fprintf(stderr, "%s: %s\n", asked.system.c_str(), outcome.error().message().c_str());
    return 2;
  }
  outcome->broker = observation->used();
  std::printf("%s\n", client::bench::to_json(*outcome, asked.system, asked.options).dump(2).c_str());
  return outcome->is_correct() ? 0 : 1;
}

}  // namespace
}  // namespace cms::bench

int main(int count, char** words) {
  CLI::App app("The load of cms bench against NATS and Redis");
  cms::bench::Asked asked;
  cms::bench::Workload workload;
  double seconds = 10, warm_up_seconds = 2;
  app.add_option("--system", asked.system)->required()->check(CLI::IsMember({"nats", "redis", "redis-streams"}));
  app.add_option("--address", asked.options.bootstrap, "HOST:PORT")->required();
  app.add_option("--rate", workload.producer_rate, "Records a second; 0: as many as will go")->capture_default_str();
  app.add_option("--size", workload.message_size, "Bytes, 24 at least")->capture_default_str();
  app.add_option("--partitions", workload.partitions_per_topic)->capture_default_str();
  app.add_option("--subscriptions", workload.subscriptions_per_topic)->capture_default_str();
  app.add_option("--records-in-flight", workload.records_in_flight, "With a rate of 0")->capture_default_str();
  app.add_option("--duration", seconds, "Seconds to measure")->capture_default_str();
  app.add_option("--warm-up", warm_up_seconds, "Seconds before that")->capture_default_str();
  app.add_option("--pid", asked.pid, "The server's process, to tell what it uses meanwhile");
  app.add_flag("--system-calls", asked.counts_system_calls, "With --pid: count those too; takes root");
  app.add_flag("--spin", asked.options.spin, "Look for more instead of sleeping");
  CLI11_PARSE(app, count, words);
  workload.test_minutes = seconds / 60;
  workload.warmup_minutes = warm_up_seconds / 60;
  if (const auto valid = cms::client::bench::validate(workload); !valid) cms::bench::die(valid.error().message());
  return cms::bench::run(asked, workload);
}
