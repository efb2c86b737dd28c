// SPDX-License-Identifier: Apache-2.0
#include "broker/core/receive_buffer.h"

#include <algorithm>
#include <cstring>

namespace cms::broker {

bool ReceiveBudget::take(std::size_t bytes) {
  const std::size_t before = used_.fetch_add(bytes, std::memory_order_relaxed);
  if (before + bytes <= bytes_max_) return true;
  used_.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

ReceiveBuffer::ReceiveBuffer(ReceiveBudget& budget)
    : budget_(budget), memory_(std::make_unique_for_overwrite<std::byte[]>(small_bytes)) {}

ReceiveBuffer::~ReceiveBuffer() {
  if (!is_small()) budget_.give_back(capacity_);
}

void ReceiveBuffer::filled(std::size_t bytes) {
  CHECK(bytes <= capacity_ - end_);
  end_ += bytes;
}

void ReceiveBuffer::consume(std::size_t bytes) {
  CHECK(bytes <= end_ - begin_);
  begin_ += bytes;
  if (begin_ == end_) begin_ = end_ = 0;
}

bool ReceiveBuffer::make_space(std::size_t needed) {
  const std::size_t held = end_ - begin_;
  if (begin_ > 0 && (needed <= capacity_ || held < capacity_ / 2)) {
    std::memmove(memory_.get(), memory_.get() + begin_, held);
    begin_ = 0;
    end_ = held;
  }
  if (end_ < capacity_) return true;
  CHECK(needed > held);
  // Doubling costs a copy per byte in all; the frame's own size ends it, so that a large frame is not doubled beyond.
  const std::size_t grown =
      std::max(first_growth_bytes, std::min(capacity_ * 2, std::max(needed, capacity_ + capacity_ / 2)));
  return grow_to(grown);
}

bool ReceiveBuffer::grow_to(std::size_t capacity) {
  if (!budget_.take(capacity)) return false;
  const std::size_t held = end_ - begin_;
  auto larger = std::make_unique_for_overwrite<std::byte[]>(capacity);
  std::memcpy(larger.get(), memory_.get() + begin_, held);
  if (!is_small()) budget_.give_back(capacity_);
  memory_ = std::move(larger);
  capacity_ = capacity;
  begin_ = 0;
  end_ = held;
  return true;
}

void ReceiveBuffer::enlarge() {
  if (is_small()) grow_to(first_growth_bytes);
}

void ReceiveBuffer::shrink() {
  if (is_small() || begin_ != end_) return;
  budget_.give_back(capacity_);
  memory_ = std::make_unique_for_overwrite<std::byte[]>(small_bytes);
  capacity_ = small_bytes;
  begin_ = end_ = 0;
}

}  // namespace cms::broker
