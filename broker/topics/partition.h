// SPDX-License-Identifier: Apache-2.0
// One partition: its log, its view, how far it is stable, and who waits for that to move.
//
// The lock is short: it is held for an append, for looking up what a read refers to, for moving the frontier; never
// across a wait. Whoever appends serves everything the append makes possible, on the appending thread: it wakes what
// waits and asks its own core to flush. Readers see the stable prefix only.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <boost/intrusive/list.hpp>

#include "base/clock.h"
#include "broker/config/topic_config.h"
#include "broker/core/core.h"
#include "protocol/errors.h"
#include "protocol/records.h"
#include "replication/stability.h"
#include "storage/log.h"

namespace cms::broker {

using protocol::ErrorCode;
using records::LeaderEpoch;
using records::Offset;

// Waits for a partition's stable prefix to reach an offset. In at most one partition's list; taken out by
// Partition::forget() before it goes.
class StableWaiter : public boost::intrusive::list_base_hook<> {
 public:
  virtual ~StableWaiter() = default;

  // Under the partition's lock, on the thread that moved the frontier: everything below `stable` can be read. True when
  // it need not be told again; otherwise it is told of the next move. Must not call the partition, except available().
  virtual bool reached(class Partition& partition, Offset stable) = 0;

  // The partition is gone, or its log has failed; it is out of the list. Under the lock.
  virtual void lost(ErrorCode why) = 0;

  // The log begins at another offset. It stays in the list. Under the lock.
  virtual void start_moved() {}

 private:
  friend class Partition;
  Offset wanted_ = 0;
};

struct AppendOutcome {
  ErrorCode error = ErrorCode::none;
  Offset base_offset = -1;
  Offset end_offset = -1;  // behind the batch: with acks=-1 the answer waits until this is stable
  base::TimestampMs log_append_time_ms = -1;
  Offset log_start_offset = -1;
  bool stable = false;     // it already is
  bool congested = false;  // too much waits for the disk: let the client wait, whatever acks says
  bool flush = false;      // the partition's own: the caller's core is to flush
  std::string message;
};

// Puts a batch where the log will have it, and says what it is: for batches whose sender can still change them, which
// have to be copied before they are checked.
class BatchFill {
 public:
  virtual ~BatchFill() = default;

  // Under the partition's lock. `room` has the size that was asked for. None: it is refused, and `outcome` says why.
  virtual std::optional<records::BatchView> fill(base::MutableByteSpan room, AppendOutcome& outcome) = 0;
};

struct ReadRequest {
  Offset offset = 0;
  std::size_t bytes_max = 0;
  LeaderEpoch current_leader_epoch = -1;  // -1: not checked
  LeaderEpoch last_fetched_epoch = -1;    // -1: not checked
};

struct ReadOutcome {
  ErrorCode error = ErrorCode::none;
  Offset high_watermark = -1;
  Offset log_start_offset = -1;
  std::size_t bytes = 0;                      // appended to the records asked for, or available
  storage::LeaderEpochs::EpochEnd diverging;  // epoch -1: on this log's history
  std::optional<storage::ColdRange> cold;     // to be read from the file instead
};

struct Positions {
  Offset start = 0;
  Offset stable = 0;
  Offset synced = 0;  // of a log in memory: stable
  Offset end = 0;
  std::uint64_t size_bytes = 0;
  LeaderEpoch epoch = 0;
};

// What a partition needs of the broker around it.
struct PartitionEnvironment {
  const base::Clock& clock;

  // Runs what may block on another thread.
  std::function<void(std::function<void()>)> run_on_worker;

  // Makes sure that offsets below an end are never given out again after a restart; answers by Partition::reserved().
  // Runs on a worker.
  std::function<void(const std::shared_ptr<class Partition>&, Offset end)> reserve;
};

class Partition final : public Flushable, private storage::IoCompletion {
  using LogWork = std::function<base::Result<void>()>;

 public:
  // Offsets are reserved before the first append and again when half of the first reservation is left: at millions of
  // records a second that leaves the disk a tenth of one. A partition that is not closed goes on behind what was
  // reserved.
  static constexpr Offset first_reservation = 1 << 21;
  static constexpr Offset reservation_block = 1 << 23;

  // An append waits for the disk to make a late reservation, but not longer than this; then it is refused.
  static constexpr std::chrono::seconds reservation_wait_max{5};

  // Bytes that may wait for the disk before acknowledgements are held back, whatever acks says.
  static constexpr std::uint64_t unflushed_bytes_max = 64ull << 20;

  struct Identity {
    std::string topic;
    std::int32_t index = 0;
    Durability durability = Durability::persistent;
  };

  // `reserved_end` is where the next restart would go on; a persistent partition needs none.
  Partition(Identity identity, std::unique_ptr<storage::Log> log, replication::View view,
            std::shared_ptr<const EffectiveTopicConfig> config, Offset reserved_end, PartitionEnvironment environment);

  // One whose log could not be opened: it is listed, and every request to it is answered KAFKA_STORAGE_ERROR.
  static std::shared_ptr<Partition> offline(Identity identity, base::Error why, replication::View view,
                                            std::shared_ptr<const EffectiveTopicConfig> config,
                                            PartitionEnvironment environment);
  ~Partition() override;

  const Identity& identity() const { return identity_; }

  // --- Any thread.

  // Appends a batch that was validated and rewritten as the topic's configuration wants it. `core` is the caller's.
  AppendOutcome append(Core& core, records::BatchView batch, bool wait_for_all);

  // Appends what `fill` puts into the log's memory: `bytes` with `count` records. None, and nothing has happened: this
  // log has no room to be filled, append() a copy.
  std::optional<AppendOutcome> append_in_place(Core& core, std::size_t bytes, std::int32_t count, BatchFill& fill,
                                               bool wait_for_all);

  // What any append would be refused with now.
  ErrorCode why_not_append(bool wait_for_all) const;

  // Appends what may be read to `into`; only tells what there is when `into` is null.
  ReadOutcome read(const ReadRequest& request, protocol::Records* into);

  // Bytes in [from, stable), at most about `enough`. The second is for StableWaiter::reached(), under the lock.
  std::size_t available(Offset from, std::size_t enough, bool lock_held);

  // Tells `waiter` when stable() >= wanted. False, and nothing is registered, when it is so already or the partition is
  // lost: look again.
  bool await_stable(StableWaiter& waiter, Offset wanted);
  void forget(StableWaiter& waiter);

  // As await_stable() for what comes behind `stable`; false also when the log does not begin at `start`.
  bool await_news(StableWaiter& waiter, Offset stable, Offset start);

  Positions positions() const;
  replication::View view() const;
  ErrorCode state() const;  // none; kafka_storage_error after a failed write; unknown_topic_or_partition when removed
  bool is_offline() const { return offline_; }  // its log was never opened; else reads go on in every state

  // ErrorCode for a client that believes the leader epoch to be `epoch` (KIP-320).
  ErrorCode check_epoch(LeaderEpoch epoch) const;

  storage::LeaderEpochs::EpochEnd end_of_epoch(LeaderEpoch epoch) const;
  LeaderEpoch epoch_at(Offset offset) const;

  // Batches for ListOffsets, as of storage::Log; may block on a disk, so not on a core's thread.
  base::Result<std::optional<base::Bytes>> batch_at_time(base::TimestampMs time_ms, Offset from);
  base::Result<std::optional<base::Bytes>> batch_with_largest_timestamp(Offset from);

  // DeleteRecords; -1 is the high watermark. Returns the new log start offset. Blocks as well.
  std::pair<ErrorCode, Offset> delete_records(Offset before);

  void set_config(std::shared_ptr<const EffectiveTopicConfig> config, const storage::LogOptions& options);
  void reserved(Offset end);

  // Retention and expiry of producers, then the log's background work. Blocks: a housekeeping thread.
  void keep_house();

  // What could be compacted now, as the topic's configuration says; empty when it is not to be, or while it is being.
  storage::DirtyRange dirty_range();

  // One run over that. What the topic decides of `settings` is set here. Blocks for as long as it takes: a cleaner's
  // thread. Error: why the rest of it cannot be compacted (the log is as whole as before), or closed.
  base::Result<storage::CompactionStats> compact(const storage::DirtyRange& range, storage::CompactionSettings settings,
                                                 std::size_t io_buffer_bytes);

  // Nothing is served from it any more; waiters are told `why`.
  void remove(ErrorCode why);

  // As remove(not_leader_or_follower), if no record has ever been appended: clients find what takes its place by asking
  // again. Else the error says what there is. A batch is wholly before (and this refused) or wholly after (and
  // refused).
  base::Result<void> retire_unused();
  void take_up_again();  // nothing has taken its place

  // Writes and syncs all; no flush is under way and nobody appends any more. Blocks.
  base::Result<void> close();

  // --- The thread of the core that was asked to.
  void start_flush(Core& core) override;
  void flush_is_due(Core& core) override;

 private:
  void completed(base::Result<std::size_t> bytes) noexcept override;

  void ask_for_reservation(Offset end);

  storage::RunLocked with_lock() {
    return [this](const std::function<void()>& work) {
      const std::lock_guard lock(mutex_);
      work();
    };
  }

  // With the lock held.
  bool may_append(std::unique_lock<std::mutex>& lock, Offset count, bool wait_for_all, AppendOutcome& outcome);
  void append_checked(records::BatchView batch, AppendOutcome& outcome);
  bool append_new(records::BatchView batch, AppendOutcome& outcome);
  void advance(Offset durable);
  void tell_start_moved();
  void fail(const base::Error& error);
  ErrorCode refuses(bool wait_for_all) const;
  bool is_served() const;
  bool wants_reservation(Offset end);
  bool await_reservation(std::unique_lock<std::mutex>& lock, Offset count);
  std::optional<SteadyTime> sync_wanted_by() const;
  bool sync_is_due() const;
  bool must_sync();

  // Without it.
  void do_later(std::vector<LogWork> work);
  void do_now(const std::vector<LogWork>& work);

  // Fixed at construction.
  const Identity identity_;
  const PartitionEnvironment environment_;
  bool offline_ = false;

  // mutex_.
  mutable std::mutex mutex_;
  std::unique_ptr<storage::Log> log_;  // set at construction; some of its calls take the lock themselves
  replication::StabilityFrontier frontier_;
  std::shared_ptr<const EffectiveTopicConfig> config_;
  ErrorCode state_ = ErrorCode::none;
  bool flush_asked_ = false;  // of a core, or under way
  std::int64_t unsynced_records_ = 0;
  std::optional<SteadyTime> sync_due_;  // flush.ms after the first append that no sync covers or is covering
  bool sync_timer_set_ = false;         // a core will say flush_is_due(), perhaps early
  Core* timing_core_ = nullptr;         // that one, or one that flushed before
  Offset reserved_end_;
  bool reserving_ = false;
  std::condition_variable reserved_changed_;
  boost::intrusive::list<StableWaiter, boost::intrusive::constant_time_size<false>> waiters_;

  // The flushing core's thread.
  Core* flushing_core_ = nullptr;
  std::shared_ptr<Flushable> flushing_self_;
};

}  // namespace cms::broker
