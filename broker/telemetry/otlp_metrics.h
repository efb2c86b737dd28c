// SPDX-License-Identifier: Apache-2.0
// What clients push (KIP-714): the MetricsData message of OpenTelemetry's protocol, version 1. Of it the numbers are
// read, with their names and attributes; what describes the resource, units, buckets, quantiles, exemplars and times
// are passed over. Pure.
//
//   MetricsData     1 resource metrics: 2 scope metrics: 2 metric
//   metric          1 name    5 gauge    7 sum    9 histogram    10 exponential histogram    11 summary
//   gauge ...       1 point   2 temporality (1: since the last push)
//   number point    7 attributes   4 double   6 int64
//   histogram point 9 attributes   4 count    5 sum           exponential: 1 attributes    summary: 7 attributes
//   attribute       1 key     2 value: 1 text   2 bool   3 int64   4 double
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace cms::broker {

struct MetricAttribute {
  std::string_view key;
  std::string value;  // numbers as text
};

// Borrowed for the call that gets it.
struct MetricPoint {
  std::string_view name;
  std::string_view part;  // of histograms and summaries: ".count" or ".sum"; else empty
  const std::vector<MetricAttribute>& attributes;
  double value = 0;
  bool is_delta = false;  // what was added since the last push, not the total
};

// A point with more attributes is passed over.
inline constexpr std::size_t metric_attributes_max = 16;

// Calls `found` for each number, in their order. ErrorKind::invalid where the bytes are no such message; what came
// before has been given out by then.
base::Result<void> read_otlp_metrics(base::ByteSpan message, const std::function<void(const MetricPoint&)>& found);

}  // namespace cms::broker
