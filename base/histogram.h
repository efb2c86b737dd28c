// SPDX-License-Identifier: Apache-2.0
// How often each value occurred, to three significant digits, in a fixed amount of memory: the layout of HdrHistogram
// (Tene, http://hdrhistogram.org), so that its tools read what is written here.
//
// Values below 2048 are counted exactly. Above, each power of two is cut into 1024 equal parts, so a value is known to
// one part in 1024 of itself. In nanoseconds that is from 1 ns to `highest_trackable`, an hour.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace cms::base {

// One owner, one thread. Some 270 KB. record() allocates nothing and does not fail.
class Histogram {
 public:
  static constexpr std::int64_t highest_trackable = 3'600'000'000'000;

  Histogram();

  // A negative value counts as 0, one above highest_trackable as that; clamped() says how many did.
  void record(std::int64_t value, std::uint64_t count = 1);

  // Everything that the other one counted, too.
  void merge(const Histogram& other);
  void clear();

  std::uint64_t count() const { return total_; }
  std::uint64_t clamped() const { return clamped_; }
  std::int64_t min() const;  // to the precision of the histogram, as all that follow; 0 of none
  std::int64_t max() const;  // the largest value that is the same as the largest recorded one, to that precision
  double mean() const;

  // The smallest value that at least `percent` percent of all do not exceed; 0 of none. percent in [0, 100].
  std::int64_t percentile(double percent) const;

  // The counts in HdrHistogram's V2 encoding, not compressed; decode() takes a histogram of this range and precision.
  std::string encode() const;
  static Result<Histogram> decode(ByteSpan encoded);

 private:
  static std::size_t index_of(std::int64_t value);
  static std::int64_t lowest_at(std::size_t index);
  static std::int64_t highest_at(std::size_t index);

  std::vector<std::uint64_t> counts_;
  std::uint64_t total_ = 0;
  std::uint64_t clamped_ = 0;
  std::size_t lowest_index_ = 0;  // of those that are not zero; of none, 0
  std::size_t highest_index_ = 0;
};

}  // namespace cms::base
