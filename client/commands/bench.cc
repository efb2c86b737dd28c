// SPDX-License-Identifier: Apache-2.0
#include "client/commands/bench.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <optional>
#include <thread>

#include <nlohmann/json.hpp>

#include "base/random.h"
#include "client/admin.h"
#include "client/bench/generator.h"
#include "client/bench/html_report.h"
#include "client/bench/kafka_driver.h"
#include "client/bench/librdkafka/librdkafka_driver.h"
#include "client/bench/native_driver.h"
#include "client/bench/report.h"

namespace cms::client {

namespace {

using bench::Workload;

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
  std::optional<int> idle_connections;
  std::optional<double> connects_per_second;
  bool poisson = false;
  double scale = 1;
  std::vector<std::string> configs;
  std::uint64_t seed = 0;
  std::string histogram_log;
  bool quiet = false;
  std::vector<std::string> compared;
  std::vector<std::string> reported;  // the page, then the runs
};

constexpr double default_seconds = 10;
constexpr double default_warm_up_seconds = 2;
constexpr std::int16_t replicas_default = -1;
constexpr std::chrono::milliseconds leaders_patience{20'000};
constexpr std::chrono::milliseconds leaders_pause{20};

template <typename T>
void replace(T& value, const auto& given) {
  if (given) value = static_cast<T>(*given);
}

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

Result<std::unique_ptr<bench::Driver>> make_driver(const BenchArguments& arguments, const Context& context) {
  bench::DriverOptions options = arguments.options;
  options.bootstrap = context.bootstrap;
  if (arguments.driver == "librdkafka") return bench::make_librdkafka_driver(std::move(options));
  if (options.compression != "none" || options.linger_ms != 0)
    return Error(ErrorKind::invalid, "--compression and --linger-ms are for --driver librdkafka");
  if (arguments.driver == "native")
    return std::unique_ptr<bench::Driver>(std::make_unique<bench::NativeDriver>(std::move(options)));
  return std::unique_ptr<bench::Driver>(std::make_unique<bench::KafkaDriver>(std::move(options)));
}

// One line that is written over on a terminal, else a line each second.
void show_progress(const bench::Second& second, double seconds_left) {
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  std::fprintf(stderr, terminal ? "\r\x1b[K%s" : "%s\n", bench::to_line(second, seconds_left).c_str());
}

int report(const Context& context, const BenchArguments& arguments, const bench::Outcome& outcome) {
  if (!arguments.histogram_log.empty()) {
    std::ofstream file(arguments.histogram_log, std::ios::trunc);
    file << bench::to_interval_log(outcome);
    if (!file.flush()) return usage(arguments.histogram_log + " cannot be written");
  }
  const std::string driver = arguments.driver == "native" ? "native " + arguments.options.channel : arguments.driver;
  const std::string text = context.json() ? bench::to_json(outcome, driver, arguments.options).dump(2) + "\n"
                                          : bench::to_text(outcome, driver);
  std::fputs(text.c_str(), stdout);
  if (!outcome.is_correct()) {
    complain("records did not come through once, in order and unchanged: the figures mean nothing");
    return exit_refused;
  }
  return outcome.interrupted ? exit_interrupted : exit_done;
}

int run_workload(const Context& context, const BenchArguments& arguments) {
  const Result<Workload> workload = workload_of(arguments);
  if (!workload) return usage(workload.error().message());
  bench::RunOptions options;
  options.seed = arguments.seed != 0 ? arguments.seed : base::Random::system_seed();
  options.is_interrupted = was_interrupted;
  if (!arguments.quiet) options.on_second = show_progress;
  auto payloads = bench::Payloads::make(*workload, options.seed);
  if (!payloads) return usage(payloads.error().message());
  auto made = make_driver(arguments, context);
  if (!made) return usage(made.error().message());
  Result<Cluster> cluster = context.connect();
  if (!cluster) return fail(cluster.error());
  const auto topics = Topics::create(*cluster, *workload, options.seed);
  if (!topics) return fail(topics.error());
  catch_interrupt();
  const auto connections =
      bench::ConnectionLoad::begin(context.bootstrap, workload->idle_connections, workload->connects_per_second);
  if (!connections) return fail(connections.error());
  options.on_measuring = [&connections](std::int64_t now_ns) { (*connections)->measure_from(now_ns); };
  const std::unique_ptr<bench::Driver> driver = std::move(*made);  // goes before the topics do
  bench::Generator generator(*workload, *driver, std::move(*payloads), options);
  Result<bench::Outcome> outcome = generator.run(topics->names());
  if (outcome) outcome->connections = (*connections)->finish();
  if (!arguments.quiet && ::isatty(STDERR_FILENO) != 0) std::fputs("\n", stderr);
  if (!outcome) return fail(outcome.error());
  return report(context, arguments, *outcome);
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
  command.add_option("--idle-connections", arguments.idle_connections, "That stay open beside the load (0)");
  command.add_option("--connects-per-second", arguments.connects_per_second,
                     "Connections that come, ask for ApiVersions and go, beside the load (0)");
  command.add_flag("--poisson", arguments.poisson, "Records are due at random times, not at regular ones");
  command.add_option("--scale", arguments.scale, "Times the rate and the backlog of the workload file")
      ->check(CLI::PositiveNumber);
  command.add_option("-c,--config", arguments.configs, "NAME=VALUE of the topics; repeatable");
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
  command
      ->add_option("--compression", arguments->options.compression,
                   "Of the librdkafka driver: none, gzip, snappy, lz4 or zstd")
      ->check(CLI::IsMember({"none", "gzip", "snappy", "lz4", "zstd"}))
      ->capture_default_str();
  command->add_flag("--spin", arguments->options.spin, "Look for more instead of sleeping");
  declare_workload_options(*command, *arguments);
  command->add_option("--seed", arguments->seed, "Of everything random; 0: another one each time");
  command->add_option("--histogram-log", arguments->histogram_log,
                      "A file for the end-to-end latency of each second, in HdrHistogram's interval log format");
  command->add_flag("-q,--quiet", arguments->quiet, "No progress on standard error");
  command->add_option("--compare", arguments->compared, "Two runs that -o json has written, side by side")->expected(2);
  command
      ->add_option("--report", arguments->reported,
                   "A page to write, and the runs that -o json has written to show in it: PAGE.html A.json ...")
      ->expected(2, 100);
  command->callback([&context, arguments] {
    context.run = [&context, arguments] {
      if (!arguments->reported.empty()) return write_report(*arguments);
      return arguments->compared.empty() ? run_workload(context, *arguments) : compare_runs(*arguments);
    };
  });
}

}  // namespace cms::client
