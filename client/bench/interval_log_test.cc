// SPDX-License-Identifier: Apache-2.0
#include "client/bench/interval_log.h"

#include <gtest/gtest.h>

#include "client/bench/base64.h"

namespace cms::client::bench {
namespace {

// Written by the Python package hdrhistogram 0.10 (range 1 to an hour in ns, 3 digits) from the values below.
constexpr const char* foreign_text =
    "HISTFAAAADp4nJNpmSzMwMAgyQABzFCaEch0M9ixgMH+A1SA7ac8E8tB4ROMv6seHOX4mMe1v4+RaW4cEwA5jg3+";

base::Histogram the_same() {
  base::Histogram histogram;
  const std::pair<std::int64_t, std::uint64_t> values[] = {{1, 3},
                                                           {2047, 1},
                                                           {2048, 2},
                                                           {5000, 100},
                                                           {1'000'000, 70'000},
                                                           {123'456'789, 5},
                                                           {60'000'000'000, 1},
                                                           {3'599'999'999'999, 1}};
  for (const auto& [value, count] : values) histogram.record(value, count);
  return histogram;
}

TEST(IntervalLogTest, ReadsWhatAnotherImplementationWrote) {
  const auto read = histogram_from_text(foreign_text);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->count(), 70'113u);
  EXPECT_EQ(read->encode(), the_same().encode());
  EXPECT_EQ(read->percentile(50), 1'000'447);  // as that package says
  EXPECT_EQ(read->percentile(100), 3'601'330'077'695);
}

TEST(IntervalLogTest, WhatIsWrittenIsReadBack) {
  const auto read = histogram_from_text(to_text(the_same()));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->encode(), the_same().encode());
}

TEST(IntervalLogTest, DamagedTextIsRefused) {
  const std::string text = foreign_text;
  EXPECT_FALSE(histogram_from_text(""));
  EXPECT_FALSE(histogram_from_text(text.substr(0, 8)));
  EXPECT_FALSE(histogram_from_text(text.substr(0, text.size() - 8)));
  EXPECT_FALSE(histogram_from_text("!" + text.substr(1)));
  EXPECT_FALSE(histogram_from_text("A" + text.substr(1)));
}

TEST(IntervalLogTest, HasALineForEachIntervalWithItsMaximumInMilliseconds) {
  base::Histogram histogram;
  histogram.record(2'000'000);
  const std::string log = interval_log(1'700'000'000'500, {{0, 1, "publish", histogram}, {1, 0.5, "", {}}});
  EXPECT_NE(log.find("#[StartTime: 1700000000.500 (seconds since epoch)]\n"), std::string::npos);
  EXPECT_NE(log.find("\nTag=publish,0.000,1.000,2.0"), std::string::npos);
  EXPECT_NE(log.find("\n1.000,0.500,0.000,HISTF"), std::string::npos);
}

TEST(Base64Test, TheVectorsOfTheRfc) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : vectors) {
    EXPECT_EQ(to_base64(plain), text);
    const auto read = from_base64(text);
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, plain);
  }
}

}  // namespace
}  // namespace cms::client::bench
