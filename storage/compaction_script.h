// SPDX-License-Identifier: Apache-2.0
// One run of a long script on a compacted log, with a loss of power at every write, sync and change of a name: at each,
// the disk as it would be found is recovered, and what is there is compared with what was appended. Appends and flushes
// go on between the pieces of a compaction.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "storage/keyed_records.h"
#include "storage/segmented_log.h"
#include "storage/simulated_disk.h"
#include "storage/test_batches.h"

namespace cms::storage::test {

// What was appended, and what a log may have of it.
class KeyedModel {
 public:
  using Wrong = std::optional<std::string>;

  struct Appended {
    ReadRecord record;
    Offset batch_next = 0;
  };

  Offset acknowledged = 0;   // all below was told to be durable
  Offset first_told = 0;     // the log's start that somebody was told
  Offset first_at_most = 0;  // as far as the start may have got
  Offset compacted_end = 0;  // nothing at or behind it can have been removed
  std::int64_t delete_retention_ms = 500;

  Offset next() const { return appended_.empty() ? first_at_most : appended_.back().batch_next; }
  void add(std::vector<ReadRecord> records);
  void forget_from(Offset next);

  // Everything that can be asked of `log` at this time; what is wrong, or nothing.
  Wrong check(Log& log, base::TimestampMs now_ms) const;

 private:
  Wrong check_batches(Log& log, std::set<Offset>& found) const;
  const Appended* find(Offset offset) const;

  std::vector<Appended> appended_;
};

struct CompactionScriptOptions {
  std::uint64_t seed = 1;
  std::size_t operations = 300;
  std::uint64_t recover_one_in = 1;
  bool has_faults = true;
  SimulatedDisk::Options disk = {};
};

class CompactionScript {
 public:
  explicit CompactionScript(const CompactionScriptOptions& options);
  ~CompactionScript();
  void run();

  const std::optional<std::string>& wrong() const { return wrong_; }
  std::uint64_t recoveries() const { return recoveries_; }
  std::uint64_t replaced() const { return replaced_; }  // groups

 private:
  struct Process {
    explicit Process(SimulatedDisk& disk) : files(disk, 6) {}
    OpenFiles files;
    std::unique_ptr<SegmentedLog> log;
  };

  void fail(const std::string& what);
  base::Result<void> open(Process& process);
  void lose_power();
  void recover_from(std::unique_ptr<SimulatedDisk> disk, const KeyedModel& model, bool nested);
  void go_on_after(Process& process, KeyedModel model);

  void operate();
  void append(SegmentedLog& log, KeyedModel& model, base::Random& random);
  void flush(SegmentedLog& log, KeyedModel& model, bool sync);
  void compact(SegmentedLog& log, KeyedModel& model, base::Random& random, bool with_faults);
  bool between_pieces(SegmentedLog& log, KeyedModel& model, base::Random& random);
  void background();
  void raise_start();
  void restart(bool clean);

  const CompactionScriptOptions options_;
  base::Random random_;
  base::ManualClock clock_;
  Arena arena_;
  LogOptions log_options_;
  std::unique_ptr<SimulatedDisk> disk_;
  std::unique_ptr<Process> process_;
  KeyedModel model_;
  LeaderEpoch epoch_ = 0;
  std::size_t operation_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t recoveries_ = 0;
  std::uint64_t replaced_ = 0;
  std::string doing_;
  std::optional<std::string> wrong_;
};

}  // namespace cms::storage::test
