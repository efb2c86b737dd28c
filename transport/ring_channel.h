// SPDX-License-Identifier: Apache-2.0
// A channel whose outgoing messages lie in a ring of its own, so that they can be constructed in place.
#pragma once

#include <memory>

#include "transport/channel.h"
#include "transport/ring.h"

namespace cms::transport {

class RingChannel : public Channel {
 public:
  // For claim(), commit() and abandon() (transport/ring.h). What was committed leaves with the channel's next flush();
  // publish(), prepare_to_sleep() and awake() are the channel's to call.
  virtual RingWriter& out() = 0;

  // Keeps the memory of the ring, and so the space of open claims, in place after the channel has been destroyed. What
  // is written into it then goes nowhere.
  virtual std::shared_ptr<const void> memory() const = 0;
};

}  // namespace cms::transport
