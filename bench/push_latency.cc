// SPDX-License-Identifier: Apache-2.0
// From a native publish to the subscriber's callback through a broker, beside a bare round trip between two processes:
// both are two hops. Broker and baseline alternate.
//
//   cmsd --set core.busy.poll.us=1000 &  push_latency --spin        both spin
//   cmsd &                               push_latency               both sleep
//   cmsd --set core.busy.poll.us=50 &    push_latency --spin --spin-us 50   records come within what both spin
//   push_latency --channel in-place,shm  read where the log has it, and copied
#include <cms/publisher.h>
#include <cms/session.h>
#include <cms/subscriber.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "bench/figures.h"
#include "bench/loopback.h"
#include "bench/raw_client.h"
#include "bench/round_trips.h"
#include "client/address.h"
#include "client/bench/process_usage.h"

namespace cms::bench {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

struct Arguments {
  std::string broker = "127.0.0.1:9092";
  int pid = 0;
  bool spin = false;
  std::int64_t spin_us = 1'000'000;
  int rounds = 5;
  double seconds = 1;
  std::string durability = "volatile";
  std::vector<std::string> channels = {"shm", "tcp"};
  std::vector<std::size_t> sizes = {100, 10'000, 1'000'000};
  std::size_t subscribers = 64;
  bool checksums = true;
  EchoProcessor echo_processor;
  std::string json;
};

constexpr std::size_t warm_up_min = 200;
constexpr std::uint64_t warm_up_ns_max = 1'000'000'000;
constexpr std::size_t retention_bytes = 32 << 20;
constexpr milliseconds patience{10'000};
constexpr std::size_t in_flight_max = 4096;  // records of a stream that nobody has seen yet

template <typename T>
T must(Result<T> result, const char* what) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s: %s\n", what, result.error().message.c_str());
  std::exit(1);
}

SessionOptions options_of(const Arguments& arguments, const std::string& channel) {
  SessionOptions options;
  options.bootstrap = arguments.broker;
  options.channel = channel == "tcp" ? ChannelKind::tcp : ChannelKind::shared_memory;
  options.read_in_place = channel == "in-place";
  options.ring_bytes = 8 << 20;
  options.reconnect = false;
  if (arguments.spin) options.spin = microseconds(arguments.spin_us);
  return options;
}

// A topic for the length of one run.
class Topic {
 public:
  explicit Topic(const Arguments& arguments) : admin_(*client::Address::parse(arguments.broker)) {
    static int count = 0;
    name_ = "bench-push-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
    TopicConfigs configs{{"cms.durability", arguments.durability}};
    if (arguments.durability == "volatile") configs.emplace_back("retention.bytes", std::to_string(retention_bytes));
    admin_.create_topic(name_, configs);
  }
  Topic(const Topic&) = delete;
  Topic& operator=(const Topic&) = delete;
  ~Topic() { admin_.delete_topic(name_); }
  const std::string& name() const { return name_; }

 private:
  RawClient admin_;
  std::string name_;
};

// One subscriber of a topic, and what it has received.
class Receiver {
 public:
  Receiver(const Arguments& arguments, const std::string& channel, const Topic& topic)
      : session_(must(Session::connect(options_of(arguments, channel)), "connecting")),
        subscriber_(session_.subscriber({.on_record = [this](const ReceivedRecord& record) { take(record); },
                                         .check_checksums = arguments.checksums})) {
    must(subscriber_.subscribe({.topics = topic.name()}), "subscribing");
  }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  Session& session() { return session_; }
  std::uint64_t received() const { return received_; }

  // When the callback had the last record, once this was asked for.
  void note_times() { notes_times_ = true; }
  std::uint64_t received_ns() const { return received_ns_; }

  bool poll(milliseconds timeout) {
    must(session_.poll(timeout), "polling");
    return true;
  }

 private:
  // Looks at each cache line of the value, as whoever reads it does.
  void take(const ReceivedRecord& record) {
    ++received_;
    unsigned sum = 0;
    for (std::size_t i = 0; i < record.value->size(); i += 64)
      sum += static_cast<unsigned char>(record.value->text()[i]);
    seen_ = sum;
    if (notes_times_) received_ns_ = now_ns();
  }

  Session session_;
  Subscriber subscriber_;
  std::uint64_t received_ = 0;
  std::uint64_t received_ns_ = 0;
  bool notes_times_ = false;
  volatile unsigned seen_ = 0;
};

// Records that go through before any counts: until the log's memory is used again. The first touch of a page takes the
// kernel 2 us, which one record of 100 B in 25 would see.
std::size_t warm_up_records(std::size_t bytes) {
  constexpr std::size_t batch_overhead = 70;
  return std::max<std::size_t>(warm_up_min, 2 * retention_bytes / (bytes + batch_overhead));
}

// Publish, wait for it, publish again: one session, as a round trip has one end here and one there.
Figures push_round_trip(const Arguments& arguments, const std::string& channel, std::size_t bytes) {
  const Topic topic(arguments);
  Receiver receiver(arguments, channel, topic);
  receiver.note_times();
  Publisher publisher = receiver.session().publisher();
  const std::string value(bytes, 'x');
  std::vector<std::uint64_t> samples;
  samples.reserve(1 << 20);
  const auto once = [&] {
    const std::uint64_t wanted = receiver.received() + 1;
    must(publisher.publish(topic.name(), {.value = std::string_view(value)}), "publishing");
    while (receiver.received() < wanted) receiver.poll(patience);
  };
  const std::uint64_t warm_until = now_ns() + warm_up_ns_max;
  for (std::size_t i = 0; i < warm_up_records(bytes) && now_ns() < warm_until; ++i) once();
  const double cpu_before = client::bench::process_cpu_seconds(arguments.pid);
  const std::uint64_t end = now_ns() + static_cast<std::uint64_t>(arguments.seconds * 1e9);
  for (std::uint64_t before = now_ns(); before < end; before = now_ns()) {
    once();
    samples.push_back(receiver.received_ns() - before);
  }
  const double cpu = client::bench::process_cpu_seconds(arguments.pid) - cpu_before;
  const auto count = static_cast<double>(samples.size());
  Figures figures = latency_figures(samples);
  figures.push_back({"broker cpu/record", "us", arguments.pid == 0 ? 0 : cpu * 1e6 / count});
  return figures;
}

// As much as one publisher gets through to one subscriber.
Figures push_stream(const Arguments& arguments, const std::string& channel, std::size_t bytes) {
  const Topic topic(arguments);
  Receiver receiver(arguments, channel, topic);
  Publisher publisher = receiver.session().publisher();
  const std::string value(bytes, 'x');
  const std::size_t ahead_max = std::clamp<std::size_t>((4u << 20) / bytes, 4, in_flight_max);
  std::uint64_t sent = 0;
  const std::uint64_t begin = now_ns();
  const std::uint64_t end = begin + static_cast<std::uint64_t>(arguments.seconds * 1e9);
  while (now_ns() < end) {
    for (int i = 0; i < 64 && sent - receiver.received() < ahead_max; ++i) {
      const auto published = publisher.publish(topic.name(), {.value = std::string_view(value)});
      if (!published && published.error().code == Code::would_block) break;
      must(Result(published), "publishing");
      ++sent;
    }
    receiver.poll(milliseconds(0));
  }
  const double elapsed = static_cast<double>(now_ns() - begin) / 1e9;
  const auto received = static_cast<double>(receiver.received());
  return {{"rate", "1000 record/s", received / elapsed / 1e3},
          {"throughput", "MB/s", received * static_cast<double>(bytes) / elapsed / 1e6}};
}

// One publish to many subscribers: until the last of them has it. They share this thread, which looks at each in turn.
Figures push_to_many(const Arguments& arguments, const std::string& channel, std::size_t bytes) {
  const Topic topic(arguments);
  std::vector<std::unique_ptr<Receiver>> receivers;
  for (std::size_t i = 0; i < arguments.subscribers; ++i)
    receivers.push_back(std::make_unique<Receiver>(arguments, channel, topic));
  Publisher publisher = receivers.front()->session().publisher();
  const std::string value(bytes, 'x');
  std::vector<std::uint64_t> samples;
  std::uint64_t published = 0;
  const auto once = [&] {
    must(publisher.publish(topic.name(), {.value = std::string_view(value)}), "publishing");
    ++published;
    for (const auto& receiver : receivers) {
      while (receiver->received() < published) receiver->poll(milliseconds(0));
    }
  };
  for (std::size_t i = 0; i < warm_up_min; ++i) once();
  const std::uint64_t end = now_ns() + static_cast<std::uint64_t>(arguments.seconds * 1e9);
  for (std::uint64_t before = now_ns(); before < end;) {
    once();
    const std::uint64_t after = now_ns();
    samples.push_back(after - before);
    before = after;
  }
  return latency_figures(samples);
}

std::string shown(std::size_t bytes) {
  if (bytes >= 1'000'000) return std::to_string(bytes / 1'000'000) + " MB";
  if (bytes >= 1'000) return std::to_string(bytes / 1'000) + " KB";
  return std::to_string(bytes) + " B";
}

void compare_round_trips(const Arguments& arguments, const std::string& channel, std::size_t bytes) {
  const Waiting waiting = arguments.spin ? Waiting::spin : Waiting::sleep;
  Comparison comparison(channel + " " + shown(bytes));
  Comparison keeping("kept " + shown(bytes));
  const bool keeps = arguments.spin && channel == "shm";
  for (int round = 0; round < arguments.rounds; ++round) {
    Figures pushed = push_round_trip(arguments, channel, bytes);
    const Figure cpu = pushed.back();
    pushed.pop_back();
    const auto raw = channel == "tcp" ? tcp_round_trip : shared_memory_round_trip;
    const Figures bare = raw(bytes, waiting, arguments.seconds, arguments.echo_processor);
    comparison.add_round(pushed, bare);
    if (keeps) keeping.add_round(kept_round_trip(bytes, arguments.seconds, arguments.echo_processor), bare);
    if (round == 0 && cpu.value > 0)
      std::printf("%s: %.2f us of the broker's processor a record\n", channel.c_str(), cpu.value);
  }
  comparison.print();
  comparison.add_to(arguments.json);
  if (!keeps) return;
  keeping.print();
  keeping.add_to(arguments.json);
}

void show_stream(const Arguments& arguments, const std::string& channel, std::size_t bytes) {
  Comparison comparison(channel + " " + shown(bytes));
  for (int round = 0; round < arguments.rounds; ++round)
    comparison.add_round(push_stream(arguments, channel, bytes), {});
  comparison.print();
  comparison.add_to(arguments.json);
}

void show_fan_out(const Arguments& arguments, const std::string& channel) {
  Comparison comparison(channel + " 1:" + std::to_string(arguments.subscribers));
  for (int round = 0; round < arguments.rounds; ++round) {
    Figures to_one = push_round_trip(arguments, channel, arguments.sizes.front());
    to_one.pop_back();
    comparison.add_round(push_to_many(arguments, channel, arguments.sizes.front()), to_one);
  }
  comparison.print();
  comparison.add_to(arguments.json);
}

int run(int argc, char** argv) {
  CLI::App app("Measures native push through a broker beside a bare round trip between two processes.");
  Arguments arguments;
  app.add_option("--broker", arguments.broker, "HOST:PORT")->capture_default_str();
  app.add_option("--pid", arguments.pid, "Process of the broker, to read its processor time");
  app.add_flag("--spin", arguments.spin, "Client and baseline spin; the broker too if core.busy.poll.us says so");
  app.add_option("--spin-us", arguments.spin_us,
                 "How long the client looks, with --spin, before it sleeps; microseconds")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}))
      ->capture_default_str();
  app.add_option("--rounds", arguments.rounds, "Runs of each case")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--seconds", arguments.seconds, "Length of one run")->check(CLI::Range(0.05, 600.0));
  app.add_option("--durability", arguments.durability, "Of the topics")
      ->check(CLI::IsMember({"persistent", "volatile", "transient"}))
      ->capture_default_str();
  app.add_option("--channel", arguments.channels, "shm, in-place, tcp")
      ->delimiter(',')
      ->check(CLI::IsMember({"shm", "in-place", "tcp"}));
  app.add_option("--size", arguments.sizes, "Bytes of a record, up to 1 MB")->delimiter(',');
  app.add_flag("!--no-checksums", arguments.checksums, "Subscribers do not check the batches' checksums");
  app.add_option("--subscribers", arguments.subscribers, "Of the case of many; 0: not measured");
  app.add_option("--echo-processor", arguments.echo_processor,
                 "Of the raw round trip's far end; to be where the broker is placed")
      ->check(CLI::Range(0, CPU_SETSIZE - 1));
  app.add_option("--json", arguments.json, "A file to which each figure is added as a line of JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Error& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  std::printf("%d rounds of %.2f s, %s, %s; median [lowest..highest] over the rounds\n", arguments.rounds,
              arguments.seconds, arguments.durability.c_str(), arguments.spin ? "spinning" : "asleep");
  Comparison::print_heading("push", "raw round trip");
  std::fflush(stdout);  // also because a baseline forks
  for (const std::string& channel : arguments.channels) {
    for (const std::size_t bytes : arguments.sizes) compare_round_trips(arguments, channel, bytes);
  }
  Comparison::print_heading("stream", "");
  for (const std::string& channel : arguments.channels) {
    for (const std::size_t bytes : arguments.sizes) show_stream(arguments, channel, bytes);
  }
  if (arguments.subscribers == 0) return 0;
  Comparison::print_heading("the last of many", "the only one");
  for (const std::string& channel : arguments.channels) show_fan_out(arguments, channel);
  return 0;
}

}  // namespace
}  // namespace cms::bench

int main(int argc, char** argv) { return cms::bench::run(argc, argv); }
