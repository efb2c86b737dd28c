// SPDX-License-Identifier: Apache-2.0
// Histograms as text: HdrHistogram's compressed V2 encoding in base64, and the interval log (version 1.3) that its
// plotters and converters read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/histogram.h"
#include "base/result.h"

namespace cms::client::bench {

// "HISTFAAA...": zlib, base64.
std::string to_text(const base::Histogram& histogram);

// Both of what to_text() gives and of what another implementation gives for the same range and precision. At most
// `decoded_bytes_max` are unpacked.
base::Result<base::Histogram> histogram_from_text(std::string_view text);
inline constexpr std::size_t decoded_bytes_max = 1 << 20;

struct Interval {
  double start_seconds = 0;  // since the log's start
  double length_seconds = 0;
  std::string tag{};  // what was measured; no comma, space or line end
  base::Histogram histogram{};
};

// Values are ns; the log's column of maxima is in ms, as its readers expect.
std::string interval_log(std::int64_t started_unix_ms, const std::vector<Interval>& intervals);

}  // namespace cms::client::bench
