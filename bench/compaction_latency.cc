// SPDX-License-Identifier: Apache-2.0
// What a compaction does to those who produce meanwhile. Fills topics, then alternates: a while of produce requests,
// one at a time to a topic of its own, while nothing is compacted (A), and as long as one of the filled topics is
// compacted (B). Shows p50, p99 and p99.9 of both, the ratio B/A of neighbours, and how fast the compaction went.
//
//   cmsd --listen 127.0.0.1:9192 --set log.cleaner.backoff.ms=10 &
//   compaction_latency --broker 127.0.0.1:9192 --megabytes 400 --rounds 5
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "bench/figures.h"
#include "bench/raw_client.h"
#include "protocol/header.h"
#include "protocol/messages.h"
#include "records/build.h"

namespace cms::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
using protocol::ErrorCode;
using protocol::Version;

constexpr std::size_t value_bytes = 1000;
constexpr int records_per_batch = 64;
constexpr std::uint64_t versions_per_key = 10;
constexpr std::uint64_t compacted_part = 2;  // done when less than half is left
constexpr int warm_up = 200;                 // requests not counted
constexpr std::chrono::milliseconds look_interval{20};
constexpr std::chrono::minutes compaction_max{5};

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

struct Arguments {
  std::string broker;
  std::uint64_t megabytes = 400;
  int rounds = 5;
  int acks = -1;
};

class Admin {
 public:
  explicit Admin(const client::Address& address) : raw_(address) {}

  std::uint64_t size_of(const std::string& topic) {
    protocol::DescribeLogDirsRequest request;
    request.topics.emplace().push_back({topic, {0}});
    const auto response = call<protocol::DescribeLogDirsResponse>(request, 4);
    const auto& topics = response.results.at(0).topics;
    return topics.empty() ? 0 : static_cast<std::uint64_t>(topics.at(0).partitions.at(0).partition_size);
  }
  void compact(const std::string& topic) {
    protocol::IncrementalAlterConfigsRequest request;
    request.resources.push_back({.resource_type = protocol::ConfigResourceType::topic,
                                 .resource_name = topic,
                                 .configs = {{"cleanup.policy", protocol::ConfigOperation::set, "compact"}}});
    const auto response = call<protocol::IncrementalAlterConfigsResponse>(request, 1);
    if (response.responses.at(0).error_code != ErrorCode::none) die("cleanup.policy cannot be set");
  }
  RawClient& raw() { return raw_; }

 private:
  template <typename Response, typename Request>
  Response call(const Request& request, Version version) {
    protocol::FrameBuffer out;
    protocol::write_request({Request::api_key, version, 1, "bench"}, request, out);
    std::string frame;
    for (const ByteSpan part : out.gather()) frame += base::as_text(part);
    raw_.send(frame);
    std::int32_t correlation_id = 0;
    const auto body = protocol::read_response_header(raw_.receive(), Response::api_key, version, correlation_id);
    Response response;
    if (!body || !protocol::read(*body, version, response)) die("an answer that is none");
    return response;
  }

  RawClient raw_;
};

// Each key comes back `versions_per_key` times; the last segment is left alone.
void fill(Admin& admin, const std::string& topic, std::uint64_t bytes) {
  admin.raw().create_topic(topic, {{"cleanup.policy", "delete"}, {"segment.bytes", "33554432"}});
  const std::uint64_t records = bytes / value_bytes;
  const std::uint64_t keys = records / versions_per_key;
  const std::string value(value_bytes, 'v');
  records::BatchBuilder builder;
  for (std::uint64_t i = 0; i < records;) {
    for (int n = 0; n < records_per_batch; ++n, ++i) {
      const std::string key = "key-" + std::to_string(i % keys);
      builder.add({.timestamp = 1'700'000'000'000, .key = base::as_bytes(key), .value = base::as_bytes(value)});
    }
    const std::vector<std::byte> batch = builder.finish();
    const ProduceReply reply = admin.raw().produce(produce_frame(topic, 1, base::as_text(batch)));
    if (reply.error != 0) die("Produce: error " + std::to_string(reply.error));
  }
}

// Produces for as long as `goes_on()`, which is asked at intervals, says; the latencies.
template <typename GoesOn>
Figures produce_while(RawClient& producer, const std::string& frame, GoesOn goes_on) {
  std::vector<std::uint64_t> samples;
  samples.reserve(1 << 20);
  auto looked = SteadyClock::now();
  while (true) {
    const auto begin = SteadyClock::now();
    if (begin - looked > look_interval) {
      if (!goes_on()) return latency_figures(samples);
      looked = SteadyClock::now();
      continue;
    }
    const ProduceReply reply = producer.produce(frame);
    if (reply.error != 0) die("Produce: error " + std::to_string(reply.error));
    samples.push_back(static_cast<std::uint64_t>((SteadyClock::now() - begin).count()));
  }
}

int run(int argc, char** argv) {
  CLI::App app("What a compaction does to those who produce meanwhile.");
  Arguments arguments;
  app.add_option("--broker", arguments.broker, "HOST:PORT")->required();
  app.add_option("--megabytes", arguments.megabytes, "Of each topic to compact")->check(CLI::Range(80, 100'000));
  app.add_option("--rounds", arguments.rounds, "Compactions")->check(CLI::Range(1, 1000));
  app.add_option("--acks", arguments.acks, "Of the produce requests: -1 or 1");
  CLI11_PARSE(app, argc, argv);
  const auto address = client::Address::parse(arguments.broker);
  if (!address) die(address.error().message());
  Admin admin(*address);
  RawClient producer(*address);
  const std::string prefix = "compaction-" + std::to_string(::getpid()) + "-";
  const std::uint64_t bytes = arguments.megabytes << 20;
  for (int i = 0; i < arguments.rounds; ++i) fill(admin, prefix + std::to_string(i), bytes);
  const std::string live = prefix + "live";
  admin.raw().create_topic(live, {});
  const std::string frame = produce_frame(live, static_cast<std::int16_t>(arguments.acks), record_batch(1, 100));
  for (int i = 0; i < warm_up; ++i) producer.produce(frame);
  Comparison latency("B compacting");
  Comparison rate("compaction");
  std::chrono::duration<double> length(2);
  for (int round = 0; round < arguments.rounds; ++round) {
    const std::string topic = prefix + std::to_string(round);
    const auto quiet_until = SteadyClock::now() + length;
    const Figures quiet = produce_while(producer, frame, [&] {
      admin.size_of(topic);  // the same as while compacting
      return SteadyClock::now() < quiet_until;
    });
    const auto begin = SteadyClock::now();
    admin.compact(topic);
    const Figures busy = produce_while(producer, frame, [&] {
      if (SteadyClock::now() - begin > compaction_max) die(topic + " is not compacted");
      return admin.size_of(topic) > bytes / compacted_part;
    });
    length = SteadyClock::now() - begin;
    latency.add_round(busy, quiet);
    rate.add_round({{"rate", "MB/s", static_cast<double>(bytes) / 1e6 / length.count()}}, {});
  }
  Comparison::print_heading("B compacting", "A idle");
  latency.print();
  rate.print();
  for (int i = 0; i < arguments.rounds; ++i) admin.raw().delete_topic(prefix + std::to_string(i));
  admin.raw().delete_topic(live);
  return 0;
}

}  // namespace
}  // namespace cms::bench

int main(int argc, char** argv) { return cms::bench::run(argc, argv); }
