// SPDX-License-Identifier: Apache-2.0
#include "bench/figures.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

#include <nlohmann/json.hpp>

#include "base/check.h"

namespace cms::bench {

namespace {

double percentile_us(const std::vector<std::uint64_t>& sorted_ns, double fraction) {
  const auto at = static_cast<std::size_t>(fraction * static_cast<double>(sorted_ns.size() - 1) + 0.5);
  return static_cast<double>(sorted_ns[at]) / 1e3;
}

std::string shown(const Spread& spread) {
  char text[96];
  const int digits = std::fabs(spread.median) >= 1000 ? 0 : std::fabs(spread.median) >= 10 ? 1 : 3;
  std::snprintf(text, sizeof text, "%.*f [%.*f..%.*f]", digits, spread.median, digits, spread.low, digits, spread.high);
  return text;
}

std::string titled(const Figure& figure) { return figure.unit.empty() ? figure.name : figure.name + " " + figure.unit; }

}  // namespace

Figures latency_figures(std::vector<std::uint64_t>& samples_ns) {
  CHECK(!samples_ns.empty());
  std::sort(samples_ns.begin(), samples_ns.end());
  return {{"p50", "us", percentile_us(samples_ns, 0.5)},
          {"p99", "us", percentile_us(samples_ns, 0.99)},
          {"p99.9", "us", percentile_us(samples_ns, 0.999)},
          {"max", "us", static_cast<double>(samples_ns.back()) / 1e3}};
}

Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

void Comparison::add_round(const Figures& a, const Figures& b) {
  CHECK(b.empty() || a.size() == b.size());
  if (lines_.empty()) {
    for (const Figure& figure : a) lines_.push_back({figure, {}, {}, {}});
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    lines_[i].a.push_back(a[i].value);
    if (b.empty()) continue;
    lines_[i].b.push_back(b[i].value);
    if (b[i].value > 0) lines_[i].ratio.push_back(a[i].value / b[i].value);
  }
}

void Comparison::print_heading(std::string_view a, std::string_view b) {
  std::printf("%-12s %-22s %-32s %-32s %s\n", "case", "figure", ("A " + std::string(a)).c_str(),
              ("B " + std::string(b)).c_str(), "A/B");
}

void Comparison::print() const {
  for (const Line& line : lines_) {
    const Spread a = spread_of(line.a);
    const Spread b = spread_of(line.b);
    if (a.high == 0 && b.high == 0) continue;  // not measured: no process was named
    const std::string figure = titled(line.first);
    std::printf("%-12s %-22s %-32s %-32s %s\n", case_name_.c_str(), figure.c_str(), shown(a).c_str(),
                line.b.empty() ? "" : shown(b).c_str(), line.ratio.empty() ? "" : shown(spread_of(line.ratio)).c_str());
  }
  std::fflush(stdout);
}

void Comparison::add_to(const std::string& path) const {
  if (path.empty()) return;
  std::ofstream file(path, std::ios::app);
  const auto triple = [](const std::vector<double>& values) {
    const Spread spread = spread_of(values);
    return nlohmann::json{spread.median, spread.low, spread.high};
  };
  for (const Line& line : lines_) {
    nlohmann::ordered_json told{{"case", case_name_}, {"figure", titled(line.first)}};
    told["a"] = triple(line.a);
    if (!line.b.empty()) told["b"] = triple(line.b);
    if (!line.ratio.empty()) told["ratio"] = triple(line.ratio);
    file << told.dump() << "\n";
  }
}

}  // namespace cms::bench
