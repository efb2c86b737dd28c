// SPDX-License-Identifier: Apache-2.0
#include "client/bench/report_charts.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <initializer_list>
#include <map>
#include <set>

namespace cms::client::bench {

namespace {

using nlohmann::json;

using Group = std::vector<const Run*>;

double us(std::int64_t ns) { return std::max(static_cast<double>(ns), 1.0) / 1e3; }

// Of 50 %, 90 %, 99 % ...: as far apart as their rests are orders of magnitude.
double nines(double percent) { return -std::log10(1 - percent / 100); }

double number_in(const Run& run, const char* field) { return run.description.at("workload").value(field, 0.0); }
bool is_closed_loop(const Run& run) { return number_in(run, "producerRate") == 0; }

// The runs in question, those together that are alike but for the named fields; `by_system`: and of one system.
std::map<std::string, Group> groups_of(const std::vector<Run>& runs, const std::function<bool(const Run&)>& in_question,
                                       std::initializer_list<const char*> but_for, bool by_system) {
  std::map<std::string, Group> groups;
  for (const Run& run : runs) {
    if (!in_question(run)) continue;
    json shape = run.description.at("workload");
    for (const char* const own : {"name", "testDurationMinutes", "warmupDurationMinutes"}) shape.erase(own);
    for (const char* const field : but_for) shape.erase(field);
    groups[(by_system ? run.system + run.driver : std::string()) + shape.dump()].push_back(&run);
  }
  return groups;
}

// By system, or by run where two are of one system.
std::vector<std::string> line_names(const Group& group) {
  std::set<std::string> systems;
  for (const Run* const run : group) systems.insert(run->system);
  std::vector<std::string> names;
  for (const Run* const run : group) names.push_back(systems.size() == group.size() ? run->system : run->name);
  return names;
}

// Both axes by their logarithms, around what is drawn.
class LogarithmicChart {
 public:
  LogarithmicChart(std::string title, std::string x_title, std::string y_title)
      : chart_{std::move(title), std::move(x_title), std::move(y_title), {}, {}, {}} {}

  void add(Line& line, double x, double y) {
    if (x <= 0 || y <= 0) return;
    line.points.emplace_back(std::log10(x), std::log10(y));
    x_low_ = std::min(x_low_, x), x_high_ = std::max(x_high_, x);
    y_low_ = std::min(y_low_, y), y_high_ = std::max(y_high_, y);
  }
  // A line of one point is none. Of several points at one place the lowest is drawn.
  void take(Line line) {
    std::sort(line.points.begin(), line.points.end());
    const auto same_x = [](const auto& a, const auto& b) { return a.first == b.first; };
    line.points.erase(std::unique(line.points.begin(), line.points.end(), same_x), line.points.end());
    if (line.points.size() > 1) chart_.lines.push_back(std::move(line));
  }
  Chart finish() {
    if (chart_.lines.empty()) return std::move(chart_);
    chart_.x_ticks = logarithmic_ticks(x_low_, x_high_);
    chart_.y_ticks = logarithmic_ticks(y_low_, y_high_);
    return std::move(chart_);
  }

 private:
  Chart chart_;
  double x_low_ = 1e18, x_high_ = 0, y_low_ = 1e18, y_high_ = 0;
};

Chart percentile_chart(const Group& group, const std::string& title, base::Histogram Run::*measured) {
  Chart chart{title, "percentile", "us", {{0, "0"}}, {}, {}};
  double low = 1e18;
  double high = 0;
  for (const auto& [percent, name] :
       {std::pair(50.0, "50"), {90.0, "90"}, {99.0, "99"}, {99.9, "99.9"}, {99.99, "99.99"}, {99.999, "99.999"}})
    chart.x_ticks.push_back({nines(percent), name});
  // No further than there are records to tell of.
  std::uint64_t records_max = 0;
  for (const Run* const run : group) records_max = std::max(records_max, (run->*measured).count());
  const auto last = [](std::uint64_t records) { return std::log10(static_cast<double>(records) + 1); };
  while (chart.x_ticks.size() > 3 && chart.x_ticks[chart.x_ticks.size() - 2].at >= last(records_max))
    chart.x_ticks.pop_back();
  const std::vector<std::string> names = line_names(group);
  for (std::size_t i = 0; i < group.size(); ++i) {
    Line line{names[i], {}};
    const base::Histogram& histogram = group[i]->*measured;
    const double end = std::min(chart.x_ticks.back().at, last(histogram.count()));
    for (double at = 0; histogram.count() > 0 && at <= end; at += 0.04) {
      const double value = us(histogram.percentile(100 * (1 - std::pow(10, -at))));
      line.points.emplace_back(at, std::log10(value));
      low = std::min(low, value);
      high = std::max(high, value);
    }
    chart.lines.push_back(std::move(line));
  }
  if (high > 0) chart.y_ticks = logarithmic_ticks(low, high);
  return chart;
}

std::map<std::string, Group> groups_by_rate(const std::vector<Run>& runs) {
  auto groups = groups_of(
      runs, [](const Run& run) { return !is_closed_loop(run); }, {"producerRate"}, true);
  std::erase_if(groups, [](const auto& group) { return group.second.size() < 2; });
  return groups;
}

struct Axis {
  const char* field;
  const char* over;  // in the title
  const char* x_title;
};
constexpr Axis axes[] = {{"messageSize", "the size of a record", "bytes of a record"},
                         {"partitionsPerTopic", "partitions", "partitions"},
                         {"producersPerTopic", "producers", "producers"},
                         {"subscriptionsPerTopic", "subscriptions", "subscriptions"}};

// A line for each system whose runs differ in the axis's field.
Chart chart_over(const std::vector<Run>& runs, const Axis& axis, const std::string& what, const char* y_title,
                 const std::function<double(const Run&)>& value) {
  LogarithmicChart chart(what + ", over " + axis.over, axis.x_title, y_title);
  for (const auto& [unused, group] : groups_of(runs, is_closed_loop, {axis.field, "recordsInFlight"}, true)) {
    if (group.size() < 2) continue;
    Line line{group.front()->system, {}};
    for (const Run* const run : group) chart.add(line, number_in(*run, axis.field), value(*run));
    chart.take(std::move(line));
  }
  return chart.finish();
}

}  // namespace

std::vector<Chart> percentile_charts(const std::vector<Run>& runs, const char* title, base::Histogram Run::*measured) {
  std::set<const Run*> swept;  // they have the chart over the rate
  for (const auto& [unused, group] : groups_by_rate(runs)) {
    if (group.size() > 2) swept.insert(group.begin(), group.end());
  }
  const auto in_question = [&](const Run& run) { return !is_closed_loop(run) && !swept.contains(&run); };
  std::vector<Chart> charts;
  for (const auto& [unused, group] : groups_of(runs, in_question, {"topicConfigs"}, false))
    charts.push_back(
        percentile_chart(group, std::string(title) + ", by percentile: " + group.front()->workload, measured));
  return charts;
}

Chart rate_chart(const std::vector<Run>& runs) {
  LogarithmicChart chart("End to end, over the rate", "records sent a second", "us");
  for (const auto& [unused, group] : groups_by_rate(runs)) {
    for (const auto& [percent, name] : {std::pair(50.0, " p50"), {99.0, " p99"}}) {
      Line line{group.front()->system + name, {}};
      for (const Run* const run : group) {
        if (run->end_to_end.count() > 0) chart.add(line, run->sent_per_second, us(run->end_to_end.percentile(percent)));
      }
      chart.take(std::move(line));
    }
  }
  return chart.finish();
}

std::vector<Chart> throughput_charts(const std::vector<Run>& runs) {
  std::vector<Chart> charts;
  for (const Axis& axis : axes) {
    charts.push_back(chart_over(runs, axis, "What goes through", "MB received a second",
                                [](const Run& run) { return run.megabytes_per_second; }));
    charts.push_back(chart_over(runs, axis, "The broker's processor time", "us a record received",
                                [](const Run& run) { return run.broker ? run.broker->cpu_us : 0; }));
  }
  return charts;
}

BarChart stage_chart(const std::vector<Stages>& stages) {
  BarChart chart{"A pushed record's way from step to step, p50", "us", {}, {}};
  for (const Stages& one : stages) {
    Bar bar{one.name, {}};
    chart.part_names.clear();
    for (const auto& [name, value] : one.steps) {
      chart.part_names.push_back(name);
      bar.parts.push_back(value);
    }
    chart.bars.push_back(std::move(bar));
  }
  return chart;
}

}  // namespace cms::client::bench
