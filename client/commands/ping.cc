// SPDX-License-Identifier: Apache-2.0
#include "client/commands/ping.h"

#include <cms/publisher.h>
#include <cms/subscriber.h>

#include <cstdio>
#include <cstring>
#include <memory>

#include <nlohmann/json.hpp>

#include "base/random.h"
#include "client/admin.h"
#include "client/commands/durability.h"
#include "client/commands/latencies.h"
#include "client/commands/native_session.h"
#include "client/commands/table.h"

namespace cms::client {

namespace {

using std::chrono::steady_clock;

struct PingArguments {
  ChannelArguments channel;
  std::size_t value_bytes = 100;
  std::size_t count = 10'000;
  double rate = 0;
  std::string durability = "volatile";
  bool stages = false;
};

constexpr std::size_t warm_up_max = 1'000;
constexpr milliseconds patience{10'000};

std::int64_t now_ns() { return steady_clock::now().time_since_epoch().count(); }  // CLOCK_MONOTONIC, as the broker's

struct Percentile {
  const char* name;
  double share;
};
constexpr Percentile percentiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1.0}};

// The steps of a record, each from the one before it.
constexpr std::size_t steps = std::size(push_steps);

// Publishes a record, waits until it comes back, publishes the next. With a rate, the time of each begins when it was
// due, so that a slow one is seen in those that had to wait for it.
class Pinger {
 public:
  Pinger(cms::Session& session, const PingArguments& arguments, std::string topic);

  cms::Result<void> run();
  Latencies& round_trips() { return round_trips_; }
  Latencies& step(std::size_t i) { return steps_[i]; }

 private:
  void received(const cms::ReceivedRecord& record);
  void went_through(const cms::Stages& stages);
  cms::Result<void> ping(bool counts);
  cms::Result<std::int64_t> await_due(std::size_t i, std::int64_t begun_ns);

  cms::Session& session_;
  const PingArguments& arguments_;
  const std::string topic_;
  cms::Publisher publisher_;
  cms::Subscriber subscriber_;
  std::string value_;
  std::uint64_t sent_ = 0;
  std::uint64_t came_ = 0;
  std::uint64_t staged_ = 0;
  std::int64_t delivered_ns_ = 0;
  cms::Stages last_stages_;
  Latencies round_trips_;
  Latencies steps_[steps];
};

Pinger::Pinger(cms::Session& session, const PingArguments& arguments, std::string topic)
    : session_(session),
      arguments_(arguments),
      topic_(std::move(topic)),
      publisher_(session.publisher({.want_stages = arguments.stages})),
      subscriber_(session.subscriber({
          .on_record = [this](const cms::ReceivedRecord& record) { received(record); },
          .on_stages = [this](const cms::Stages& stages) { went_through(stages); },
      })),
      value_(std::max(arguments.value_bytes, sizeof sent_), 'x') {
  round_trips_.reserve(arguments.count);
}

void Pinger::received(const cms::ReceivedRecord& record) {
  delivered_ns_ = now_ns();
  if (record.value && record.value->size() >= sizeof came_)
    std::memcpy(&came_, record.value->text().data(), sizeof came_);
}

void Pinger::went_through(const cms::Stages& stages) {
  last_stages_ = stages;
  ++staged_;
}

// The time at which the i-th is due, once it has come.
cms::Result<std::int64_t> Pinger::await_due(std::size_t i, std::int64_t begun_ns) {
  if (arguments_.rate <= 0) return now_ns();
  const std::int64_t due = begun_ns + static_cast<std::int64_t>(static_cast<double>(i) / arguments_.rate * 1e9);
  while (now_ns() < due) {
    const auto left = milliseconds((due - now_ns()) / 1'000'000);
    if (const auto polled = session_.poll(left); !polled) return polled.error();
  }
  return due;
}

cms::Result<void> Pinger::run() {
  if (const auto subscribed = subscriber_.subscribe({.topics = topic_}); !subscribed) return subscribed.error();
  for (std::size_t i = 0; i < std::min(warm_up_max, arguments_.count); ++i) {
    if (const auto pinged = ping(false); !pinged) return pinged;
  }
  const std::int64_t begun_ns = now_ns();
  for (std::size_t i = 0; i < arguments_.count && !was_interrupted(); ++i) {
    const auto due = await_due(i, begun_ns);
    if (!due) return due.error();
    if (const auto pinged = ping(true); !pinged) return pinged;
    round_trips_.add(delivered_ns_ - *due);
  }
  return publisher_.flush(patience);
}

cms::Result<void> Pinger::ping(bool counts) {
  ++sent_;
  std::memcpy(value_.data(), &sent_, sizeof sent_);
  const std::int64_t submitted_ns = now_ns();
  if (const auto published = publisher_.publish(topic_, {.value = std::string_view(value_)}); !published)
    return published.error();
  const auto deadline = steady_clock::now() + patience;
  while (came_ != sent_ || (arguments_.stages && staged_ != sent_)) {
    if (const auto polled = session_.poll(patience); !polled) return polled.error();
    if (!was_interrupted() && steady_clock::now() < deadline) continue;
    const char* const missing =
        came_ == sent_ ? "the broker does not tell a record's stages" : "a record has not come back";
    return cms::Error{Code::timed_out, missing + std::string(" within 10 s"), 0};
  }
  if (!counts || !arguments_.stages) return {};
  const std::int64_t times[] = {submitted_ns,           last_stages_.appended_ns,
                                last_stages_.stable_ns, last_stages_.enqueued_ns,
                                last_stages_.pushed_ns, delivered_ns_};
  for (std::size_t i = 0; i < steps; ++i) steps_[i].add(times[i + 1] - times[i]);
  return {};
}

nlohmann::ordered_json to_json(Latencies& latencies) {
  nlohmann::ordered_json shown;
  for (const auto& [name, share] : percentiles) shown[name] = latencies.percentile_us(share);
  return shown;
}

void print_json(const cms::Session& session, const PingArguments& arguments, Pinger& pinger) {
  nlohmann::ordered_json shown{
      {"channel", to_string(session.channel())}, {"reason", session.channel_reason()},
      {"durability", arguments.durability},      {"bytes", arguments.value_bytes},
      {"count", pinger.round_trips().count()},   {"round_trip_us", to_json(pinger.round_trips())}};
  if (arguments.stages) {
    for (std::size_t i = 0; i < steps; ++i) shown["stages_us"][push_steps[i]] = to_json(pinger.step(i));
  }
  std::printf("%s\n", shown.dump(2).c_str());
}

void add_row(Table& table, const std::string& name, const Latencies& latencies) {
  std::vector<std::string> row{name};
  for (const auto& [unused, share] : percentiles) row.push_back(shown_us(latencies.percentile_us(share)));
  table.add(std::move(row));
}

void print_table(const cms::Session& session, const PingArguments& arguments, Pinger& pinger) {
  std::printf("%zu records of %zu bytes, %s, over %s%s%s\n", pinger.round_trips().count(), arguments.value_bytes,
              arguments.durability.c_str(), std::string(to_string(session.channel())).c_str(),
              session.channel_reason().empty() ? "" : ": ", session.channel_reason().c_str());
  Table table({"us", ">p50", ">p90", ">p99", ">p99.9", ">max"});
  add_row(table, "publish to callback", pinger.round_trips());
  if (arguments.stages) {
    for (std::size_t i = 0; i < steps; ++i) add_row(table, std::string("  ") + push_steps[i], pinger.step(i));
  }
  std::printf("%s\n%s", table.to_text().c_str(), pinger.round_trips().histogram().c_str());
}

int ping_over(Context& context, const PingArguments& arguments, const std::string& topic) {
  cms::Result<cms::Session> session = open_session(context, arguments.channel, arguments.stages);
  if (!session) return fail(session.error());
  Pinger pinger(*session, arguments, topic);
  if (const cms::Result<void> done = pinger.run(); !done) return fail(done.error());
  pinger.round_trips().sort();
  for (std::size_t i = 0; i < steps; ++i) pinger.step(i).sort();
  context.json() ? print_json(*session, arguments, pinger) : print_table(*session, arguments, pinger);
  return was_interrupted() ? exit_interrupted : exit_done;
}

int ping(Context& context, const PingArguments& arguments) {
  Result<Cluster> cluster = context.connect();
  if (!cluster) return fail(cluster.error());
  base::Random random(base::Random::system_seed());
  NewTopic topic;
  topic.name = "cms-ping-" + std::to_string(random.below(1'000'000'000));
  topic.partitions = 1;
  topic.configs.emplace_back(durability_config, arguments.durability);
  if (const auto made = create_topic(*cluster, topic); !made) return fail(made.error());
  catch_interrupt();
  const int code = ping_over(context, arguments, topic.name);
  if (const Result<void> removed = delete_topic(*cluster, topic.name); !removed)
    complain("topic " + topic.name + " is left over: " + removed.error().message());
  return code;
}

}  // namespace

void declare_ping_command(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<PingArguments>();
  CLI::App* command = app.add_subcommand("ping", "Measure how long a record takes from publish to callback");
  command->footer(
      "Examples:\n"
      "  cms ping\n"
      "  cms ping --channel tcp --size 10000 --durability persistent --count 1000\n"
      "  cms ping --channel shm --spin 1000 --stages\n"
      "One record after the other goes through a topic of its own, which is removed at the end. With --spin the "
      "client\n"
      "does not sleep between; let the broker spin too (core.busy.poll.us) to see what a wake costs. With --rate the\n"
      "time counts from when a record was due.");
  add_channel_options(*command, arguments->channel);
  command->add_option("--size", arguments->value_bytes, "Bytes of a record's value, 8 at least")->capture_default_str();
  command->add_option("-n,--count", arguments->count, "How many records")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--rate", arguments->rate, "Records a second; 0: each when the one before has come")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--durability", arguments->durability, "persistent, volatile or transient")
      ->check(CLI::IsMember({"persistent", "volatile", "transient"}))
      ->capture_default_str();
  command->add_flag("--stages", arguments->stages, "Also from step to step through the broker");
  command->callback(
      [&context, arguments] { context.run = [&context, arguments] { return ping(context, *arguments); }; });
}

}  // namespace cms::client
