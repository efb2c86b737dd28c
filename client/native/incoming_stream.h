// SPDX-License-Identifier: Apache-2.0
// One partition of a subscription.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "client/native/incoming.h"

namespace cms::client {

struct Incoming::Subscribed final : SubscriptionUser {
  Subscribed(Incoming& incoming, cms::Subscription subscription) : owner(incoming), wanted(std::move(subscription)) {}

  StreamUser* opened(const push::StreamOpened& header, std::string_view topic) override;

  Incoming& owner;
  cms::Subscription wanted;
  std::uint32_t number = 0;
  std::map<std::uint32_t, std::shared_ptr<Stream>> streams;  // by the broker's number, until it closes them
  // Where partitions had got to when the connection was lost, until they are opened again.
  struct Left {
    std::string topic;
    std::int64_t next_offset;
  };
  std::map<Key, Left> left;
  std::int64_t first_stream = 0;  // on this channel; the broker had closed those before at the last seek
  std::uint64_t bytes_done = 0;   // on this channel
  std::uint64_t bytes_told = 0;
};

class Incoming::Stream final : public StreamUser {
 public:
  Stream(Subscribed& subscribed, const push::StreamOpened& header, std::string_view topic);

  void deliver(const push::Deliver& header, ByteSpan bytes) override;
  void deliver_in_place(const push::DeliverInPlace& header, const InPlace& run) override;
  void gap(const push::Gap& gap) override;
  void stages(const push::Stages& stages) override;
  void closed(protocol::ErrorCode code) override;

  void lose_range(std::int64_t from, std::int64_t to);
  void broke(const Error& error);
  void done_with(std::size_t bytes);

  bool wanted = true;      // not after a seek, or an error: then it only counts what still comes
  Subscribed* subscribed;  // null once it is out of `streams` there
  const std::uint32_t number;
  const std::string topic;
  const base::Uuid topic_id;
  const std::int32_t partition;
  std::int64_t next_offset;  // behind the last record handed out

 private:
  void take(ByteSpan run);
  void hand_out();

  Incoming& owner_;
  std::vector<std::byte> pieces_;  // of a batch too large for a message
  std::size_t whole_bytes_ = 0;
};

}  // namespace cms::client
