// SPDX-License-Identifier: Apache-2.0
// The data path of push: no allocation, no copy but the channel's, no log line.
#include "broker/push/stream.h"

#include <algorithm>

#include "broker/push/session.h"
#include "broker/push/subscription.h"
#include "protocol/push/messages.h"
#include "records/batch.h"

namespace cms::broker::push {

namespace messages = protocol::push;

namespace {

// What is read from a file at once.
constexpr std::size_t cold_bytes_max = 256 << 10;

base::Bytes borrowed(base::ByteSpan bytes) { return {nullptr, bytes}; }

// Of the whole batches at the front, as many as bytes_max takes; 0 when the first is larger.
std::size_t whole_batches(base::ByteSpan bytes, std::size_t bytes_max) {
  std::size_t size = 0;
  while (size < bytes.size()) {
    const auto declared = records::BatchView::declared_size(bytes.subspan(size));
    CHECK(declared.has_value() && *declared <= bytes.size() - size);  // the log gives out whole batches
    if (size + *declared > bytes_max) break;
    size += *declared;
  }
  return size;
}

}  // namespace

struct Stream::Reading {
  Reading(std::shared_ptr<Session> reader, storage::ColdRange range, ColdRead::Wanted wanted)
      : session(std::move(reader)),
        read(session->core().files(), session->core().read_buffers(), std::move(range), wanted) {}

  std::shared_ptr<Session> session;
  Stream* stream = nullptr;  // null once that has gone
  ColdRead read;
};

Stream::Stream(Session& session, Subscription& subscription, std::uint32_t number, TopicHandle topic,
               std::int32_t partition)
    : session_(session),
      number_(number),
      topic_(std::move(topic)),
      partition_(topic_->partitions[static_cast<std::size_t>(partition)]),
      index_(partition),
      subscription_(&subscription) {}

Stream::~Stream() {
  partition_->forget(*this);
  if (reading_ != nullptr) reading_->stream = nullptr;
}

void Stream::begin(Offset next) {
  if (state_ != State::locating) return;
  next_ = next;
  state_ = State::opening;
  await_partition();
  session_.list(*this);
}

void Stream::close(ErrorCode why) {
  if (state_ == State::closing || state_ == State::closed) return;
  partition_->forget(*this);
  closed_why_ = why;
  state_ = State::closing;
  subscription_ = nullptr;
  session_.list(*this);
}

std::int64_t Stream::lag() const {
  if (state_ != State::open && state_ != State::opening) return 0;
  return std::max<std::int64_t>(0, partition_->positions().stable - next_);
}

// Under the partition's lock, on any thread.
bool Stream::reached(Partition&, Offset) {
  if (session_.wants_stages()) stable_ns_.store(monotonic_ns(), std::memory_order_relaxed);
  session_.list(*this);
  if (session_.wants_stages()) listed_ns_.store(monotonic_ns(), std::memory_order_relaxed);
  return false;  // it is told of every move
}

void Stream::lost(ErrorCode why) {
  lost_.store(why, std::memory_order_release);
  session_.list(*this);
}

void Stream::await_partition() {
  while (!partition_->await_stable(*this, partition_->positions().stable + 1)) {
    const ErrorCode state = partition_->state();
    if (state == ErrorCode::none) continue;  // more has become stable meanwhile
    lost_.store(state, std::memory_order_release);
    return;
  }
}

Source::Step Stream::step(Outlet& outlet) {
  if (lost_.load(std::memory_order_seq_cst) != ErrorCode::none) {
    const ErrorCode why = lost_.exchange(ErrorCode::none, std::memory_order_acquire);
    // After a failed write what was stable can be read on; nothing more becomes stable.
    if (why != ErrorCode::kafka_storage_error) session_.lost(*this, why);
  }
  switch (state_) {
    case State::locating:
      return Step::idle;
    case State::opening:
      if (!offer_opened(outlet)) return Step::full;
      announced_ = true;
      state_ = State::open;
      break;
    case State::open:
      break;
    case State::closing:
      if (announced_ && !offer_closed(outlet)) return Step::full;
      session_.give_cold_place(std::exchange(has_cold_place_, false));
      state_ = State::closed;
      return Step::done;
    case State::closed:  // listed once more meanwhile
      return Step::done;
  }
  return deliver(outlet);
}

bool Stream::offer_opened(Outlet& outlet) {
  messages::StreamOpened opened;
  opened.name_bytes = static_cast<std::uint16_t>(topic_->name().size());
  opened.stream = number_;
  opened.subscription = static_cast<std::uint32_t>(subscription_->number());
  opened.partition = index_;
  opened.next_offset = next_;
  std::ranges::copy(topic_->id().bytes, opened.topic_id);
  const base::Bytes parts[] = {borrowed(messages::bytes_of(opened)), borrowed(base::as_bytes(topic_->name()))};
  return outlet.offer(parts);
}

bool Stream::offer_closed(Outlet& outlet) {
  messages::StreamClosed closed;
  closed.error = static_cast<std::int16_t>(closed_why_);
  closed.stream = number_;
  const base::Bytes parts[] = {borrowed(messages::bytes_of(closed))};
  return outlet.offer(parts);
}

bool Stream::offer_gap(Outlet& outlet, Offset to) {
  messages::Gap gap;
  gap.stream = number_;
  gap.from = next_;
  gap.to = to;
  const base::Bytes parts[] = {borrowed(messages::bytes_of(gap))};
  if (!outlet.offer(parts)) return false;
  session_.metrics().gaps.add();
  next_ = to;
  return true;
}

// What the next message may bring: within the channel's bound and room, the subscription's credit and a fair share.
std::size_t Stream::run_bytes_max(const Outlet& outlet) const {
  const std::size_t message = outlet.channel.message_bytes_max() - sizeof(messages::Deliver);
  const std::size_t room = outlet.channel.room_bytes();
  const std::size_t fitting = room > sizeof(messages::Deliver) ? room - sizeof(messages::Deliver) : 1;
  return std::min({message, fitting, subscription_->credit_left(), outlet.pace.source_bytes_max});
}

Source::Step Stream::deliver(Outlet& outlet) {
  if (!piece_.empty()) return send_piece(outlet);
  if (reading_ != nullptr) return Step::idle;
  if (subscription_->credit_left() == 0) {
    subscription_->starved(*this);
    return Step::idle;
  }
  if (!cold_.empty()) return send_read(outlet);
  return read_on(outlet, run_bytes_max(outlet));
}

Source::Step Stream::read_on(Outlet& outlet, std::size_t bytes_max) {
  protocol::Records& records = session_.records();
  records.make_empty();
  ReadOutcome outcome = partition_->read({.offset = next_, .bytes_max = bytes_max}, &records);
  if (outcome.error == ErrorCode::offset_out_of_range && next_ < outcome.log_start_offset) {
    return offer_gap(outlet, outcome.log_start_offset) ? Step::more : Step::full;
  }
  if (outcome.error != ErrorCode::none) return Step::idle;
  if (outcome.cold) {
    start_cold_read(std::move(*outcome.cold), outcome.high_watermark, cold_bytes_max);
    return Step::idle;
  }
  if (records.size() == 0) return Step::idle;
  const Sent sent = send_run(outlet, records.slices(), records.size());
  if (sent == Sent::full) return Step::full;
  if (sent == Sent::nothing) return Step::idle;
  return next_ < outcome.high_watermark ? Step::more : Step::idle;
}

// A run of whole batches, or the first piece of one that is too large.
Stream::Sent Stream::send_run(Outlet& outlet, std::span<base::Bytes> slices, std::size_t size) {
  if (!subscription_->may_send(size)) {
    subscription_->starved(*this);
    return Sent::nothing;
  }
  if (session_.shared_chunks() != nullptr) {
    const Sent sent = send_in_place(outlet, slices);
    if (sent != Sent::nothing) return sent;
  }
  if (size > outlet.channel.message_bytes_max() - sizeof(messages::Deliver)) {
    CHECK(slices.size() == 1);  // a single batch, which lies in one piece
    piece_ = slices.front();
    piece_sent_ = 0;
    return send_piece(outlet) == Step::full ? Sent::full : Sent::taken;
  }
  messages::Deliver header;
  header.stream = number_;
  header.total_bytes = static_cast<std::uint32_t>(size);
  std::vector<base::Bytes>& parts = session_.parts();
  parts.clear();
  parts.push_back(borrowed(messages::bytes_of(header)));
  std::ranges::move(slices, std::back_inserter(parts));
  const bool taken = outlet.offer(parts);
  if (!taken) return Sent::full;
  for (const base::Bytes& slice : std::span(parts).subspan(1)) {
    if (session_.wants_stages()) tell_stages(outlet, slice);
    passed(slice);
  }
  subscription_->sent(size);
  session_.count_pushed(records_passed_, size);
  outlet.bytes_sent += size;
  return Sent::taken;
}

// Slices at the front that the client can see where they lie. `taken`: one at least was sent; the others are read anew.
Stream::Sent Stream::send_in_place(Outlet& outlet, std::span<const base::Bytes> slices) {
  std::size_t sent = 0;
  std::uint64_t records = 0;
  for (const base::Bytes& slice : slices) {
    const auto place = session_.shared_chunks()->find(slice, outlet);
    if (!place) break;
    messages::DeliverInPlace header;
    header.stream = number_;
    header.slot = place->slot;
    header.position = place->position;
    header.bytes = static_cast<std::uint32_t>(slice.size());
    header.generation = place->generation;
    header.first_offset = next_;
    passed(slice);
    header.end_offset = next_;
    const base::Bytes parts[] = {borrowed(messages::bytes_of(header))};
    if (!outlet.offer(parts)) {
      next_ = header.first_offset;
      if (sent == 0) return Sent::full;
      break;
    }
    records += records_passed_;
    sent += slice.size();
    if (session_.wants_stages()) tell_stages(outlet, slice);
  }
  if (sent == 0) return Sent::nothing;
  subscription_->sent(sent);
  session_.count_pushed(records, sent);
  session_.metrics().in_place_bytes.add(sent);
  outlet.bytes_sent += sent;
  return Sent::taken;
}

Source::Step Stream::send_piece(Outlet& outlet) {
  const std::size_t message = outlet.channel.message_bytes_max() - sizeof(messages::Deliver);
  const std::size_t size = std::min(message, piece_.size() - piece_sent_);
  messages::Deliver header;
  header.stream = number_;
  header.total_bytes = static_cast<std::uint32_t>(piece_.size());
  header.piece_offset = static_cast<std::uint32_t>(piece_sent_);
  const base::Bytes parts[] = {borrowed(messages::bytes_of(header)), piece_.slice(piece_sent_, size)};
  if (!outlet.offer(parts)) return Step::full;
  piece_sent_ += size;
  subscription_->sent(size);
  outlet.bytes_sent += size;
  if (piece_sent_ < piece_.size()) return Step::more;
  passed(piece_);
  session_.count_pushed(records_passed_, piece_.size());
  piece_ = {};
  if (cold_.empty()) session_.give_cold_place(std::exchange(has_cold_place_, false));
  return Step::more;
}

Source::Step Stream::send_read(Outlet& outlet) {
  std::size_t size = whole_batches(cold_, run_bytes_max(outlet));
  if (size == 0) size = *records::BatchView::declared_size(cold_);
  base::Bytes run = cold_.slice(0, size);
  const Sent sent = send_run(outlet, {&run, 1}, size);
  if (sent == Sent::nothing) return Step::idle;
  if (sent == Sent::full && piece_.empty()) return Step::full;
  cold_ = cold_.slice(size, cold_.size() - size);
  if (sent == Sent::full) return Step::full;
  if (cold_.empty() && piece_.empty()) {
    cold_ = {};
    session_.give_cold_place(std::exchange(has_cold_place_, false));
  }
  return Step::more;
}

void Stream::start_cold_read(storage::ColdRange range, Offset below, std::size_t bytes_max) {
  if (!has_cold_place_ && !session_.take_cold_place(*this)) return;  // listed again when there is one
  has_cold_place_ = true;
  reading_ = std::make_shared<Reading>(session_.shared(), std::move(range), ColdRead::Wanted{next_, below, bytes_max});
  reading_->stream = this;
  reading_->read.start([reading = reading_](base::Bytes records) {
    Stream* const stream = std::exchange(reading->stream, nullptr);
    if (stream == nullptr) return;
    stream->reading_.reset();
    stream->cold_ = std::move(records);
    if (stream->state_ == State::closing) return;
    if (stream->cold_.empty()) return stream->session_.lost(*stream, ErrorCode::kafka_storage_error);
    stream->session_.list(*stream);
  });
}

// For measuring only: what the channel does not take now is not told.
void Stream::tell_stages(Outlet& outlet, base::ByteSpan batches) {
  while (const auto batch = records::BatchView::frame(batches)) {
    batches = batches.subspan(batch->size());
    const auto appended_ns = session_.owner().stamps().find(*partition_, batch->base_offset());
    if (!appended_ns) continue;
    messages::Stages stages;
    stages.stream = number_;
    stages.offset = batch->base_offset();
    stages.stable_ns = stable_ns_.load(std::memory_order_relaxed);
    // In memory a batch is stable within the append, before the publisher's session can say that it has returned.
    stages.appended_ns = std::min(*appended_ns, stages.stable_ns);
    stages.enqueued_ns = listed_ns_.load(std::memory_order_relaxed);
    stages.pushed_ns = monotonic_ns();
    const base::Bytes parts[] = {borrowed(messages::bytes_of(stages))};
    outlet.offer(parts);
  }
}

// Moves the cursor behind these batches.
void Stream::passed(base::ByteSpan batches) {
  std::uint64_t records = 0;
  while (!batches.empty()) {
    const auto batch = records::BatchView::frame(batches);
    CHECK(batch.has_value());  // the log gives out whole batches
    records += static_cast<std::uint64_t>(batch->record_count());
    next_ = batch->next_offset();
    batches = batches.subspan(batch->size());
  }
  records_passed_ = records;
}

}  // namespace cms::broker::push
