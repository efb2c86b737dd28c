// SPDX-License-Identifier: Apache-2.0
// A subscriber: its subscriptions, and the stream of each partition.
#pragma once

#include <cms/subscriber.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "client/native/batch_walk.h"
#include "client/native/link.h"

namespace cms::client {

// One thread, its link's. Memory: pieces of one batch for each partition whose batches are larger than a message, up to
// that batch's size; in poll style what one turn of the channel has brought.
class Incoming final : public LinkUser {
 public:
  Incoming(std::shared_ptr<Link> link, cms::SubscriberOptions options);
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;
  ~Incoming() override;

  cms::Result<std::uint32_t> subscribe(const cms::Subscription& wanted);
  cms::Result<void> unsubscribe(std::uint32_t number);
  cms::Result<void> seek(std::uint32_t number, const cms::Start& start);
  cms::Result<const cms::ReceivedRecord*> next(std::chrono::milliseconds timeout);
  cms::Result<void> commit(const std::string& group);
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> positions() const;
  std::uint64_t gaps() const { return gaps_; }

  void lost(const Error& why) override;
  Result<void> connected() override;
  void turn(SteadyTime now) override;

 private:
  class Stream;
  struct Subscribed;
  using Key = std::pair<base::Uuid, std::int32_t>;  // a partition

  // Poll style: what next() has still to hand out.
  struct Queued {
    std::shared_ptr<Stream> stream;
    std::vector<std::byte> run;
  };

  bool is_queueing() const { return !options_.on_record; }
  cms::Result<void> request(Subscribed& subscribed);
  std::shared_ptr<Stream> let_go(Subscribed& subscribed, std::uint32_t stream);
  void show(const Stream& stream, const records::RecordView& record);
  const cms::ReceivedRecord* next_queued();

  const std::shared_ptr<Link> link_;
  const cms::SubscriberOptions options_;
  std::map<std::uint32_t, std::unique_ptr<Subscribed>> subscriptions_;
  BatchWalk walk_;
  cms::ReceivedRecord record_;
  // Until the turn is over: they may be in the middle of a call.
  std::vector<std::shared_ptr<Stream>> closed_;
  std::vector<std::unique_ptr<Subscribed>> ended_;
  std::deque<Queued> queue_;
  bool walking_ = false;  // through the front of the queue
  std::uint64_t gaps_ = 0;
};

}  // namespace cms::client
