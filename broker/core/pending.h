// SPDX-License-Identifier: Apache-2.0
// A request that has been taken and not yet answered.
//
// It belongs to its connection, which answers requests in the order they came. What it waits for (an append, a sync,
// work on another thread, a deadline) calls wake() when it may be answered; the answer is written by answer() when its
// turn has come, so a waiting response holds no bytes.
#pragma once

#include <memory>

#include "broker/core/wakeable.h"
#include "protocol/frame.h"

namespace cms::broker {

class Connection;

// wake() says that the answer can be given.
class Pending : public Wakeable {
 public:
  using Wakeable::Wakeable;

  // The owning core's thread, once, after wake(), in the order of the connection's requests: appends the response
  // frame.
  virtual void answer(protocol::FrameBuffer& out) = 0;

 protected:
  // Memory of its own that it holds until it is answered. Before its connection takes it.
  void hold(std::size_t bytes) { held_bytes_ = bytes; }

 private:
  friend class Connection;

  void mark() final { ready_ = true; }
  void run(protocol::FrameBuffer& scratch) final;

  std::size_t held_bytes_ = 0;

  // The owning core's thread.
  bool ready_ = false;
  Connection* connection_ = nullptr;  // null once the connection has gone
  std::shared_ptr<Pending> next_;     // the connection's next request
};

// Answered already, but behind one that is not.
class Answered final : public Pending {
 public:
  using Pending::Pending;
  protocol::FrameBuffer& frame() { return frame_; }
  void frame_is_complete() { hold(frame_.size()); }
  void answer(protocol::FrameBuffer& out) override { out.take(frame_); }

 private:
  protocol::FrameBuffer frame_;
};

}  // namespace cms::broker
