// SPDX-License-Identifier: Apache-2.0
// Something of a session that may have messages to send: a stream's cursor, the answers to puts of a partition.
//
// What makes it ready happens anywhere: an append under its partition's lock, a read of a file, credit. That only puts
// it into its session's list, once however often, without a lock or an allocation. The session takes the list at the
// end of a turn and gives each source its own.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "broker/topics/partition.h"
#include "transport/channel.h"

namespace cms::broker::push {

// How much a session does before its client is told of it, and before others have their turn.
struct Pace {
  std::size_t messages_at_once;    // taken from the channel before the next bound is looked at
  std::size_t received_bytes_max;  // in messages, before what has become of them is sent
  std::size_t source_bytes_max;    // of one source before the next has its turn
  std::size_t flush_bytes_min;     // sent before the client is told
};

// To tell a client that sleeps, or one behind a socket, is a system call: once in a turn.
inline constexpr Pace pace_of_turns{16, SIZE_MAX, 128 << 10, SIZE_MAX};
// Where nobody sleeps it is a store, and the sooner the client is told the more it works at the same time.
inline constexpr Pace pace_of_polling{2, 64 << 10, 64 << 10, 32 << 10};

// What a source sends through, for one turn of the session.
struct Outlet {
  transport::Channel& channel;
  const Pace& pace;
  std::size_t bytes_sent = 0;  // of records
  std::size_t messages = 0;

  // False: the channel takes nothing now.
  bool offer(std::span<const base::Bytes> parts) {
    if (channel.offer(parts) != transport::Offered::taken) return false;
    ++messages;
    return true;
  }

  static constexpr std::size_t turn_bytes_max = 512 << 10;  // of one session before other work has its turn
};

class Source : public StableWaiter {
 public:
  enum class Step {
    idle,  // nothing to send until it is made ready again
    more,
    full,  // the channel takes nothing now
    done,  // to be destroyed
  };

  // The session's core. Sends a bounded part of what there is.
  virtual Step step(Outlet& outlet) = 0;

 private:
  friend class ReadyList;

  std::atomic<bool> listed_{false};
  Source* next_ = nullptr;  // by whoever has listed it
};

// Sources that are ready, in the order in which they have become so. Any thread adds; one takes.
class ReadyList {
 public:
  // False: it was there already.
  bool add(Source& source) {
    if (source.listed_.exchange(true, std::memory_order_acq_rel)) return false;
    Source* head = added_.load(std::memory_order_relaxed);
    do {
      source.next_ = head;
    } while (!added_.compare_exchange_weak(head, &source, std::memory_order_release, std::memory_order_relaxed));
    return true;
  }

  // --- The one that takes.

  // As add(), with less to wait for.
  bool add_here(Source& source) {
    if (source.listed_.exchange(true, std::memory_order_acq_rel)) return false;
    collect();  // they have come before
    source.next_ = nullptr;
    (last_ == nullptr ? first_ : last_->next_) = &source;
    last_ = &source;
    return true;
  }

  bool empty() {
    collect();
    return first_ == nullptr;
  }

  static bool has(const Source& source) { return source.listed_.load(std::memory_order_relaxed); }

  // From here on it can be added again. Null when there is none.
  Source* take() {
    collect();
    Source* const source = first_;
    if (source == nullptr) return nullptr;
    first_ = source->next_;
    if (first_ == nullptr) last_ = nullptr;
    source->listed_.store(false, std::memory_order_seq_cst);  // before it looks at what there is
    return source;
  }

  // Back to where it was taken from, or nothing when it has been added meanwhile.
  void put_back(Source& source) {
    if (source.listed_.exchange(true, std::memory_order_acq_rel)) return;
    source.next_ = first_;
    first_ = &source;
    if (last_ == nullptr) last_ = &source;
  }

  // What is listed is forgotten; nobody adds any more.
  void clear() {
    added_.store(nullptr);
    first_ = last_ = nullptr;
  }

 private:
  void collect() {
    if (added_.load(std::memory_order_relaxed) == nullptr) return;
    Source* newest = added_.exchange(nullptr, std::memory_order_acquire);
    Source* const last = newest;
    Source* reversed = nullptr;
    while (newest != nullptr) {
      Source* const next = newest->next_;
      newest->next_ = reversed;
      reversed = newest;
      newest = next;
    }
    (last_ == nullptr ? first_ : last_->next_) = reversed;
    last_ = last;
  }

  std::atomic<Source*> added_{nullptr};  // newest first
  Source* first_ = nullptr;
  Source* last_ = nullptr;
};

}  // namespace cms::broker::push
