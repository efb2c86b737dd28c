// SPDX-License-Identifier: Apache-2.0
#include "client/producer.h"

#include <cstring>
#include <thread>
#include <utility>

namespace cms::client {

namespace {

using protocol::ErrorCode;
using protocol::ProduceRequest;

// A broker that has just started, or moves a partition, asks to come again: for up to 10 s we do.
constexpr int tries_max = 100;
constexpr milliseconds retry_pause{100};

// MurmurHash2, 32 bits, little-endian (Appleby), with the seed Kafka uses.
std::uint32_t murmur2(base::ByteSpan bytes) {
  constexpr std::uint32_t seed = 0x9747b28c;
  constexpr std::uint32_t multiplier = 0x5bd1e995;
  std::uint32_t hash = seed ^ static_cast<std::uint32_t>(bytes.size());
  for (; bytes.size() >= sizeof(std::uint32_t); bytes = bytes.subspan(sizeof(std::uint32_t))) {
    std::uint32_t word;
    std::memcpy(&word, bytes.data(), sizeof word);
    word *= multiplier;
    word ^= word >> 24;
    word *= multiplier;
    hash *= multiplier;
    hash ^= word;
  }
  if (!bytes.empty()) {
    for (std::size_t i = bytes.size(); i > 0; --i) hash ^= static_cast<std::uint32_t>(bytes[i - 1]) << (8 * (i - 1));
    hash *= multiplier;
  }
  hash ^= hash >> 13;
  hash *= multiplier;
  hash ^= hash >> 15;
  return hash;
}

}  // namespace

std::int32_t partition_of_key(base::ByteSpan key, std::int32_t count) {
  CHECK(count > 0);
  return static_cast<std::int32_t>(murmur2(key) & 0x7fffffff) % count;
}

Producer::Producer(Cluster& cluster, std::string topic, ProducerOptions options)
    : cluster_(cluster), topic_(std::move(topic)), options_(options) {}

Result<void> Producer::begin() {
  begun_ = true;
  if (!options_.idempotent) return {};
  const protocol::InitProducerIdRequest request;
  for (int tries = 1;; ++tries) {
    const auto answer = cluster_.bootstrap().call(request);
    if (!answer) return answer.error();
    if (answer->error_code == ErrorCode::none) {
      producer_id_ = answer->producer_id;
      producer_epoch_ = answer->producer_epoch;
      return {};
    }
    if (!protocol::is_retriable(answer->error_code) || tries == tries_max)
      return refusal(answer->error_code).while_doing("asking for a producer id");
    std::this_thread::sleep_for(retry_pause);
  }
}

records::BatchBuilder& Producer::builder(std::int32_t partition) {
  const auto found = batches_.find(partition);
  if (found != batches_.end()) return found->second;
  records::BatchOptions options;
  options.codec = options_.codec;
  options.producer_id = producer_id_;
  options.producer_epoch = producer_epoch_;
  return batches_.emplace(partition, records::BatchBuilder(options)).first->second;
}

Result<void> Producer::add(std::int32_t partition, const records::NewRecord& record) {
  if (!begun_) {
    if (Result<void> ready = begin(); !ready) return ready;
  }
  records::BatchBuilder& batch = builder(partition);
  if (batch.record_count() > 0 && batch.size() + batch.size_of(record) > options_.batch_bytes_max) {
    if (Result<void> sent = send_batch(partition, batch); !sent) return sent;
  }
  batch.add(record);
  return {};
}

Result<void> Producer::send() {
  for (auto& [partition, batch] : batches_) {
    if (batch.record_count() == 0) continue;
    if (Result<void> sent = send_batch(partition, batch); !sent) return sent;
  }
  return {};
}

Result<void> Producer::flush() {
  if (Result<void> sent = send(); !sent) return sent;
  while (!in_flight_.empty()) {
    if (Result<void> received = receive_one(); !received) return received;
  }
  return {};
}

Result<void> Producer::send_batch(std::int32_t partition, records::BatchBuilder& batch) {
  if (in_flight_.size() >= options_.in_flight_max) {
    if (Result<void> received = receive_one(); !received) return received;
  }
  InFlight sent{nullptr, {}, partition, batch.record_count(), {}};
  if (options_.idempotent) {
    records::Sequence& sequence = next_sequence_[partition];
    batch.options().base_sequence = sequence;
    sequence = records::advance_sequence(sequence, sent.records);
  }
  sent.bytes = batch.finish();
  if (Result<void> done = send_request(sent); !done) return done;
  if (options_.acks == 0) {
    count(partition, sent.records, -1);
  } else {
    in_flight_.push_back(std::move(sent));
  }
  return {};
}

Result<void> Producer::send_request(InFlight& sent) {
  const Result<Connection*> leader = cluster_.leader_of(topic_, sent.partition);
  if (!leader) return leader.error();
  const Result<const TopicMetadata*> topic = cluster_.topic(topic_);
  if (!topic) return topic.error();
  ProduceRequest request;
  request.acks = options_.acks;
  request.timeout_ms = options_.timeout_ms;
  auto& asked = request.topic_data.emplace_back();
  asked.name = topic_;
  asked.topic_id = (*topic)->topic_id;
  asked.partition_data.push_back({sent.partition, protocol::RecordsView(base::ByteSpan(sent.bytes))});
  const auto pending = (*leader)->send(request);
  if (!pending) return pending.error();
  sent.connection = *leader;
  sent.pending = *pending;
  return {};
}

Result<Producer::PartitionAnswer> Producer::receive_answer(const InFlight& sent) {
  auto answer = sent.connection->receive(sent.pending);
  if (!answer) return answer.error();
  if (answer->responses.size() != 1 || answer->responses.front().partition_responses.size() != 1)
    return Error(ErrorKind::corrupt, "the broker's answer is not about what was produced");
  return std::move(answer->responses.front().partition_responses.front());
}

Result<void> Producer::receive_one() {
  InFlight sent = std::move(in_flight_.front());
  in_flight_.pop_front();
  const Result<PartitionAnswer> answer = receive_answer(sent);
  if (!answer) return answer.error();
  if (answer->error_code == ErrorCode::none) {
    count(sent.partition, sent.records, answer->base_offset);
    return {};
  }
  if (!protocol::is_retriable(answer->error_code)) return refused(sent, *answer);
  return retry(std::move(sent));
}

// What was sent behind a batch that is refused is refused too when it is idempotent (its sequence is not the next), so
// everything in flight is waited for first.
Result<void> Producer::retry(InFlight first) {
  std::vector<InFlight> again;
  again.push_back(std::move(first));
  for (; !in_flight_.empty(); in_flight_.pop_front()) {
    InFlight& sent = in_flight_.front();
    const Result<PartitionAnswer> answer = receive_answer(sent);
    if (!answer) return answer.error();
    const ErrorCode code = answer->error_code;
    if (code == ErrorCode::none) {
      count(sent.partition, sent.records, answer->base_offset);
    } else if (protocol::is_retriable(code) || code == ErrorCode::out_of_order_sequence_number) {
      again.push_back(std::move(sent));
    } else {
      return refused(sent, *answer);
    }
  }
  for (InFlight& sent : again) {
    if (Result<void> done = send_until_accepted(sent); !done) return done;
  }
  return {};
}

Result<void> Producer::send_until_accepted(InFlight& sent) {
  for (int tries = 1;; ++tries) {
    std::this_thread::sleep_for(retry_pause);
    cluster_.forget(topic_);
    if (Result<void> done = send_request(sent); !done) return done;
    const Result<PartitionAnswer> answer = receive_answer(sent);
    if (!answer) return answer.error();
    if (answer->error_code == ErrorCode::none) {
      count(sent.partition, sent.records, answer->base_offset);
      return {};
    }
    if (!protocol::is_retriable(answer->error_code) || tries == tries_max) return refused(sent, *answer);
  }
}

Error Producer::refused(const InFlight& sent, const PartitionAnswer& answer) const {
  return refusal(answer.error_code, answer.error_message).while_doing(topic_ + "-" + std::to_string(sent.partition));
}

void Producer::count(std::int32_t partition, std::int32_t records, std::int64_t base_offset) {
  Appended& appended = appended_[partition];
  appended.records += records;
  if (base_offset < 0) return;
  if (appended.first_offset < 0) appended.first_offset = base_offset;
  appended.last_offset = base_offset + records - 1;
}

}  // namespace cms::client
