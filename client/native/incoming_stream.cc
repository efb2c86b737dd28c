// SPDX-License-Identifier: Apache-2.0
#include "client/native/incoming_stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace cms::client {

namespace {

base::Uuid id_in(const push::StreamOpened& header) {
  base::Uuid id;
  std::memcpy(id.bytes.data(), header.topic_id, id.bytes.size());
  return id;
}

}  // namespace

StreamUser* Incoming::Subscribed::opened(const push::StreamOpened& header, std::string_view topic) {
  const auto stream = std::make_shared<Stream>(*this, header, topic);
  streams[header.stream] = stream;
  if (header.stream < first_stream) {  // opened before the seek, and read after it
    stream->wanted = false;
    return stream.get();
  }
  if (owner.options_.on_opened)
    owner.options_.on_opened({number, stream->topic, stream->partition, stream->next_offset, nullptr});
  owner.link_->happened();
  // Back after a loss: at the record that was next then, or behind it where that is gone.
  if (const auto before = left.find({stream->topic_id, stream->partition}); before != left.end()) {
    const std::int64_t next = before->second.next_offset;
    left.erase(before);
    const std::int64_t begins = std::exchange(stream->next_offset, next);
    stream->lose_range(next, begins);
  }
  return stream->subscribed == nullptr ? nullptr : stream.get();  // a callback may have ended the subscription
}

Incoming::Stream::Stream(Subscribed& by, const push::StreamOpened& header, std::string_view name)
    : subscribed(&by),
      number(header.stream),
      topic(name),
      topic_id(id_in(header)),
      partition(header.partition),
      next_offset(header.next_offset),
      owner_(by.owner) {}

void Incoming::Stream::deliver(const push::Deliver& header, ByteSpan bytes) {
  if (!wanted) return done_with(bytes.size());
  if (header.piece_offset == 0 && header.total_bytes == bytes.size()) {
    take(bytes);
  } else {
    if (!owner_.is_queueing()) done_with(bytes.size());
    if (header.piece_offset == 0) {
      pieces_.clear();
      whole_bytes_ = header.total_bytes;
    }
    if (header.total_bytes != whole_bytes_ || header.piece_offset != pieces_.size() ||
        bytes.size() > whole_bytes_ - pieces_.size())
      return broke(Error(ErrorKind::corrupt, "the pieces of a batch do not fit together"));
    pieces_.insert(pieces_.end(), bytes.begin(), bytes.end());
    if (pieces_.size() < whole_bytes_) return;
    take(pieces_);
    pieces_.clear();
  }
}

// Poll style counts what next() has walked through.
void Incoming::Stream::take(ByteSpan run) {
  if (!owner_.is_queueing()) {
    owner_.walk_.open(run);
    hand_out();
    if (run.data() != pieces_.data()) done_with(run.size());
    return;
  }
  owner_.queue_.push_back({subscribed->streams.at(number), {run.begin(), run.end()}});
  owner_.link_->happened();
}

void Incoming::Stream::done_with(std::size_t bytes) {
  if (subscribed != nullptr) subscribed->bytes_done += bytes;
}

// Poll style copies, so that what next() shows is never torn.
void Incoming::Stream::deliver_in_place(const push::DeliverInPlace& header, const InPlace& run) {
  const std::size_t bytes = run.bytes.size();
  if (!wanted) return done_with(bytes);
  if (owner_.is_queueing()) {
    std::vector<std::byte> copied(run.bytes.begin(), run.bytes.end());
    if (run.is_whole()) {
      owner_.queue_.push_back({subscribed->streams.at(number), std::move(copied)});
      return owner_.link_->happened();
    }
    lose_range(next_offset, header.end_offset);
    return done_with(bytes);
  }
  BatchWalk& walk = owner_.walk_;
  walk.open(run);
  owner_.record_.generation_at = run.generation_at;
  owner_.record_.generation = run.generation;
  hand_out();
  owner_.record_.generation_at = nullptr;
  if (walk.overtaken() && wanted) lose_range(next_offset, header.end_offset);
  done_with(bytes);
}

// What the walk has been opened on.
void Incoming::Stream::hand_out() {
  BatchWalk& walk = owner_.walk_;
  while (const records::RecordView* record = walk.next(next_offset)) {
    owner_.show(*this, *record);
    owner_.link_->happened();
    owner_.options_.on_record(owner_.record_);
    if (!wanted) return;  // the callback has had enough of it
  }
  if (!walk.status()) broke(walk.status().error());
}

void Incoming::Stream::gap(const push::Gap& gap) {
  if (wanted) lose_range(gap.from, gap.to);
}

void Incoming::Stream::lose_range(std::int64_t from, std::int64_t to) {
  from = std::max(from, next_offset);
  if (from >= to) return;
  next_offset = to;
  ++owner_.gaps_;
  owner_.link_->happened();
  if (owner_.options_.on_gap) owner_.options_.on_gap({topic, partition, from, to});
}

void Incoming::Stream::stages(const push::Stages& stages) {
  if (!wanted || !owner_.options_.on_stages) return;
  owner_.options_.on_stages(
      {topic, partition, stages.offset, stages.appended_ns, stages.stable_ns, stages.enqueued_ns, stages.pushed_ns});
}

void Incoming::Stream::closed(protocol::ErrorCode code) {
  const std::uint32_t subscription = subscribed->number;
  const std::shared_ptr<Stream> self = owner_.let_go(*subscribed, number);
  if (!std::exchange(wanted, false)) return;
  owner_.link_->happened();
  if (!owner_.options_.on_closed) return;
  const cms::Error error = told(code, std::nullopt, topic + "-" + std::to_string(partition));
  const bool failed = code != protocol::ErrorCode::none;
  owner_.options_.on_closed({subscription, topic, partition, next_offset, failed ? &error : nullptr});
}

// A batch that is garbled would be garbled again: nothing more of this partition, while the others go on.
void Incoming::Stream::broke(const Error& error) {
  wanted = false;
  owner_.link_->happened();
  if (!owner_.options_.on_closed || subscribed == nullptr) return;
  const cms::Error shown = told(error.while_doing(topic + "-" + std::to_string(partition)));
  owner_.options_.on_closed({subscribed->number, topic, partition, next_offset, &shown});
}

}  // namespace cms::client
