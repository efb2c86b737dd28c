// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace cms::base {
namespace {

TimestampMs wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// What it keeps for a moment is at most one tick of a millisecond behind, on each thread.
TEST(SystemClockTest, TheWallClockIsTheSystems) {
  const auto look = [] {
    const SystemClock clock;
    for (int i = 0; i < 20'000; ++i) {
      const TimestampMs before = wall_ms();
      const TimestampMs now = clock.now_ms();
      EXPECT_GE(now, before - 1);
      EXPECT_LE(now, wall_ms());
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(look);
  for (std::thread& thread : threads) thread.join();
}

TEST(SystemClockTest, AfterAPauseItIsAskedAgain) {
  const SystemClock clock;
  const TimestampMs before = clock.now_ms();
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_GE(clock.now_ms(), before + 4);
}

}  // namespace
}  // namespace cms::base
