// SPDX-License-Identifier: Apache-2.0
#include "base/histogram.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "base/random.h"

namespace cms::base {
namespace {

TEST(HistogramTest, OfNothingEverythingIsZero) {
  const Histogram none;
  EXPECT_EQ(none.count(), 0u);
  EXPECT_EQ(none.min(), 0);
  EXPECT_EQ(none.max(), 0);
  EXPECT_EQ(none.percentile(99), 0);
  EXPECT_EQ(none.mean(), 0);
}

TEST(HistogramTest, SmallValuesAreExact) {
  Histogram histogram;
  for (int i = 1; i <= 1000; ++i) histogram.record(i);
  EXPECT_EQ(histogram.percentile(0), 1);
  EXPECT_EQ(histogram.percentile(50), 500);
  EXPECT_EQ(histogram.percentile(99.9), 999);
  EXPECT_EQ(histogram.percentile(100), 1000);
  EXPECT_EQ(histogram.min(), 1);
  EXPECT_EQ(histogram.max(), 1000);
  EXPECT_DOUBLE_EQ(histogram.mean(), 500.5);
}

TEST(HistogramTest, EveryPercentileIsWithinAThousandthOfTheExactOne) {
  Random random(7);
  Histogram histogram;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<std::int64_t>(random.next() >> (24 + random.below(40))));
    histogram.record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double percent : {0.01, 1.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(percent / 100 * 20'000 - 1e-6));
    const auto exact = static_cast<double>(values[rank - 1]);
    const auto told = static_cast<double>(histogram.percentile(percent));
    EXPECT_GE(told, exact) << percent;
    EXPECT_LE(told, exact * (1 + 1.0 / 1024) + 1) << percent;
  }
}

TEST(HistogramTest, ValuesOutsideTheRangeAreClampedAndCounted) {
  Histogram histogram;
  histogram.record(-5);
  histogram.record(Histogram::highest_trackable * 2);
  histogram.record(17);
  EXPECT_EQ(histogram.clamped(), 2u);
  EXPECT_EQ(histogram.min(), 0);
  EXPECT_GE(histogram.max(), Histogram::highest_trackable);
}

TEST(HistogramTest, MergingIsTheSameAsRecordingInOne) {
  Random random(11);
  Histogram a;
  Histogram b;
  Histogram all;
  for (int i = 0; i < 5'000; ++i) {
    const auto value = static_cast<std::int64_t>(random.below(10'000'000));
    (i % 3 == 0 ? a : b).record(value);
    all.record(value);
  }
  a.merge(b);
  a.merge(Histogram());
  EXPECT_EQ(a.encode(), all.encode());
  EXPECT_EQ(a.min(), all.min());
  EXPECT_EQ(a.max(), all.max());
}

TEST(HistogramTest, AClearedOneIsAsNew) {
  Histogram histogram;
  histogram.record(1'000'000, 3);
  histogram.clear();
  EXPECT_EQ(histogram.encode(), Histogram().encode());
}

TEST(HistogramTest, WhatIsEncodedIsReadBack) {
  Random random(13);
  Histogram histogram;
  for (int i = 0; i < 3'000; ++i) histogram.record(static_cast<std::int64_t>(random.next() >> (23 + random.below(41))));
  histogram.record(5, std::uint64_t{1} << 60);  // a count of nine bytes
  const std::string encoded = histogram.encode();
  const Result<Histogram> read = Histogram::decode(as_bytes(encoded));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->encode(), encoded);
  EXPECT_EQ(read->percentile(99.9), histogram.percentile(99.9));
}

TEST(HistogramTest, TornOrForeignEncodingsAreRefused) {
  Histogram histogram;
  histogram.record(1'000'000, 1'000);
  const std::string whole = histogram.encode();
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(Histogram::decode(as_bytes(std::string_view(whole).substr(0, size)))) << size;
  std::string other_cookie = whole;
  other_cookie[3] = 0x04;
  EXPECT_FALSE(Histogram::decode(as_bytes(other_cookie)));
  std::string other_digits = whole;
  other_digits[15] = 2;
  EXPECT_FALSE(Histogram::decode(as_bytes(other_digits)));
}

TEST(HistogramTest, ARunOfZerosBeyondTheRangeIsRefused) {
  std::string encoded = Histogram().encode();
  encoded[7] = 9;  // nine bytes of payload: the largest run of zeros there is
  encoded += std::string(8, '\xff') + '\xff';
  EXPECT_FALSE(Histogram::decode(as_bytes(encoded)));
}

}  // namespace
}  // namespace cms::base
