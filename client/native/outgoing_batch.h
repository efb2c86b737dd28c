// SPDX-License-Identifier: Apache-2.0
// A batch on its way to the broker, kept until it is answered.
#pragma once

#include <cms/record.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "client/native/batch_layout.h"
#include "client/native/link.h"

namespace cms::client {

struct Lane;

// A claim of a channel's ring, with the memory it lies in.
struct RingSpace {
  transport::RingClaim claim;
  std::shared_ptr<const void> memory;
  std::uint64_t channel = 0;  // Link::channel_number() of whose ring it is
};

struct OutgoingBatch {
  enum class State : std::uint8_t {
    idle,     // in the pool
    open,     // a loan: its value is being written. In its lane's waiting list
    ready,    // in its lane's waiting list, or being sent
    expired,  // a loan that took too long: in no list, until it is let go
  };

  OutgoingBatch* next = nullptr;  // in the list it is in
  State state = State::idle;
  Lane* lane = nullptr;

  std::vector<std::byte> memory;  // its size only grows
  std::optional<RingSpace> ring;  // of a loan: it lies here instead, behind the header of its put
  std::size_t bytes = 0;          // header included
  std::vector<std::uint64_t> tickets;
  BatchFields fields;
  bool collects = false;  // more records may be added
  bool numbered = false;  // has its sequence
  int tries = 0;
  std::uint64_t put_id = 0;  // of the last put
  std::size_t sent = 0;      // bytes of it in the channel, when it goes in pieces

  base::MutableByteSpan value;  // of a loan
  SteadyTime expires_at;

  void begin();
  std::byte* data() { return ring ? ring->claim.space.data() + sizeof(push::Put) : memory.data(); }
  void leave_ring();  // copied into memory of its own
  // Where one more record would lie.
  RecordLayout::Place place_of(std::int64_t timestamp_ms) const;
  // Space for the value of one more record, whose size there is `size`.
  std::byte* add(const RecordLayout& layout, std::size_t size, std::int64_t timestamp_ms, std::uint64_t ticket);
};

// In order; the batches are somebody else's.
class BatchList {
 public:
  bool empty() const { return first_ == nullptr; }
  std::size_t size() const { return size_; }
  OutgoingBatch* front() const { return first_; }
  OutgoingBatch* back() const { return last_; }
  void push_back(OutgoingBatch* batch);
  OutgoingBatch* pop_front();
  bool remove(OutgoingBatch* batch);
  // All of `other` in front of what is here.
  void prepend(BatchList& other);
  void append(BatchList& other) {
    other.prepend(*this);
    std::swap(*this, other);
  }

 private:
  OutgoingBatch* first_ = nullptr;
  OutgoingBatch* last_ = nullptr;
  std::size_t size_ = 0;
};

// Gives out batches and takes them back, with their memory unless it is large. One thread.
class BatchPool {
 public:
  ~BatchPool();
  OutgoingBatch* take();
  void give_back(OutgoingBatch* batch);

 private:
  static constexpr std::size_t kept_bytes_max = 1 << 20;  // of one batch
  static constexpr std::size_t kept_max = 256;            // batches

  BatchList free_;
};

}  // namespace cms::client
