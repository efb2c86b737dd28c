// SPDX-License-Identifier: Apache-2.0
#include "broker/telemetry/client_series.h"

#include <cmath>
#include <cstdio>
#include <vector>

#include "broker/config/config_value.h"
#include "broker/telemetry/otlp_metrics.h"

namespace cms::broker {

namespace {

// [a-zA-Z_][a-zA-Z0-9_]*, and none that the client's own labels have.
std::string label_name(std::string_view key) {
  std::string name;
  for (const char c : key) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool digit = c >= '0' && c <= '9';
    if (digit && name.empty()) name += '_';
    name += letter || digit ? c : '_';
  }
  return name;
}

bool is_taken(std::string_view labels, const std::string& name) {
  constexpr std::string_view own[] = {"client_id", "client_instance_id", "name", ""};
  for (const std::string_view taken : own) {
    if (name == taken) return true;
  }
  return labels.find("," + name + "=\"") != std::string_view::npos;
}

// Empty: not to be shown.
std::string labels_of(const MetricPoint& point) {
  std::string labels;
  if (point.name.empty() || point.name.size() > ClientSeries::labels_bytes_max || !is_text(point.name)) return labels;
  append_label(labels, "name", std::string(point.name).append(point.part));
  for (const MetricAttribute& attribute : point.attributes) {
    if (attribute.key.size() + attribute.value.size() > ClientSeries::labels_bytes_max) return {};
    const std::string name = label_name(attribute.key);
    if (!is_taken(labels, name)) append_label(labels, name, attribute.value);
    if (labels.size() > ClientSeries::labels_bytes_max) return {};
  }
  return labels.size() > ClientSeries::labels_bytes_max ? std::string() : labels;
}

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

}  // namespace

void append_label(std::string& labels, std::string_view key, std::string_view value) {
  if (!is_text(value)) return;
  if (!labels.empty()) labels += ',';
  labels.append(key).append("=\"");
  for (const char c : value) {
    if (c == '\\' || c == '"') labels += '\\';
    if (c == '\n') {
      labels += "\\n";
    } else {
      labels += c;
    }
  }
  labels += '"';
}

base::Result<std::shared_ptr<const ClientSeries>> ClientSeries::after(base::ByteSpan pushed,
                                                                      std::size_t& left_out) const {
  auto next = std::make_shared<ClientSeries>();
  for (const auto& [labels, series] : series_) {
    if (series.is_total) next->series_.emplace(labels, series);
  }
  const auto read = read_otlp_metrics(pushed, [&](const MetricPoint& point) {
    std::string labels = labels_of(point);
    const auto found = next->series_.find(labels);
    if (labels.empty() || (found == next->series_.end() && next->series_.size() >= series_max)) {
      ++left_out;
      return;
    }
    const double before = point.is_delta && found != next->series_.end() ? found->second.value : 0;
    next->series_[std::move(labels)] = {.value = before + point.value, .is_total = point.is_delta};
  });
  if (!read) return read.error();
  return std::shared_ptr<const ClientSeries>(std::move(next));
}

void ClientSeries::print(std::string_view client_labels, std::string& text) const {
  for (const auto& [labels, series] : series_) {
    text.append(client_metric_family).append("{").append(client_labels).append(",").append(labels).append("} ");
    text.append(number_text(series.value)).append("\n");
  }
}

}  // namespace cms::broker
