// SPDX-License-Identifier: Apache-2.0
#include "client/commands/bench_run.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <numeric>
#include <thread>

#include "base/random.h"
#include "client/admin.h"
#include "client/bench/generator.h"
#include "client/bench/kafka_driver.h"
#include "client/bench/librdkafka/librdkafka_driver.h"
#include "client/bench/native_driver.h"
#include "client/bench/report.h"
#include "records/compress.h"

namespace cms::client {

namespace {

using bench::Workload;

constexpr double default_seconds = 10;
constexpr double default_warm_up_seconds = 2;
constexpr std::int16_t replicas_default = -1;
constexpr std::chrono::milliseconds leaders_patience{20'000};
constexpr std::chrono::milliseconds leaders_pause{20};

template <typename T>
void replace(T& value, const auto& given) {
  if (given) value = static_cast<T>(*given);
}

// A broker may have made a topic before its partitions' leaders know that they are; then it answers nothing about them.
Result<void> await_leaders(Cluster& cluster, const Workload& workload, const std::string& topic) {
  std::vector<std::int32_t> partitions(static_cast<std::size_t>(workload.partitions_per_topic));
  std::iota(partitions.begin(), partitions.end(), 0);
  const auto give_up = std::chrono::steady_clock::now() + leaders_patience;
  for (;;) {
    const auto listed = list_offsets(cluster, topic, partitions, latest_offset);
    if (listed) return {};
    if (std::chrono::steady_clock::now() > give_up || is_unreachable(listed.error())) return listed.error();
    cluster.forget(topic);
    std::this_thread::sleep_for(leaders_pause);
  }
}

// The topics of one run, removed when it is over.
class Topics {
 public:
  static Result<Topics> create(Cluster& cluster, const Workload& workload, std::uint64_t seed) {
    Topics topics(cluster);
    for (int i = 0; i < workload.topics; ++i) {
      NewTopic topic;
      topic.name = "cms-bench-" + std::to_string(::getpid()) + "-" + std::to_string(seed % 1'000'000'007) + "-" +
                   std::to_string(i);
      topic.partitions = workload.partitions_per_topic;
      topic.replication = replicas_default;
      topic.configs = workload.topic_configs;
      if (const auto made = create_topic(cluster, topic); !made) return made.error();
      topics.names_.push_back(topic.name);
      if (const auto ready = await_leaders(cluster, workload, topic.name); !ready) return ready.error();
    }
    return topics;
  }
  Topics(Topics&& other) noexcept : cluster_(other.cluster_), names_(std::exchange(other.names_, {})) {}
  Topics& operator=(Topics&&) = delete;
  ~Topics() {
    for (const std::string& name : names_) {
      if (const auto removed = delete_topic(cluster_, name); !removed)
        complain("topic " + name + " is left over: " + removed.error().message());
    }
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  explicit Topics(Cluster& cluster) : cluster_(cluster) {}

  Cluster& cluster_;
  std::vector<std::string> names_;
};

Result<std::unique_ptr<bench::Driver>> make_driver(const BenchArguments& arguments, const std::string& bootstrap) {
  bench::DriverOptions options = arguments.options;
  options.bootstrap = bootstrap;
  if (arguments.driver == "librdkafka") return bench::make_librdkafka_driver(std::move(options));
  if (arguments.driver == "native")
    return std::unique_ptr<bench::Driver>(std::make_unique<bench::NativeDriver>(std::move(options)));
  return std::unique_ptr<bench::Driver>(std::make_unique<bench::KafkaDriver>(std::move(options)));
}

// One line that is written over on a terminal, else a line each second.
void show_progress(const bench::Second& second, double seconds_left) {
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  std::fprintf(stderr, terminal ? "\r\x1b[K%s" : "%s\n", bench::to_line(second, seconds_left).c_str());
}

}  // namespace

Result<Workload> workload_of(const BenchArguments& arguments) {
  Workload workload;
  workload.test_minutes = default_seconds / 60;
  workload.warmup_minutes = default_warm_up_seconds / 60;
  if (!arguments.file.empty()) {
    Result<Workload> read = bench::read_workload(arguments.file);
    if (!read) return read.error();
    workload = std::move(*read);
  }
  workload.producer_rate *= arguments.scale;
  workload.backlog_gb *= arguments.scale;
  replace(workload.producer_rate, arguments.rate);
  replace(workload.message_size, arguments.size);
  replace(workload.topics, arguments.topics);
  replace(workload.partitions_per_topic, arguments.partitions);
  replace(workload.producers_per_topic, arguments.producers);
  replace(workload.subscriptions_per_topic, arguments.subscriptions);
  replace(workload.consumers_per_subscription, arguments.consumers);
  replace(workload.records_in_flight, arguments.records_in_flight);
  replace(workload.batch_bytes, arguments.batch_bytes);
  if (arguments.compression) workload.compression = *records::parse_codec(*arguments.compression);
  replace(workload.idle_connections, arguments.idle_connections);
  replace(workload.connects_per_second, arguments.connects_per_second);
  if (arguments.duration_s) workload.test_minutes = *arguments.duration_s / 60;
  if (arguments.warm_up_s) workload.warmup_minutes = *arguments.warm_up_s / 60;
  if (arguments.poisson) workload.arrivals = bench::Arrivals::poisson;
  for (const std::string& config : arguments.configs) {
    auto pair = parse_pair(config, "NAME=VALUE");
    if (!pair) return pair.error();
    workload.topic_configs.push_back(std::move(*pair));
  }
  if (const auto valid = bench::validate(workload); !valid) return valid.error();
  return workload;
}

std::string driver_named(const BenchArguments& arguments) {
  return arguments.driver == "native" ? "native " + arguments.options.channel : arguments.driver;
}

Result<void> check(const BenchArguments& arguments, const Workload& workload) {
  const auto wrong = [](const char* what) { return Error(ErrorKind::invalid, what); };
  if (arguments.options.linger_ms != 0 && arguments.driver != "librdkafka")
    return wrong("--linger-ms is for --driver librdkafka");
  if (workload.compression != records::Codec::none && arguments.driver == "native")
    return wrong("the native driver does not compress: --compression is for the others");
  if (arguments.counts_system_calls && arguments.pid == 0)
    return wrong("--system-calls needs the broker's process: --pid");
  if (auto driver = make_driver(arguments, "127.0.0.1:1"); !driver) return driver.error();
  if (auto payloads = bench::Payloads::make(workload, 1); !payloads) return payloads.error();
  return {};
}

Result<bench::Outcome> run_once(const Context& context, const BenchArguments& arguments, const Workload& workload) {
  bench::RunOptions options;
  options.seed = arguments.seed != 0 ? arguments.seed : base::Random::system_seed();
  options.is_interrupted = was_interrupted;
  if (!arguments.quiet) options.on_second = show_progress;
  auto payloads = bench::Payloads::make(workload, options.seed);
  if (!payloads) return payloads.error();
  auto observation = bench::Observation::of(arguments.pid, arguments.counts_system_calls);
  if (!observation) return observation.error();
  auto made = make_driver(arguments, context.bootstrap);
  if (!made) return made.error();
  Result<Cluster> cluster = context.connect();
  if (!cluster) return cluster.error();
  const auto topics = Topics::create(*cluster, workload, options.seed);
  if (!topics) return topics.error();
  catch_interrupt();
  const auto connections =
      bench::ConnectionLoad::begin(context.bootstrap, workload.idle_connections, workload.connects_per_second);
  if (!connections) return connections.error();
  options.on_measuring = [&](std::int64_t now_ns) {
    (*connections)->measure_from(now_ns);
    observation->begin();
  };
  options.on_measured = [&] { observation->end(); };
  const std::unique_ptr<bench::Driver> driver = std::move(*made);  // goes before the topics do
  bench::Generator generator(workload, *driver, std::move(*payloads), options);
  Result<bench::Outcome> outcome = generator.run(topics->names());
  if (!arguments.quiet && ::isatty(STDERR_FILENO) != 0) std::fputs("\n", stderr);
  if (!outcome) return outcome.error();
  outcome->connections = (*connections)->finish();
  outcome->broker = observation->used();
  outcome->system = arguments.system;
  return outcome;
}

}  // namespace cms::client
