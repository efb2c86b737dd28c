// SPDX-License-Identifier: Apache-2.0
#include "client/bench/chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace cms::client::bench {

namespace {

constexpr double width = 860;
constexpr double height = 400;
constexpr double left = 80;
constexpr double right = 190;  // room for the lines' names
constexpr double top = 36;
constexpr double bottom = 52;
constexpr double name_height = 14;

// As many of the one as of the other would repeat them together; so a line's pair is its own up to the 42nd.
constexpr const char* colours[] = {"#0b4f8a", "#b3401a", "#2b7a3d", "#6b3fa0", "#8a6a00", "#444444", "#0a7f86"};
constexpr const char* dash_patterns[] = {"", "7 4", "2 3", "10 3 2 3", "14 5", "4 2"};

struct Style {
  const char* colour;
  const char* dashes;
};
Style style_of(std::size_t line) {
  return {colours[line % std::size(colours)], dash_patterns[line % std::size(dash_patterns)]};
}

std::string text(const char* format, auto... values) {
  char line[512];
  std::snprintf(line, sizeof line, format, values...);
  return line;
}

// 20k, 5M: they stand close together.
std::string short_number(double value) {
  constexpr std::pair<double, const char*> units[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
  for (const auto& [unit, name] : units) {
    if (value >= unit) return text("%.10g", value / unit) + name;
  }
  return text("%.10g", value);
}

class Scale {
 public:
  Scale(const std::vector<Tick>& ticks, double from, double to)
      : low_(ticks.front().at), span_(ticks.back().at - low_), from_(from), to_(to) {}
  double operator()(double at) const {
    return from_ + (to_ - from_) * (span_ > 0 ? std::clamp((at - low_) / span_, 0.0, 1.0) : 0.5);
  }

 private:
  double low_, span_, from_, to_;
};

std::string axes(const Chart& chart, const Scale& x, const Scale& y) {
  std::string svg;
  for (const Tick& tick : chart.x_ticks) {
    svg += text("<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' class='grid'/>", x(tick.at), x(tick.at), top,
                height - bottom);
    svg += text("<text x='%.1f' y='%.1f' text-anchor='middle'>", x(tick.at), height - bottom + 16);
    svg += escape_html(tick.text) + "</text>\n";
  }
  for (const Tick& tick : chart.y_ticks) {
    svg += text("<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' class='grid'/>", left, width - right, y(tick.at),
                y(tick.at));
    svg += text("<text x='%.1f' y='%.1f' text-anchor='end'>", left - 6, y(tick.at) + 4);
    svg += escape_html(tick.text) + "</text>\n";
  }
  svg += text("<text x='%.1f' y='18' class='title'>", left) + escape_html(chart.title) + "</text>\n";
  svg += text("<text x='%.1f' y='%.1f' text-anchor='middle'>", (left + width - right) / 2, height - 12);
  svg += escape_html(chart.x_title) + "</text>\n";
  svg += text("<text transform='translate(16 %.1f) rotate(-90)' text-anchor='middle'>", (top + height - bottom) / 2);
  return svg + escape_html(chart.y_title) + "</text>\n";
}

std::string drawn(const Line& line, const Style& style, const Scale& x, const Scale& y) {
  std::string svg = "<polyline fill='none' stroke-width='2' stroke='" + std::string(style.colour) +
                    "' stroke-dasharray='" + style.dashes + "' points='";
  for (const auto& [at_x, at_y] : line.points) svg += text("%.1f,%.1f ", x(at_x), y(at_y));
  svg += "'/>\n";
  if (line.points.size() > 24) return svg;
  for (const auto& [at_x, at_y] : line.points)
    svg += text("<circle cx='%.1f' cy='%.1f' r='3' fill='%s'/>", x(at_x), y(at_y), style.colour);
  return svg + "\n";
}

}  // namespace

std::string escape_html(const std::string& plain) {
  std::string escaped;
  for (const char c : plain) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::vector<Tick> logarithmic_ticks(double low, double high) {
  std::vector<Tick> all;
  for (double decade = std::pow(10, std::floor(std::log10(low))); decade < high * 10; decade *= 10) {
    for (const double step : {1.0, 2.0, 5.0}) all.push_back({decade * step, short_number(decade * step)});
  }
  std::size_t first = 0;
  while (first + 1 < all.size() && all[first + 1].at <= low) ++first;
  std::size_t last = first + 1;
  while (last + 1 < all.size() && all[last].at < high) ++last;
  std::vector<Tick> ticks(all.begin() + static_cast<std::ptrdiff_t>(first),
                          all.begin() + static_cast<std::ptrdiff_t>(last) + 1);
  for (Tick& tick : ticks) tick.at = std::log10(tick.at);
  return ticks;
}

std::string to_svg(const BarChart& chart) {
  constexpr double bar_height = 26, gap = 12, names_width = 230, number_width = 16, value_width = 44;
  double longest = 0;
  for (const Bar& bar : chart.bars)
    longest = std::max(longest, std::accumulate(bar.parts.begin(), bar.parts.end(), 0.0));
  if (longest <= 0) return {};
  const double scale = (width - names_width - 80) / longest;
  const double legend = top + static_cast<double>(chart.bars.size()) * (bar_height + gap) + 10;
  std::string svg = text("<svg viewBox='0 0 %.0f %.0f' role='img'>\n<text x='0' y='18' class='title'>", width,
                         legend + static_cast<double>(chart.part_names.size()) * name_height) +
                    escape_html(chart.title) + "</text>\n";
  double y = top;
  for (const Bar& bar : chart.bars) {
    svg += text("<text x='0' y='%.1f'>", y + bar_height * 0.65) + escape_html(bar.name) + "</text>\n";
    double x = names_width, sum = 0;
    for (std::size_t i = 0; i < bar.parts.size(); ++i) {
      const double part = bar.parts[i] * scale;
      svg += text("<rect x='%.1f' y='%.1f' width='%.1f' height='%.0f' fill='%s' stroke='#111'/>", x, y, part,
                  bar_height, i % 2 == 0 ? "#fff" : "#d5dde6");
      if (part >= number_width) {
        const double middle = x + part / 2;
        svg += text("<text x='%.1f' y='%.1f' text-anchor='middle'>%zu", middle, y + bar_height * 0.65, i + 1);
        svg += (part >= value_width + number_width ? text(": %.3g", bar.parts[i]) : "") + "</text>\n";
      }
      x += part;
      sum += bar.parts[i];
    }
    svg += text("<text x='%.1f' y='%.1f'>%.3g ", x + 6, y + bar_height * 0.65, sum) + escape_html(chart.unit) +
           "</text>\n";
    y += bar_height + gap;
  }
  for (std::size_t i = 0; i < chart.part_names.size(); ++i)
    svg += text("<text x='0' y='%.1f'>%zu ", legend + static_cast<double>(i) * name_height, i + 1) +
           escape_html(chart.part_names[i]) + "</text>\n";
  return svg + "</svg>\n";
}

std::string to_svg(const Chart& chart) {
  const bool empty =
      std::all_of(chart.lines.begin(), chart.lines.end(), [](const Line& line) { return line.points.empty(); });
  if (chart.x_ticks.size() < 2 || chart.y_ticks.size() < 2 || empty) return {};
  const Scale x(chart.x_ticks, left, width - right);
  const Scale y(chart.y_ticks, height - bottom, top);
  std::string svg = text("<svg viewBox='0 0 %.0f %.0f' role='img'>\n", width, height) + axes(chart, x, y);
  // Names beside the ends of their lines, moved apart from the lowest upwards.
  std::vector<std::pair<double, std::size_t>> names;
  for (std::size_t i = 0; i < chart.lines.size(); ++i) {
    if (chart.lines[i].points.empty()) continue;
    svg += drawn(chart.lines[i], style_of(i), x, y);
    names.emplace_back(y(chart.lines[i].points.back().second), i);
  }
  std::sort(names.rbegin(), names.rend());
  double free_below = height - bottom;
  for (const auto& [wanted, i] : names) {
    const double at = std::min(wanted, free_below);
    free_below = at - name_height;
    const Style style = style_of(i);
    const double ends = x(chart.lines[i].points.back().first);
    svg += text("<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='%s' stroke-dasharray='%s' stroke-width='2'/>",
                std::max(ends + 4, width - right + 4), at, std::max(ends + 4, width - right + 4) + 22, at, style.colour,
                style.dashes);
    svg += text("<text x='%.1f' y='%.1f'>", std::max(ends + 4, width - right + 4) + 26, at + 4);
    svg += escape_html(chart.lines[i].name) + "</text>\n";
  }
  return svg + "</svg>\n";
}

}  // namespace cms::client::bench
