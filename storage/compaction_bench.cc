// SPDX-License-Identifier: Apache-2.0
// Compaction against a copy of the same files by read and write, alternating in one run:
//
//   storage_bench --benchmark_filter=Compaction
//
// Both read what the page cache does not have, and end with a sync. CMS_BENCH_COMPACTION_MB is the log's size (256),
// CMS_BENCH_DIRECTORY says on which file system.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include <benchmark/benchmark.h>

#include "base/random.h"
#include "storage/file_system.h"
#include "storage/formats.h"
#include "storage/inline_queue.h"
#include "storage/keyed_records.h"
#include "storage/segmented_log.h"
#include "storage/test_batches.h"
#include "storage/test_directory.h"

namespace cms::storage {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t batch_bytes = 16'000;
constexpr std::uint64_t flush_bytes = 8u << 20;

struct Told final : IoCompletion {
  std::optional<base::Result<std::size_t>> result;
  void completed(base::Result<std::size_t> bytes) noexcept override { result = std::move(bytes); }
};

std::string bench_root() {
  const char* given = std::getenv("CMS_BENCH_DIRECTORY");
  return given != nullptr ? given : std::filesystem::temp_directory_path().string();
}

std::uint64_t log_bytes() {
  const char* given = std::getenv("CMS_BENCH_COMPACTION_MB");
  return (given != nullptr ? std::strtoull(given, nullptr, 10) : 256) << 20;
}

class KeyedLog {
 public:
  explicit KeyedLog(std::uint64_t bytes, std::size_t value_bytes) {
    options_.segment_bytes = 64u << 20;
    log_ = SegmentedLog::open({files_, arena_, clock_}, directory_ / "log", options_, {}).value();
    const std::uint64_t keys = bytes / (value_bytes + 20) / 4;  // each key about four times
    base::Random random(1);
    for (std::uint64_t unflushed = 0; log_->size_bytes() < bytes; unflushed += batch_bytes) {
      records::BatchBuilder builder;
      while (builder.size() < batch_bytes) {
        const std::string key = "key-" + std::to_string(random.below(keys));
        builder.add({1000, base::as_bytes(key), base::as_bytes(std::string(value_bytes, 'v')), {}});
      }
      const auto batch = builder.finish();
      CHECK(log_->append(test::view_of(batch), 0, 0).ok());
      if (unflushed >= flush_bytes) unflushed = flush();
    }
    flush();
  }

  SegmentedLog& log() { return *log_; }

  // Segments that can be compacted.
  std::vector<std::string> files() {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / "log")) {
      if (entry.path().extension() == formats::log_suffix) paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    paths.pop_back();
    return paths;
  }
  std::string path(const std::string& name) const { return directory_ / name; }

 private:
  std::uint64_t flush() {
    Told told;
    InlineQueue queue;
    log_->start_flush(queue, true, told);
    queue.reap();
    CHECK(log_->finish_flush(std::move(*told.result)).ok());
    for (const auto& work : log_->take_background_work()) CHECK(work().ok());
    return 0;
  }

  TestDirectory directory_{bench_root()};
  FileSystem disk_;
  OpenFiles files_{disk_, 100};
  Arena arena_{{.budget_bytes = 256u << 20, .pool_bytes_max = 64u << 20}};
  base::SystemClock clock_;
  LogOptions options_;
  std::unique_ptr<SegmentedLog> log_;
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void forget_cached(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    const int file = ::open(path.c_str(), O_RDONLY);
    CHECK(file >= 0 && ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0);
    ::close(file);
  }
}

std::uint64_t copy_all(const std::vector<std::string>& from, const std::string& to) {
  std::vector<char> block(1u << 20);
  std::uint64_t bytes = 0;
  for (const std::string& path : from) {
    const int source = ::open(path.c_str(), O_RDONLY);
    const int copy = ::open(to.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(source >= 0 && copy >= 0);
    for (ssize_t got = 0; (got = ::read(source, block.data(), block.size())) > 0;) {
      CHECK(::write(copy, block.data(), static_cast<std::size_t>(got)) == got);
      bytes += static_cast<std::uint64_t>(got);
    }
    CHECK(::fdatasync(copy) == 0);
    ::close(source);
    ::close(copy);
  }
  std::filesystem::remove(to);
  return bytes;
}

// range(0): bytes of a value.
void Compaction(benchmark::State& state) {
  double copied = 0, compacted = 0, bytes = 0, records = 0;
  for (auto _ : state) {
    state.PauseTiming();
    KeyedLog keyed(log_bytes(), static_cast<std::size_t>(state.range(0)));
    const auto files = keyed.files();
    forget_cached(files);
    auto start = Clock::now();
    const std::uint64_t size = copy_all(files, keyed.path("copy"));
    copied += seconds_since(start);
    forget_cached(files);
    state.ResumeTiming();
    start = Clock::now();
    const auto done = test::compact_all(keyed.log(), {.now_ms = 2000, .map_bytes_max = 128u << 20});
    compacted += seconds_since(start);
    CHECK(done.ok() && done->groups_replaced > 0);
    bytes += static_cast<double>(size);
    records += static_cast<double>(done->records_read);
    state.PauseTiming();
    state.counters["kept"] = static_cast<double>(done->bytes_written) / static_cast<double>(size);
    state.ResumeTiming();
  }
  state.counters["copy_MB_s"] = bytes / copied / 1e6;
  state.counters["compaction_MB_s"] = bytes / compacted / 1e6;
  state.counters["million_records_s"] = records / compacted / 1e6;
  state.counters["ratio"] = copied / compacted;
}
BENCHMARK(Compaction)->Arg(100)->Arg(1000)->Iterations(3)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace cms::storage
