// SPDX-License-Identifier: Apache-2.0
// Any bytes as what a client pushes: refused, or read twice to the same series, each a line of Prometheus's text.
#include <algorithm>
#include <string>

#include "base/check.h"
#include "broker/config/config_value.h"
#include "broker/telemetry/client_series.h"
#include "broker/telemetry/otlp_metrics.h"

namespace {

using namespace cms;
using namespace cms::broker;

void check_lines(const ClientSeries& series) {
  std::string text;
  series.print("client_id=\"c\"", text);
  CHECK(static_cast<std::size_t>(std::ranges::count(text, '\n')) == series.size());
  CHECK(is_text(text));
  const std::string begin = std::string(client_metric_family) + "{client_id=\"c\",name=\"";
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    CHECK(text.compare(at, begin.size(), begin) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteSpan bytes(reinterpret_cast<const std::byte*>(data), size);
  std::size_t points = 0;
  const auto read = read_otlp_metrics(bytes, [&](const MetricPoint& point) {
    ++points;
    CHECK(point.attributes.size() <= metric_attributes_max);
  });
  CHECK(points <= size);
  std::size_t left_out = 0;
  const auto series = ClientSeries().after(bytes, left_out);
  CHECK(series.ok() == read.ok());
  if (!series) return 0;
  CHECK((*series)->size() + left_out <= points);
  check_lines(**series);
  const auto again = (*series)->after(bytes, left_out);
  CHECK(again.ok() && (*again)->size() == (*series)->size());
  check_lines(**again);
  return 0;
}
