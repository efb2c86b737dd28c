// SPDX-License-Identifier: Apache-2.0
// Lines over two axes, as inline SVG that can be read without colour: each line has a dash pattern and its name at its
// end.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace cms::client::bench {

struct Line {
  std::string name;
  std::vector<std::pair<double, double>> points;  // by rising x; both already on the axis's scale
};

struct Tick {
  double at = 0;
  std::string text;
};

struct Chart {
  std::string title;
  std::string x_title;
  std::string y_title;
  std::vector<Tick> x_ticks;  // the first and the last are the ends of the axis
  std::vector<Tick> y_ticks;
  std::vector<Line> lines;
};

// Bars from left to right, each of parts in a row.
struct Bar {
  std::string name;
  std::vector<double> parts;
};

struct BarChart {
  std::string title;
  std::string unit;
  std::vector<std::string> part_names;  // numbered from 1 in the bars
  std::vector<Bar> bars;
};

// No bars: nothing.
std::string to_svg(const BarChart& chart);

// Chart with fewer than two ticks on an axis, or without a point: nothing.
std::string to_svg(const Chart& chart);

// 1, 2, 5, 10 ... around [low, high], at their logarithms. 0 < low <= high.
std::vector<Tick> logarithmic_ticks(double low, double high);

// The text with what HTML would take for its own replaced.
std::string escape_html(const std::string& text);

}  // namespace cms::client::bench
