// SPDX-License-Identifier: Apache-2.0
#include "client/native/outgoing.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "client/producer.h"

namespace cms::client {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using State = OutgoingBatch::State;

// A record of so many bytes and more is written into the ring at once. A smaller one is better put together in memory
// that the processor has at hand: its checksum would wait for the ring's lines.
constexpr std::size_t copied_once_min = 4096;

constexpr std::size_t idempotent_in_flight_max = 5;  // batches of a producer that the broker remembers (KIP-98)

void delete_all(BatchList& list) {
  while (!list.empty()) delete list.pop_front();
}

}  // namespace

Outgoing::Outgoing(std::shared_ptr<Link> link, cms::PublisherOptions options)
    : link_(std::move(link)), options_(std::move(options)) {
  options_.batches_in_flight_max = std::max<std::size_t>(options_.batches_in_flight_max, 1);
  if (options_.idempotent)
    options_.batches_in_flight_max = std::min(options_.batches_in_flight_max, idempotent_in_flight_max);
  link_->add(*this);
}

Outgoing::~Outgoing() {
  link_->remove(*this);
  for (const auto& [name, topic] : topics_) {
    link_->forget_publication(topic->number);
    for (Lane& lane : topic->lanes) {
      // A batch of which the broker has only pieces cannot be taken back.
      if (!lane.waiting.empty() && link_->cutting() == lane.waiting.front())
        (void)link_->failed(Error(ErrorKind::closed, "a publisher ended in the middle of a batch"));
      delete_all(lane.waiting);
      delete_all(lane.in_flight);
      delete_all(lane.again);
    }
  }
}

cms::Result<OutgoingTopic*> Outgoing::topic_named(std::string_view name) {
  if (last_topic_ != nullptr && last_topic_->is_open && last_topic_->name == name) return last_topic_;
  auto found = topics_.find(name);
  if (found == topics_.end()) {
    if (name.empty()) return cms::Error{Code::invalid, "a topic without a name", 0};
    auto made = std::make_unique<OutgoingTopic>(*this, name);
    if (const cms::Result<void> opened = request(*made); !opened) return opened.error();
    found = topics_.emplace(std::string(name), std::move(made)).first;
  } else if (!found->second->is_open && !link_->lost()) {
    if (const cms::Result<void> opened = request(*found->second); !opened) return opened.error();
  }
  return last_topic_ = found->second.get();
}

// Opens the publication, under a number of its own each time. Partitions are never fewer than before.
cms::Result<void> Outgoing::request(OutgoingTopic& topic) {
  link_->forget_publication(topic.number);
  topic.number = link_->new_publication(topic);
  topic.is_open = false;
  protocol::OpenPublicationRequest request;
  request.publication = static_cast<std::int32_t>(topic.number);
  request.topic = topic.name;
  request.create = options_.create_topics;
  const auto answer = link_->call(request);
  if (!answer || answer->error_code != protocol::ErrorCode::none) {
    link_->forget_publication(topic.number);
    return answer ? told(answer->error_code, answer->error_message, "publishing to " + topic.name) : answer.error();
  }
  if (answer->partitions < 1 || answer->batch_bytes_max < 1)
    return cms::Error{Code::corrupt, "the broker says that " + topic.name + " has no partitions", 0};
  topic.batch_bytes_max = static_cast<std::size_t>(answer->batch_bytes_max);
  while (topic.lanes.size() < static_cast<std::size_t>(answer->partitions)) {
    Lane& lane = topic.lanes.emplace_back();
    lane.topic = &topic;
    lane.partition = static_cast<std::int32_t>(topic.lanes.size() - 1);
  }
  topic.is_open = true;
  return {};
}

cms::Result<std::int32_t> Outgoing::open(std::string_view name) {
  const cms::Result<OutgoingTopic*> topic = topic_named(name);
  if (!topic) return topic.error();
  return static_cast<std::int32_t>((*topic)->lanes.size());
}

// Without key and partition: the same one as long as a batch of it collects, then the next (KIP-480).
cms::Result<Lane*> Outgoing::lane_for(OutgoingTopic& topic, const cms::Record& record) {
  if (record.partition) {
    const auto wanted = static_cast<std::size_t>(*record.partition);
    if (*record.partition >= 0 && wanted >= topic.lanes.size() && !link_->lost()) {
      if (const cms::Result<void> again = request(topic); !again) return again.error();
    }
    if (*record.partition < 0 || wanted >= topic.lanes.size())
      return cms::Error{Code::not_found,
                        "topic " + topic.name + " has no partition " + std::to_string(*record.partition), 0};
    return &topic.lanes[wanted];
  }
  if (record.key) {
    const auto count = static_cast<std::int32_t>(topic.lanes.size());
    return &topic.lanes[static_cast<std::size_t>(partition_of_key(record.key->bytes(), count))];
  }
  Lane& current = topic.lanes[topic.next_lane];
  if (!current.waiting.empty() && current.waiting.back()->collects) return &current;
  if (++topic.next_lane == topic.lanes.size()) topic.next_lane = 0;
  return &topic.lanes[topic.next_lane];
}

// In the window, for one more record. Waits as long as the options say.
cms::Result<void> Outgoing::make_room(std::size_t bytes) {
  if (bytes > options_.unacknowledged_bytes_max)
    return cms::Error{Code::too_large, "the record is larger than the window of unacknowledged bytes", 0};
  SteadyTime deadline;
  while (records_ >= options_.unacknowledged_records_max || bytes_ + bytes > options_.unacknowledged_bytes_max) {
    const SteadyTime now = steady_clock::now();
    if (deadline == SteadyTime()) deadline = now + options_.wait;
    if (now >= deadline || link_->is_polling())
      return cms::Error{Code::would_block, "the window of unacknowledged records is full", 0};
    const auto left = std::chrono::ceil<milliseconds>(deadline - now);
    if (const auto polled = link_->poll(left); !polled) return polled.error();
  }
  return {};
}

OutgoingBatch* Outgoing::new_batch(Lane& lane, bool collects) {
  OutgoingBatch* const batch = pool_.take();
  batch->begin();
  batch->lane = &lane;
  batch->collects = collects;
  lane.waiting.push_back(batch);
  return batch;
}

// The batch that the record goes into, if there is one that collects and has room; with the record's size in it.
OutgoingBatch* Outgoing::batch_for(Placed& placed) {
  OutgoingBatch* const last = placed.lane->waiting.back();
  if (last == nullptr || !last->collects) return nullptr;
  const std::size_t size_here = placed.layout.size(last->place_of(placed.timestamp_ms));
  const std::size_t bytes_max = std::min(options_.batch_bytes_max, placed.lane->topic->batch_bytes_max);
  if (last->bytes + size_here > bytes_max) return nullptr;
  placed.size = size_here;
  return last;
}

// Where a record goes, once there is room for it.
cms::Result<void> Outgoing::place(std::string_view name, const cms::Record& record, Placed& placed) {
  const cms::Result<OutgoingTopic*> topic = topic_named(name);
  if (!topic) return topic.error();
  placed.size = placed.layout.size({});
  if (!placed.layout.is_possible() || records::header_size + placed.size > (*topic)->batch_bytes_max)
    return cms::Error{Code::too_large, "the record is larger than topic " + (*topic)->name + " allows", 0};
  if (const auto room = make_room(records::header_size + placed.size); !room) return room.error();
  const cms::Result<Lane*> lane = lane_for(**topic, record);
  if (!lane) return lane.error();
  placed.lane = *lane;
  placed.timestamp_ms = record.timestamp_ms == cms::no_timestamp ? base::SystemClock().now_ms() : record.timestamp_ms;
  return {};
}

cms::Result<std::uint64_t> Outgoing::publish(std::string_view name, const cms::Record& record) {
  Placed placed{{record, record.value ? std::optional(record.value->size()) : std::nullopt}};
  if (const cms::Result<void> found = place(name, record, placed); !found) return found.error();
  OutgoingBatch* batch = batch_for(placed);
  const auto& [layout, lane, size, timestamp] = placed;
  const bool joins = batch != nullptr;
  if (!joins) {
    batch = new_batch(*lane, true);
    if (size >= copied_once_min && may_send(*lane)) claim_ring(*lane, *batch, records::header_size + size);
  }
  const std::uint64_t ticket = next_ticket_++;
  std::byte* const to = batch->add(layout, size, timestamp, ticket);
  const base::ByteSpan value = record.value ? base::as_bytes(record.value->text()) : base::ByteSpan();
  ++records_;
  bytes_ += size + (joins ? 0 : records::header_size);
  if (batch->ring) {
    publish_in_ring(*lane, *batch, to, value);
  } else {
    if (!value.empty()) std::memcpy(to, value.data(), value.size());
    send_waiting(*lane);
    link_->flush();
  }
  return ticket;
}

cms::Result<OutgoingBatch*> Outgoing::loan(std::string_view name, std::size_t value_bytes, const cms::Record& record) {
  Placed placed{{record, value_bytes}};
  if (const cms::Result<void> found = place(name, record, placed); !found) return found.error();
  const auto& [layout, lane, size, timestamp] = placed;
  if (!lane->waiting.empty()) lane->waiting.back()->collects = false;
  OutgoingBatch* const batch = new_batch(*lane, false);
  if (options_.loans_in_ring && !options_.idempotent) claim_ring(*lane, *batch, records::header_size + size);
  std::byte* const value = batch->add(layout, size, timestamp, next_ticket_++);
  batch->value = {value, value_bytes};
  batch->state = State::open;
  const milliseconds limit = batch->ring ? std::min(options_.loan_timeout, link_->heartbeat()) : options_.loan_timeout;
  batch->expires_at = steady_clock::now() + limit;
  const auto place = std::find_if(loans_.begin(), loans_.end(), [batch](const OutgoingBatch* other) {
    return other->expires_at > batch->expires_at;
  });
  loans_.insert(place, batch);
  ++records_;
  bytes_ += batch->bytes;
  return batch;
}

cms::Result<std::uint64_t> Outgoing::send(OutgoingBatch* loan) {
  if (loan->state == State::open && steady_clock::now() >= loan->expires_at) expire_loans(loan->expires_at);
  if (loan->state == State::expired) {
    pool_.give_back(loan);
    return cms::Error{Code::expired, "the loan was held for too long", 0};
  }
  const std::uint64_t ticket = loan->tickets.front();
  std::erase(loans_, loan);
  loan->state = State::ready;
  send_waiting(*loan->lane);
  link_->flush();
  return ticket;
}

void Outgoing::abandon(OutgoingBatch* loan) {
  if (loan->state == State::open) {
    Lane& lane = *loan->lane;
    lane.waiting.remove(loan);
    std::erase(loans_, loan);
    forget(*loan);
    if (is_in_current_ring(*loan)) link_->ring_channel()->out().abandon(loan->ring->claim);
    send_waiting(lane);
    link_->flush();
  }
  pool_.give_back(loan);
}

cms::Result<void> Outgoing::flush(milliseconds timeout) {
  if (link_->is_polling()) return cms::Error{Code::invalid, "flush() from within a callback", 0};
  const SteadyTime deadline = steady_clock::now() + timeout;
  while (records_ > 0) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    if (left <= milliseconds::zero())
      return cms::Error{Code::timed_out, std::to_string(records_) + " records are not acknowledged yet", 0};
    if (const auto polled = link_->poll(left); !polled) return polled.error();
  }
  if (!first_error_) return {};
  return *std::exchange(first_error_, std::nullopt);
}

}  // namespace cms::client
