// SPDX-License-Identifier: Apache-2.0
// A function that sees the stable records of the topics it watches, in the broker. A subscription of a native client is
// the built-in one: it hands records on to its subscriber.
//
// The dispatcher (broker/push/push_core.h) only matches: it tells a function of the partitions it is to see. The
// function keeps cursors of its own, which the partitions' appends put into a list; the work is done in bounded turns
// of the core the function belongs to, and never under a partition's lock. Every call is made on that core's thread.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/push/topic_pattern.h"
#include "broker/topics/topics.h"

namespace cms::broker::push {

class DeliveryFunction {
 public:
  // fifo: the records of a partition one after another. balanced: spread over instances, without order.
  enum class Ordering { fifo, balanced };

  virtual ~DeliveryFunction() = default;

  // Before anything is told, and after the last: nothing is told once destroy() has been called.
  virtual void initialise() {}
  virtual void destroy() {}

  // What it watches; the same for its whole life.
  virtual void watched(std::vector<TopicPattern>& into) const = 0;
  virtual Ordering ordering() const = 0;

  // A topic that it watches has partitions it was not told of before: those from `first_partition` on. They may be
  // ones it has found by itself.
  virtual void joined(const TopicHandle& topic, std::int32_t first_partition) = 0;
};

}  // namespace cms::broker::push
