// SPDX-License-Identifier: Apache-2.0
// Randomness behind a seam: every choice comes from a seed that can be printed and given again.
#pragma once

#include <cstdint>

namespace cms::base {

// xoshiro256** (Blackman, Vigna 2018), seeded through splitmix64. Not for secrets. One thread.
class Random {
 public:
  explicit Random(std::uint64_t seed);

  // A seed from the operating system.
  static std::uint64_t system_seed();

  std::uint64_t next();

  // Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);

  bool one_in(std::uint64_t n) { return below(n) == 0; }
  std::uint64_t seed() const { return seed_; }

 private:
  const std::uint64_t seed_;
  std::uint64_t state_[4];
};

}  // namespace cms::base
