// SPDX-License-Identifier: Apache-2.0
// Compacts the partitions of topics whose cleanup.policy has `compact`, on threads of its own (storage/compaction.h
// says what a run does).
//
// Each thread takes the partition that has the greatest share of uncompacted bytes, of those where it is above
// min.cleanable.dirty.ratio or whose oldest record waits for longer than max.compaction.lag.ms. When there is none it
// waits for log.cleaner.backoff.ms. A partition whose run fails is set aside for a while with one line in the journal;
// the others go on. All threads together read and write no faster than log.cleaner.io.max.bytes.per.second.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/random.h"
#include "broker/config/options.h"
#include "broker/topics/topics.h"

namespace cms::broker {

class Cleaner {
 public:
  using SteadyClock = std::chrono::steady_clock;

  // A partition that could not be compacted is tried again after this.
  static constexpr std::chrono::minutes set_aside_for{10};

  // Topics and metrics outlive it.
  Cleaner(Topics& topics, const Options& options, base::Registry& metrics, std::uint64_t seed);
  ~Cleaner();

  // What the broker's dynamic configs have made of the options: buffers and load count from the next run on, rate and
  // backoff at once. The number of threads stays that of the start. Any thread.
  void set_options(const Options& options);

  // No threads when log.cleaner.enable is false.
  void start();

  // Gives up what is under way, between two pieces, and joins the threads.
  void stop();

  // Compacts the partition that needs it most; false when none does. For the threads, and for tests without them.
  bool clean_one();

  std::size_t uncleanable() const;

 private:
  struct Candidate {
    std::shared_ptr<Partition> partition;
    storage::DirtyRange range;
  };
  struct Settings {
    std::size_t map_bytes;  // of each thread, as are the buffers
    std::size_t io_buffer_bytes;
    double map_load;
    double bytes_per_second_max;
    std::chrono::milliseconds backoff;
  };
  struct SetAside {
    std::weak_ptr<Partition> partition;
    SteadyClock::time_point until;
  };

  Settings settings_of(const Options& options) const;
  void serve();
  // One that another thread takes meanwhile refuses a second run.
  std::optional<Candidate> find_dirtiest();
  bool may_be_cleaned(const Partition* partition) const;  // mutex_
  void settle(const Candidate& done, const base::Result<storage::CompactionStats>& result, SteadyClock::duration taken);
  bool pace(std::size_t bytes);

  Topics& topics_;
  const bool enabled_;
  const std::size_t threads_max_;

  base::Counter& runs_;
  base::Counter& failures_;
  base::Counter& read_bytes_;
  base::Counter& written_bytes_;
  base::Counter& removed_records_;
  base::DurationHistogram& durations_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  Settings settings_;
  std::uint64_t settings_version_ = 0;
  base::Random random_;
  std::map<const Partition*, SetAside> set_aside_;
  SteadyClock::time_point paced_until_;  // when what was read and written so far may have been, at the rate allowed

  std::vector<std::thread> threads_;
};

}  // namespace cms::broker
