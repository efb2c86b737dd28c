// SPDX-License-Identifier: Apache-2.0
#include "storage/producers.h"

#include <algorithm>

#include "storage/checked_bytes.h"

namespace cms::storage {

using base::Result;
using base::TimestampMs;
using records::BatchView;
using records::Offset;
using records::ProducerEpoch;
using records::ProducerId;
using records::Sequence;

namespace {

// The snapshot: magic, next_offset i64, producers u32, then each producer (by id): id i64, epoch i16, last_write_ms
// i64, batches u8, then each batch, oldest first: first_sequence i32, last_sequence i32, base_offset i64,
// append_time_ms i64.
constexpr std::uint32_t magic = 0x434d5050;  // CMPP
constexpr std::size_t producer_bytes_min = 8 + 2 + 8 + 1;

}  // namespace

ProducerStates::Verdict ProducerStates::check(const BatchView& batch) const {
  if (!batch.has_producer_id()) return Append{};
  const auto found = producers_.find(batch.producer_id());
  if (found == producers_.end()) return Append{};
  const Producer& producer = found->second;
  const ProducerEpoch epoch = batch.producer_epoch();
  if (epoch < producer.epoch) return Refused::invalid_producer_epoch;
  if (batch.is_control()) return Append{};  // markers have no sequence (KIP-98)
  if (epoch > producer.epoch) {
    if (batch.base_sequence() == 0) return Append{};
    return Refused::out_of_order_sequence;
  }
  for (std::size_t i = 0; i < producer.count; ++i) {
    const Batch& known = producer.batches[i];
    if (known.first_sequence == batch.base_sequence() && known.last_sequence == batch.last_sequence()) {
      return Duplicate{.base_offset = known.base_offset, .append_time_ms = known.append_time_ms};
    }
  }
  // After a marker that raised the epoch there is no batch yet: the next one begins at 0.
  const Sequence expected =
      producer.count == 0 ? 0 : records::advance_sequence(producer.batches[producer.count - 1].last_sequence, 1);
  if (batch.base_sequence() == expected) return Append{};
  return Refused::out_of_order_sequence;
}

void ProducerStates::update(const BatchView& batch, Offset base_offset, TimestampMs now_ms) {
  if (!batch.has_producer_id()) return;
  Producer& producer = producers_[batch.producer_id()];
  producer.last_write_ms = now_ms;
  if (batch.producer_epoch() != producer.epoch) {
    producer.epoch = batch.producer_epoch();
    producer.count = 0;
  }
  if (batch.is_control()) return;
  if (producer.count == batches_kept) {
    std::move(producer.batches.begin() + 1, producer.batches.end(), producer.batches.begin());
    --producer.count;
  }
  const bool has_append_time = batch.timestamp_type() == records::TimestampType::log_append_time;
  producer.batches[producer.count++] = Batch{
      .first_sequence = batch.base_sequence(),
      .last_sequence = batch.last_sequence(),
      .base_offset = base_offset,
      .append_time_ms = has_append_time ? batch.max_timestamp() : records::no_timestamp,
  };
}

void ProducerStates::expire(TimestampMs older_than_ms) {
  std::erase_if(producers_, [&](const auto& entry) { return entry.second.last_write_ms < older_than_ms; });
}

std::vector<Offset> ProducerStates::last_batches() const {
  std::vector<Offset> offsets;
  offsets.reserve(producers_.size());
  for (const auto& [id, producer] : producers_) {
    if (producer.count > 0) offsets.push_back(producer.batches[producer.count - 1].base_offset);
  }
  std::sort(offsets.begin(), offsets.end());
  return offsets;
}

std::vector<std::byte> ProducerStates::save(Offset next_offset) const {
  std::vector<ProducerId> ids;
  ids.reserve(producers_.size());
  for (const auto& [id, producer] : producers_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());

  CheckedWriter writer(magic);
  writer.add(next_offset);
  writer.add(static_cast<std::uint32_t>(ids.size()));
  for (const ProducerId id : ids) {
    const Producer& producer = producers_.at(id);
    writer.add(id);
    writer.add(producer.epoch);
    writer.add(producer.last_write_ms);
    writer.add(producer.count);
    for (std::size_t i = 0; i < producer.count; ++i) {
      const Batch& batch = producer.batches[i];
      writer.add(batch.first_sequence);
      writer.add(batch.last_sequence);
      writer.add(batch.base_offset);
      writer.add(batch.append_time_ms);
    }
  }
  return std::move(writer).finish();
}

Result<Offset> ProducerStates::load(base::ByteSpan bytes) {
  CheckedReader reader(bytes, magic);
  const auto next_offset = reader.take<Offset>();
  const auto count = reader.take<std::uint32_t>();
  if (!reader.ok() || count > reader.left() / producer_bytes_min) return CheckedReader::corrupt("producer states");

  std::unordered_map<ProducerId, Producer> producers;
  producers.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto id = reader.take<ProducerId>();
    Producer producer;
    producer.epoch = reader.take<ProducerEpoch>();
    producer.last_write_ms = reader.take<TimestampMs>();
    producer.count = reader.take<std::uint8_t>();
    if (producer.count > batches_kept) return CheckedReader::corrupt("producer states");
    for (std::size_t j = 0; j < producer.count; ++j) {
      Batch& batch = producer.batches[j];
      batch.first_sequence = reader.take<Sequence>();
      batch.last_sequence = reader.take<Sequence>();
      batch.base_offset = reader.take<Offset>();
      batch.append_time_ms = reader.take<TimestampMs>();
    }
    if (!producers.emplace(id, producer).second) return CheckedReader::corrupt("producer states");
  }
  if (!reader.ok() || reader.left() > 0) return CheckedReader::corrupt("producer states");
  producers_ = std::move(producers);
  return next_offset;
}

}  // namespace cms::storage
