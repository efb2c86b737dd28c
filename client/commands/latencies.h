// SPDX-License-Identifier: Apache-2.0
// Times of many like things, and how to show them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cms::client {

class Latencies {
 public:
  void reserve(std::size_t count) { ns_.reserve(count); }
  void add(std::int64_t ns) { ns_.push_back(ns); }
  std::size_t count() const { return ns_.size(); }

  // Before the rest is asked for.
  void sort();

  // The smallest that `share` of all do not exceed, in us; 0 of none. Nearest rank.
  double percentile_us(double share) const;

  // A line for each power of two, from the smallest to the largest that there is, with a bar.
  std::string histogram() const;

 private:
  std::vector<std::int64_t> ns_;
};

std::string shown_us(double us);  // "0.87", "12.3", "1234"

}  // namespace cms::client
