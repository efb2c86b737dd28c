// SPDX-License-Identifier: Apache-2.0
// One partition as one subscriber sees it: a cursor over the partition's log, and what is told of it on the channel.
//
// There is no queue: each turn reads what is stable from the cursor on, as a fetch does, and offers the slices, which
// share the log's memory. What the channel does not take is read anew later, except the pieces of a batch that is under
// way and what was read from a file. It waits on its partition for as long as it lives, so that an append costs it no
// more than being listed.
//
//   locating -> opening -> open -> closing -> closed
//
// The session's core, except what StableWaiter says.
#pragma once

#include <cstdint>
#include <memory>

#include "broker/handlers/cold_read.h"
#include "broker/push/source.h"
#include "broker/topics/topics.h"
#include "protocol/records.h"

namespace cms::broker::push {

class Session;
class Subscription;

class Stream final : public Source {
 public:
  // `subscription` and `session` outlive it, the subscription unless close() was called.
  Stream(Session& session, Subscription& subscription, std::uint32_t number, TopicHandle topic, std::int32_t partition);
  ~Stream() override;

  std::uint32_t number() const { return number_; }
  std::int32_t index() const { return index_; }
  const Topic& topic() const { return *topic_; }
  const TopicHandle& shared_topic() const { return topic_; }
  const std::shared_ptr<Partition>& partition() const { return partition_; }
  Subscription* subscription() const { return subscription_; }

  // Where delivery begins, once it is known. Lists it.
  void begin(Offset next);

  // Its last message will be that it is closed. The subscription is forgotten.
  void close(ErrorCode why);

  Step step(Outlet& outlet) override;

  // Of those in whose lists it waits.
  bool is_starved = false;  // for credit
  bool is_queued = false;   // for a place to read a file

  // Stable records that were not sent; an estimate by offsets.
  std::int64_t lag() const;

 private:
  enum class State { locating, opening, open, closing, closed };
  enum class Sent { taken, full, nothing };

  bool reached(Partition& partition, Offset stable) override;
  void lost(ErrorCode why) override;

  void await_partition();
  bool offer_opened(Outlet& outlet);
  bool offer_closed(Outlet& outlet);
  bool offer_gap(Outlet& outlet, Offset to);
  Step deliver(Outlet& outlet);
  Step read_on(Outlet& outlet, std::size_t bytes_max);
  Sent send_run(Outlet& outlet, std::span<base::Bytes> slices, std::size_t size);
  Sent send_in_place(Outlet& outlet, std::span<const base::Bytes> slices);
  Step send_piece(Outlet& outlet);
  Step send_read(Outlet& outlet);
  void start_cold_read(storage::ColdRange range, Offset below, std::size_t bytes_max);
  void passed(base::ByteSpan batches);
  void tell_stages(Outlet& outlet, base::ByteSpan batches);
  std::size_t run_bytes_max(const Outlet& outlet) const;

  // Fixed at construction.
  Session& session_;
  const std::uint32_t number_;
  const TopicHandle topic_;
  const std::shared_ptr<Partition> partition_;
  const std::int32_t index_;

  Subscription* subscription_;
  State state_ = State::locating;
  bool announced_ = false;  // the client knows of it
  ErrorCode closed_why_ = ErrorCode::none;
  Offset next_ = 0;
  std::uint64_t records_passed_ = 0;  // scratch of passed()

  // A batch too large for a message, sent up to piece_sent_.
  base::Bytes piece_;
  std::size_t piece_sent_ = 0;

  // What was read from a file and is to be sent; holds one of the session's places for that.
  base::Bytes cold_;
  bool has_cold_place_ = false;
  struct Reading;
  std::shared_ptr<Reading> reading_;

  // Any thread.
  std::atomic<ErrorCode> lost_{ErrorCode::none};
  std::atomic<std::int64_t> stable_ns_{0};  // the last move of the frontier, where stages are wanted
  std::atomic<std::int64_t> listed_ns_{0};
};

}  // namespace cms::broker::push
