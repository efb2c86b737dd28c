// SPDX-License-Identifier: Apache-2.0
#include "client/bench/html_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "base/histogram.h"
#include "client/bench/chart.h"
#include "client/bench/interval_log.h"

namespace cms::client::bench {

namespace {

using nlohmann::json;

struct Run {
  std::string name;
  std::string driver;
  std::string workload;
  double received_per_second = 0;
  double sent_per_second = 0;
  double megabytes_per_second = 0;
  bool is_correct = false;
  base::Histogram end_to_end;
  base::Histogram publish;
  json description;
};

constexpr double percents[] = {50, 90, 99, 99.9, 99.99, 100};
constexpr const char* head =
    "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><title>cms bench</title><style>\n"
    "body{font:15px/1.45 system-ui,sans-serif;max-width:900px;margin:2em auto;padding:0 1em;color:#111}\n"
    "table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .7em;border-bottom:1px solid "
    "#ccc;text-align:right}\n"
    "td:first-child,th:first-child{text-align:left}svg{width:100%;height:auto;font:12px system-ui,sans-serif}\n"
    ".grid{stroke:#ddd}.title{font-weight:600;font-size:14px}pre{background:#f4f4f4;padding:.7em;overflow:auto}\n"
    "</style></head><body>\n<h1>cms bench</h1>\n";

double us(std::int64_t ns) { return std::max(static_cast<double>(ns), 1.0) / 1e3; }

std::string text(const char* format, double value) {
  char line[64];
  std::snprintf(line, sizeof line, format, value);
  return line;
}

base::Result<base::Histogram> histogram_of(const json& run, const char* name) {
  return histogram_from_text(run.at("latency_us").at(name).at("histogram").get<std::string>());
}

base::Result<Run> read_run(const std::string& name, const json& described) {
  try {  // the library tells by throwing what is not as expected
    Run run;
    run.name = name;
    run.driver = described.at("driver").get<std::string>();
    run.workload = described.at("workload").at("name").get<std::string>();
    run.received_per_second = described.at("received_per_second").get<double>();
    run.sent_per_second = described.at("sent_per_second").get<double>();
    run.megabytes_per_second = described.at("received_megabytes_per_second").get<double>();
    run.is_correct = described.at("correctness").at("correct").get<bool>();
    auto end_to_end = histogram_of(described, "end_to_end");
    if (!end_to_end) return end_to_end.error();
    auto publish = histogram_of(described, "publish");
    if (!publish) return publish.error();
    run.end_to_end = std::move(*end_to_end);
    run.publish = std::move(*publish);
    run.description = {{"workload", described.at("workload")},
                       {"options", described.at("options")},
                       {"machine", described.at("machine")}};
    return run;
  } catch (const json::exception& error) {
    return base::Error(base::ErrorKind::invalid, name + " is no run of cms bench: " + error.what());
  }
}

// On an axis of nines: 50 %, 90 %, 99 % ... are as far apart as their rests are orders of magnitude.
double nines(double percent) { return -std::log10(1 - percent / 100); }

Chart percentile_chart(const std::vector<Run>& runs, const char* title, base::Histogram Run::*measured) {
  Chart chart{title, "percentile", "us", {{0, "0"}}, {}, {}};
  double low = 1e18;
  double high = 0;
  for (const auto& [percent, name] :
       {std::pair(50.0, "50"), {90.0, "90"}, {99.0, "99"}, {99.9, "99.9"}, {99.99, "99.99"}, {99.999, "99.999"}})
    chart.x_ticks.push_back({nines(percent), name});
  for (const Run& run : runs) {
    Line line{run.name, {}};
    const base::Histogram& histogram = run.*measured;
    // No further than there are records to tell of.
    const double end = std::min(chart.x_ticks.back().at, std::log10(static_cast<double>(histogram.count()) + 1));
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

// Of the runs that share driver and shape and differ in rate: a line for p50 and one for p99 each.
Chart rate_chart(const std::vector<Run>& runs) {
  std::map<std::string, std::vector<const Run*>> groups;
  for (const Run& run : runs) {
    json shape = run.description.at("workload");
    for (const char* const own : {"name", "producerRate", "testDurationMinutes", "warmupDurationMinutes"})
      shape.erase(own);
    groups[run.driver + shape.dump()].push_back(&run);
  }
  Chart chart{"End to end, over the rate", "records sent a second", "us", {}, {}, {}};
  double low = 1e18, high = 0, rate_low = 1e18, rate_high = 0;
  for (auto& [unused, group] : groups) {
    if (group.size() < 2) continue;
    std::sort(group.begin(), group.end(), [](auto* a, auto* b) { return a->sent_per_second < b->sent_per_second; });
    for (const auto& [percent, name] : {std::pair(50.0, " p50"), {99.0, " p99"}}) {
      Line line{group.front()->driver + name, {}};
      for (const Run* const run : group) {
        if (run->end_to_end.count() == 0 || run->sent_per_second <= 0) continue;
        const double value = us(run->end_to_end.percentile(percent));
        line.points.emplace_back(std::log10(run->sent_per_second), std::log10(value));
        low = std::min(low, value), high = std::max(high, value);
        rate_low = std::min(rate_low, run->sent_per_second), rate_high = std::max(rate_high, run->sent_per_second);
      }
      chart.lines.push_back(std::move(line));
    }
  }
  if (high == 0) return chart;
  chart.x_ticks = logarithmic_ticks(rate_low, rate_high);
  chart.y_ticks = logarithmic_ticks(low, high);
  return chart;
}

std::string table_of(const std::vector<Run>& runs, const char* title, base::Histogram Run::*measured) {
  std::string html = "<h2>" + std::string(title) +
                     "</h2><table><tr><th>run</th><th>driver</th><th>sent/s</th><th>received/s</th><th>MB/s</th>";
  for (const double percent : percents)
    html += percent == 100 ? "<th>max us</th>" : "<th>p" + text("%g", percent) + "</th>";
  html += "<th>records</th></tr>\n";
  for (const Run& run : runs) {
    html += "<tr><td>" + escape_html(run.name) + "</td><td>" + escape_html(run.driver) + "</td><td>" +
            text("%.0f", run.sent_per_second) + "</td><td>" + text("%.0f", run.received_per_second) + "</td><td>" +
            text("%.1f", run.megabytes_per_second) + "</td>";
    for (const double percent : percents)
      html += "<td>" + text("%.1f", us((run.*measured).percentile(percent))) + "</td>";
    html += run.is_correct ? "<td>as sent</td></tr>\n" : "<td><b>NOT as sent</b></td></tr>\n";
  }
  return html + "</table>\n";
}

}  // namespace

base::Result<std::string> to_html(const std::vector<std::pair<std::string, json>>& described) {
  std::vector<Run> runs;
  for (const auto& [name, json_run] : described) {
    auto run = read_run(name, json_run);
    if (!run) return run.error();
    runs.push_back(std::move(*run));
  }
  std::string html = head;
  html += "<p>Latencies count from when a record was due. One consumer process, one clock.</p>\n";
  html += table_of(runs, "End to end", &Run::end_to_end);
  html += to_svg(percentile_chart(runs, "End to end, by percentile", &Run::end_to_end));
  html += to_svg(rate_chart(runs));
  html += table_of(runs, "To acknowledgement", &Run::publish);
  html += to_svg(percentile_chart(runs, "To acknowledgement, by percentile", &Run::publish));
  html += "<h2>What was run</h2>\n";
  for (const Run& run : runs)
    html += "<details><summary>" + escape_html(run.name + ": " + run.workload) + "</summary><pre>" +
            escape_html(run.description.dump(2)) + "</pre></details>\n";
  return html + "</body></html>\n";
}

}  // namespace cms::client::bench
