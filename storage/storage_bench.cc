// SPDX-License-Identifier: Apache-2.0
// The logs against what the machine gives without them, alternating in one run, because a disk's speed wanders:
//
//   storage_bench --benchmark_filter='Persist|Recovery|GroupCommit|Open|Append' --benchmark_repetitions=5
//
// `ratio` is ours over raw. CMS_BENCH_DIRECTORY says on which file system (default: where temporary files go).
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/log.h"
#include "storage/file_system.h"
#include "storage/formats.h"
#include "storage/make_io_queue.h"
#include "storage/memory_log.h"
#include "storage/segmented_log.h"
#include "storage/test_batches.h"
#include "storage/test_directory.h"

namespace cms::storage {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::string root() {
  const char* given = std::getenv("CMS_BENCH_DIRECTORY");
  return given != nullptr ? given : std::filesystem::temp_directory_path().string();
}

struct Told final : IoCompletion {
  std::optional<base::Result<std::size_t>> result;
  void completed(base::Result<std::size_t> bytes) noexcept override { result = std::move(bytes); }
};

// What a broker has around a log.
struct House {
  TestDirectory directory{root()};
  FileSystem disk;
  OpenFiles files{disk, 1000};
  Arena arena{{.budget_bytes = 1ull << 30, .pool_bytes_max = 128 << 20}};
  base::SystemClock clock;
  std::unique_ptr<IoQueue> queue = make_io_queue(choose_io_queue_kind());

  std::unique_ptr<SegmentedLog> open(const std::string& name, const LogOptions& options = {}) {
    auto log = SegmentedLog::open({files, arena, clock}, directory / name, options, {});
    CHECK(log.ok());
    return std::move(*log);
  }
  void wait(const Told& told) {
    queue->submit();
    while (!told.result) {
      if (queue->reap() == 0) {
        pollfd ready{queue->ready_descriptor(), POLLIN, 0};
        ::poll(&ready, 1, 100);
      }
      queue->submit();
    }
  }
  void flush(SegmentedLog& log, bool sync) {
    Told told;
    log.start_flush(*queue, sync, told);
    wait(told);
    CHECK(log.finish_flush(std::move(*told.result)).ok());
  }
};

// 16 KB batches of 100-byte messages.
const std::vector<std::byte>& batch_of_16k() {
  static const std::vector<std::byte> bytes = test::make_batch({.records = 150, .payload_bytes = 16'000});
  return bytes;
}

void AppendToMemory(benchmark::State& state) {
  Arena arena({.budget_bytes = 256 << 20, .pool_bytes_max = 64 << 20});
  LogOptions options;
  options.retention.bytes = 128 << 20;
  MemoryLog log(arena, options, {});
  const auto batch = test::view_of(batch_of_16k());
  std::size_t appended = 0;
  for (auto _ : state) {
    CHECK(log.append(batch, 0, 0).ok());
    if (++appended % 64 == 0 && arena.wants_tidying()) {
      state.PauseTiming();
      arena.tidy();
      state.ResumeTiming();
    }
  }
  state.counters["ns_per_message"] = benchmark::Counter(static_cast<double>(state.iterations()) * 150e-9,
                                                        benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(batch.size()));
}
BENCHMARK(AppendToMemory);

// Rates in GB/s of a raw way and of ours that follow each other.
class Pairs {
 public:
  void add(double raw, double ours) {
    raw_ += raw;
    ours_ += ours;
    ratios_.push_back(ours / raw);
  }
  // Means of the rates; of the ratios within a pair the median and the range.
  void report(benchmark::State& state) {
    std::sort(ratios_.begin(), ratios_.end());
    const auto count = static_cast<double>(ratios_.size());
    state.counters["raw_GB_s"] = raw_ / count;
    state.counters["ours_GB_s"] = ours_ / count;
    state.counters["ratio"] = ratios_[ratios_.size() / 2];
    state.counters["ratio_low"] = ratios_.front();
    state.counters["ratio_high"] = ratios_.back();
  }

 private:
  double raw_ = 0;
  double ours_ = 0;
  std::vector<double> ratios_;
};

constexpr std::uint64_t stream_bytes = 512ull << 20;

double raw_buffered(const std::string& path) {
  const std::vector<char> block(1 << 20, 'x');
  const auto start = Clock::now();
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  CHECK(file >= 0);
  for (std::uint64_t at = 0; at < stream_bytes; at += block.size()) {
    CHECK(::pwrite(file, block.data(), block.size(), static_cast<off_t>(at)) == static_cast<ssize_t>(block.size()));
  }
  CHECK(::fdatasync(file) == 0);
  ::close(file);
  const double taken = seconds_since(start);
  ::unlink(path.c_str());
  return static_cast<double>(stream_bytes) / taken / 1e9;
}

// As acks=1 does: appends go on while a flush is under way; one sync at the end of both.
double ours_unsynced(House& house) {
  auto log = house.open("stream");
  const auto batch = test::view_of(batch_of_16k());
  const auto start = Clock::now();
  Told told;
  bool flushing = false;
  for (std::uint64_t bytes = 0; bytes < stream_bytes; bytes += batch.size()) {
    CHECK(log->append(batch, 0, 0).ok());
    if (flushing) {
      house.queue->reap();
      if (!told.result && log->unflushed_bytes() > 64 << 20) house.wait(told);
      if (told.result) {
        CHECK(log->finish_flush(std::move(*told.result)).ok());
        for (const auto& work : log->take_background_work()) CHECK(work().ok());
        flushing = false;
      }
    }
    if (!flushing && log->unflushed_bytes() >= 1 << 20) {
      told.result.reset();
      log->start_flush(*house.queue, false, told);
      house.queue->submit();
      flushing = true;
    }
  }
  if (flushing) {
    house.wait(told);
    CHECK(log->finish_flush(std::move(*told.result)).ok());
  }
  house.flush(*log, true);
  const double taken = seconds_since(start);
  CHECK(log->close().ok());
  log.reset();
  std::filesystem::remove_all(house.directory / "stream");
  return static_cast<double>(stream_bytes) / taken / 1e9;
}

void PersistUnsynced(benchmark::State& state) {
  House house;
  Pairs pairs;
  for (auto _ : state) {
    const double raw = raw_buffered(house.directory / "raw");
    pairs.add(raw, ours_unsynced(house));
  }
  pairs.report(state);
}
BENCHMARK(PersistUnsynced)->Iterations(3)->Unit(benchmark::kMillisecond);

// Groups of 64 KiB, each durable before the next, over blocks that were written before.
double raw_groups(const std::string& path, int groups) {
  constexpr std::size_t size = 64 << 10;
  const std::unique_ptr<void, void (*)(void*)> block(std::aligned_alloc(4096, size), &std::free);
  std::memset(block.get(), 'x', size);
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_DIRECT, 0600);
  CHECK(file >= 0);
  for (int i = 0; i < groups; ++i) {
    CHECK(::pwrite(file, block.get(), size, static_cast<off_t>(size) * i) == static_cast<ssize_t>(size));
  }
  CHECK(::fsync(file) == 0);
  const auto start = Clock::now();
  for (int i = 0; i < groups; ++i) {
    CHECK(::pwrite(file, block.get(), size, static_cast<off_t>(size) * i) == static_cast<ssize_t>(size));
    CHECK(::fdatasync(file) == 0);
  }
  const double taken = seconds_since(start);
  ::close(file);
  ::unlink(path.c_str());
  return taken / groups;
}

double ours_groups(House& house, int groups, std::size_t batches, std::size_t payload_bytes) {
  const auto bytes = test::make_batch({.records = 1, .payload_bytes = payload_bytes});
  auto log = house.open("groups");
  double taken = 0;
  for (int i = 0; i < groups; ++i) {
    const auto start = Clock::now();
    for (std::size_t n = 0; n < batches; ++n) CHECK(log->append(test::view_of(bytes), 0, 0).ok());
    house.flush(*log, true);
    taken += seconds_since(start);
    for (const auto& work : log->take_background_work()) CHECK(work().ok());  // elsewhere, in a broker
  }
  CHECK(log->close().ok());
  log.reset();
  std::filesystem::remove_all(house.directory / "groups");
  return taken / groups;
}

void GroupCommit64K(benchmark::State& state) {
  House house;
  double raw = 0, ours = 0;
  for (auto _ : state) {
    raw += raw_groups(house.directory / "raw", 500);
    ours += ours_groups(house, 500, 32, 2048 - records::header_size);
  }
  const auto runs = static_cast<double>(state.iterations());
  state.counters["raw_us"] = raw / runs * 1e6;
  state.counters["ours_us"] = ours / runs * 1e6;
  state.counters["bandwidth_ratio"] = raw / ours;
}
BENCHMARK(GroupCommit64K)->Iterations(3)->Unit(benchmark::kMillisecond);

// One small batch, synced: one durable 4 KiB write, if all is well.
void DurableBatch100B(benchmark::State& state) {
  House house;
  auto log = house.open("small");
  const auto bytes = test::make_batch({.records = 1, .payload_bytes = 100});
  for (auto _ : state) {
    CHECK(log->append(test::view_of(bytes), 0, 0).ok());
    house.flush(*log, true);
    state.PauseTiming();
    for (const auto& work : log->take_background_work()) CHECK(work().ok());
    state.ResumeTiming();
  }
}
BENCHMARK(DurableBatch100B)->Unit(benchmark::kMicrosecond)->UseRealTime();

void drop_cache(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY);
  CHECK(file >= 0 && ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0);
  ::close(file);
}

double raw_read(const std::string& path, std::uint64_t size) {
  std::vector<char> block(1 << 20);
  const auto start = Clock::now();
  const int file = ::open(path.c_str(), O_RDONLY);
  for (std::uint64_t at = 0; at < size;) {
    const ssize_t got = ::pread(file, block.data(), block.size(), static_cast<off_t>(at));
    CHECK(got > 0);
    at += static_cast<std::uint64_t>(got);
  }
  ::close(file);
  return static_cast<double>(size) / seconds_since(start) / 1e9;
}

// A segment of 1 GB, none of which an index vouches for, after a kill. range(0): whether the page cache has it.
void RecoveryScan(benchmark::State& state) {
  const bool cached = state.range(0) != 0;
  House house;
  LogOptions options;
  options.segment_bytes = 2'000'000'000;
  std::uint64_t size = 0;
  {
    auto log = house.open("big", options);
    while (size < 1'000'000'000) {
      for (int i = 0; i < 256; ++i) CHECK(log->append(test::view_of(batch_of_16k()), 0, 0).ok());
      house.flush(*log, false);
      for (const auto& work : log->take_background_work()) CHECK(work().ok());
      size = log->size_bytes();
    }
    house.flush(*log, true);
  }
  const std::string base = house.directory / "big/" + formats::offset_name(0, "");
  Pairs pairs;
  double taken = 0;
  base::set_log_level(base::LogLevel::error);
  for (auto _ : state) {
    std::filesystem::remove(base + ".cmsindex");
    if (!cached) drop_cache(base + ".log");
    const double raw = raw_read(base + ".log", size);
    if (!cached) drop_cache(base + ".log");
    const auto start = Clock::now();
    auto log = house.open("big", options);
    const double seconds = seconds_since(start);
    taken += seconds;
    pairs.add(raw, static_cast<double>(size) / seconds / 1e9);
    CHECK(log->size_bytes() == size);
  }
  base::set_log_level(base::LogLevel::info);
  state.counters["open_ms"] = taken / static_cast<double>(state.iterations()) * 1e3;
  pairs.report(state);
}
BENCHMARK(RecoveryScan)->Arg(0)->Arg(1)->Iterations(3)->Unit(benchmark::kMillisecond);

// 10,000 partitions: range(0) 0 never written, 1 closed cleanly with a few records.
void OpenTenThousand(benchmark::State& state) {
  House house;
  constexpr int partitions = 10'000;
  const bool written = state.range(0) != 0;
  const auto bytes = test::make_batch({.records = 1, .payload_bytes = 100});
  for (int i = 0; written && i < partitions; ++i) {
    auto log = house.open("topic-" + std::to_string(i));
    CHECK(log->append(test::view_of(bytes), 0, 0).ok());
    CHECK(log->close().ok());
  }
  std::uint64_t memory = 0;
  for (auto _ : state) {
    std::vector<std::unique_ptr<SegmentedLog>> logs;
    logs.reserve(partitions);
    for (int i = 0; i < partitions; ++i) logs.push_back(house.open("topic-" + std::to_string(i)));
    state.PauseTiming();
    memory = 0;
    for (const auto& log : logs) memory += log->memory_bytes();
    logs.clear();
    state.ResumeTiming();
  }
  state.counters["bytes_each"] = static_cast<double>(memory) / partitions;
}
BENCHMARK(OpenTenThousand)->Arg(0)->Arg(1)->Iterations(3)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace cms::storage
