// SPDX-License-Identifier: Apache-2.0
// Something of a core's that another thread, or a turn of the core's own, can wake: it is run at the end of a turn.
//
// However often it is woken before it runs, it costs one entry in the core's list and at most one message to the core's
// loop. Shared, so that who wakes and who lets it go need not know of each other.
#pragma once

#include <atomic>
#include <memory>

#include "protocol/frame.h"

namespace cms::broker {

class Core;

class Wakeable : public std::enable_shared_from_this<Wakeable> {
 public:
  explicit Wakeable(Core& core) : core_(core) {}
  Wakeable(const Wakeable&) = delete;
  Wakeable& operator=(const Wakeable&) = delete;
  virtual ~Wakeable() = default;

  // Any thread, any number of times. The owning core sees it at the end of its turn; another thread's call wakes that
  // core.
  void wake();

  // The owning core's thread: as wake(), but not before everything else that is ready has had its turn.
  void wake_next_turn();

  Core& core() const { return core_; }

 protected:
  // The owning core's thread, at the end of a turn. First all that were woken are marked, then each is run. `scratch`
  // is empty before and after.
  virtual void mark() {}
  virtual void run(protocol::FrameBuffer& scratch) = 0;

  // From here on wake() counts again. Before run() looks at what it was woken for.
  void rearm() { woken_.store(false, std::memory_order_seq_cst); }

 private:
  friend class Core;

  Core& core_;
  std::atomic<bool> woken_{false};
};

}  // namespace cms::broker
