// SPDX-License-Identifier: Apache-2.0
// Fetch sessions (KIP-227): the broker remembers which partitions a client fetches, so that a request lists only what
// has changed and a response only what is new.
//
//   FetchContext context;                              // kept and used again: opening then allocates nothing
//   if (sessions.open(request, version, context) != ErrorCode::none) answer the error, session id 0, no partitions
//   for (FetchPartition& partition : context.partitions()) read it; park; read it again
//   for (...) if (context.include(partition, answer)) put it into the response
//   response.session_id = context.finish();            // before the response is sent
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "broker/handlers/fetch_partitions.h"
#include "protocol/errors.h"
#include "protocol/messages/fetch.h"
#include "protocol/version.h"

namespace cms::broker {

// What one client fetches. Its partitions belong to the context that holds the lease.
class FetchSession {
 public:
  FetchSession(std::int32_t id, bool by_id, base::Nanoseconds now)
      : id_(id), by_id_(by_id), created_(now), last_used_(now) {}

 private:
  friend class FetchContext;
  friend class FetchSessions;

  const std::int32_t id_;
  const bool by_id_;  // topics go by id, not by name
  const base::Nanoseconds created_;

  std::atomic<bool> leased_{false};

  FetchNews news_;

  // The lease's holder.
  FetchPartitions partitions_;

  // The mutex of FetchSessions.
  std::int32_t epoch_ = 1;  // of the next request
  base::Nanoseconds last_used_;
  std::size_t counted_ = 0;  // partitions, as counted in FetchSessions
};

// One fetch request's partitions, from its arrival to its answer. One thread at a time. Destroyed without finish() (the
// connection has gone) it leaves its session usable.
class FetchContext {
 public:
  FetchContext() = default;
  FetchContext(FetchContext&& other) noexcept = default;
  FetchContext& operator=(FetchContext&& other) noexcept;
  ~FetchContext() { release(); }

  // In the order in which they are to be served; those that rest are passed over. The same until finish().
  FetchPartitions& partitions() { return session_ ? session_->partitions_ : own_; }

  // Whether the response is to hold this answer for `partition`: always in a full fetch, in an incremental one if it
  // has records, an error, a diverging epoch, a preferred replica, another high watermark or log start offset than the
  // client was told last. It counts as told then. Once per partition and response.
  bool include(FetchPartition& partition, const protocol::FetchResponse::Partition& answer);

  // What was answered for `wanted` was nothing, at the high watermark `stable` and the log start offset `start`: in a
  // session it is passed over until there is something.
  void rest(FetchPartition& wanted, Partition& partition, Offset stable, Offset start) {
    if (session_) session_->partitions_.rest(wanted, session_->news_, partition, stable, start);
  }

  // Those in which something has happened are passed over no longer.
  void look_again() {
    if (session_) session_->partitions_.wake(session_->news_);
  }

  // From now on the listener is told of what happens in those that rest, until let_go(). Then `partitions()` are all
  // others.
  void listen(NewsListener& listener);
  void let_go();

  // The response's session id; 0: none. Partitions that returned records go to the end, so that all get their turn
  // under the response's byte limit. Afterwards partitions() means nothing until the context is opened again.
  std::int32_t finish();

  // An incremental fetch may answer with less than all its partitions.
  bool incremental() const { return incremental_; }

 private:
  friend class FetchSessions;
  void release();

  std::shared_ptr<FetchSession> session_;  // leased; null: a fetch without session
  bool incremental_ = false;
  FetchPartitions own_;
};

// Any thread.
class FetchSessions {
 public:
  struct Limits {
    std::size_t sessions = 1000;
    // Of all sessions together, so that their memory is bounded whatever clients ask for.
    std::size_t partitions = 500'000;
  };

  // A session that was not used for so long goes first, and one that has lived for so long may give way to a larger
  // one.
  static constexpr base::Nanoseconds eviction_age = std::chrono::minutes(2);

  // The clock outlives this.
  FetchSessions(const base::Clock& clock, Limits limits, std::uint64_t seed);

  // Takes the request's session and epoch for what they say: makes, continues or closes a session, or none. Only
  // fetch_session_id_not_found, invalid_fetch_session_epoch (also while an earlier request of the session is still
  // unanswered) and fetch_session_topic_id_error are errors; `into` is empty then. The request is not referred to
  // later.
  protocol::ErrorCode open(const protocol::FetchRequest& request, protocol::Version version, FetchContext& into);

  std::size_t session_count() const;
  std::size_t partition_count() const;
  std::uint64_t evicted_count() const { return evicted_.load(std::memory_order_relaxed); }

 private:
  using Sessions = std::unordered_map<std::int32_t, std::shared_ptr<FetchSession>>;

  // They go when mutex_ is not held any more: each of their partitions is told.
  using Removed = std::vector<std::shared_ptr<FetchSession>>;

  void open_full(const protocol::FetchRequest& request, bool by_id, FetchContext& into);
  protocol::ErrorCode resume(const protocol::FetchRequest& request, bool by_id, FetchContext& into);
  protocol::ErrorCode continue_session(const protocol::FetchRequest& request, FetchContext& into);

  // With mutex_ held.
  std::shared_ptr<FetchSession> make(bool by_id, std::size_t partitions, Removed& removed);
  bool make_room(std::size_t partitions, base::Nanoseconds now, Removed& removed);
  void remove(Sessions::iterator session, Removed& removed);
  void count(FetchSession& session, std::size_t partitions);
  std::int32_t unused_id();

  // Fixed at construction.
  const base::Clock& clock_;
  const Limits limits_;

  // mutex_, which is short: no partition is looked at under it.
  mutable std::mutex mutex_;
  base::Random random_;
  Sessions sessions_;
  std::size_t partitions_ = 0;

  // Any thread.
  std::atomic<std::uint64_t> evicted_{0};
};

}  // namespace cms::broker
