// SPDX-License-Identifier: Apache-2.0
#include "client/bench/kafka_producer.h"

#include "client/answers.h"
#include "client/bench/kafka_wire.h"

namespace cms::client::bench {

namespace {

constexpr std::int32_t broker_timeout_ms = 30'000;
constexpr std::size_t record_overhead_max = 32;

}  // namespace

KafkaProducer::KafkaProducer(Socket socket, Options options, const base::Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      socket_(std::move(socket)),
      batches_(static_cast<std::size_t>(options_.partitions)) {}

Result<bool> KafkaProducer::add(const OutgoingRecord& record) {
  Batch* batch = &batches_[static_cast<std::size_t>(record.partition)];
  const std::size_t bytes = record.key.size() + record.value.size() + record_overhead_max;
  if (batch->count > 0 && batch->records.size() + bytes > options_.batch_bytes) {
    if (auto flushed = flush(); !flushed) return flushed.error();
    if (batch->count > 0) return false;
  }
  if (batch->count == 0) filled_.push_back(record.partition);
  append_record(batch->records, batch->count++, record.key, record.value);
  waiting_.push_back(record.intended_ns);
  return true;
}

Result<void> KafkaProducer::flush() {
  const bool may_send = static_cast<int>(under_way_.size()) < options_.requests_in_flight;
  if (may_send && !filled_.empty()) build_request();
  return write();
}

void KafkaProducer::build_request() {
  const std::size_t begin = out_.size();
  begin_frame(out_, api_produce, correlation_id_++);
  append_number(out_, std::int16_t{-1});  // no transaction
  append_number(out_, static_cast<std::int16_t>(options_.acks));
  append_number(out_, broker_timeout_ms);
  append_number(out_, std::int32_t{1});
  append_text(out_, options_.topic);
  append_number(out_, static_cast<std::int32_t>(filled_.size()));
  const std::int64_t now_ms = clock_.now_ms();
  for (const std::int32_t partition : filled_) {
    Batch& batch = batches_[static_cast<std::size_t>(partition)];
    append_number(out_, partition);
    append_batch(out_, options_.codec, packed(batch.records), batch.count, now_ms);
    batch.records.clear();
    batch.count = 0;
  }
  filled_.clear();
  finish_frame(out_, begin);
  under_way_.push_back(std::move(waiting_));
  waiting_ = Times{};
  if (spare_.empty()) return;
  waiting_ = std::move(spare_.back());
  spare_.pop_back();
}

// Valid until the next call.
std::string_view KafkaProducer::packed(std::string_view records) {
  if (options_.codec == records::Codec::none) return records;
  packed_.clear();
  compressor_.append(options_.codec, std::nullopt, base::as_bytes(records), packed_);
  return base::as_text(packed_);
}

Result<void> KafkaProducer::write() {
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

Result<void> KafkaProducer::receive(Listener& listener) {
  for (bool came = true; came;) {
    const auto received = socket_.receive_some();
    if (!received) return received.error();
    came = *received;
    while (socket_.has_frame()) {
      const auto frame = socket_.receive_frame();
      if (!frame) return frame.error();
      if (auto read = answered(*frame, listener); !read) return read;
    }
  }
  return {};
}

Result<void> KafkaProducer::answered(base::ByteSpan frame, Listener& listener) {
  const base::Error broken(base::ErrorKind::corrupt, "the answer to Produce is not what its format says");
  FieldReader in(frame);
  const auto correlation_id = in.number<std::int32_t>();
  if (under_way_.empty() || correlation_id != correlation_id_ - static_cast<std::int32_t>(under_way_.size()))
    return broken;
  if (in.number<std::int32_t>() != 1) return broken;
  in.text();
  for (auto left = in.number<std::int32_t>(); left > 0 && in.ok(); --left) {
    const auto partition = in.number<std::int32_t>();
    const auto error = in.number<std::int16_t>();
    in.number<std::int64_t>();  // base offset
    in.number<std::int64_t>();  // append time
    in.number<std::int64_t>();  // log start
    if (error != 0)
      return refusal(static_cast<protocol::ErrorCode>(error))
          .while_doing("producing to partition " + std::to_string(partition) + " of " + options_.topic);
  }
  if (!in.ok()) return broken;
  Times times = std::move(under_way_.front());
  under_way_.pop_front();
  for (const std::int64_t intended_ns : times) listener.acknowledged(options_.number, intended_ns);
  times.clear();
  spare_.push_back(std::move(times));
  return {};
}

}  // namespace cms::client::bench
