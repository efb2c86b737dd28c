// SPDX-License-Identifier: Apache-2.0
#include "transport/ring.h"

#include <algorithm>

namespace cms::transport {

namespace {

constexpr bool is_frame_boundary(std::uint64_t position) { return position % sizeof(FrameHeader) == 0; }

}  // namespace

RingWriter::RingWriter(RingHeader& header, base::MutableByteSpan data)
    : header_(header), data_(data.data()), size_(data.size()) {
  CHECK(is_ring_size(size_) && reinterpret_cast<std::uintptr_t>(data_) % alignof(std::uint64_t) == 0);
}

bool RingWriter::make_room(std::size_t bytes) {
  if (!violation_.empty()) return false;
  const std::uint64_t head = header_.head.load(std::memory_order_acquire);
  if (head < head_seen_ || head > published_ || !is_frame_boundary(head)) {
    violation_ = "a position of the reader outside of what was written";
    return false;
  }
  head_seen_ = head;
  const bool fits = bytes <= size_ - (written_ - head_seen_);
  needed_ = fits ? 0 : bytes;
  return fits;
}

Offered RingWriter::claim(std::size_t bytes, RingClaim& claim) {
  if (claims_waiting_ == claims_open_max) return refused();
  if (claims_waiting_ == claims_.size()) {
    std::vector<Claim> larger(std::max<std::size_t>(16, claims_.size() * 2));
    for (std::uint64_t n = first_claim_; n != first_claim_ + claims_waiting_; ++n) {
      larger[n & (larger.size() - 1)] = claims_[n & claims_mask()];
    }
    claims_ = std::move(larger);
  }
  std::byte* const frame = reserve(bytes);
  if (frame == nullptr) return refused();
  claim = {{frame + sizeof(FrameHeader), bytes}, first_claim_ + claims_waiting_};
  claims_[claim.number & claims_mask()] = {written_ - frame_bytes(bytes), bytes, ClaimState::open};
  ++claims_waiting_;
  ++claims_unsettled_;
  return Offered::taken;
}

RingWriter::Claim& RingWriter::open_claim(const RingClaim& claim) {
  CHECK(claim.number - first_claim_ < claims_waiting_);
  Claim& found = claims_[claim.number & claims_mask()];
  CHECK(found.state == ClaimState::open);
  return found;
}

void RingWriter::settle(Claim& claim) {
  claim.state = ClaimState::settled;
  --claims_unsettled_;
  while (claims_waiting_ > 0 && claims_[first_claim_ & claims_mask()].state == ClaimState::settled) {
    ++first_claim_;
    --claims_waiting_;
  }
}

void RingWriter::commit(const RingClaim& claim, std::size_t bytes) {
  Claim& open = open_claim(claim);
  CHECK(bytes <= open.bytes);
  std::byte* const frame = data_ + (open.position & (size_ - 1));
  write_header(frame, FrameHeader::message, bytes);
  const std::size_t used = frame_bytes(bytes);
  const std::size_t unused = frame_bytes(open.bytes) - used;
  if (unused > 0) write_header(frame + used, FrameHeader::padding, unused - sizeof(FrameHeader));
  settle(open);
}

void RingWriter::abandon(const RingClaim& claim) {
  Claim& open = open_claim(claim);
  write_header(data_ + (open.position & (size_ - 1)), FrameHeader::padding, open.bytes);
  settle(open);
}

std::size_t RingWriter::room_bytes() const {
  const std::uint64_t head = header_.head.load(std::memory_order_acquire);
  if (!violation_.empty() || head < head_seen_ || head > published_) return 0;
  const std::size_t free = size_ - (written_ - head);
  const std::size_t to_end = size_ - (written_ & (size_ - 1));
  const std::size_t frame = free <= to_end ? free : std::max(to_end, free - to_end);
  return frame < sizeof(FrameHeader) ? 0 : std::min(frame - sizeof(FrameHeader), message_bytes_max());
}

bool RingWriter::prepare_to_sleep() {
  if (needed_ == 0 || !violation_.empty()) return true;
  const std::size_t needed = needed_;
  if (make_room(needed)) return false;
  if (!violation_.empty()) return false;
  if (head_seen_ == published_) return true;  // only our own claims are in the way
  // Not before half of the ring is free, which every message fits into, or all that was published is read: a ring for
  // each message that was read would cost more than the messages.
  const std::uint64_t wanted_at = std::min(published_, written_ - size_ / 2);
  room_wished_ = true;
  header_.room_wanted_at.store(wanted_at, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);  // see publish()
  if (header_.head.load(std::memory_order_acquire) < wanted_at) return true;
  needed_ = 0;
  return false;
}

bool RingWriter::awake() {
  if (!room_wished_) return false;
  room_wished_ = false;
  return header_.room_wanted_at.exchange(0, std::memory_order_acq_rel) == 0;
}

RingReader::RingReader(RingHeader& header, base::ByteSpan data)
    : header_(header), data_(data.data()), size_(data.size()) {
  CHECK(is_ring_size(size_) && reinterpret_cast<std::uintptr_t>(data_) % alignof(std::uint64_t) == 0);
}

bool RingReader::look() {
  if (!violation_.empty()) return false;
  const std::uint64_t tail = header_.tail.load(std::memory_order_acquire);
  if (tail == tail_seen_) {
    // Where the next frame will lie: a reader that spins has its first line as soon as the tail.
    __builtin_prefetch(data_ + (tail & (size_ - 1)));
    return false;
  }
  if (tail < tail_seen_ || tail - given_back_ > size_ || !is_frame_boundary(tail)) {
    violated("a position of the writer outside of the room it has");
    return false;
  }
  tail_seen_ = tail;
  return true;
}

base::ByteSpan RingReader::violated(std::string_view what) {
  violation_ = what;
  return {};
}

bool RingReader::prepare_to_sleep() {
  sleeping_ = true;
  header_.reader_sleeps.store(1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);  // see RingWriter::publish
  return violation_.empty() && header_.tail.load(std::memory_order_acquire) == head_ &&
         header_.closed.load(std::memory_order_acquire) == 0;
}

bool RingReader::awake() {
  if (!sleeping_) return false;
  sleeping_ = false;
  return header_.reader_sleeps.exchange(0, std::memory_order_acq_rel) == 0;
}

}  // namespace cms::transport
