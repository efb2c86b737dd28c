// SPDX-License-Identifier: Apache-2.0
#include "client/commands/latencies.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <map>

namespace cms::client {

namespace {

constexpr std::size_t bar_max = 50;
constexpr double ns_in_us = 1000;

}  // namespace

void Latencies::sort() { std::sort(ns_.begin(), ns_.end()); }

double Latencies::percentile_us(double share) const {
  if (ns_.empty()) return 0;
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(ns_.size())));
  return static_cast<double>(ns_[std::clamp<std::size_t>(rank, 1, ns_.size()) - 1]) / ns_in_us;
}

std::string Latencies::histogram() const {
  std::map<int, std::size_t> buckets;
  std::size_t largest = 0;
  for (const std::int64_t ns : ns_) {
    const auto width = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 1))));
    largest = std::max(largest, ++buckets[width]);
  }
  std::string text;
  if (buckets.empty()) return text;
  for (int width = buckets.begin()->first; width <= buckets.rbegin()->first; ++width) {
    const std::size_t count = buckets.contains(width) ? buckets[width] : 0;
    const std::string from = shown_us(std::ldexp(1.0, width - 1) / ns_in_us);
    const std::string to = shown_us(std::ldexp(1.0, width) / ns_in_us);
    char line[128];
    std::snprintf(line, sizeof line, "%8s to %8s us %9zu  ", from.c_str(), to.c_str(), count);
    text += line;
    text += std::string((count * bar_max + largest - 1) / largest, '#') + "\n";
  }
  return text;
}

std::string shown_us(double us) {
  char text[32];
  std::snprintf(text, sizeof text, us < 10 ? "%.2f" : us < 100 ? "%.1f" : "%.0f", us);
  return text;
}

}  // namespace cms::client
