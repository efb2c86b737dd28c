// SPDX-License-Identifier: Apache-2.0
// Numbers of many runs and of two sides, put beside each other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cms::bench {

// One number that one run of one case gave.
struct Figure {
  std::string name;
  std::string unit;
  double value = 0;
};
using Figures = std::vector<Figure>;

// p50, p99, p99.9 and the maximum of samples in nanoseconds, as microseconds. Sorts them.
Figures latency_figures(std::vector<std::uint64_t>& samples_ns);

struct Spread {
  double median = 0;
  double low = 0;
  double high = 0;
};
Spread spread_of(std::vector<double> values);

// What the runs of one case gave on both sides, in the order of the rounds.
class Comparison {
 public:
  explicit Comparison(std::string case_name) : case_name_(std::move(case_name)) {}

  // `b` may be empty in every round: then only A is shown.
  void add_round(const Figures& a, const Figures& b);

  // A line for each figure: each side's median and range over the rounds, and those of the ratio A/B within a round.
  void print() const;

  // The same for programs: a line of JSON for each figure, added to the file. Nothing when `path` is empty.
  void add_to(const std::string& path) const;

  static void print_heading(std::string_view a, std::string_view b);

 private:
  struct Line {
    Figure first;  // name and unit
    std::vector<double> a, b, ratio;
  };

  std::string case_name_;
  std::vector<Line> lines_;
};

}  // namespace cms::bench
