// SPDX-License-Identifier: Apache-2.0
// Counters that are always on, and their text for Prometheus.
//
// A metric is created once through its Registry, which owns it and outlives its users. Updating one is a relaxed atomic
// addition on a cache line of the calling thread's: no lock, no contention between cores.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cms::base {

// All but the last belong to one thread each, the first to ask; the others share the last.
inline constexpr std::size_t metric_slots = 8;

std::size_t metric_slot();  // the calling thread's

class Counter {
 public:
  // A slot's only writer needs no locked instruction, which would wait for all stores before it, a message in a ring
  // another core reads among them.
  void add(std::uint64_t amount = 1) {
    const std::size_t slot = metric_slot();
    std::atomic<std::uint64_t>& value = slots_[slot].value;
    if (slot + 1 < metric_slots) {
      value.store(value.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    } else {
      value.fetch_add(amount, std::memory_order_relaxed);
    }
  }

  std::uint64_t total() const;

 private:
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> value{0};
  };
  std::array<Slot, metric_slots> slots_;
};

class Gauge {
 public:
  void set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(std::int64_t amount) { value_.fetch_add(amount, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  alignas(64) std::atomic<std::int64_t> value_{0};
};

// Durations in powers of two from 1 us to 33 s.
class DurationHistogram {
 public:
  static constexpr std::size_t buckets = 26;

  void record_ns(std::int64_t duration_ns);
  std::array<std::uint64_t, buckets + 1> counts() const;  // the last one: longer than all
  double sum_seconds() const { return static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) * 1e-9; }

 private:
  std::array<std::atomic<std::uint64_t>, buckets + 1> counts_{};
  std::atomic<std::int64_t> sum_ns_{0};
};

// Names follow Prometheus: snake_case, unit and `_total` last. Labels are given complete, as in `api="Fetch"`.
class Registry {
 public:
  Counter& counter(std::string name, std::string help, std::string labels = "");
  Gauge& gauge(std::string name, std::string help, std::string labels = "");
  DurationHistogram& histogram(std::string name, std::string help, std::string labels = "");

  // A value that is asked for when the text is made; called on the thread that makes it.
  void gauge_function(std::string name, std::string help, std::string labels, std::function<double()> value);

  // More text for the exposition, made when asked (per-topic figures, say). Called as gauge_function's.
  void collector(std::function<void(std::string&)> append);

  // Prometheus text exposition format 0.0.4. Any thread.
  std::string to_prometheus() const;

 private:
  struct Entry {
    std::string name, help, labels, type;
    std::function<void(std::string& text, const Entry& entry)> print;
  };
  void add(Entry entry);

  mutable std::mutex mutex_;
  std::vector<Entry> entries_;  // kept sorted by name, so that one name's series are together
  std::deque<Counter> counters_;
  std::deque<Gauge> gauges_;
  std::deque<DurationHistogram> histograms_;
  std::vector<std::function<void(std::string&)>> collectors_;
};

}  // namespace cms::base
