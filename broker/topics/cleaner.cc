// SPDX-License-Identifier: Apache-2.0
#include "broker/topics/cleaner.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/log.h"

namespace cms::broker {

namespace {

// Between two pieces of a compaction, some 150 us of work each. The kernel makes 50 to 60 us of it.
constexpr std::chrono::microseconds breath{1};

// Serving comes first: as `nice` would, for the calling thread alone. Not SCHED_IDLE: a run takes its partition's lock
// for moments, and whoever serves would wait for a thread that does not get the CPU to give it back.
void yield_to_others() {
  constexpr int niceness = 10;
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness);
}

}  // namespace

Cleaner::Cleaner(Topics& topics, const Options& options, base::Registry& metrics, std::uint64_t seed)
    : topics_(topics),
      enabled_(options.cleaner_enable),
      threads_max_(static_cast<std::size_t>(std::max(options.cleaner_threads, 1))),
      runs_(metrics.counter("cms_cleaner_runs_total", "Compactions of a partition.")),
      failures_(metrics.counter("cms_cleaner_failures_total", "Compactions that failed.")),
      read_bytes_(metrics.counter("cms_cleaner_read_bytes_total", "Bytes read by compactions.")),
      written_bytes_(metrics.counter("cms_cleaner_written_bytes_total", "Bytes written by compactions.")),
      removed_records_(metrics.counter("cms_cleaner_removed_records_total", "Records removed by compactions.")),
      durations_(metrics.histogram("cms_cleaner_run_seconds", "How long compactions of a partition took.")),
      settings_(settings_of(options)),
      random_(seed),
      paced_until_(SteadyClock::now()) {
  metrics.gauge_function("cms_cleaner_uncleanable_partitions", "Partitions whose compaction has failed.", "",
                         [this] { return static_cast<double>(uncleanable()); });
}

Cleaner::~Cleaner() { stop(); }

Cleaner::Settings Cleaner::settings_of(const Options& options) const {
  return {.map_bytes = static_cast<std::size_t>(options.cleaner_dedupe_buffer_bytes) / threads_max_,
          .io_buffer_bytes = static_cast<std::size_t>(options.cleaner_io_buffer_bytes) / threads_max_,
          .map_load = options.cleaner_io_buffer_load_factor,
          .bytes_per_second_max = options.cleaner_io_bytes_per_second_max,
          .backoff = std::chrono::milliseconds(options.cleaner_backoff_ms)};
}

// Whoever waits as the old rate has it goes on as the new one does.
void Cleaner::set_options(const Options& options) {
  {
    const std::lock_guard lock(mutex_);
    settings_ = settings_of(options);
    ++settings_version_;
    paced_until_ = SteadyClock::now();
  }
  changed_.notify_all();
}

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
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Cleaner::serve() {
  yield_to_others();
  while (true) {
    const bool cleaned = clean_one();
    std::unique_lock lock(mutex_);
    const auto woken = [this, version = settings_version_] { return stopping_ || settings_version_ != version; };
    if (!cleaned) changed_.wait_for(lock, settings_.backoff, woken);
    if (stopping_) return;
  }
}

bool Cleaner::clean_one() {
  const std::optional<Candidate> candidate = find_dirtiest();
  if (!candidate) return false;
  storage::CompactionSettings settings;
  settings.pace = [this](std::size_t bytes) { return pace(bytes); };
  std::size_t io_buffer_bytes = 0;
  {
    const std::lock_guard lock(mutex_);
    settings.map_bytes_max = settings_.map_bytes;
    settings.map_load = settings_.map_load;
    settings.hash_seed = random_.next();
    io_buffer_bytes = settings_.io_buffer_bytes;
  }
  const auto begun = SteadyClock::now();
  const auto result = candidate->partition->compact(candidate->range, std::move(settings), io_buffer_bytes);
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
  const std::chrono::duration<double> due(static_cast<double>(bytes) / settings_.bytes_per_second_max);
  paced_until_ = std::max(paced_until_, SteadyClock::now()) + std::chrono::duration_cast<SteadyClock::duration>(due);
  const SteadyClock::time_point until = paced_until_;
  const auto woken = [this, version = settings_version_] { return stopping_ || settings_version_ != version; };
  if (until > SteadyClock::now()) changed_.wait_until(lock, until, woken);
  if (stopping_) return false;
  lock.unlock();
  // Where no core is idle the kernel's own threads, which a durable write needs, wait for the scheduler's next tick, up
  // to 4 ms, whatever the priority of the thread that keeps the core busy; sched_yield() does not help them. One that
  // sleeps for a moment does.
  std::this_thread::sleep_for(breath);
  return true;
}

}  // namespace cms::broker
