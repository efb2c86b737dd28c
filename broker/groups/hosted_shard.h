// SPDX-License-Identifier: Apache-2.0
// A shard of the group coordinator on its partition of `__consumer_offsets`.
//
// A request is served on its connection's thread: under the shard's lock, which is held for a step and the append of
// its records and never across a wait. Nothing is told to anybody before all that the shard has appended is stable, so
// no answer is ever taken back.
//
// Whether the partition takes records is asked before a step, so that the shard never knows what its log does not:
//   - It takes none for now (too few replicas in sync): steps are refused COORDINATOR_NOT_AVAILABLE, timers wait, and
//     reads are answered. Clients look for the coordinator again, find it here and repeat.
//   - It refuses this batch alone (no memory for it): the batch is *owed*. It is appended before anything else, with
//     the next request or after retry_interval; who waits for it goes on waiting, and steps are refused meanwhile.
//   - It takes none until the next start (a write or sync has failed: a full disk): the shard is *read-only*. Its state
//     becomes what was stable, by loading again if it knows more, and from that state OffsetFetch, DescribeGroups and
//     ListGroups are answered. Everything else is refused COORDINATOR_NOT_AVAILABLE, which consumers take as a reason
//     to try again: they keep what they are assigned and go on reading. (Kafka answers NOT_COORDINATOR when its log
//     directory has failed, since another broker takes over.)
//   - It was removed: NOT_COORDINATOR.
//
// A shard's timers run on one core, its home.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "broker/groups/group_call.h"
#include "broker/topics/topics.h"
#include "coordinator/shard.h"
#include "records/build.h"

namespace cms::broker {

// What hosted shards need of the broker around them.
struct GroupHost {
  const base::Clock& clock;
  coordinator::GroupEnvironment groups;
  std::function<void(std::function<void()>)> run_on_worker;
};

class HostedShard final : public std::enable_shared_from_this<HostedShard>, private StableWaiter, private Deadline {
 public:
  // So long after a refusal a timer, or an owed batch, is tried again.
  static constexpr std::chrono::milliseconds retry_interval{100};

  HostedShard(const GroupHost& host, TopicHandle topic, std::int32_t index, Core& home);
  ~HostedShard() override;

  // Any thread, once: begins to load; until that is done, requests are answered COORDINATOR_LOAD_IN_PROGRESS.
  void start();

  // `work(shard, now, effects)` is done under the lock, on `core`'s thread, which is the caller's. `call` gets one
  // part, which is done when all that the shard has appended so far is stable. An error: no part was added and nothing
  // done.
  template <typename Work>
  ErrorCode run(Core& core, const std::shared_ptr<GroupCall>& call, Work&& work) {
    const std::lock_guard lock(mutex_);
    if (const ErrorCode refused = why_not_step(core); refused != ErrorCode::none) return refused;
    work(*shard_, now(), effects_);
    finish_step(core, call);
    return ErrorCode::none;
  }

  // The same for `work(shard, now, ticket, effects)`, whose part is done when the shard has replied to the ticket.
  template <typename Work>
  ErrorCode run_waiting(Core& core, std::shared_ptr<WaitingCall> call, Work&& work) {
    const std::lock_guard lock(mutex_);
    if (const ErrorCode refused = why_not_step(core); refused != ErrorCode::none) return refused;
    const coordinator::Ticket ticket = ++last_ticket_;
    call->expect();
    waiting_.emplace(ticket, std::move(call));
    work(*shard_, now(), ticket, effects_);
    finish_step(core, nullptr);
    return ErrorCode::none;
  }

  // The same for `work(shard)`, which only looks.
  template <typename Work>
  ErrorCode read(const std::shared_ptr<GroupCall>& call, Work&& work) {
    const std::lock_guard lock(mutex_);
    if (const ErrorCode refused = why_not_read(); refused != ErrorCode::none) return refused;
    work(std::as_const(*shard_));
    call->expect();
    let_out(call);
    return ErrorCode::none;
  }

  // Any thread: topics were made, changed or removed. The shard is told on its home core as soon as it can be.
  void topics_changed(TopicsChange change);

  // Any thread: offsets that have aged go, on the home core, a bounded number at a time. Not while steps are refused.
  void expire();

  // Nothing is served from it any more.
  void stop(ErrorCode why);

  // none: every request is served.
  ErrorCode state() const;
  std::int32_t index() const { return index_; }

  struct Counts {
    std::size_t groups = 0;
    std::size_t offsets = 0;
  };
  Counts counts() const;

 private:
  // A call whose part is done when offsets below `until` are stable.
  struct Withheld {
    Offset until;
    std::shared_ptr<GroupCall> call;
  };

  coordinator::Now now() const;
  Partition& partition() const { return *topic_->partition(index_); }

  // A worker's thread, then the home core's.
  void load();
  void fail_loading(const std::string& why);
  void finish_loading(std::unique_ptr<coordinator::Shard> loaded, Offset end);

  // With mutex_ held.
  ErrorCode why_not_read();
  ErrorCode why_not_step(Core& core);
  void look_at_log();
  void become_read_only();
  void close(ErrorCode why);
  void do_what_is_due();
  void finish_step(Core& core, const std::shared_ptr<GroupCall>& call);
  void append(Core& core);
  base::Result<void> append_owed(Core& core);
  void let_out(std::shared_ptr<GroupCall> call);
  void fail_unfinished(ErrorCode why);
  void set_timer(std::int64_t wake_at_ms);

  // StableWaiter: under the partition's lock, on whichever thread.
  bool reached(Partition& partition, Offset stable) override;
  void lost(ErrorCode why) override;

  // Deadline: the home core's thread.
  void expired() override;

  const GroupHost& host_;
  const TopicHandle topic_;
  const std::int32_t index_;
  Core& home_;

  mutable std::mutex mutex_;  // taken before the partition's lock
  ErrorCode state_ = ErrorCode::coordinator_load_in_progress;
  bool read_only_ = false;
  bool stopped_ = false;
  std::unique_ptr<coordinator::Shard> shard_;
  coordinator::Effects effects_;  // of the step under way; empty between steps
  records::BatchBuilder batch_;
  std::vector<std::byte> owed_;                                        // a batch; empty: none
  std::vector<std::shared_ptr<GroupCall>> waiting_owed_;               // for it to be appended
  std::optional<TopicsChange> topics_change_ = TopicsChange::removed;  // not told yet: what happened before the start
  coordinator::Ticket last_ticket_ = 0;
  std::unordered_map<coordinator::Ticket, std::shared_ptr<WaitingCall>> waiting_;
  Offset appended_end_ = 0;  // of the shard's own records
  std::int64_t timer_set_for_ms_ = coordinator::never;

  std::mutex withheld_mutex_;  // taken last, also under the partition's lock
  std::deque<Withheld> withheld_;
  bool registered_ = false;  // with the partition
  Offset stable_ = 0;        // as last told
};

}  // namespace cms::broker
