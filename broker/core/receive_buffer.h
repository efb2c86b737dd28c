// SPDX-License-Identifier: Apache-2.0
// Where a connection's bytes arrive. It grows with the bytes that are there, never with the size a frame announces, and
// lets its memory go when it is empty and its connection idle.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"

namespace cms::broker {

// Bytes that all connections' buffers together may take above their small ones. Any thread.
class ReceiveBudget {
 public:
  explicit ReceiveBudget(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  bool take(std::size_t bytes);

  // For what is held already: may exceed the budget, and then nobody gets more.
  void add(std::size_t bytes) { used_.fetch_add(bytes, std::memory_order_relaxed); }
  bool is_used_up() const { return used() >= bytes_max_; }
  void give_back(std::size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const std::size_t bytes_max_;
  std::atomic<std::size_t> used_{0};
};

class ReceiveBuffer {
 public:
  static constexpr std::size_t small_bytes = 512;
  static constexpr std::size_t first_growth_bytes = 64 << 10;

  explicit ReceiveBuffer(ReceiveBudget& budget);
  ~ReceiveBuffer();
  ReceiveBuffer(const ReceiveBuffer&) = delete;
  ReceiveBuffer& operator=(const ReceiveBuffer&) = delete;

  base::ByteSpan data() const { return {memory_.get() + begin_, end_ - begin_}; }
  base::MutableByteSpan space() { return {memory_.get() + end_, capacity_ - end_}; }
  void filled(std::size_t bytes);
  void consume(std::size_t bytes);

  // Makes space when there is none: moves the data to the front, else doubles (no further than `needed`, the size of
  // the frame that has begun and is more than data()). False: the budget is used up; try again when other connections
  // have given back.
  bool make_space(std::size_t needed);

  // Leaves the small memory for one that takes many requests at once, if the budget allows.
  void enlarge();

  // Back to the small memory, if nothing is in it.
  void shrink();
  bool is_small() const { return capacity_ == small_bytes; }

 private:
  bool grow_to(std::size_t capacity);

  ReceiveBudget& budget_;
  std::size_t capacity_ = small_bytes;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::unique_ptr<std::byte[]> memory_;
};

}  // namespace cms::broker
