// SPDX-License-Identifier: Apache-2.0
#include "client/bench/generator.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "base/bytes.h"
#include "client/producer.h"

namespace cms::client::bench {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr int burst_max = 256;  // records sent before the driver looks for what has come
constexpr std::size_t keys_count = 10'000;
constexpr std::int64_t look_at_least_ns = 20'000'000;

std::int64_t minutes_in_ns(double minutes) { return static_cast<std::int64_t>(minutes * 60e9); }

std::size_t streams_of(const Workload& workload) {
  return static_cast<std::size_t>(workload.producers()) * static_cast<std::size_t>(workload.partitions_per_topic);
}

std::vector<std::string> make_keys(const Workload& workload, std::uint64_t seed) {
  if (workload.keys == KeyDistributor::none) return {};
  base::Random random(seed);
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz234567";
  std::vector<std::string> keys(keys_count, std::string(7, ' '));
  for (std::string& key : keys) {
    for (char& c : key) c = letters[random.below(letters.size())];
  }
  return keys;
}

}  // namespace

// A record belongs to one topic's subscriptions only, so the ledger has as many of them as a topic has.
Generator::Generator(const Workload& workload, Driver& driver, Payloads payloads, RunOptions options)
    : workload_(workload),
      driver_(driver),
      payloads_(std::move(payloads)),
      options_(std::move(options)),
      ledger_(streams_of(workload), static_cast<std::size_t>(workload.subscriptions_per_topic)),
      random_(options_.seed),
      keys_(make_keys(workload, options_.seed)),
      next_partition_(static_cast<std::size_t>(workload.producers())),
      under_way_(static_cast<std::size_t>(workload.producers())) {
  // Producers begin at different partitions, as different programs would.
  for (std::size_t i = 0; i < next_partition_.size(); ++i)
    next_partition_[i] = static_cast<std::int32_t>(i % static_cast<std::size_t>(workload.partitions_per_topic));
}

Result<Outcome> Generator::run(const std::vector<std::string>& topics) {
  outcome_.workload = workload_;
  outcome_.seed = options_.seed;
  if (auto opened = driver_.open_producers(workload_, topics, *this); !opened) return opened.error();
  outcome_.started_unix_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  choose_target();
  started_ns_ = second_from_ns_ = driver_.now_ns();
  const std::int64_t test_ns = minutes_in_ns(workload_.test_minutes);
  if (workload_.backlog_gb > 0) {
    if (auto built = build_backlog(); !built) return built.error();
  } else {
    if (auto opened = driver_.open_consumers(); !opened) return opened.error();
    started_ns_ = second_from_ns_ = driver_.now_ns();
    begin_schedule(started_ns_);
    ends_ns_ = started_ns_ + minutes_in_ns(workload_.warmup_minutes) + test_ns;
    if (auto driven = drive(Phase::warm_up, ends_ns_ - test_ns, [] { return true; }); !driven) return driven.error();
  }
  const std::int64_t now = driver_.now_ns();
  begin_measuring(now);
  // A backlog must also be drained before the run may end.
  const auto floor =
      static_cast<std::uint64_t>(static_cast<double>(outcome_.backlog.records) * (1 - workload_.backlog_drain_ratio));
  const auto is_drained = [&] {
    if (outcome_.backlog.records == 0 || outcome_.backlog.drain_seconds > 0) return true;
    const std::uint64_t wanted = ledger_.sent_total() * static_cast<std::uint64_t>(workload_.subscriptions_per_topic);
    if (wanted - ledger_.received_total() > floor) return false;
    outcome_.backlog.drain_seconds = static_cast<double>(driver_.now_ns() - measured_from_ns_) / 1e9;
    return true;
  };
  ends_ns_ = std::max(ends_ns_, now + test_ns);
  if (auto driven = drive(Phase::measuring, ends_ns_, is_drained); !driven) return driven.error();
  if (auto finished = finish(); !finished) return finished.error();
  return std::move(outcome_);
}

void Generator::begin_schedule(std::int64_t now_ns) {
  if (!workload_.is_closed_loop())
    schedule_.emplace(workload_.arrivals, workload_.producer_rate, now_ns, options_.seed);
}

void Generator::begin_measuring(std::int64_t now_ns) {
  end_second(now_ns);
  measures_ = true;
  measured_from_ns_ = now_ns;
  if (options_.on_measuring) options_.on_measuring(now_ns);
}

// Until `end_ns` and until it is done, whichever is later.
Result<void> Generator::drive(Phase phase, std::int64_t end_ns, const std::function<bool()>& is_done) {
  phase_ = phase;
  for (;;) {
    const std::int64_t now = driver_.now_ns();
    look_at_second(now);
    outcome_.interrupted = outcome_.interrupted || options_.is_interrupted();
    if ((is_done() && now >= end_ns) || outcome_.interrupted) return {};
    const auto more = workload_.is_closed_loop() ? send_closed(now) : send_due(now);
    if (!more) return more.error();
    // What waits for room, or for its turn in the closed loop, is let go on by an acknowledgement, which ends the wait.
    std::int64_t until = now + look_at_least_ns;
    if (end_ns > now) until = std::min(until, end_ns);
    if (!workload_.is_closed_loop() && schedule_->due_ns() > now) until = std::min(until, schedule_->due_ns());
    if (auto polled = driver_.poll(*more ? now : until); !polled) return polled;
  }
}

Result<void> Generator::build_backlog() {
  const auto records =
      static_cast<std::uint64_t>(workload_.backlog_gb * 1e9 / static_cast<double>(workload_.message_size)) + 1;
  begin_schedule(started_ns_);
  ends_ns_ = started_ns_;
  const auto is_built = [&] { return ledger_.sent_total() >= records; };
  if (auto driven = drive(Phase::building_backlog, started_ns_, is_built); !driven) return driven;
  outcome_.backlog.build_seconds = static_cast<double>(driver_.now_ns() - started_ns_) / 1e9;
  outcome_.backlog.records = ledger_.sent_total();
  return driver_.open_consumers();
}

Result<void> Generator::finish() {
  const std::int64_t measured_end = driver_.now_ns();
  if (options_.on_measured) options_.on_measured();
  end_second(measured_end);
  outcome_.measured_seconds = static_cast<double>(measured_end - measured_from_ns_) / 1e9;
  phase_ = Phase::finishing;
  const std::int64_t give_up_ns = measured_end + options_.drain_ns;
  const auto is_done = [&] { return ledger_.is_complete() && acknowledged_total_ == ledger_.sent_total(); };
  while (!is_done() && driver_.now_ns() < give_up_ns) {
    if (auto polled = driver_.poll(driver_.now_ns() + look_at_least_ns); !polled) return polled;
  }
  ledger_.close();
  outcome_.sent_total = ledger_.sent_total();
  outcome_.received_total = ledger_.received_total();
  outcome_.missing = ledger_.missing();
  outcome_.repeated = ledger_.repeated();
  outcome_.corrupted = ledger_.corrupted_total();
  outcome_.unacknowledged = ledger_.sent_total() - acknowledged_total_;
  outcome_.problems = ledger_.problems();
  return {};
}

// Whether more could be sent at once; so for send_closed().
Result<bool> Generator::send_due(std::int64_t now_ns) {
  for (int i = 0; i < burst_max; ++i) {
    if (schedule_->due_ns() > now_ns) return false;
    const auto sent = send_next(schedule_->due_ns(), now_ns);
    if (!sent || !*sent) return sent;
    schedule_->advance();
  }
  return true;
}

// A broker may acknowledge faster than its consumers read. What goes through is what they have too.
bool Generator::outruns_consumers() const {
  constexpr std::uint64_t lag_max = 8;  // in records under way
  const auto subscriptions = static_cast<std::uint64_t>(workload_.subscriptions_per_topic);
  const auto under_way =
      static_cast<std::uint64_t>(workload_.records_in_flight) * static_cast<std::uint64_t>(workload_.producers());
  return workload_.backlog_gb == 0 &&
         ledger_.sent_total() * subscriptions > ledger_.received_total() + lag_max * under_way * subscriptions;
}

Result<bool> Generator::send_closed(std::int64_t now_ns) {
  if (outruns_consumers()) return false;
  int full = 0;
  for (int i = 0; i < burst_max; ++i) {
    for (; under_way_[static_cast<std::size_t>(producer_)] >= workload_.records_in_flight; choose_target()) {
      if (++full >= workload_.producers()) return false;
    }
    const auto sent = send_next(now_ns, now_ns);
    if (!sent || !*sent) return sent;
    full = 0;
  }
  return true;
}

// Sends the record whose place is chosen, and chooses the next one's. False when there is no room for it: it keeps its
// place, as a program's next record would wait for the one before it.
Result<bool> Generator::send_next(std::int64_t intended_ns, std::int64_t now_ns) {
  const auto stream = static_cast<std::uint32_t>(producer_ * workload_.partitions_per_topic + partition_);
  const std::string_view value = payloads_.next({ledger_.next_sequence(stream), intended_ns, stream});
  const auto sent = driver_.send({producer_, partition_, key_, value, intended_ns});
  if (!sent || !*sent) return sent;
  ledger_.sent(stream);
  ++under_way_[static_cast<std::size_t>(producer_)];
  ++second_.sent;
  if (phase_ == Phase::measuring) {
    ++outcome_.sent;
    if (is_measured(intended_ns)) outcome_.delay.record(now_ns - intended_ns);
  }
  choose_target();
  return true;
}

void Generator::choose_target() {
  producer_ = producer_ + 1 == workload_.producers() ? 0 : producer_ + 1;
  key_ = next_key();
  if (!key_.empty()) {
    partition_ = partition_of_key(base::as_bytes(key_), workload_.partitions_per_topic);
    return;
  }
  std::int32_t& next = next_partition_[static_cast<std::size_t>(producer_)];
  partition_ = next;
  next = next + 1 == workload_.partitions_per_topic ? 0 : next + 1;
}

std::string_view Generator::next_key() {
  if (workload_.keys == KeyDistributor::none) return {};
  if (workload_.keys == KeyDistributor::random) return keys_[random_.below(keys_.size())];
  next_key_ = next_key_ + 1 == keys_.size() ? 0 : next_key_ + 1;
  return keys_[next_key_];
}

void Generator::acknowledged(int producer, std::int64_t intended_ns) {
  ++acknowledged_total_;
  --under_way_[static_cast<std::size_t>(producer)];
  const std::int64_t latency = driver_.now_ns() - intended_ns;
  ++second_.acknowledged;
  second_publish_.record(latency);
  if (phase_ == Phase::measuring) ++outcome_.acknowledged;
  if (is_measured(intended_ns)) outcome_.publish.record(latency);
}

void Generator::received(int subscription, std::int32_t partition, std::string_view value) {
  const int topic = subscription / workload_.subscriptions_per_topic;
  const auto number = static_cast<std::size_t>(subscription % workload_.subscriptions_per_topic);
  const auto where = [&] { return "topic " + std::to_string(topic) + ", partition " + std::to_string(partition); };
  const std::optional<Stamp> stamp = read_stamp(value);
  if (!stamp || value.size() != workload_.message_size) return ledger_.corrupted(number, where());
  const auto partitions = static_cast<std::uint32_t>(workload_.partitions_per_topic);
  const auto producer = static_cast<int>(stamp->stream / partitions);
  const bool in_place = stamp->stream % partitions == static_cast<std::uint32_t>(partition) &&
                        producer / workload_.producers_per_topic == topic;
  if (!in_place) return ledger_.corrupted(number, where());
  if (!ledger_.received(number, *stamp)) return;
  const std::int64_t latency = driver_.now_ns() - stamp->intended_ns;
  ++second_.received;
  second_end_to_end_.record(latency);
  if (phase_ == Phase::measuring) ++outcome_.received;
  if (is_measured(stamp->intended_ns)) outcome_.end_to_end.record(latency);
}

void Generator::look_at_second(std::int64_t now_ns) {
  if (now_ns - second_from_ns_ >= second_ns) end_second(now_ns);
}

void Generator::end_second(std::int64_t now_ns) {
  const bool empty = second_.sent + second_.acknowledged + second_.received == 0;
  if (empty && now_ns - second_from_ns_ < second_ns / 100) {  // where a second and a phase end together
    second_from_ns_ = now_ns;
    return;
  }
  second_.at = static_cast<double>(now_ns - started_ns_) / 1e9;
  second_.length = static_cast<double>(now_ns - second_from_ns_) / 1e9;
  second_.warm_up = !measures_;
  second_.behind = behind(now_ns);
  second_.publish_p50 = second_publish_.percentile(50);
  second_.publish_p99 = second_publish_.percentile(99);
  second_.publish_max = second_publish_.max();
  second_.end_to_end_p50 = second_end_to_end_.percentile(50);
  second_.end_to_end_p99 = second_end_to_end_.percentile(99);
  second_.end_to_end_max = second_end_to_end_.max();
  if (measures_) second_.end_to_end_encoded = second_end_to_end_.encode();
  if (options_.on_second) options_.on_second(second_, std::max(0.0, static_cast<double>(ends_ns_ - now_ns) / 1e9));
  outcome_.seconds.push_back(std::move(second_));
  second_ = Second{};
  second_publish_.clear();
  second_end_to_end_.clear();
  second_from_ns_ = now_ns;
}

std::uint64_t Generator::behind(std::int64_t now_ns) const {
  if (workload_.is_closed_loop() || schedule_->due_ns() >= now_ns) return 0;
  return static_cast<std::uint64_t>(static_cast<double>(now_ns - schedule_->due_ns()) / 1e9 * workload_.producer_rate);
}

}  // namespace cms::client::bench
