// SPDX-License-Identifier: Apache-2.0
#include "client/commands/latencies.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace cms::client {
namespace {

TEST(LatenciesTest, APercentileIsTheSmallestThatSoManyDoNotExceed) {
  Latencies latencies;
  for (int i = 1000; i >= 1; --i) latencies.add(i * 1000);
  latencies.sort();
  EXPECT_EQ(latencies.percentile_us(0.5), 500);
  EXPECT_EQ(latencies.percentile_us(0.999), 999);
  EXPECT_EQ(latencies.percentile_us(1), 1000);
  EXPECT_EQ(Latencies().percentile_us(0.5), 0);
}

TEST(LatenciesTest, TheHistogramHasALineForEachPowerOfTwoBetweenTheEnds) {
  Latencies latencies;
  for (const int ns : {600, 700, 5000}) latencies.add(ns);
  const std::string shown = latencies.histogram();
  EXPECT_EQ(std::count(shown.begin(), shown.end(), '\n'), 4) << shown;
  EXPECT_NE(shown.find("0.51 to     1.02 us         2  " + std::string(50, '#') + "\n"), std::string::npos) << shown;
  EXPECT_NE(shown.find("4.10 to     8.19 us         1  " + std::string(25, '#') + "\n"), std::string::npos) << shown;
  EXPECT_TRUE(Latencies().histogram().empty());
}

TEST(LatenciesTest, ShownTimesKeepThreeDigits) {
  EXPECT_EQ(shown_us(0.874), "0.87");
  EXPECT_EQ(shown_us(12.34), "12.3");
  EXPECT_EQ(shown_us(1234.4), "1234");
}

}  // namespace
}  // namespace cms::client
