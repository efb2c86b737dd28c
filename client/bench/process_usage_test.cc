// SPDX-License-Identifier: Apache-2.0
#include "client/bench/process_usage.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <gtest/gtest.h>

namespace cms::client::bench {
namespace {

// Asks the kernel for its parent's number over and over, until it is ended.
class BusyChild {
 public:
  BusyChild() : pid_(::fork()) {
    while (pid_ == 0) static_cast<void>(::getppid());
  }
  BusyChild(const BusyChild&) = delete;
  BusyChild& operator=(const BusyChild&) = delete;
  ~BusyChild() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

TEST(ProcessUsageTest, ABusyProcessUsesProcessorTimeAndHasMemory) {
  const BusyChild child;
  const auto observed = ObservedProcess::open(child.pid(), ObservedProcess::Counts::what_is_free);
  ASSERT_TRUE(observed) << observed.error().message();
  const ProcessUsage before = observed->usage();
  ProcessUsage used;
  for (int i = 0; i < 1'000 && used.cpu_seconds < 0.02; ++i) {
    ::usleep(10'000);
    used = between(before, observed->usage());
  }
  EXPECT_GE(used.cpu_seconds, 0.02);
  EXPECT_GT(used.resident_bytes, 100'000u);
  EXPECT_FALSE(used.system_calls);
}

TEST(ProcessUsageTest, SystemCallsAreCountedWhereTheKernelLetsUs) {
  const BusyChild child;
  const auto observed = ObservedProcess::open(child.pid(), ObservedProcess::Counts::system_calls_too);
  if (!observed) GTEST_SKIP() << observed.error().message();
  const ProcessUsage before = observed->usage();
  ProcessUsage used;
  for (int i = 0; i < 1'000 && used.system_calls.value_or(0) < 1'000; ++i) {
    ::usleep(10'000);
    used = between(before, observed->usage());
  }
  EXPECT_GE(used.system_calls.value_or(0), 1'000u);
}

TEST(ProcessUsageTest, WhereThereIsNoProcessThatIsSaid) {
  const auto observed = ObservedProcess::open(999'999'999, ObservedProcess::Counts::what_is_free);
  ASSERT_FALSE(observed);
  EXPECT_NE(observed.error().message().find("999999999"), std::string::npos);
  EXPECT_EQ(process_cpu_seconds(0), 0);
}

TEST(ProcessUsageTest, WithoutAProcessAnObservationHasNothingToTell) {
  auto observation = Observation::of(0, false);
  ASSERT_TRUE(observation);
  observation->begin();
  observation->end();
  EXPECT_FALSE(observation->used());
}

}  // namespace
}  // namespace cms::client::bench
