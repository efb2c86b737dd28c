// SPDX-License-Identifier: Apache-2.0
// The shared-memory channel against raw shared memory, between two processes, alternating in one run:
//
//   transport_bench --benchmark_filter=RoundTrip    spinning and asleep: p50 and p99, ours over raw
//   transport_bench --benchmark_filter=Stream       messages a second, ours over raw
//
// An iteration is one round of each; the counters are medians over the rounds.
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "transport/raw_ring.h"
#include "transport/shared_memory_channel.h"

namespace cms::transport::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t ring_bytes = 4 << 20;

double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

void pin(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

// A process, on the second processor, that runs until it is let go.
class Child {
 public:
  explicit Child(const std::function<void()>& run) {
    pin(1);  // it begins there: under a real-time policy a parent that spins would never let it move
    process_ = ::fork();
    CHECK(process_ >= 0);
    if (process_ != 0) {
      pin(0);
      return;
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    run();
    ::_exit(0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }

 private:
  pid_t process_;
};

struct Percentiles {
  double p50, p99;
};

Percentiles percentiles_of(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values[values.size() * 99 / 100]};
}

// Medians of what each round has told, and the range of the ratio.
class Rounds {
 public:
  void tell(const std::string& name, double value) { told_[name].push_back(value); }
  void report(benchmark::State& state) {
    for (auto& [name, values] : told_) {
      std::sort(values.begin(), values.end());
      state.counters[name] = values[values.size() / 2];
      if (name != "ratio") continue;
      state.counters["ratio_low"] = values.front();
      state.counters["ratio_high"] = values.back();
    }
  }

 private:
  std::map<std::string, std::vector<double>> told_;
};

struct CopyingReceiver final : MessageReceiver {
  std::vector<std::byte> bytes;
  std::uint64_t messages = 0;
  explicit CopyingReceiver(std::size_t message_bytes) : bytes(message_bytes) {}
  void received(base::ByteSpan message) override {
    std::memcpy(bytes.data(), message.data(), std::min(message.size(), bytes.size()));
    ++messages;
  }
};

Percentiles raw_round_trip(std::size_t bytes, Wait wait, std::uint32_t trips) {
  auto& memory = shared<RawPingPong>();
  std::vector<std::byte> message(bytes);
  std::vector<double> taken;
  taken.reserve(trips);
  {
    const Child echo([&] {
      for (std::uint32_t i = 1;; ++i) {
        memory.receive(0, i, message.data(), bytes, wait);
        memory.send(1, i, message.data(), bytes, wait);
      }
    });
    for (std::uint32_t i = 1; i <= trips + trips / 10; ++i) {
      const Clock::time_point start = Clock::now();
      memory.send(0, i, message.data(), bytes, wait);
      memory.receive(1, i, message.data(), bytes, wait);
      if (i > trips / 10) taken.push_back(microseconds_since(start));
    }
  }
  unshare(memory);
  return percentiles_of(taken);
}

struct Pair {
  std::unique_ptr<SharedMemoryChannel> broker, client;

  Pair() {
    auto made = SharedMemoryChannel::create(ring_bytes);
    CHECK(made.ok());
    broker = std::move(*made);
    const auto [memory, bell] = broker->descriptors();
    auto attached = SharedMemoryChannel::attach({Descriptor(::dup(memory)), Descriptor(::dup(bell))}, ring_bytes);
    CHECK(attached.ok());
    client = std::move(*attached);
  }
};

void receive_one(Channel& channel, CopyingReceiver& receiver, Wait wait) {
  for (;;) {
    const auto polled = channel.poll(receiver, 64);
    CHECK(polled.ok());
    if (*polled > 0) return;
    if (wait == Wait::spin) {
      pause_processor();
      continue;
    }
    if (channel.prepare_to_sleep()) {
      pollfd ready{channel.wake_descriptor(), POLLIN, 0};
      ::poll(&ready, 1, -1);
    }
    channel.awake();
  }
}

void send_one(Channel& channel, const std::vector<std::byte>& message) {
  const base::Bytes part(nullptr, message);
  while (channel.offer(std::span(&part, 1)) != Offered::taken) pause_processor();
  channel.flush();
}

Percentiles our_round_trip(std::size_t bytes, Wait wait, std::uint32_t trips) {
  const Pair pair;
  CopyingReceiver receiver(bytes);
  std::vector<double> taken;
  taken.reserve(trips);
  const Child echo([&] {
    for (;;) {
      receive_one(*pair.client, receiver, wait);
      send_one(*pair.client, receiver.bytes);
    }
  });
  for (std::uint32_t i = 1; i <= trips + trips / 10; ++i) {
    const Clock::time_point start = Clock::now();
    send_one(*pair.broker, receiver.bytes);
    receive_one(*pair.broker, receiver, wait);
    if (i > trips / 10) taken.push_back(microseconds_since(start));
  }
  return percentiles_of(taken);
}

void round_trip(benchmark::State& state, Wait wait, std::uint32_t trips) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  Rounds rounds;
  for (auto _ : state) {
    const Percentiles raw = raw_round_trip(bytes, wait, trips), ours = our_round_trip(bytes, wait, trips);
    rounds.tell("raw_p50_us", raw.p50);
    rounds.tell("ours_p50_us", ours.p50);
    rounds.tell("ratio_p50", ours.p50 / raw.p50);
    rounds.tell("ratio_p99", ours.p99 / raw.p99);
  }
  rounds.report(state);
}
void RoundTripSpinning(benchmark::State& state) { round_trip(state, Wait::spin, 20'000); }
void RoundTripAsleep(benchmark::State& state) { round_trip(state, Wait::futex, 5'000); }
BENCHMARK(RoundTripSpinning)->Arg(100)->Arg(1000)->Arg(10'000)->Iterations(5)->Unit(benchmark::kMillisecond);
BENCHMARK(RoundTripAsleep)->Arg(100)->Arg(1000)->Arg(10'000)->Iterations(5)->Unit(benchmark::kMillisecond);

constexpr double stream_seconds = 0.15;

double raw_stream(std::size_t bytes) {
  auto& memory = shared<RawStream>();
  std::vector<std::byte> message(bytes);
  double rate = 0;
  {
    const Child reader([&] { memory.read_for_ever(message.data(), bytes); });
    const std::size_t slots = RawStream::slots(bytes), slot = RawStream::slot_bytes(bytes);
    const Clock::time_point start = Clock::now();
    std::uint64_t read = 0;
    for (std::uint64_t next = 0;; ++next) {
      if (next % 1024 == 0 && microseconds_since(start) > stream_seconds * 1e6) break;
      while (next - read >= slots) {
        read = memory.read.load(std::memory_order_acquire);
        if (next - read >= slots) pause_processor();
      }
      std::memcpy(memory.data + next % slots * slot, message.data(), bytes);
      memory.written.store(next + 1, std::memory_order_release);
    }
    rate = static_cast<double>(memory.told.load()) / microseconds_since(start);
  }
  unshare(memory);
  return rate;
}

// `messages_in_turn` are offered before they are flushed, as a turn of the broker does.
double our_stream(std::size_t bytes, int messages_in_turn) {
  const Pair pair;
  auto& told = shared<std::atomic<std::uint64_t>>();
  const std::vector<std::byte> message(bytes);
  const base::Bytes part(nullptr, message);
  double rate = 0;
  {
    const Child reader([&] {
      CopyingReceiver receiver(bytes);
      for (;;) {
        const auto polled = pair.client->poll(receiver, 64);
        CHECK(polled.ok());
        if (*polled == 0)
          pause_processor();
        else
          told.store(receiver.messages, std::memory_order_relaxed);
      }
    });
    Channel& out = *pair.broker;
    const Clock::time_point start = Clock::now();
    while (microseconds_since(start) < stream_seconds * 1e6) {
      for (int turn = 0; turn < 64; ++turn) {
        for (int i = 0; i < messages_in_turn; ++i) {
          while (out.offer(std::span(&part, 1)) == Offered::full) {
            out.flush();
            pause_processor();
          }
        }
        out.flush();
      }
    }
    rate = static_cast<double>(told.load()) / microseconds_since(start);
  }
  unshare(told);
  return rate;
}

void Stream(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  const auto messages_in_turn = static_cast<int>(state.range(1));
  Rounds rounds;
  for (auto _ : state) {
    const double raw = raw_stream(bytes), ours = our_stream(bytes, messages_in_turn);
    rounds.tell("raw_M_per_s", raw);
    rounds.tell("ours_M_per_s", ours);
    rounds.tell("ratio", ours / raw);
  }
  rounds.report(state);
}
BENCHMARK(Stream)
    ->ArgNames({"bytes", "in_turn"})
    ->ArgsProduct({{100, 1000, 10'000}, {1, 16}})
    ->Iterations(5)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace cms::transport::bench
