// SPDX-License-Identifier: Apache-2.0
#include "broker/telemetry/client_series.h"

#include <limits>

#include <gtest/gtest.h>

#include "broker/telemetry/test_otlp.h"

namespace cms::broker {
namespace {

using namespace test;

class ClientSeriesTest : public ::testing::Test {
 protected:
  void push(const std::vector<std::string>& metrics) {
    auto after = series_->after(base::as_bytes(otlp_push(metrics)), left_out_);
    ASSERT_TRUE(after.ok());
    series_ = *after;
  }

  std::string shown() const {
    std::string text;
    series_->print("c=\"1\"", text);
    return text;
  }

  std::shared_ptr<const ClientSeries> series_ = std::make_shared<ClientSeries>();
  std::size_t left_out_ = 0;
};

TEST_F(ClientSeriesTest, NumbersAreShownWithNameAndAttributes) {
  push({otlp_gauge("lag", otlp_attribute(7, "topic-name", "a\"b\\c\nd") + otlp_double(4, 1.5))});
  EXPECT_EQ(shown(), "cms_client_metric{c=\"1\",name=\"lag\",topic_name=\"a\\\"b\\\\c\\nd\"} 1.5\n");
}

TEST_F(ClientSeriesTest, WhatWasAddedSinceTheLastPushIsAddedUp) {
  push({otlp_sum("sent", otlp_fixed(6, 5), 1), otlp_sum("total", otlp_fixed(6, 5), 2)});
  push({otlp_sum("sent", otlp_fixed(6, 2), 1), otlp_sum("total", otlp_fixed(6, 7), 2)});
  EXPECT_EQ(shown(), "cms_client_metric{c=\"1\",name=\"sent\"} 7\ncms_client_metric{c=\"1\",name=\"total\"} 7\n");
}

TEST_F(ClientSeriesTest, TotalsStayAndOthersGoWithThePushThatDoesNotNameThem) {
  push({otlp_sum("sent", otlp_fixed(6, 5), 1), otlp_gauge("lag", otlp_fixed(6, 9))});
  push({});
  EXPECT_EQ(shown(), "cms_client_metric{c=\"1\",name=\"sent\"} 5\n");
}

TEST_F(ClientSeriesTest, AttributesDoNotReplaceTheClientsLabels) {
  push({otlp_gauge("m", otlp_attribute(7, "client.id", "x") + otlp_attribute(7, "name", "y") +
                            otlp_attribute(7, "a", "1") + otlp_attribute(7, "a", "2") + otlp_attribute(7, "9", "z") +
                            otlp_fixed(6, 1))});
  EXPECT_EQ(shown(), "cms_client_metric{c=\"1\",name=\"m\",a=\"1\",_9=\"z\"} 1\n");
}

TEST_F(ClientSeriesTest, NumbersThatAreNoneAreWrittenAsPrometheusDoes) {
  const double infinity = std::numeric_limits<double>::infinity();
  push({otlp_gauge("a", otlp_double(4, infinity)), otlp_gauge("b", otlp_double(4, -infinity)),
        otlp_gauge("c", otlp_double(4, std::numeric_limits<double>::quiet_NaN()))});
  EXPECT_EQ(shown(),
            "cms_client_metric{c=\"1\",name=\"a\"} +Inf\ncms_client_metric{c=\"1\",name=\"b\"} -Inf\n"
            "cms_client_metric{c=\"1\",name=\"c\"} NaN\n");
}

TEST_F(ClientSeriesTest, WhatIsTooMuchIsLeftOutAndCounted) {
  std::vector<std::string> metrics;
  for (std::size_t i = 0; i < ClientSeries::series_max + 3; ++i) {
    metrics.push_back(otlp_gauge("m" + std::to_string(i), otlp_fixed(6, 1)));
  }
  push(metrics);
  EXPECT_EQ(series_->size(), ClientSeries::series_max);
  EXPECT_EQ(left_out_, 3U);
}

TEST_F(ClientSeriesTest, NamesThatAreTooLongOrNoTextAreLeftOut) {
  push({otlp_gauge(std::string(ClientSeries::labels_bytes_max, 'a'), otlp_fixed(6, 1)),
        otlp_gauge("\xff", otlp_fixed(6, 1)), otlp_gauge("", otlp_fixed(6, 1)),
        otlp_gauge("m", otlp_attribute(7, "k", std::string(2000, 'v')) + otlp_fixed(6, 1))});
  EXPECT_EQ(shown(), "");
  EXPECT_EQ(left_out_, 4U);
}

TEST_F(ClientSeriesTest, BytesThatAreNoMetricsChangeNothing) {
  EXPECT_FALSE(series_->after(base::as_bytes("\xff"), left_out_).ok());
}

}  // namespace
}  // namespace cms::broker
