// SPDX-License-Identifier: Apache-2.0
// Runs a workload through a driver: warm-up, measurement, and the wait for what is still under way.
//
// The loop is open: a record is due when the schedule says so, and its latency counts from then, however late the
// client could send it. A broker that stands still for a second is seen in every record that was due in that second,
// not in one (coordinated omission). With a rate of 0 the loop is closed: each producer has so many records under way
// and sends the next when one is acknowledged; latency counts from the sending.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "client/bench/driver.h"
#include "client/bench/ledger.h"
#include "client/bench/outcome.h"
#include "client/bench/payload.h"
#include "client/bench/schedule.h"

namespace cms::client::bench {

struct RunOptions {
  std::uint64_t seed = 1;
  std::int64_t drain_ns = 30'000'000'000;  // how long after the last record the rest may still come
  std::function<void(const Second&, double seconds_left)> on_second{};
  std::function<void(std::int64_t now_ns)> on_measuring{};  // the warm-up is over
  std::function<void()> on_measured{};                      // what comes now does not count
  std::function<bool()> is_interrupted = [] { return false; };
};

// One owner, one thread; used for one run.
class Generator final : private Listener {
 public:
  Generator(const Workload& workload, Driver& driver, Payloads payloads, RunOptions options);

  // The topics exist, are empty, and are nobody else's. An error is the broker's or the driver's; records that were
  // lost, repeated or changed are in the outcome.
  Result<Outcome> run(const std::vector<std::string>& topics);

 private:
  enum class Phase { building_backlog, warm_up, measuring, finishing };

  void acknowledged(int producer, std::int64_t intended_ns) override;
  void received(int subscription, std::int32_t partition, std::string_view value) override;

  Result<void> drive(Phase phase, std::int64_t end_ns, const std::function<bool()>& is_done);
  Result<void> build_backlog();
  Result<void> finish();
  Result<bool> send_due(std::int64_t now_ns);
  Result<bool> send_closed(std::int64_t now_ns);
  bool outruns_consumers() const;
  Result<bool> send_next(std::int64_t intended_ns, std::int64_t now_ns);
  std::string_view next_key();
  void choose_target();
  void begin_measuring(std::int64_t now_ns);
  void look_at_second(std::int64_t now_ns);
  void end_second(std::int64_t now_ns);
  void begin_schedule(std::int64_t now_ns);
  bool is_measured(std::int64_t intended_ns) const { return measures_ && intended_ns >= measured_from_ns_; }
  std::uint64_t behind(std::int64_t now_ns) const;

  const Workload workload_;
  Driver& driver_;
  Payloads payloads_;
  const RunOptions options_;
  Ledger ledger_;
  std::optional<Schedule> schedule_;  // of the open loop
  base::Random random_;
  std::vector<std::string> keys_;

  // Where the next record goes.
  int producer_ = -1;
  std::int32_t partition_ = 0;
  std::string_view key_;
  std::vector<std::int32_t> next_partition_;  // of each producer
  std::size_t next_key_ = 0;
  std::vector<int> under_way_;  // of each producer

  Phase phase_ = Phase::warm_up;
  bool measures_ = false;
  std::int64_t started_ns_ = 0;
  std::int64_t ends_ns_ = 0;
  std::int64_t measured_from_ns_ = 0;
  std::uint64_t acknowledged_total_ = 0;

  Second second_;
  std::int64_t second_from_ns_ = 0;
  base::Histogram second_publish_;
  base::Histogram second_end_to_end_;
  Outcome outcome_;
};

}  // namespace cms::client::bench
