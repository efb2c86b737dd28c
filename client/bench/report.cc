// SPDX-License-Identifier: Apache-2.0
#include "client/bench/report.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "client/bench/interval_log.h"
#include "client/commands/latencies.h"
#include "client/commands/table.h"
#include "records/compress.h"

namespace cms::client::bench {

namespace {

using nlohmann::json;
using nlohmann::ordered_json;

struct Percentile {
  const char* name;
  double percent;
};
constexpr Percentile percentiles[] = {{"p50", 50},     {"p75", 75},       {"p90", 90}, {"p99", 99},
                                      {"p99.9", 99.9}, {"p99.99", 99.99}, {"max", 100}};
constexpr const char* latency_names[] = {"end_to_end", "publish", "send_delay"};
constexpr const char* latency_titles[] = {"end to end", "to acknowledgement", "late at the client"};

bool has_connections(const Workload& workload) {
  return workload.idle_connections > 0 || workload.connects_per_second > 0;
}

std::string shown(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string shown_amount(double value) { return shown(value < 100 ? "%.3f" : "%.1f", value); }

// Of those received, or acknowledged where nobody subscribes.
double per_record(const Outcome& outcome, double amount) {
  const std::uint64_t records = outcome.workload.subscriptions_per_topic > 0 ? outcome.received : outcome.acknowledged;
  return amount / static_cast<double>(std::max<std::uint64_t>(records, 1));
}

double us(std::int64_t ns) { return static_cast<double>(ns) / 1e3; }

const base::Histogram& histogram_named(const Outcome& outcome, std::size_t i) {
  const base::Histogram* const all[] = {&outcome.end_to_end, &outcome.publish, &outcome.delay};
  return *all[i];
}

ordered_json to_json(const base::Histogram& histogram) {
  ordered_json shown{{"count", histogram.count()}, {"mean", histogram.mean() / 1e3}, {"min", us(histogram.min())}};
  for (const auto& [name, percent] : percentiles) shown[name] = us(histogram.percentile(percent));
  shown["histogram"] = bench::to_text(histogram);  // in ns
  return shown;
}

ordered_json to_json(const Workload& workload) {
  ordered_json shown{{"name", workload.name},
                     {"topics", workload.topics},
                     {"partitionsPerTopic", workload.partitions_per_topic},
                     {"keyDistributor", to_string(workload.keys)},
                     {"messageSize", workload.message_size},
                     {"useRandomizedPayloads", workload.randomized_payloads},
                     {"randomBytesRatio", workload.random_bytes_ratio},
                     {"randomizedPayloadPoolSize", workload.payload_pool_size},
                     {"payloadFile", workload.payload_file},
                     {"subscriptionsPerTopic", workload.subscriptions_per_topic},
                     {"producersPerTopic", workload.producers_per_topic},
                     {"consumerPerSubscription", workload.consumers_per_subscription},
                     {"producerRate", workload.producer_rate},
                     {"consumerBacklogSizeGB", workload.backlog_gb},
                     {"backlogDrainRatio", workload.backlog_drain_ratio},
                     {"testDurationMinutes", workload.test_minutes},
                     {"warmupDurationMinutes", workload.warmup_minutes},
                     {"arrivals", to_string(workload.arrivals)},
                     {"recordsInFlight", workload.records_in_flight},
                     {"batchBytes", workload.batch_bytes},
                     {"compressionType", records::to_string(workload.compression)},
                     {"idleConnections", workload.idle_connections},
                     {"connectsPerSecond", workload.connects_per_second},
                     {"topicConfigs", ordered_json::object()}};
  for (const auto& [name, value] : workload.topic_configs) shown["topicConfigs"][name] = value;
  return shown;
}

ordered_json to_json(const Second& second) {
  return {
      {"at", second.at},
      {"length", second.length},
      {"warm_up", second.warm_up},
      {"sent", second.sent},
      {"acknowledged", second.acknowledged},
      {"received", second.received},
      {"behind", second.behind},
      {"publish_us",
       {{"p50", us(second.publish_p50)}, {"p99", us(second.publish_p99)}, {"max", us(second.publish_max)}}},
      {"end_to_end_us",
       {{"p50", us(second.end_to_end_p50)}, {"p99", us(second.end_to_end_p99)}, {"max", us(second.end_to_end_max)}}}};
}

ordered_json broker_json(const Outcome& outcome) {
  const ProcessUsage& used = *outcome.broker;
  ordered_json shown{{"cpu_seconds", used.cpu_seconds},
                     {"cpu_us_per_record", per_record(outcome, used.cpu_seconds * 1e6)},
                     {"context_switches", used.context_switches},
                     {"switches_per_record", per_record(outcome, static_cast<double>(used.context_switches))},
                     {"resident_mb", static_cast<double>(used.resident_bytes) / 1e6}};
  if (!used.system_calls) return shown;
  shown["system_calls"] = *used.system_calls;
  shown["system_calls_per_record"] = per_record(outcome, static_cast<double>(*used.system_calls));
  return shown;
}

std::string broker_text(const Outcome& outcome) {
  const ProcessUsage& used = *outcome.broker;
  std::string text =
      "the broker used " + shown("%.3g", per_record(outcome, used.cpu_seconds * 1e6)) + " us of processor and " +
      shown("%.3g", per_record(outcome, static_cast<double>(used.context_switches))) + " context switches";
  if (used.system_calls)
    text += " and " + shown("%.3g", per_record(outcome, static_cast<double>(*used.system_calls))) + " system calls";
  return text + " a record; resident " + shown("%.1f", static_cast<double>(used.resident_bytes) / 1e6) + " MB\n";
}

ordered_json machine() {
  utsname name{};
  ::uname(&name);
  return {{"kernel", std::string(name.sysname) + " " + name.release},
          {"architecture", name.machine},
          {"cores", std::thread::hardware_concurrency()}};
}

ordered_json correctness(const Outcome& outcome) {
  return {{"correct", outcome.is_correct()},
          {"sent", outcome.sent_total},
          {"received", outcome.received_total},
          {"missing", outcome.missing},
          {"repeated", outcome.repeated},
          {"corrupted", outcome.corrupted},
          {"unacknowledged", outcome.unacknowledged},
          {"problems", outcome.problems}};
}

double per_second(const Outcome& outcome, std::uint64_t count) {
  return outcome.measured_seconds > 0 ? static_cast<double>(count) / outcome.measured_seconds : 0;
}

}  // namespace

ordered_json to_json(const Outcome& outcome, const std::string& driver, const DriverOptions& options) {
  const double megabytes = static_cast<double>(outcome.workload.message_size) / 1e6;
  ordered_json run{{"format", "cms-bench-1"},
                   {"system", outcome.system.empty() ? driver : outcome.system},
                   {"driver", driver},
                   {"options",
                    {{"channel", options.channel},
                     {"acks", options.acks},
                     {"requests_in_flight", options.requests_in_flight},
                     {"linger_ms", options.linger_ms},
                     {"spin", options.spin}}},
                   {"workload", to_json(outcome.workload)},
                   {"machine", machine()},
                   {"seed", outcome.seed},
                   {"started_unix_ms", outcome.started_unix_ms},
                   {"measured_seconds", outcome.measured_seconds},
                   {"interrupted", outcome.interrupted},
                   {"sent_per_second", per_second(outcome, outcome.sent)},
                   {"acknowledged_per_second", per_second(outcome, outcome.acknowledged)},
                   {"received_per_second", per_second(outcome, outcome.received)},
                   {"received_megabytes_per_second", per_second(outcome, outcome.received) * megabytes},
                   {"correctness", correctness(outcome)}};
  for (std::size_t i = 0; i < std::size(latency_names); ++i)
    run["latency_us"][latency_names[i]] = to_json(histogram_named(outcome, i));
  if (outcome.backlog.records > 0)
    run["backlog"] = {{"records", outcome.backlog.records},
                      {"build_seconds", outcome.backlog.build_seconds},
                      {"drain_seconds", outcome.backlog.drain_seconds}};
  const ConnectionFigures& connections = outcome.connections;
  if (has_connections(outcome.workload))
    run["connections"] = {{"idle", connections.idle},
                          {"idle_lost", connections.idle_lost},
                          {"opened", connections.opened},
                          {"failed", connections.failed},
                          {"first_problem", connections.first_problem},
                          {"connect_us", to_json(connections.connect)}};
  if (outcome.broker) run["broker"] = broker_json(outcome);
  for (const Second& second : outcome.seconds) run["seconds"].push_back(to_json(second));
  return run;
}

std::string to_text(const Outcome& outcome, const std::string& driver) {
  char line[256];
  std::snprintf(line, sizeof line, "%s over %s: %.1f s measured, %zu B a record\n", outcome.workload.name.c_str(),
                driver.c_str(), outcome.measured_seconds, outcome.workload.message_size);
  std::string text = line;
  const double megabytes = static_cast<double>(outcome.workload.message_size) / 1e6;
  std::snprintf(line, sizeof line, "sent %.0f/s, acknowledged %.0f/s, received %.0f/s (%.1f MB/s)\n",
                per_second(outcome, outcome.sent), per_second(outcome, outcome.acknowledged),
                per_second(outcome, outcome.received), per_second(outcome, outcome.received) * megabytes);
  text += line;
  if (outcome.backlog.records > 0) {
    std::snprintf(line, sizeof line, "backlog of %llu records built in %.1f s, drained in %.1f s\n",
                  static_cast<unsigned long long>(outcome.backlog.records), outcome.backlog.build_seconds,
                  outcome.backlog.drain_seconds);
    text += line;
  }
  std::vector<std::string> heading{"us"};
  for (const auto& [name, unused] : percentiles) heading.push_back(">" + std::string(name));
  Table table(std::move(heading));
  for (std::size_t i = 0; i < std::size(latency_names); ++i) {
    std::vector<std::string> row{latency_titles[i]};
    for (const auto& [unused, percent] : percentiles)
      row.push_back(shown_us(us(histogram_named(outcome, i).percentile(percent))));
    table.add(std::move(row));
  }
  const ConnectionFigures& connections = outcome.connections;
  if (connections.connect.count() > 0) {
    std::vector<std::string> row{"to connect"};
    for (const auto& [unused, percent] : percentiles)
      row.push_back(shown_us(us(connections.connect.percentile(percent))));
    table.add(std::move(row));
  }
  text += table.to_text();
  if (has_connections(outcome.workload)) {
    std::snprintf(line, sizeof line, "%d idle connections, %d lost; %llu came and went, %llu failed\n",
                  connections.idle, connections.idle_lost, static_cast<unsigned long long>(connections.opened),
                  static_cast<unsigned long long>(connections.failed));
    text += line;
  }
  if (outcome.broker) text += broker_text(outcome);
  std::snprintf(line, sizeof line, "%llu records sent, %llu received: %s\n",
                static_cast<unsigned long long>(outcome.sent_total),
                static_cast<unsigned long long>(outcome.received_total),
                outcome.is_correct() ? "each once, in order, unchanged" : "NOT AS THEY WERE SENT");
  text += line;
  if (outcome.is_correct()) return text;
  std::snprintf(line, sizeof line, "%llu missing, %llu repeated, %llu corrupted, %llu not acknowledged\n",
                static_cast<unsigned long long>(outcome.missing), static_cast<unsigned long long>(outcome.repeated),
                static_cast<unsigned long long>(outcome.corrupted),
                static_cast<unsigned long long>(outcome.unacknowledged));
  text += line;
  for (const std::string& problem : outcome.problems) text += "  " + problem + "\n";
  return text;
}

std::string to_line(const Second& second, double seconds_left) {
  char line[256];
  std::snprintf(line, sizeof line,
                "%7.1f s%s  sent %8.0f/s  received %8.0f/s  p50 %s us  p99 %s us  max %s us  behind %llu  %.0f s left",
                second.at, second.warm_up ? " warm-up" : "", static_cast<double>(second.sent) / second.length,
                static_cast<double>(second.received) / second.length, shown_us(us(second.end_to_end_p50)).c_str(),
                shown_us(us(second.end_to_end_p99)).c_str(), shown_us(us(second.end_to_end_max)).c_str(),
                static_cast<unsigned long long>(second.behind), seconds_left);
  return line;
}

Result<std::string> compare(const json& a, const json& b) {
  Table table({"", ">a", ">b", ">b/a"});
  try {  // the library tells by throwing what is not as expected
    const auto add = [&](const std::string& name, double of_a, double of_b) {
      table.add({name, shown_amount(of_a), shown_amount(of_b), of_a > 0 ? shown("%.3f", of_b / of_a) : "-"});
    };
    for (const json* run : {&a, &b}) {
      if (run->at("format") != "cms-bench-1") return base::Error(base::ErrorKind::unsupported, "another format");
    }
    for (const char* const name : {"sent_per_second", "received_per_second", "received_megabytes_per_second"})
      add(name, a.at(name).get<double>(), b.at(name).get<double>());
    for (std::size_t i = 0; i < std::size(latency_names); ++i) {
      for (const auto& [name, unused] : percentiles)
        add(std::string(latency_titles[i]) + " " + name + " us",
            a.at("latency_us").at(latency_names[i]).at(name).get<double>(),
            b.at("latency_us").at(latency_names[i]).at(name).get<double>());
    }
    if (a.contains("broker") && b.contains("broker")) {
      for (const auto& [key, name] : {std::pair("cpu_us_per_record", "broker's processor, us a record"),
                                      std::pair("switches_per_record", "its context switches a record"),
                                      std::pair("system_calls_per_record", "its system calls a record"),
                                      std::pair("resident_mb", "its resident memory, MB")}) {
        if (a["broker"].contains(key) && b["broker"].contains(key))
          add(name, a["broker"][key].get<double>(), b["broker"][key].get<double>());
      }
    }
    std::string text;
    for (const auto& [name, run] : {std::pair("a", &a), std::pair("b", &b)}) {
      text += std::string(name) + ": " + run->at("workload").at("name").get<std::string>() + " over " +
              run->at("driver").get<std::string>() +
              (run->at("correctness").at("correct").get<bool>() ? "" : ", RECORDS NOT AS THEY WERE SENT") + "\n";
    }
    for (const auto& [name, value] : a.at("workload").items()) {
      if (name != "name" && b.at("workload").value(name, json()) != value)
        text += name + " differs: " + value.dump() + " and " + b.at("workload").value(name, json()).dump() + "\n";
    }
    return text + table.to_text();
  } catch (const json::exception& error) {
    return base::Error(base::ErrorKind::invalid, std::string("this is no run of cms bench: ") + error.what());
  }
}

std::string to_interval_log(const Outcome& outcome) {
  std::vector<Interval> intervals;
  for (const Second& second : outcome.seconds) {
    if (second.warm_up || second.end_to_end_encoded.empty()) continue;
    auto histogram = base::Histogram::decode(base::as_bytes(second.end_to_end_encoded));
    CHECK(histogram);  // it is what encode() gave
    intervals.push_back({second.at - second.length, second.length, "end_to_end", std::move(*histogram)});
  }
  return interval_log(outcome.started_unix_ms, intervals);
}

}  // namespace cms::client::bench
