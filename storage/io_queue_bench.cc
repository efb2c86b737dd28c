// SPDX-License-Identifier: Apache-2.0
// One durable 4 KiB overwrite of prewritten blocks at a time: blocking calls against the queues, which wake an epoll as
// a core's loop is woken. Interleave the runs, because the device's speed wanders:
//
//   storage_bench --benchmark_filter=Durable --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true
//
// CMS_BENCH_DIRECTORY says on which file system (default: where temporary files go).
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include <benchmark/benchmark.h>

#include "storage/file_system.h"
#include "storage/io_queue.h"
#include "storage/make_io_queue.h"
#include "storage/test_directory.h"
#include "storage/thread_queue.h"
#include "storage/uring_queue.h"

namespace cms::storage {
namespace {

constexpr std::size_t file_blocks = 4096;

struct Finished final : IoCompletion {
  bool told = false;
  void completed(base::Result<std::size_t> bytes) noexcept override {
    CHECK(bytes.ok());
    told = true;
  }
};

std::string bench_root() {
  const char* root = std::getenv("CMS_BENCH_DIRECTORY");
  return root != nullptr ? root : std::filesystem::temp_directory_path().string();
}

// A file whose blocks were all written and synced once, and the next block to overwrite.
class Prewritten {
 public:
  Prewritten()
      : directory_(bench_root()),
        block_(static_cast<std::byte*>(std::aligned_alloc(disk_block_bytes, size)), &std::free) {
    std::fill_n(block_.get(), size, std::byte{'x'});
    auto file = disk_.open(directory_ / "blocks", OpenMode::create_direct);
    CHECK(file.ok());
    file_ = std::move(*file);
    for (std::size_t i = 0; i < file_blocks; ++i) CHECK(file_->write_at(i * size, block()).ok());
    CHECK(file_->sync().ok());
  }

  File& file() { return *file_; }
  base::ByteSpan block() const { return {block_.get(), size}; }
  std::uint64_t next_position() { return (next_++ % file_blocks) * size; }

 private:
  static constexpr std::size_t size = disk_block_bytes;
  TestDirectory directory_;
  FileSystem disk_;
  std::unique_ptr<File> file_;
  std::unique_ptr<std::byte, decltype(&std::free)> block_;
  std::size_t next_ = 0;
};

// Times each iteration, because the mean says little about a disk.
class Percentiles {
 public:
  void start() { started_ = std::chrono::steady_clock::now(); }
  void stop() {
    us_.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - started_).count());
  }
  void report(benchmark::State& state) {
    std::sort(us_.begin(), us_.end());
    state.counters["p50_us"] = us_[us_.size() / 2];
    state.counters["p99_us"] = us_[us_.size() * 99 / 100];
  }

 private:
  std::chrono::steady_clock::time_point started_;
  std::vector<double> us_;
};

void DurableBlocking(benchmark::State& state) {
  Prewritten blocks;
  Percentiles times;
  const int descriptor = blocks.file().descriptor();
  for (auto _ : state) {
    times.start();
    CHECK(::pwrite(descriptor, blocks.block().data(), disk_block_bytes, static_cast<off_t>(blocks.next_position())) ==
          disk_block_bytes);
    CHECK(::fdatasync(descriptor) == 0);
    times.stop();
  }
  times.report(state);
}
BENCHMARK(DurableBlocking)->Iterations(1000)->UseRealTime();

void DurableQueued(benchmark::State& state, IoQueue& queue) {
  Prewritten blocks;
  Percentiles times;
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event interest{.events = EPOLLIN, .data = {}};
  CHECK(::epoll_ctl(poller, EPOLL_CTL_ADD, queue.ready_descriptor(), &interest) == 0);
  for (auto _ : state) {
    Finished done;
    const base::ByteSpan pieces[] = {blocks.block()};
    times.start();
    queue.write(blocks.file(), blocks.next_position(), pieces, true, done);
    queue.submit();
    while (!done.told) {
      epoll_event event;
      ::epoll_wait(poller, &event, 1, -1);
      queue.reap();
    }
    times.stop();
  }
  ::close(poller);
  times.report(state);
}

void DurableUring(benchmark::State& state) {
  auto queue = UringQueue::make();
  if (!queue) return state.SkipWithError(queue.error().message().c_str());
  DurableQueued(state, **queue);
}
BENCHMARK(DurableUring)->Iterations(1000)->UseRealTime();

void DurableThreads(benchmark::State& state) {
  ThreadQueue queue;
  DurableQueued(state, queue);
}
BENCHMARK(DurableThreads)->Iterations(1000)->UseRealTime();

}  // namespace
}  // namespace cms::storage
