// SPDX-License-Identifier: Apache-2.0
#include "client/bench/html_report.h"

#include <algorithm>
#include <cstdio>

#include "client/bench/report_charts.h"
#include "client/bench/report_runs.h"

namespace cms::client::bench {

namespace {

constexpr double percents[] = {50, 90, 99, 99.9, 99.99, 100};
constexpr const char* head =
    "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><title>cms bench</title><style>\n"
    "body{font:15px/1.45 system-ui,sans-serif;max-width:900px;margin:2em auto;padding:0 1em;color:#111}\n"
    "table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .7em;border-bottom:1px solid "
    "#ccc;text-align:right}\n"
    "td:first-child,th:first-child{text-align:left}svg{width:100%;height:auto;font:12px system-ui,sans-serif}\n"
    ".grid{stroke:#ddd}.title{font-weight:600;font-size:14px}pre{background:#f4f4f4;padding:.7em;overflow:auto}\n"
    "</style></head><body>\n<h1>cms bench</h1>\n";

std::string text(const char* format, double value) {
  char line[64];
  std::snprintf(line, sizeof line, format, value);
  return line;
}

std::string row(const std::vector<std::string>& cells) {
  std::string html = "<tr>";
  for (const std::string& cell : cells) html += "<td>" + cell + "</td>";
  return html + "</tr>\n";
}

std::string table_of(const std::vector<Run>& runs, const char* title, base::Histogram Run::*measured) {
  std::string html = "<h2>" + std::string(title) +
                     "</h2><table><tr><th>run</th><th>system</th><th>sent/s</th><th>received/s</th><th>MB/s</th>";
  for (const double percent : percents)
    html += percent == 100 ? "<th>max us</th>" : "<th>p" + text("%g", percent) + "</th>";
  html += "<th>records</th></tr>\n";
  for (const Run& run : runs) {
    std::vector<std::string> cells{escape_html(run.name), escape_html(run.system), text("%.0f", run.sent_per_second),
                                   text("%.0f", run.received_per_second), text("%.1f", run.megabytes_per_second)};
    for (const double percent : percents)
      cells.push_back(text("%.1f", static_cast<double>((run.*measured).percentile(percent)) / 1e3));
    cells.emplace_back(run.is_correct ? "as sent" : "<b>NOT as sent</b>");
    html += row(cells);
  }
  return html + "</table>\n";
}

// Of the runs whose broker was observed.
std::string broker_table(const std::vector<Run>& runs) {
  std::string html;
  for (const Run& run : runs) {
    if (!run.broker) continue;
    html += row({escape_html(run.name), escape_html(run.system), text("%.0f", run.received_per_second),
                 text("%.3g", run.broker->cpu_us), text("%.3g", run.broker->switches),
                 run.broker->system_calls ? text("%.3g", *run.broker->system_calls) : "",
                 text("%.1f", run.broker->resident_mb)});
  }
  if (html.empty()) return {};
  return "<h2>What the broker used</h2><table><tr><th>run</th><th>system</th><th>received/s</th>"
         "<th>processor, us a record</th><th>context switches a record</th><th>system calls a record</th>"
         "<th>resident, MB</th></tr>\n" +
         html + "</table>\n";
}

}  // namespace

base::Result<std::string> to_html(const std::vector<std::pair<std::string, nlohmann::json>>& described) {
  ReportInput input;
  for (const auto& [name, one] : described) {
    if (auto read = read_into(input, name, one); !read) return read.error();
  }
  const std::vector<Run>& runs = input.runs;
  std::string html = head;
  html += "<p>Latencies count from when a record was due. One consumer process, one clock.</p>\n";
  for (const Chart& chart : percentile_charts(runs, "End to end", &Run::end_to_end)) html += to_svg(chart);
  html += to_svg(rate_chart(runs));
  for (const Chart& chart : throughput_charts(runs)) html += to_svg(chart);
  html += to_svg(stage_chart(input.stages));
  if (!runs.empty()) {
    html += table_of(runs, "End to end", &Run::end_to_end);
    html += table_of(runs, "To acknowledgement", &Run::publish);
  }
  html += broker_table(runs);
  for (const Chart& chart : percentile_charts(runs, "To acknowledgement", &Run::publish)) html += to_svg(chart);
  html += "<h2>What was run</h2>\n";
  for (const Run& run : runs)
    html += "<details><summary>" + escape_html(run.name + ": " + run.workload) + "</summary><pre>" +
            escape_html(run.description.dump(2)) + "</pre></details>\n";
  return html + "</body></html>\n";
}

}  // namespace cms::client::bench
