// SPDX-License-Identifier: Apache-2.0
#include "client/native/outgoing_batch.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace cms::client {

void OutgoingBatch::begin() {
  bytes = records::header_size;
  tickets.clear();
  fields = {};
  state = State::ready;
  collects = numbered = false;
  tries = 0;
  sent = 0;
  value = {};
  ring.reset();
}

void OutgoingBatch::leave_ring() {
  if (memory.size() < bytes) memory.resize(bytes);
  std::memcpy(memory.data(), data(), bytes);
  ring.reset();
}

RecordLayout::Place OutgoingBatch::place_of(std::int64_t timestamp_ms) const {
  if (fields.record_count == 0) return {};
  const auto delta = static_cast<std::uint64_t>(timestamp_ms) - static_cast<std::uint64_t>(fields.base_timestamp);
  return {.timestamp_delta = static_cast<std::int64_t>(delta), .offset_delta = fields.record_count};
}

std::byte* OutgoingBatch::add(const RecordLayout& layout, std::size_t size, std::int64_t timestamp_ms,
                              std::uint64_t ticket) {
  if (!ring && memory.size() < bytes + size) memory.resize(std::max(bytes + size, memory.size() * 2));
  std::byte* const value_at = layout.store(data() + bytes, place_of(timestamp_ms));
  bytes += size;
  tickets.push_back(ticket);
  if (fields.record_count++ == 0) {
    fields.base_timestamp = fields.max_timestamp = timestamp_ms;
  } else {
    fields.max_timestamp = std::max(fields.max_timestamp, timestamp_ms);
  }
  return value_at;
}

void BatchList::push_back(OutgoingBatch* batch) {
  batch->next = nullptr;
  (last_ == nullptr ? first_ : last_->next) = batch;
  last_ = batch;
  ++size_;
}

OutgoingBatch* BatchList::pop_front() {
  OutgoingBatch* const batch = first_;
  first_ = batch->next;
  if (first_ == nullptr) last_ = nullptr;
  --size_;
  return batch;
}

bool BatchList::remove(OutgoingBatch* batch) {
  OutgoingBatch* before = nullptr;
  for (OutgoingBatch* at = first_; at != nullptr; before = std::exchange(at, at->next)) {
    if (at != batch) continue;
    (before == nullptr ? first_ : before->next) = at->next;
    if (last_ == at) last_ = before;
    --size_;
    return true;
  }
  return false;
}

void BatchList::prepend(BatchList& other) {
  if (other.empty()) return;
  other.last_->next = first_;
  if (first_ == nullptr) last_ = other.last_;
  first_ = other.first_;
  size_ += other.size_;
  other = {};
}

BatchPool::~BatchPool() {
  while (!free_.empty()) delete free_.pop_front();
}

OutgoingBatch* BatchPool::take() { return free_.empty() ? new OutgoingBatch : free_.pop_front(); }

void BatchPool::give_back(OutgoingBatch* batch) {
  batch->state = OutgoingBatch::State::idle;
  batch->lane = nullptr;
  batch->ring.reset();
  if (free_.size() >= kept_max || batch->memory.size() > kept_bytes_max) {
    delete batch;
  } else {
    free_.push_back(batch);
  }
}

}  // namespace cms::client
