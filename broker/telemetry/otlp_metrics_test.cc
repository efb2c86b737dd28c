// SPDX-License-Identifier: Apache-2.0
#include "broker/telemetry/otlp_metrics.h"

#include <gtest/gtest.h>

#include "broker/telemetry/test_otlp.h"

namespace cms::broker {
namespace {

using namespace test;

// One line a point; the last one "invalid" where the message is not whole.
std::vector<std::string> points(const std::string& message) {
  std::vector<std::string> lines;
  const auto read = read_otlp_metrics(base::as_bytes(message), [&](const MetricPoint& point) {
    std::string line = std::string(point.name).append(point.part);
    for (const auto& [key, value] : point.attributes) line.append(" ").append(key).append("=").append(value);
    lines.push_back(line + " " + std::to_string(point.value) + (point.is_delta ? " delta" : ""));
  });
  if (!read) lines.emplace_back("invalid");
  return lines;
}

using Lines = std::vector<std::string>;

TEST(OtlpMetrics, GaugesAndSumsAreRead) {
  const std::string tagged = otlp_attribute(7, "topic", "orders") + otlp_fixed(3, 1) + otlp_double(4, 1.5);
  const std::string whole = otlp_fixed(6, static_cast<std::uint64_t>(-3));
  EXPECT_EQ(points(otlp_push({otlp_gauge("lag", tagged), otlp_sum("sent", whole, 1), otlp_sum("all", whole, 2)})),
            (Lines{"lag topic=orders 1.500000", "sent -3.000000 delta", "all -3.000000"}));
}

TEST(OtlpMetrics, OfHistogramsAndSummariesCountAndSumAreRead) {
  const std::string counted = otlp_fixed(4, 7) + otlp_double(5, 2.5) + otlp_attribute(9, "a", "b");
  const std::string histogram = otlp_message(1, "h") + otlp_message(9, otlp_number(2, 1) + otlp_message(1, counted));
  const std::string summary =
      otlp_message(1, "s") + otlp_message(11, otlp_message(1, otlp_fixed(4, 2) + otlp_double(5, 9)));
  EXPECT_EQ(points(otlp_push({histogram, summary})),
            (Lines{"h.count a=b 7.000000 delta", "h.sum a=b 2.500000 delta", "s.count 2.000000", "s.sum 9.000000"}));
}

TEST(OtlpMetrics, AttributesThatAreNoTextAreWrittenAsText) {
  const auto attribute = [](const std::string& value) {
    return otlp_message(7, otlp_message(1, "k") + otlp_message(2, value));
  };
  const std::string point = attribute(otlp_number(2, 1)) + attribute(otlp_number(3, static_cast<std::uint64_t>(-5))) +
                            attribute(otlp_double(4, 0.5)) + attribute(otlp_message(5, "list")) + otlp_fixed(6, 1);
  EXPECT_EQ(points(otlp_push({otlp_gauge("m", point)})), Lines{"m k=true k=-5 k=0.500000 1.000000"});
}

TEST(OtlpMetrics, AnEmptyMessageHasNoMetricsAndWhatIsUnknownIsPassedOver) {
  EXPECT_EQ(points(""), Lines{});
  EXPECT_EQ(points(otlp_push({})), Lines{});
  const std::string unknown = otlp_number(9, 1) + otlp_fixed(10, 2) + otlp_message(12, "x") +
                              "\x6d"
                              "abcd";
  EXPECT_EQ(points(unknown + otlp_push({otlp_gauge("m", unknown + otlp_fixed(6, 1))})), Lines{"m 1.000000"});
}

TEST(OtlpMetrics, APointWithTooManyAttributesIsPassedOver) {
  std::string many;
  for (std::size_t i = 0; i <= metric_attributes_max; ++i) many += otlp_attribute(7, "k", "v");
  EXPECT_EQ(points(otlp_push({otlp_gauge("m", many + otlp_fixed(6, 1)), otlp_gauge("n", otlp_fixed(6, 1))})),
            Lines{"n 1.000000"});
}

TEST(OtlpMetrics, WhatIsNotWholeIsInvalid) {
  const std::string good = otlp_push({otlp_gauge("m", otlp_attribute(7, "k", "v") + otlp_fixed(6, 1))});
  for (std::size_t size = 1; size < good.size(); ++size) {
    EXPECT_EQ(points(good.substr(0, size)).back(), "invalid") << size;
  }
  EXPECT_EQ(points("\xff"), Lines{"invalid"});
  EXPECT_EQ(points(std::string("\x0b", 1)), Lines{"invalid"});            // a group
  EXPECT_EQ(points(std::string("\x00\x00", 2)), Lines{"invalid"});        // field 0
  EXPECT_EQ(points("\x0a" + std::string(10, '\xff')), Lines{"invalid"});  // a length without end
}

}  // namespace
}  // namespace cms::broker
