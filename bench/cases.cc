// SPDX-License-Identifier: Apache-2.0
#include "bench/cases.h"

#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

#include "bench/loopback.h"
#include "client/bench/process_usage.h"

namespace cms::bench {

namespace {

constexpr std::size_t small_record = 100;
constexpr std::int32_t batch_target_bytes = 16 << 10;
constexpr int warm_up = 100;  // requests not counted
constexpr int request_depth = 16;
constexpr int batch_depth = 8;
constexpr std::size_t produced_bytes_max = 1u << 30;  // of one run, so that no disk fills
constexpr std::int32_t fetch_bytes = 1 << 20;
constexpr std::int64_t stream_windows = 60;  // 1 MB each, together below what the floor keeps
constexpr int producer_count = 32;
constexpr std::size_t producer_record = 2 << 10;  // so that 32 of them fill 64 KiB
constexpr int park_us = 200;                      // the fetch is with the broker by then

[[noreturn]] void die(const Side& side, const char* what, int error) {
  std::fprintf(stderr, "%s: %s: error %d\n", side.address.to_string().c_str(), what, error);
  std::exit(1);
}

// A topic for the length of one run.
class Topic {
 public:
  explicit Topic(const Side& side) : side_(side), admin_(side.address) {
    static int count = 0;
    name_ = "bench-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
    admin_.create_topic(name_, side.configs);
  }
  Topic(const Topic&) = delete;
  Topic& operator=(const Topic&) = delete;
  ~Topic() { admin_.delete_topic(name_); }

  const std::string& name() const { return name_; }
  std::int64_t next_offset() { return admin_.next_offset(name_); }
  RawClient& admin() { return admin_; }

 private:
  const Side& side_;
  RawClient admin_;
  std::string name_;
};

Figures joined(Figures first, const Figures& then) {
  first.insert(first.end(), then.begin(), then.end());
  return first;
}

// Counts what was done and what the broker spent on it, from its construction to figures().
class Meter {
 public:
  Meter(const Side& side, double seconds)
      : side_(side),
        observed_(observed(side)),
        before_(observed_ ? observed_->usage() : client::bench::ProcessUsage{}),
        begin_(now_ns()),
        end_(begin_ + static_cast<std::uint64_t>(seconds * 1e9)) {}

  bool running() const { return now_ns() < end_; }
  double elapsed_seconds() const { return static_cast<double>(now_ns() - begin_) / 1e9; }

  // What one of `count` took; 0 where the broker's process is not known.
  Figures usage_per(std::string_view what, double count) const {
    const auto used = observed_ ? between(before_, observed_->usage()) : client::bench::ProcessUsage{};
    Figures figures{{"broker cpu/" + std::string(what), "us", used.cpu_seconds * 1e6 / count}};
    if (side_.counts_system_calls)
      figures.push_back(
          {"system calls/" + std::string(what), "", static_cast<double>(used.system_calls.value_or(0)) / count});
    return figures;
  }

 private:
  using Observed = client::bench::ObservedProcess;

  static std::optional<Observed> observed(const Side& side) {
    if (side.pid == 0) return std::nullopt;
    auto opened = Observed::open(
        side.pid, side.counts_system_calls ? Observed::Counts::system_calls_too : Observed::Counts::what_is_free);
    if (!opened) bench::die(opened.error().message());
    return std::move(*opened);
  }

  const Side& side_;
  const std::optional<Observed> observed_;
  const client::bench::ProcessUsage before_;
  const std::uint64_t begin_;
  const std::uint64_t end_;
};

Figures produce_to_ack(const Side& side, double seconds, std::int16_t acks) {
  Topic topic(side);
  RawClient client(side.address);
  const std::string frame = produce_frame(topic.name(), acks, record_batch(1, small_record));
  for (int i = 0; i < warm_up; ++i) client.produce(frame);
  std::vector<std::uint64_t> samples;
  samples.reserve(1 << 20);
  const Meter meter(side, seconds);
  while (meter.running()) {
    const std::uint64_t before = now_ns();
    const ProduceReply reply = client.produce(frame);
    samples.push_back(now_ns() - before);
    if (reply.error != 0) die(side, "Produce", reply.error);
  }
  const Figures used = meter.usage_per("request", static_cast<double>(samples.size()));
  return joined(latency_figures(samples), used);
}

Figures ack_leader(const Side& side, double seconds) { return produce_to_ack(side, seconds, 1); }
Figures ack_all(const Side& side, double seconds) { return produce_to_ack(side, seconds, -1); }

// One record at a time from a producer to a fetch that waits for it.
class ParkedPair {
 public:
  ParkedPair(const Side& side, Topic& topic)
      : side_(side),
        producer_(side.address),
        consumer_(side.address),
        produced_(produce_frame(topic.name(), 1, record_batch(1, small_record))),
        offset_(topic.next_offset()),
        fetch_(fetch_frame(topic.name(), offset_, fetch_bytes)) {}

  // From the send of the record to the receipt of the fetch's answer, in nanoseconds.
  std::uint64_t pass_one() {
    set_fetch_offset(fetch_, offset_++);
    consumer_.send(fetch_);
    ::usleep(park_us);
    const std::uint64_t before = now_ns();
    producer_.send(produced_);
    const ByteSpan answer = consumer_.receive();
    const std::uint64_t took = now_ns() - before;
    const FetchReply reply = parse_fetch_reply(answer);
    if (reply.error != 0 || reply.records_bytes == 0) die(side_, "Fetch came back without the record", reply.error);
    parse_produce_reply(producer_.receive());
    return took;
  }

 private:
  const Side& side_;
  RawClient producer_;
  RawClient consumer_;
  const std::string produced_;
  std::int64_t offset_;
  std::string fetch_;
};

Figures produce_to_parked_fetch(const Side& side, double seconds) {
  Topic topic(side);
  ParkedPair pair(side, topic);
  for (int i = 0; i < warm_up; ++i) pair.pass_one();
  std::vector<std::uint64_t> samples;
  const Meter meter(side, seconds);
  do samples.push_back(pair.pass_one());
  while (meter.running());
  return latency_figures(samples);
}

// Keeps `depth` copies of a request in flight, sends as many as have been answered in one go, and ends after the first
// answers for which more(requests answered) says no. Returns how many were answered in all.
template <typename More>
std::size_t run_pipelined(const Side& side, const std::string& frame, int depth, More more) {
  RawClient client(side.address);
  std::string copies;
  for (int i = 0; i < depth; ++i) copies += frame;
  client.send(copies);
  std::size_t done = 0;
  do {
    int answered = 0;
    do {
      const ProduceReply reply = parse_produce_reply(client.receive());
      if (reply.error != 0) die(side, "Produce", reply.error);
      ++answered;
    } while (answered < depth && client.has_frame());
    done += static_cast<std::size_t>(answered);
    client.send(std::string_view(copies).substr(0, frame.size() * static_cast<std::size_t>(answered)));
  } while (more(done));
  for (int i = 0; i < depth; ++i) client.receive();
  return done + static_cast<std::size_t>(depth);
}

// What a topic costs once (its first memory, its first segment) is not what its records cost.
void warm_up_pipeline(const Side& side, const std::string& frame, int depth) {
  run_pipelined(side, frame, depth, [](std::size_t done) { return done < static_cast<std::size_t>(warm_up); });
}

double run_pipelined_for(const Meter& meter, const Side& side, const std::string& frame, int depth) {
  const auto more = [&](std::size_t done) { return meter.running() && done * frame.size() < produced_bytes_max; };
  return static_cast<double>(run_pipelined(side, frame, depth, more));
}

Figures pipelined_requests(const Side& side, double seconds) {
  Topic topic(side);
  const std::string frame = produce_frame(topic.name(), 1, record_batch(1, small_record));
  warm_up_pipeline(side, frame, request_depth);
  const Meter meter(side, seconds);
  const double done = run_pipelined_for(meter, side, frame, request_depth);
  const Figures used = meter.usage_per("request", done);
  return joined({{"rate", "request/s", done / meter.elapsed_seconds()}}, used);
}

Figures batches(const Side& side, double seconds, std::size_t record_bytes) {
  Topic topic(side);
  const auto per_batch = static_cast<std::int32_t>(batch_target_bytes / record_bytes);
  const std::string frame = produce_frame(topic.name(), 1, record_batch(per_batch, record_bytes));
  warm_up_pipeline(side, frame, batch_depth);
  const Meter meter(side, seconds);
  const double done = run_pipelined_for(meter, side, frame, batch_depth) * per_batch;
  const double elapsed = meter.elapsed_seconds();
  const Figures used = meter.usage_per("message", done);
  return joined({{"rate", "1000 msg/s", done / elapsed / 1e3},
                 {"throughput", "MB/s", done * static_cast<double>(record_bytes) / elapsed / 1e6}},
                used);
}

Figures batches_100(const Side& side, double seconds) { return batches(side, seconds, 100); }
Figures batches_1k(const Side& side, double seconds) { return batches(side, seconds, 1000); }

// Fills the topic and returns how many offsets 1 MB of it holds.
std::int64_t fill_for_stream(const Side& side, Topic& topic) {
  constexpr std::int32_t per_batch = 16;
  const std::string batch = record_batch(per_batch, 1000);
  const std::string frame = produce_frame(topic.name(), 1, batch);
  const auto per_window = static_cast<std::int64_t>(fetch_bytes / batch.size());
  const auto wanted = static_cast<std::size_t>(per_window * (stream_windows + 1));
  run_pipelined(side, frame, batch_depth, [&](std::size_t done) { return done < wanted; });
  return per_window * per_batch;
}

Figures fetch_stream(const Side& side, double seconds) {
  Topic topic(side);
  const std::int64_t first = topic.next_offset();
  const std::int64_t step = fill_for_stream(side, topic);
  RawClient client(side.address);
  std::string fetch = fetch_frame(topic.name(), first, fetch_bytes);
  std::int64_t window = 0;
  const auto send_next = [&] {
    set_fetch_offset(fetch, first + window++ % stream_windows * step);
    client.send(fetch);
  };
  double received = 0;
  send_next();
  const Meter meter(side, seconds);
  while (meter.running()) {
    send_next();  // two in flight, so that the broker never waits for us
    const FetchReply reply = parse_fetch_reply(client.receive());
    if (reply.error != 0 || reply.records_bytes == 0) die(side, "Fetch came back without records", reply.error);
    received += static_cast<double>(reply.records_bytes);
  }
  const double elapsed = meter.elapsed_seconds();
  const Figures used = meter.usage_per("MB", received / 1e6);
  client.receive();
  return joined({{"throughput", "MB/s", received / elapsed / 1e6}}, used);
}

// 32 producers with one record of 2 KB in flight each, acks=all: what group commit makes of them.
Figures many_producers(const Side& side, double seconds) {
  Topic topic(side);
  const std::string frame = produce_frame(topic.name(), -1, record_batch(1, producer_record));
  std::vector<RawClient> clients;
  for (int i = 0; i < producer_count; ++i) clients.emplace_back(side.address);
  std::vector<pollfd> waiting;
  for (const RawClient& client : clients) waiting.push_back({client.descriptor(), POLLIN, 0});
  std::vector<std::uint64_t> sent_at(clients.size());
  std::vector<std::uint64_t> samples;
  const Meter meter(side, seconds);
  const auto send = [&](std::size_t i) {
    sent_at[i] = now_ns();
    clients[i].send(frame);
  };
  for (std::size_t i = 0; i < clients.size(); ++i) send(i);
  while (meter.running()) {
    ::poll(waiting.data(), waiting.size(), 1000);
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (waiting[i].revents == 0) continue;
      const ProduceReply reply = parse_produce_reply(clients[i].receive());
      if (reply.error != 0) die(side, "Produce", reply.error);
      samples.push_back(now_ns() - sent_at[i]);
      send(i);
    }
  }
  const auto done = static_cast<double>(samples.size());
  const double elapsed = meter.elapsed_seconds();
  const Figures used = meter.usage_per("request", done);
  for (RawClient& client : clients) client.receive();
  if (samples.empty()) samples.push_back(0);
  Figures figures = latency_figures(samples);
  figures.push_back({"throughput", "MB/s", done * static_cast<double>(producer_record) / elapsed / 1e6});
  return joined(std::move(figures), used);
}

constexpr Case cases[] = {
    {"ack1", "produce to ack, acks=1, 100 B, one at a time", ack_leader},
    {"ackall", "produce to ack, acks=all, 100 B, one at a time", ack_all},
    {"parked", "produce to a parked fetch, 100 B", produce_to_parked_fetch},
    {"pipelined", "one-record requests of 100 B, 16 in flight, acks=1", pipelined_requests},
    {"batch100", "16 KB batches of 100 B records, 8 in flight, acks=1", batches_100},
    {"batch1k", "16 KB batches of 1 KB records, 8 in flight, acks=1", batches_1k},
    {"stream", "fetches of 1 MB, 2 in flight", fetch_stream},
    {"producers", "32 producers, 2 KB records, acks=all", many_producers},
};

}  // namespace

std::span<const Case> all_cases() { return cases; }

}  // namespace cms::bench
