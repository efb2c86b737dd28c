// SPDX-License-Identifier: Apache-2.0
// A request to the group coordinator: it has parts, one for each shard it concerns, and is answered when every part is
// done and what the answer rests on is stable.
#pragma once

#include <atomic>
#include <utility>

#include "broker/core/pending.h"
#include "coordinator/effects.h"
#include "protocol/errors.h"

namespace cms::broker {

class GroupCall : public Pending {
 public:
  using Pending::Pending;

  // One part more. Before begin().
  void expect() { parts_left_.fetch_add(1, std::memory_order_relaxed); }

  // Any thread: a part is done, or cannot be, because the coordinator's log has failed.
  void done() {
    if (parts_left_.fetch_sub(1, std::memory_order_acq_rel) == 1) wake();
  }
  void failed(protocol::ErrorCode why) {
    error_.store(why, std::memory_order_relaxed);
    done();
  }

  // All parts have been given out. True when all are done: the caller answers at once.
  bool begin() { return parts_left_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

 protected:
  // In answer(): none, or why the parts' results are not to be shown.
  protocol::ErrorCode error() const { return error_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t> parts_left_{1};
  std::atomic<protocol::ErrorCode> error_{protocol::ErrorCode::none};
};

// JoinGroup or SyncGroup: its one part is done when the shard has replied.
class WaitingCall : public GroupCall {
 public:
  using GroupCall::GroupCall;

  // Under the shard's lock, before done().
  virtual void set(coordinator::WaitingResponse response) = 0;
};

}  // namespace cms::broker
