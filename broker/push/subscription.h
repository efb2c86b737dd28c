// SPDX-License-Identifier: Apache-2.0
// What a native client has subscribed to: topics by name, prefix or pattern, where each of their partitions begins, and
// how many bytes may be under way. The built-in delivery function.
//
// The session's core.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "broker/push/delivery_function.h"
#include "broker/push/stream.h"
#include "protocol/messages/native.h"

namespace cms::broker::push {

class Session;

class Subscription final : public DeliveryFunction {
 public:
  using PartitionId = std::pair<base::Uuid, std::int32_t>;  // topic and index
  using Committed = std::map<std::pair<std::string, std::int32_t>, Offset>;

  struct Settings {
    std::int32_t number = 0;
    TopicPattern pattern;
    std::vector<std::int32_t> partitions;  // sorted; empty: all
    protocol::StartAt start = protocol::StartAt::live;
    std::int64_t start_value = 0;
    std::map<PartitionId, Offset> resume;
    Committed committed;  // by topic's name, for StartAt::committed
    std::size_t bytes_in_flight_max = 0;
  };

  // `session` outlives it.
  Subscription(Session& session, Settings settings) : session_(session), settings_(std::move(settings)) {}
  ~Subscription() override;

  std::int32_t number() const { return settings_.number; }
  const TopicPattern& pattern() const { return settings_.pattern; }

  // --- DeliveryFunction.
  void watched(std::vector<TopicPattern>& into) const override { into.push_back(settings_.pattern); }
  Ordering ordering() const override { return Ordering::fifo; }
  void joined(const TopicHandle& topic, std::int32_t first_partition) override;

  // Opens streams for the partitions a topic has now; as joined(), but they begin where the subscription says. False:
  // the session's bound on streams is reached.
  bool open(const TopicHandle& topic);

  // All of its streams, or those listed, begin anew elsewhere. False: one listed is not of this subscription.
  bool seek(const std::vector<std::int32_t>& streams, protocol::StartAt start, std::int64_t value);

  // All streams end.
  void close(ErrorCode why);

  // One has ended otherwise. Its partition may come again.
  void forget(Stream& stream);

  const std::map<PartitionId, Stream*>& streams() const { return streams_; }

  // --- Bytes in flight.
  std::size_t credit_left() const;
  bool may_send(std::size_t bytes) const { return bytes <= credit_left() || sent_bytes_ == done_bytes_; }
  void sent(std::size_t bytes) { sent_bytes_ += bytes; }
  void starved(Stream& stream);

  // The subscriber is done with so many, in all. False: it cannot be.
  bool credit(std::uint64_t bytes);

 private:
  bool add(const TopicHandle& topic, std::int32_t partition, bool is_new);
  bool wants(std::int32_t partition) const;
  void place(Stream& stream, protocol::StartAt start, std::int64_t value);

  Session& session_;
  const Settings settings_;
  std::map<PartitionId, Stream*> streams_;  // owned by the session
  std::vector<Stream*> starved_;            // wait for credit
  std::uint64_t sent_bytes_ = 0;
  std::uint64_t done_bytes_ = 0;
};

}  // namespace cms::broker::push
