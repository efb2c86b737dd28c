// SPDX-License-Identifier: Apache-2.0
#include "client/bench/kafka_consumer.h"

#include <algorithm>

#include "client/answers.h"

namespace cms::client::bench {

namespace {

constexpr std::int32_t wait_ms = 500;
constexpr std::int32_t fetch_bytes_max = 50 << 20;
constexpr std::int32_t no_session = -1;  // the epoch of a fetch outside of any

base::Error broken() { return {base::ErrorKind::corrupt, "the answer to Fetch is not what its format says"}; }

}  // namespace

KafkaConsumer::KafkaConsumer(Socket socket, Options options)
    : options_(std::move(options)), socket_(std::move(socket)), changed_(options_.partitions) {
  std::int32_t last = 0;
  for (const std::int32_t partition : options_.partitions) last = std::max(last, partition);
  offsets_.resize(static_cast<std::size_t>(last) + 1);
}

Result<void> KafkaConsumer::start() {
  build_fetch();
  return write();
}

void KafkaConsumer::build_fetch() {
  const std::size_t begin = out_.size();
  begin_frame(out_, api_fetch, correlation_id_++);
  append_number(out_, std::int32_t{-1});  // not a replica
  append_number(out_, wait_ms);
  append_number(out_, std::int32_t{1});  // bytes at least
  append_number(out_, std::max(fetch_bytes_max, options_.partition_bytes_max));
  append_number(out_, std::int8_t{0});  // isolation
  append_number(out_, session_id_);
  append_number(out_, session_epoch_);
  append_number(out_, std::int32_t{changed_.empty() ? 0 : 1});
  if (!changed_.empty()) {
    append_text(out_, options_.topic);
    append_number(out_, static_cast<std::int32_t>(changed_.size()));
  }
  for (const std::int32_t partition : changed_) {
    append_number(out_, partition);
    append_number(out_, std::int32_t{-1});  // leader epoch
    append_number(out_, offsets_[static_cast<std::size_t>(partition)]);
    append_number(out_, std::int64_t{-1});  // log start
    append_number(out_, options_.partition_bytes_max);
  }
  append_number(out_, std::int32_t{0});  // nothing forgotten
  changed_.clear();
  finish_frame(out_, begin);
}

Result<void> KafkaConsumer::write() {
  while (out_sent_ < out_.size()) {
    const base::ByteSpan rest = base::as_bytes(std::string_view(out_).substr(out_sent_));
    const auto sent = socket_.send_some({&rest, 1});
    if (!sent) return sent.error();
    if (*sent == 0) return {};
    out_sent_ += *sent;
  }
  out_.clear();
  out_sent_ = 0;
  return {};
}

Result<void> KafkaConsumer::receive(Listener& listener) {
  for (bool came = true; came;) {
    const auto received = socket_.receive_some();
    if (!received) return received.error();
    came = *received;
    while (socket_.has_frame()) {
      const auto frame = socket_.receive_frame();
      if (!frame) return frame.error();
      if (auto read = answered(*frame, listener); !read) return read;
      build_fetch();
      if (auto written = write(); !written) return written;
    }
  }
  return {};
}

Result<void> KafkaConsumer::answered(base::ByteSpan frame, Listener& listener) {
  FieldReader in(frame);
  if (in.number<std::int32_t>() != correlation_id_ - 1) return broken();
  in.number<std::int32_t>();  // throttled for
  const auto error = in.number<std::int16_t>();
  if (error != 0) return refusal(static_cast<protocol::ErrorCode>(error)).while_doing("fetching " + options_.topic);
  session_id_ = in.number<std::int32_t>();
  session_epoch_ = session_id_ == 0 ? no_session : std::max(session_epoch_, 0) + 1;
  for (auto topics = in.number<std::int32_t>(); topics > 0 && in.ok(); --topics) {
    in.text();
    for (auto left = in.number<std::int32_t>(); left > 0 && in.ok(); --left) {
      if (auto taken = take_partition(in, listener); !taken) return taken;
    }
  }
  if (session_id_ == 0) changed_ = options_.partitions;  // the broker keeps no session: all of them each time
  return in.ok() ? Result<void>() : broken();
}

Result<void> KafkaConsumer::take_partition(FieldReader& in, Listener& listener) {
  const auto partition = in.number<std::int32_t>();
  const auto error = in.number<std::int16_t>();
  in.number<std::int64_t>();  // high watermark
  in.number<std::int64_t>();  // last stable offset
  in.number<std::int64_t>();  // log start
  for (auto aborted = in.number<std::int32_t>(); aborted > 0 && in.ok(); --aborted) {
    in.number<std::int64_t>();
    in.number<std::int64_t>();
  }
  const base::ByteSpan batches = in.bytes();
  const std::string where = options_.topic + " " + std::to_string(partition);
  if (error != 0) return refusal(static_cast<protocol::ErrorCode>(error)).while_doing("fetching " + where);
  if (!in.ok() || partition < 0 || static_cast<std::size_t>(partition) >= offsets_.size()) return broken();
  std::int64_t& offset = offsets_[static_cast<std::size_t>(partition)];
  const std::int64_t next = for_each_value(batches, offset, unpacker_, [&](std::string_view value) {
    listener.received(options_.subscription, partition, value);
  });
  if (next < 0) return broken().while_doing("reading " + where);
  if (next != offset) changed_.push_back(partition);
  offset = next;
  return {};
}

}  // namespace cms::client::bench
