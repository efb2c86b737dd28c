// SPDX-License-Identifier: Apache-2.0
// The way of batches to the broker, and what it answers. Nothing is allocated for a batch once the pool has grown.
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "client/native/outgoing.h"

namespace cms::client {

namespace {

using protocol::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using State = OutgoingBatch::State;
using transport::Offered;
using Trouble = Lane::Trouble;

constexpr milliseconds retry_pause{50};
constexpr int tries_max = 200;         // of what passes: 10 s
constexpr int numbered_tries_max = 3;  // of what should not happen twice

// The broker has lost, or never had, what the batch follows.
bool is_out_of_sequence(ErrorCode code) {
  return code == ErrorCode::out_of_order_sequence_number || code == ErrorCode::unknown_producer_id ||
         code == ErrorCode::invalid_producer_epoch || code == ErrorCode::invalid_producer_id_mapping;
}

bool is_gone(ErrorCode code) {
  return code == ErrorCode::unknown_topic_or_partition || code == ErrorCode::unknown_topic_id;
}

}  // namespace

void OutgoingTopic::expect(OutgoingBatch* batch) {
  batch->put_id = next_put_id++;
  if (unanswered.empty()) unanswered.resize(16);
  while (unanswered[batch->put_id & (unanswered.size() - 1)] != nullptr) {
    std::vector<OutgoingBatch*> larger(unanswered.size() * 2);
    for (OutgoingBatch* one : unanswered) {
      if (one != nullptr) larger[one->put_id & (larger.size() - 1)] = one;
    }
    unanswered = std::move(larger);
  }
  unanswered[batch->put_id & (unanswered.size() - 1)] = batch;
}

void OutgoingTopic::answered(const push::PutResult& result) {
  if (unanswered.empty()) return;
  OutgoingBatch*& slot = unanswered[result.put_id & (unanswered.size() - 1)];
  if (slot == nullptr || slot->put_id != result.put_id) return;
  owner.answered(*std::exchange(slot, nullptr), result);
}

void Outgoing::wants_turn(Lane& lane) {
  if (!std::exchange(lane.is_busy, true)) busy_.push_back(&lane);
}

// As much as may leave now. What stays is looked at again each turn.
void Outgoing::send_waiting(Lane& lane) {
  while (!lane.waiting.empty()) {
    OutgoingBatch* const batch = lane.waiting.front();
    if (batch->state == State::open || !may_send(lane) || put(lane, *batch) != Offered::taken) return wants_turn(lane);
    lane.in_flight.push_back(lane.waiting.pop_front());
  }
}

bool Outgoing::may_send(Lane& lane) {
  return lane.trouble == Trouble::none && !link_->lost() && lane.topic->is_open &&
         lane.in_flight.size() < options_.batches_in_flight_max && has_producer_id(lane);
}

bool Outgoing::has_producer_id(Lane& lane) {
  if (!options_.idempotent || lane.producer_id != records::no_producer_id) return true;
  if (producer_id_ == records::no_producer_id) {
    const SteadyTime now = steady_clock::now();
    if (now < lane.not_before) return false;
    const auto answer = link_->call(protocol::InitProducerIdRequest{});
    if (!answer || answer->error_code != ErrorCode::none) {
      lane.not_before = now + retry_pause;
      return false;
    }
    producer_id_ = answer->producer_id;
    producer_epoch_ = answer->producer_epoch;
  }
  lane.producer_id = producer_id_;
  lane.producer_epoch = producer_epoch_;
  lane.next_sequence = 0;
  return true;
}

// From here on its fields are as they will be stored.
void Outgoing::number(Lane& lane, OutgoingBatch& batch) {
  batch.collects = false;
  batch.numbered = true;
  if (options_.idempotent) {
    batch.fields.producer_id = lane.producer_id;
    batch.fields.producer_epoch = lane.producer_epoch;
    batch.fields.base_sequence = lane.next_sequence;
    lane.next_sequence = records::advance_sequence(lane.next_sequence, batch.fields.record_count);
  }
}

bool Outgoing::is_in_current_ring(const OutgoingBatch& batch) const {
  return batch.ring && !link_->lost() && batch.ring->channel == link_->channel_number();
}

// Only when its turn would be at once: what is claimed has its place in the order of the channel.
void Outgoing::claim_ring(Lane& lane, OutgoingBatch& batch, std::size_t bytes) {
  transport::RingChannel* const channel = link_->ring_channel();
  bytes += sizeof(push::Put);
  if (channel == nullptr || lane.waiting.front() != &batch || lane.in_flight.size() >= options_.batches_in_flight_max ||
      link_->cutting() != nullptr || bytes > link_->message_bytes_max())
    return;
  RingSpace space;
  if (channel->out().claim(bytes, space.claim) != Offered::taken) return;
  space.memory = channel->memory();
  space.channel = link_->channel_number();
  batch.ring = std::move(space);
}

push::Put Outgoing::header_of(const Lane& lane, const OutgoingBatch& batch, std::uint64_t put_id) const {
  push::Put header;
  header.flags = options_.want_stages ? push::Put::want_stages : std::uint16_t{0};
  header.publication = lane.topic->number;
  header.put_id = put_id;
  header.partition = lane.partition;
  header.batch_bytes = static_cast<std::uint32_t>(batch.bytes);
  return header;
}

// The batch lies in the ring but for the value of its one record: one copy, and the broker has it. What may have to be
// sent again is copied from the caller's memory once more, while the broker is at work.
void Outgoing::publish_in_ring(Lane& lane, OutgoingBatch& batch, std::byte* to, base::ByteSpan value) {
  number(lane, batch);
  seal_batch_around({batch.data(), batch.bytes}, batch.fields, to, value);
  const std::shared_ptr<const void> memory = batch.ring->memory;
  const std::byte* const sealed = batch.data();
  send_waiting(lane);
  link_->flush();
  if (!options_.idempotent) return;
  if (batch.memory.size() < batch.bytes) batch.memory.resize(batch.bytes);
  const auto before = static_cast<std::size_t>(to - sealed);
  const std::size_t behind = before + value.size();
  std::memcpy(batch.memory.data(), sealed, before);
  if (!value.empty()) std::memcpy(batch.memory.data() + before, value.data(), value.size());
  std::memcpy(batch.memory.data() + behind, sealed + behind, batch.bytes - behind);
}

Offered Outgoing::put_in_ring(Lane& lane, OutgoingBatch& batch) {
  if (!batch.numbered) {
    number(lane, batch);
    seal_batch({batch.data(), batch.bytes}, batch.fields);
  }
  lane.topic->expect(&batch);
  const push::Put header = header_of(lane, batch, batch.put_id);
  std::memcpy(batch.ring->claim.space.data(), &header, sizeof header);
  link_->ring_channel()->out().commit(batch.ring->claim, sizeof header + batch.bytes);
  link_->has_sent();
  batch.ring.reset();
  return Offered::taken;
}

// In pieces, if it is larger than a message.
Offered Outgoing::put(Lane& lane, OutgoingBatch& batch) {
  if (is_in_current_ring(batch)) return put_in_ring(lane, batch);
  if (batch.ring) batch.leave_ring();
  if (link_->cutting() != nullptr && link_->cutting() != &batch) return Offered::full;
  if (!batch.numbered) {
    number(lane, batch);
    seal_batch({batch.data(), batch.bytes}, batch.fields);
  }
  if (batch.sent == 0) batch.put_id = 0;
  push::Put header = header_of(lane, batch, batch.put_id != 0 ? batch.put_id : lane.topic->next_put_id);
  const std::size_t piece_max = link_->message_bytes_max() - sizeof header;
  do {
    header.piece_offset = static_cast<std::uint32_t>(batch.sent);
    const std::size_t piece = std::min(piece_max, batch.bytes - batch.sent);
    const std::array<base::Bytes, 2> parts{base::Bytes({}, push::bytes_of(header)),
                                           base::Bytes({}, {batch.memory.data() + batch.sent, piece})};
    if (link_->offer(parts) != Offered::taken) return Offered::full;
    if (batch.sent == 0) lane.topic->expect(&batch);
    batch.sent += piece;
    link_->set_cutting(batch.sent < batch.bytes ? &batch : nullptr);
  } while (batch.sent < batch.bytes);
  batch.sent = 0;
  return Offered::taken;
}

void Outgoing::answered(OutgoingBatch& batch, const push::PutResult& result) {
  Lane& lane = *batch.lane;
  const auto code = static_cast<ErrorCode>(result.error);
  if (!lane.in_flight.remove(&batch)) {
    // Refused before all of it was sent. The rest goes after it: the broker drops what belongs to no batch.
    if (code == ErrorCode::none || !lane.waiting.remove(&batch)) return;
    if (link_->cutting() == &batch) link_->set_cutting(nullptr);
    batch.sent = 0;
  }
  if (code == ErrorCode::none || code == ErrorCode::duplicate_sequence_number) {
    acknowledge(&batch, code == ErrorCode::none ? result.base_offset : -1, nullptr);
  } else {
    refused(batch, code);
  }
  if (lane.trouble != Trouble::none && lane.in_flight.empty()) wants_turn(lane);
  send_waiting(lane);
}

void Outgoing::refused(OutgoingBatch& batch, ErrorCode code) {
  Lane& lane = *batch.lane;
  ++batch.tries;
  if (options_.idempotent) {
    const bool follows = is_out_of_sequence(code) && lane.trouble != Trouble::none;
    const bool passes =
        protocol::is_retriable(code) && !is_out_of_sequence(code) && batch.tries < tries_max && !is_gone(code);
    const bool renumber = is_out_of_sequence(code) && batch.tries < numbered_tries_max;
    if (!follows && !passes) lane.trouble = Trouble::renumber;
    if (lane.trouble == Trouble::none) lane.trouble = Trouble::retry;
    if (follows || passes || renumber) {
      lane.again.push_back(&batch);
      return;
    }
  }
  if (is_gone(code)) lane.topic->is_open = false;
  const cms::Error error = told(code, std::nullopt, lane.topic->name + "-" + std::to_string(lane.partition));
  acknowledge(&batch, -1, &error);
}

// All are answered that were in flight: what was refused with another goes again.
void Outgoing::recover(Lane& lane) {
  if (lane.trouble == Trouble::renumber) {
    // Not the id that other partitions go on with.
    producer_id_ = lane.producer_id = records::no_producer_id;
    for (OutgoingBatch* at = lane.again.front(); at != nullptr; at = at->next) at->numbered = false;
    for (OutgoingBatch* at = lane.waiting.front(); at != nullptr; at = at->next) at->numbered = false;
  } else {
    lane.not_before = steady_clock::now() + retry_pause;
  }
  lane.trouble = Trouble::none;
  lane.waiting.prepend(lane.again);
}

void Outgoing::forget(OutgoingBatch& batch) {
  records_ -= static_cast<std::size_t>(batch.fields.record_count);
  bytes_ -= batch.bytes;
}

// Each of its records; then the batch is free.
void Outgoing::acknowledge(OutgoingBatch* batch, std::int64_t base_offset, const cms::Error* error) {
  if (error != nullptr && !first_error_) first_error_ = *error;
  forget(*batch);
  link_->happened();
  if (options_.on_acknowledged) {
    std::int64_t offset = base_offset;
    for (const std::uint64_t ticket : batch->tickets) {
      options_.on_acknowledged({ticket, batch->lane->topic->name, batch->lane->partition, offset, error});
      if (offset >= 0) ++offset;
    }
  }
  pool_.give_back(batch);
}

void Outgoing::fail_all(BatchList& list, const cms::Error& error) {
  while (!list.empty()) acknowledge(list.pop_front(), -1, &error);
}

void Outgoing::lost(const Error& why) {
  const cms::Error error{Code::lost, "not acknowledged, perhaps stored: " + why.message(), 0};
  for (const auto& [name, topic] : topics_) {
    topic->is_open = false;
    std::fill(topic->unanswered.begin(), topic->unanswered.end(), nullptr);
    for (Lane& lane : topic->lanes) {
      lane.again.append(lane.in_flight);
      if (!options_.idempotent) fail_all(lane.again, error);
      if (!lane.waiting.empty()) lane.waiting.front()->sent = 0;
      if (lane.trouble == Trouble::renumber) {
        recover(lane);
      } else {
        lane.trouble = Trouble::none;
        lane.waiting.prepend(lane.again);
      }
      if (!lane.waiting.empty()) wants_turn(lane);
    }
  }
}

Result<void> Outgoing::connected() {
  for (const auto& [name, topic] : topics_) {
    const cms::Result<void> opened = request(*topic);
    if (opened) continue;
    if (opened.error().code == Code::lost || opened.error().code == Code::timed_out)
      return Error(ErrorKind::io, opened.error().message);
    for (Lane& lane : topic->lanes) fail_all_settled(lane, opened.error());
  }
  return {};
}

// Those that nobody is writing into.
void Outgoing::fail_all_settled(Lane& lane, const cms::Error& error) {
  BatchList open;
  while (!lane.waiting.empty()) {
    OutgoingBatch* const batch = lane.waiting.pop_front();
    if (batch->state == State::open) {
      open.push_back(batch);
    } else {
      acknowledge(batch, -1, &error);
    }
  }
  lane.waiting.prepend(open);
}

void Outgoing::expire_loans(SteadyTime now) {
  while (!loans_.empty() && loans_.front()->expires_at <= now) {
    OutgoingBatch* const loan = loans_.front();
    loans_.pop_front();
    loan->lane->waiting.remove(loan);
    forget(*loan);
    loan->state = State::expired;
    // Its space must not be used again while somebody may write there, and nothing gets past it.
    if (is_in_current_ring(*loan)) (void)link_->failed(Error(ErrorKind::closed, "a loan in the ring has expired"));
    wants_turn(*loan->lane);
  }
}

void Outgoing::turn(SteadyTime now) {
  expire_loans(now);
  turning_.swap(busy_);
  for (Lane* const lane : turning_) {
    lane->is_busy = false;
    if (lane->trouble != Trouble::none && lane->in_flight.empty()) recover(*lane);
    if (now < lane->not_before) {
      wants_turn(*lane);
      continue;
    }
    lane->not_before = SteadyTime();
    if (!lane->topic->is_open && !lane->waiting.empty() && !link_->lost()) {
      if (const cms::Result<void> opened = request(*lane->topic); !opened) fail_all_settled(*lane, opened.error());
    }
    send_waiting(*lane);
  }
  turning_.clear();
}

SteadyTime Outgoing::wanted_at() const {
  SteadyTime at = loans_.empty() ? SteadyTime::max() : loans_.front()->expires_at;
  for (const Lane* lane : busy_) {
    if (lane->trouble == Trouble::none && !lane->waiting.empty() && lane->not_before > SteadyTime())
      at = std::min(at, lane->not_before);
  }
  return at;
}

}  // namespace cms::client
