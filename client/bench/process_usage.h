// SPDX-License-Identifier: Apache-2.0
// What the kernel says another process has used: the broker under a load, whatever it is written in.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"

namespace cms::client::bench {

// Seconds of user and system time of all its threads, to the nanosecond where the kernel keeps schedstat, else to the
// clock tick. 0 for pid 0 or a process that is gone.
double process_cpu_seconds(pid_t pid);

struct ProcessUsage {
  double cpu_seconds = 0;
  std::uint64_t context_switches = 0;
  std::uint64_t resident_bytes = 0;             // now, not a difference
  std::optional<std::uint64_t> system_calls{};  // where they are counted
};

// What was used from `before` to `after`.
ProcessUsage between(const ProcessUsage& before, const ProcessUsage& after);

// One owner, one thread.
class ObservedProcess {
 public:
  enum class Counts { what_is_free, system_calls_too };

  // System calls are counted by the kernel's tracepoint (perf_event_open(2)), which makes each of them some 0.1 us
  // slower and takes root or CAP_PERFMON. An error when there is no such process, or the kernel does not let us count.
  static base::Result<ObservedProcess> open(pid_t pid, Counts counts);
  ObservedProcess(ObservedProcess&& other) noexcept;
  ObservedProcess& operator=(ObservedProcess&&) = delete;
  ~ObservedProcess();

  ProcessUsage usage() const;

 private:
  explicit ObservedProcess(pid_t pid) : pid_(pid) {}
  base::Result<void> count_system_calls();

  pid_t pid_;
  std::vector<int> counters_;  // of each thread; those a thread starts later count in its own
};

// What a process uses from begin() to end(); without one (pid 0) there is nothing to tell. One owner, one thread.
class Observation {
 public:
  // As ObservedProcess::open().
  static base::Result<Observation> of(pid_t pid, bool counts_system_calls);

  void begin();
  void end();
  const std::optional<ProcessUsage>& used() const { return used_; }

 private:
  std::optional<ObservedProcess> process_;
  ProcessUsage before_;
  std::optional<ProcessUsage> used_;
};

}  // namespace cms::client::bench
