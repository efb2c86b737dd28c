// SPDX-License-Identifier: Apache-2.0
// Produce: validate each batch where it arrived, append it, answer when it is as durable as acks asks.
//
// The data path. It follows these rules: on the connection's thread from frame to log; one copy, into the log's memory;
// no allocation when nothing has to wait and nothing is wrong; what waits for the disk is parked on the partition.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/handlers/append.h"
#include "broker/handlers/request.h"
#include "broker/topics/topics.h"
#include "protocol/messages/produce.h"

namespace cms::broker {

// One per core; the core's thread.
class ProduceHandler {
 public:
  // Both outlive the handler.
  ProduceHandler(Topics& topics, BatchAppender& appender) : topics_(topics), appender_(appender) {}

  Served serve(Core& core, const RequestContext& context, base::ByteSpan body, protocol::FrameBuffer& out);

 private:
  // A partition whose acknowledgement waits until the offsets below `until` are stable.
  struct Wait {
    TopicHandle topic;
    Partition* partition;
    Offset until;
    std::size_t topic_index, partition_index;  // in the response
  };
  friend class PendingProduce;

  void append_all(Core& core, const RequestContext& context);
  void append_one(Core& core, const RequestContext& context, const TopicHandle& topic,
                  const protocol::ProduceRequest::Partition& wanted, protocol::ProduceResponse::Partition& answer,
                  std::size_t topic_index, std::size_t partition_index);

  Topics& topics_;
  BatchAppender& appender_;

  // Scratch, used again by every request.
  protocol::ProduceRequest request_;
  protocol::ProduceResponse response_;
  std::vector<Wait> waits_;
  bool any_failed_ = false;
};

}  // namespace cms::broker
