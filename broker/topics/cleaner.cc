// SPDX-License-Identifier: Apache-2.0
#include "broker/topics/cleaner.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"

namespace cms::broker {

namespace {

// Serving comes first: as `nice` would, for the calling thread alone.
void yield_to_others() {
  constexpr int niceness = 10;
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness);
}

}  // namespace

Cleaner::Cleaner(Topics& topics, const Options& options, base::Registry& metrics, std::uint64_t seed)
    : topics_(topics),
      enabled_(options.cleaner_enable),
      threads_max_(static_cast<std::size_t>(std::max(options.cleaner_threads, 1))),
      map_bytes_(static_cast<std::size_t>(options.cleaner_dedupe_buffer_bytes) / threads_max_),
      io_buffer_bytes_(static_cast<std::size_t>(options.cleaner_io_buffer_bytes) / threads_max_),
      map_load_(options.cleaner_io_buffer_load_factor),
      bytes_per_second_max_(options.cleaner_io_bytes_per_second_max),
      backoff_(options.cleaner_backoff_ms),
      runs_(metrics.counter("cms_cleaner_runs_total", "Compactions of a partition.")),
      failures_(metrics.counter("cms_cleaner_failures_total", "Compactions that failed.")),
      read_bytes_(metrics.counter("cms_cleaner_read_bytes_total", "Bytes read by compactions.")),
      written_bytes_(metrics.counter("cms_cleaner_written_bytes_total", "Bytes written by compactions.")),
      removed_records_(metrics.counter("cms_cleaner_removed_records_total", "Records removed by compactions.")),
      durations_(metrics.histogram("cms_cleaner_run_seconds", "How long compactions of a partition took.")),
      random_(seed),
      paced_until_(SteadyClock::now()) {
  metrics.gauge_function("cms_cleaner_uncleanable_partitions", "Partitions whose compaction has failed.", "",
                         [this] { return static_cast<double>(uncleanable()); });
}

Cleaner::~Cleaner() { stop(); }

void Cleaner::start() {
  if (!enabled_) return;
  for (std::size_t i = 0; i < threads_max_; ++i) {
    threads_.emplace_back([this] { serve(); });
    pthread_setname_np(threads_.back().native_handle(), ("cleaner-" + std::to_string(i)).c_str());
  }
}

void Cleaner::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopping_changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Cleaner::serve() {
  yield_to_others();
  while (true) {
    const bool cleaned = clean_one();
    std::unique_lock lock(mutex_);
    if (!cleaned) stopping_changed_.wait_for(lock, backoff_, [this] { return stopping_; });
    if (stopping_) return;
  }
}

bool Cleaner::clean_one() {
  const std::optional<Candidate> candidate = find_dirtiest();
  if (!candidate) return false;
  storage::CompactionSettings settings;
  settings.map_bytes_max = map_bytes_;
  settings.map_load = map_load_;
  settings.pace = [this](std::size_t bytes) { return pace(bytes); };
  {
    const std::lock_guard lock(mutex_);
    settings.hash_seed = random_.next();
  }
  const auto begun = SteadyClock::now();
  const auto result = candidate->partition->compact(candidate->range, std::move(settings), io_buffer_bytes_);
  settle(*candidate, result, SteadyClock::now() - begun);
  return true;
}

bool Cleaner::may_be_cleaned(const Partition* partition) const {
  const auto found = set_aside_.find(partition);
  return found == set_aside_.end() || found->second.partition.lock().get() != partition ||
         SteadyClock::now() >= found->second.until;
}

std::optional<Cleaner::Candidate> Cleaner::find_dirtiest() {
  std::optional<Candidate> dirtiest;
  for (const TopicHandle& topic : topics_.all()) {
    if (!topic->config->cleanup_compact) continue;
    for (const auto& partition : topic->partitions) {
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) return std::nullopt;
        if (!may_be_cleaned(partition.get())) continue;
      }
      const storage::DirtyRange range = partition->dirty_range();
      if (range.empty()) continue;
      if (!range.overdue && range.dirty_ratio() <= topic->config->min_cleanable_dirty_ratio) continue;
      if (dirtiest && dirtiest->range.dirty_ratio() >= range.dirty_ratio()) continue;
      dirtiest = Candidate{partition, range};
    }
  }
  return dirtiest;
}

void Cleaner::settle(const Candidate& done, const base::Result<storage::CompactionStats>& result,
                     SteadyClock::duration taken) {
  const Partition::Identity& identity = done.partition->identity();
  bool failed_before = false;
  {
    const std::lock_guard lock(mutex_);
    const Partition* const partition = done.partition.get();
    std::erase_if(set_aside_, [](const auto& entry) { return entry.second.partition.expired(); });
    failed_before = set_aside_.count(partition) > 0;
    if (result) set_aside_.erase(partition);
    const bool failed = !result && result.error().kind() != base::ErrorKind::closed;
    if (failed) set_aside_[partition] = {done.partition, SteadyClock::now() + set_aside_for};
  }
  if (result) {
    runs_.add();
    read_bytes_.add(result->bytes_read);
    written_bytes_.add(result->bytes_written);
    removed_records_.add(result->records_removed);
    durations_.record_ns(std::chrono::nanoseconds(taken).count());
    base::log_debug("compacted", "topic", identity.topic, "partition", identity.index, "read", result->bytes_read,
                    "written", result->bytes_written, "removed", result->records_removed, "up_to", result->first_dirty);
    if (failed_before) base::log_info("compaction works again", "topic", identity.topic, "partition", identity.index);
    return;
  }
  if (result.error().kind() == base::ErrorKind::closed) return;
  failures_.add();
  if (failed_before) return;
  base::log_error("partition is not compacted for now", "topic", identity.topic, "partition", identity.index, "why",
                  result.error().message());
}

std::size_t Cleaner::uncleanable() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(set_aside_, [](const auto& entry) { return !entry.second.partition.expired(); }));
}

// Whoever has read or written waits until it would have been done at the rate allowed. An idle time is not saved up.
bool Cleaner::pace(std::size_t bytes) {
  std::unique_lock lock(mutex_);
  const std::chrono::duration<double> due(static_cast<double>(bytes) / bytes_per_second_max_);
  paced_until_ = std::max(paced_until_, SteadyClock::now()) + std::chrono::duration_cast<SteadyClock::duration>(due);
  const SteadyClock::time_point until = paced_until_;
  stopping_changed_.wait_until(lock, until, [this] { return stopping_; });
  return !stopping_;
}

}  // namespace cms::broker
