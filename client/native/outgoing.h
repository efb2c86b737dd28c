// SPDX-License-Identifier: Apache-2.0
// A publisher: what was published and is not acknowledged yet, by partition, and its way over the channel.
//
//   publish() --> waiting ==put==> in flight ==result==> acknowledged
//                    ^                |
//                    '---- again <----'  refused for now, or because of another that was; the connection was lost
//
// Batches of a partition (a Lane) go out in order, at most batches_in_flight_max unanswered. The last one waiting
// collects records until it is its turn. A refused batch of an idempotent publisher takes those behind it along, since
// their sequence is not the next; they go again in order once all are answered, under a new producer id where the
// refused one is not to be sent again (KIP-360).
#pragma once

#include <cms/publisher.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/string_hash.h"
#include "client/native/outgoing_batch.h"

namespace cms::client {

class Outgoing;
struct OutgoingTopic;

// One partition of a topic that is published to.
struct Lane {
  enum class Trouble : std::uint8_t {
    none,
    retry,     // in flight are some that will be refused; all go again as they are
    renumber,  // the same, as another producer
  };

  OutgoingTopic* topic = nullptr;
  std::int32_t partition = 0;
  BatchList waiting;
  BatchList in_flight;
  BatchList again;
  records::ProducerId producer_id = records::no_producer_id;
  records::ProducerEpoch producer_epoch = records::no_producer_epoch;
  records::Sequence next_sequence = 0;
  Trouble trouble = Trouble::none;
  bool is_busy = false;  // in the publisher's list of lanes that want a turn
  SteadyTime not_before;
};

struct OutgoingTopic final : PublicationUser {
  OutgoingTopic(Outgoing& outgoing, std::string_view topic) : owner(outgoing), name(topic) {}
  void answered(const push::PutResult& result) override;
  void expect(OutgoingBatch* batch);  // gives it its put_id

  Outgoing& owner;
  const std::string name;
  std::uint32_t number = 0;
  bool is_open = false;
  std::size_t batch_bytes_max = 0;
  std::deque<Lane> lanes;  // by partition
  std::size_t next_lane = 0;
  std::uint64_t next_put_id = 1;
  std::vector<OutgoingBatch*> unanswered;  // put_id modulo its size, a power of two
};

// One thread, its link's.
class Outgoing final : public LinkUser {
 public:
  Outgoing(std::shared_ptr<Link> link, cms::PublisherOptions options);
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;
  ~Outgoing() override;

  // The publisher is gone; loans may still hold this.
  void close() { options_.on_acknowledged = nullptr; }

  cms::Result<std::uint64_t> publish(std::string_view topic, const cms::Record& record);
  cms::Result<std::int32_t> open(std::string_view topic);
  cms::Result<void> flush(std::chrono::milliseconds timeout);
  std::size_t unacknowledged_records() const { return records_; }
  std::size_t unacknowledged_bytes() const { return bytes_; }

  // A loan is a batch in state open; it ends with one of the other two.
  cms::Result<OutgoingBatch*> loan(std::string_view topic, std::size_t value_bytes, const cms::Record& record);
  cms::Result<std::uint64_t> send(OutgoingBatch* loan);
  void abandon(OutgoingBatch* loan);

  void lost(const Error& why) override;
  Result<void> connected() override;
  void turn(SteadyTime now) override;
  SteadyTime wanted_at() const override;

 private:
  friend struct OutgoingTopic;

  // A record on its way into a batch. Filled where it lies: a copy would wait for what was just written.
  struct Placed {
    RecordLayout layout;
    Lane* lane = nullptr;
    std::size_t size = 0;  // in the batch that it goes into; a new one, until batch_for() has found another
    std::int64_t timestamp_ms = 0;
  };

  // outgoing.cc: what comes from the caller.
  cms::Result<OutgoingTopic*> topic_named(std::string_view name);
  cms::Result<void> request(OutgoingTopic& topic);
  cms::Result<Lane*> lane_for(OutgoingTopic& topic, const cms::Record& record);
  cms::Result<void> make_room(std::size_t bytes);
  cms::Result<void> place(std::string_view name, const cms::Record& record, Placed& placed);
  OutgoingBatch* batch_for(Placed& placed);
  OutgoingBatch* new_batch(Lane& lane, bool collects);

  // outgoing_lane.cc: what goes to the broker and comes back.
  void send_waiting(Lane& lane);
  transport::Offered put(Lane& lane, OutgoingBatch& batch);
  bool may_send(Lane& lane);
  bool has_producer_id(Lane& lane);
  void number(Lane& lane, OutgoingBatch& batch);
  void publish_in_ring(Lane& lane, OutgoingBatch& batch, std::byte* to, base::ByteSpan value);
  void answered(OutgoingBatch& batch, const push::PutResult& result);
  void refused(OutgoingBatch& batch, protocol::ErrorCode code);
  void recover(Lane& lane);
  void acknowledge(OutgoingBatch* batch, std::int64_t base_offset, const cms::Error* error);
  void forget(OutgoingBatch& batch);  // in the window
  void expire_loans(SteadyTime now);
  void claim_ring(Lane& lane, OutgoingBatch& batch, std::size_t bytes);
  push::Put header_of(const Lane& lane, const OutgoingBatch& batch, std::uint64_t put_id) const;
  transport::Offered put_in_ring(Lane& lane, OutgoingBatch& batch);
  bool is_in_current_ring(const OutgoingBatch& batch) const;
  void fail_all(BatchList& list, const cms::Error& error);
  void fail_all_settled(Lane& lane, const cms::Error& error);
  void wants_turn(Lane& lane);

  const std::shared_ptr<Link> link_;
  cms::PublisherOptions options_;
  BatchPool pool_;
  base::StringMap<std::unique_ptr<OutgoingTopic>> topics_;  // none goes before this does
  OutgoingTopic* last_topic_ = nullptr;                     // most publishers have one
  std::vector<Lane*> busy_;
  std::vector<Lane*> turning_;        // those of them that have their turn
  std::deque<OutgoingBatch*> loans_;  // open ones, in the order taken, which is that of their ends
  records::ProducerId producer_id_ = records::no_producer_id;
  records::ProducerEpoch producer_epoch_ = records::no_producer_epoch;
  std::uint64_t next_ticket_ = 1;
  std::size_t records_ = 0;  // the window
  std::size_t bytes_ = 0;
  std::optional<cms::Error> first_error_;  // since the last flush
};

}  // namespace cms::client
