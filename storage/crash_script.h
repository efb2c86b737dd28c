// SPDX-License-Identifier: Apache-2.0
// One run of a long script of operations on a segmented log, with a loss of power at every write, sync and change of a
// name: at each, the disk as it would be found is recovered, and the model says what is wrong.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "storage/crash_model.h"
#include "storage/segmented_log.h"
#include "storage/simulated_disk.h"
#include "storage/simulated_queue.h"

namespace cms::storage::test {

struct CrashScriptOptions {
  std::uint64_t seed = 1;
  std::size_t operations = 2000;
  std::uint64_t recover_one_in = 1;  // steps; more where a sanitizer makes everything slow
  bool has_faults = true;            // failed writes, failed syncs, a full disk

  // Bugs that must be found.
  SimulatedDisk::Options disk = {};
  bool acknowledge_before_sync = false;
};

class CrashScript {
 public:
  explicit CrashScript(const CrashScriptOptions& options);
  ~CrashScript();

  // Runs until the end or the first thing that is wrong.
  void run();

  const std::optional<std::string>& wrong() const { return wrong_; }
  std::uint64_t recoveries() const { return recoveries_; }

 private:
  // A process: what is lost when it ends, however it ends.
  struct Process {
    Process(SimulatedDisk& disk, std::uint64_t seed) : files(disk, 6), queue(seed) {}
    OpenFiles files;
    SimulatedQueue queue;
    std::unique_ptr<SegmentedLog> log;
    std::vector<std::vector<std::function<base::Result<void>()>>> background;  // as it was taken, not yet done
  };

  void fail(const std::string& what);
  base::Result<void> open(Process& process);
  void watch_disk();

  // A loss of power, and another one while the first is recovered from.
  void lose_power();
  void recover_from(std::unique_ptr<SimulatedDisk> disk, const CrashModel& model, bool nested);
  void go_on_after(SimulatedDisk& disk, Process& process, CrashModel model);

  // Operations.
  void operate();
  void append();
  void flush(bool sync, bool append_meanwhile);
  void flush_with_fault();
  void background();
  void work_off();
  void retention();
  void raise_start();
  void look();
  void reopen(bool clean);
  void restart();

  BatchSpec next_spec(base::Random& random, const CrashModel& model);
  bool append_to(SegmentedLog& log, CrashModel& model, base::Random& random);
  base::Result<void> drive_flush(Process& process, bool sync, bool append_meanwhile);

  const CrashScriptOptions options_;
  base::Random random_;  // of the operations; recoveries have their own
  base::ManualClock clock_;
  Arena arena_;
  LogOptions log_options_;
  std::unique_ptr<SimulatedDisk> disk_;
  std::unique_ptr<Process> process_;
  CrashModel model_;
  LeaderEpoch epoch_ = 0;
  std::size_t operation_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t recoveries_ = 0;
  std::string doing_;
  std::optional<std::string> wrong_;
};

}  // namespace cms::storage::test
