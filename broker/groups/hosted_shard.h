// SPDX-License-Identifier: Apache-2.0
// A shard of the group coordinator on its partition of `__consumer_offsets`.
//
// A request is served on its connection's thread: under the shard's lock, which is held for a step and the append of
// its records and never across a wait. Nothing is told to anybody before all that the shard has appended is stable, so
// no answer is ever taken back. If an append is refused, the shard in memory knows more than its log: it is thrown away
// and loaded again, and whoever waited is told to look for the coordinator again.
//
// A shard's timers run on one core, its home.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
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
    if (state_ != ErrorCode::none) return state_;
    work(*shard_, now(), effects_);
    finish_step(core, call);
    return ErrorCode::none;
  }

  // The same for `work(shard, now, ticket, effects)`, whose part is done when the shard has replied to the ticket.
  template <typename Work>
  ErrorCode run_waiting(Core& core, std::shared_ptr<WaitingCall> call, Work&& work) {
    const std::lock_guard lock(mutex_);
    if (state_ != ErrorCode::none) return state_;
    const coordinator::Ticket ticket = ++last_ticket_;
    call->expect();
    waiting_.emplace(ticket, std::move(call));
    work(*shard_, now(), ticket, effects_);
    finish_step(core, nullptr);
    return ErrorCode::none;
  }

  // Any thread: work that nobody waits for, done on the home core, if the shard is loaded by then.
  using Step = std::function<void(coordinator::Shard&, coordinator::Now, coordinator::Effects&)>;
  void post(Step step);

  // Nothing is served from it any more.
  void stop(ErrorCode why);

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
  void finish_loading(std::unique_ptr<coordinator::Shard> loaded);

  // With mutex_ held.
  void finish_step(Core& core, const std::shared_ptr<GroupCall>& call);
  bool append(Core& core);
  void give_up(const std::shared_ptr<GroupCall>& call);
  void fail_waiting(ErrorCode why);
  void let_out(std::shared_ptr<GroupCall> call);
  void set_timer();

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
  bool stopped_ = false;
  std::unique_ptr<coordinator::Shard> shard_;
  coordinator::Effects effects_;  // of the step under way; empty between steps
  records::BatchBuilder batch_;
  coordinator::Ticket last_ticket_ = 0;
  std::unordered_map<coordinator::Ticket, std::shared_ptr<WaitingCall>> waiting_;
  Offset appended_end_ = 0;
  std::int64_t timer_set_for_ms_ = coordinator::never;

  std::mutex withheld_mutex_;  // taken last, also under the partition's lock
  std::deque<Withheld> withheld_;
  bool registered_ = false;  // with the partition
  Offset stable_ = 0;        // as last told
};

}  // namespace cms::broker
