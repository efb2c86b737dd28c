// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.h"

#include <algorithm>
#include <bit>

#include <spdlog/fmt/fmt.h>

namespace cms::base {

namespace {

std::string series(std::string_view name, std::string_view labels, std::string_view extra = "") {
  std::string text(name);
  if (labels.empty() && extra.empty()) return text;
  text += '{';
  text += labels;
  if (!labels.empty() && !extra.empty()) text += ',';
  text += extra;
  text += '}';
  return text;
}

void print_histogram(std::string& text, std::string_view name, std::string_view labels,
                     const DurationHistogram& histogram) {
  const auto counts = histogram.counts();
  std::uint64_t running = 0;
  for (std::size_t i = 0; i < DurationHistogram::buckets; ++i) {
    running += counts[i];
    const double limit_s = static_cast<double>(std::uint64_t{1} << i) * 1e-6;
    text += fmt::format("{} {}\n", series(fmt::format("{}_bucket", name), labels, fmt::format("le=\"{:g}\"", limit_s)),
                        running);
  }
  running += counts.back();
  text += fmt::format("{} {}\n", series(fmt::format("{}_bucket", name), labels, "le=\"+Inf\""), running);
  text += fmt::format("{} {:.9g}\n", series(fmt::format("{}_sum", name), labels), histogram.sum_seconds());
  text += fmt::format("{} {}\n", series(fmt::format("{}_count", name), labels), running);
}

}  // namespace

std::size_t metric_slot() {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t slot = std::min(threads.fetch_add(1, std::memory_order_relaxed), metric_slots - 1);
  return slot;
}

std::uint64_t Counter::total() const {
  std::uint64_t sum = 0;
  for (const Slot& slot : slots_) sum += slot.value.load(std::memory_order_relaxed);
  return sum;
}

void DurationHistogram::record_ns(std::int64_t duration_ns) {
  const std::uint64_t us = duration_ns <= 0 ? 0 : (static_cast<std::uint64_t>(duration_ns) + 999) / 1000;
  // Bucket i holds durations of at most 2^i microseconds.
  const std::size_t bucket = us <= 1 ? 0 : static_cast<std::size_t>(std::bit_width(us - 1));
  counts_[std::min(bucket, buckets)].fetch_add(1, std::memory_order_relaxed);
  sum_ns_.fetch_add(duration_ns, std::memory_order_relaxed);
}

std::array<std::uint64_t, DurationHistogram::buckets + 1> DurationHistogram::counts() const {
  std::array<std::uint64_t, buckets + 1> copy;
  for (std::size_t i = 0; i < copy.size(); ++i) copy[i] = counts_[i].load(std::memory_order_relaxed);
  return copy;
}

void Registry::add(Entry entry) {
  const std::lock_guard lock(mutex_);
  const auto place = std::upper_bound(entries_.begin(), entries_.end(), entry.name,
                                      [](const std::string& name, const Entry& other) { return name < other.name; });
  entries_.insert(place, std::move(entry));
}

Counter& Registry::counter(std::string name, std::string help, std::string labels) {
  Counter* made;
  {
    const std::lock_guard lock(mutex_);
    made = &counters_.emplace_back();
  }
  add({std::move(name), std::move(help), std::move(labels), "counter", [made](std::string& text, const Entry& entry) {
         text += fmt::format("{} {}\n", series(entry.name, entry.labels), made->total());
       }});
  return *made;
}

Gauge& Registry::gauge(std::string name, std::string help, std::string labels) {
  Gauge* made;
  {
    const std::lock_guard lock(mutex_);
    made = &gauges_.emplace_back();
  }
  add({std::move(name), std::move(help), std::move(labels), "gauge", [made](std::string& text, const Entry& entry) {
         text += fmt::format("{} {}\n", series(entry.name, entry.labels), made->value());
       }});
  return *made;
}

DurationHistogram& Registry::histogram(std::string name, std::string help, std::string labels) {
  DurationHistogram* made;
  {
    const std::lock_guard lock(mutex_);
    made = &histograms_.emplace_back();
  }
  add({std::move(name), std::move(help), std::move(labels), "histogram",
       [made](std::string& text, const Entry& entry) { print_histogram(text, entry.name, entry.labels, *made); }});
  return *made;
}

void Registry::gauge_function(std::string name, std::string help, std::string labels, std::function<double()> value) {
  add({std::move(name), std::move(help), std::move(labels), "gauge",
       [value = std::move(value)](std::string& text, const Entry& entry) {
         text += fmt::format("{} {:.17g}\n", series(entry.name, entry.labels), value());
       }});
}

void Registry::collector(std::function<void(std::string&)> append) {
  const std::lock_guard lock(mutex_);
  collectors_.push_back(std::move(append));
}

std::string Registry::to_prometheus() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  std::string_view last_name;
  for (const Entry& entry : entries_) {
    if (entry.name != last_name) {
      text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", entry.name, entry.help, entry.name, entry.type);
      last_name = entry.name;
    }
    entry.print(text, entry);
  }
  for (const auto& append : collectors_) append(text);
  return text;
}

}  // namespace cms::base
