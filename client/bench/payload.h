// SPDX-License-Identifier: Apache-2.0
// The values that are sent: bodies made beforehand, and in front of each what shows that it came once, in order and
// unchanged.
//
//   0           8              16        20        24
//   +-----------+--------------+---------+---------+-----------
//   | sequence  | intended ns  | stream  | crc32c  | body
//   +-----------+--------------+---------+---------+-----------
//                                          of all the rest; all little-endian
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/bench/workload.h"

namespace cms::client::bench {

struct Stamp {
  std::uint64_t sequence = 0;    // in its stream, from 0
  std::int64_t intended_ns = 0;  // when it was due
  std::uint32_t stream = 0;      // a producer's records in one partition
};

inline constexpr std::size_t stamp_size = 24;

// Nothing when the checksum does not match.
std::optional<Stamp> read_stamp(std::string_view value);

class Payloads {
 public:
  // From the workload's file, or generated: zeros, or a pool of which each has its share of random bytes.
  static base::Result<Payloads> make(const Workload& workload, std::uint64_t seed);

  // The next body with the stamp in it; valid until the next call.
  std::string_view next(const Stamp& stamp);

 private:
  explicit Payloads(std::vector<std::string> bodies) : bodies_(std::move(bodies)) {}

  std::vector<std::string> bodies_;
  std::size_t next_ = 0;
};

}  // namespace cms::client::bench
