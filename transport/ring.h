// SPDX-License-Identifier: Apache-2.0
// A push ring: one writer, one reader, messages in order, in memory that somebody else owns.
//
//   RingHeader, 512 bytes on a page of its own            data, R bytes, on a page boundary
//   +----------+----------+----------+----------+ ~ +-------------------------------------------------+
//   | tail     | head     | reader   | room     |   |     head v          tail v                      |
//   | closed   |          | sleeps   | wanted   |   | ..|......|frame|frame|....|.....|..             |
//   +----------+----------+----------+----------+ ~ +-------------------------------------------------+
//    0: writer  128: reader 256: rare  384: rare          <-- readable -->
//
//   frame: kind u32 | length u32 | message | 0 to 7 bytes up to a multiple of 8
//
// tail and head count bytes since the ring was made and only rise; they modulo R are where the next frame is written
// and read. A frame never wraps: what is left at the end of the data is a frame of kind `padding`. Little-endian. The
// length stands directly before the message so that a stream socket can send both as one piece.
//
// Every word has one line that nobody else's word shares: the writer's stores do not take the reader's line away. Lines
// are 128 bytes apart because the processor fetches them in pairs. The words for sleeping are not beside the positions:
// they are read after each publication, and change only when somebody sleeps, so they stay in the cache of whoever
// asks.
//
// The same code serves shared memory (both ends map the header), RDMA (each end has a header, and what the peer's NIC
// or the completion queue brings is stored into it) and a stream socket (both ends in one process).
//
// Neither end trusts the other. What the peer may change is read once, checked, and then used; a violation ends the
// ring for good. Every loop is bounded by R.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "transport/channel.h"

namespace cms::transport {

inline constexpr std::size_t ring_line_bytes = 128;
inline constexpr std::size_t ring_header_bytes = 4096;  // the page that RingHeader lies on
inline constexpr std::size_t ring_bytes_min = 4096;
inline constexpr std::size_t ring_bytes_max = 1u << 30;

// Zeros when the ring is made.
struct RingHeader {
  // By the writer.
  alignas(ring_line_bytes) std::atomic<std::uint64_t> tail;  // all before it may be read
  std::atomic<std::uint32_t> closed;                         // not 0: nothing more will be written
  // By the reader.
  alignas(ring_line_bytes) std::atomic<std::uint64_t> head;  // all before it may be overwritten
  // Set by who is about to sleep, taken (set to 0) by who rings for it, or by the sleeper when it is awake.
  alignas(ring_line_bytes) std::atomic<std::uint32_t> reader_sleeps;
  alignas(ring_line_bytes) std::atomic<std::uint64_t> room_wanted_at;  // ring the writer when head is here; 0: do not
};
static_assert(sizeof(RingHeader) == 4 * ring_line_bytes && sizeof(RingHeader) <= ring_header_bytes);
static_assert(offsetof(RingHeader, tail) == 0 && offsetof(RingHeader, head) == 128);
static_assert(offsetof(RingHeader, reader_sleeps) == 256 && offsetof(RingHeader, room_wanted_at) == 384);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);

// Read and written as one 64-bit word.
struct FrameHeader {
  static constexpr std::uint32_t message = 1;
  static constexpr std::uint32_t padding = 2;  // to the end of the data, or what is left of a claim

  std::uint32_t kind;
  std::uint32_t length;  // of what follows, without the bytes up to a multiple of 8
};
static_assert(sizeof(FrameHeader) == sizeof(std::uint64_t) && offsetof(FrameHeader, length) == 4);

constexpr std::size_t frame_bytes(std::size_t message_bytes) {
  return sizeof(FrameHeader) + (message_bytes + 7) / 8 * 8;
}

constexpr bool is_ring_size(std::size_t bytes) {
  return bytes >= ring_bytes_min && bytes <= ring_bytes_max && (bytes & (bytes - 1)) == 0;
}

// A frame is a quarter of the ring at most. So a ring that is half empty takes any message, wherever it begins.
constexpr std::size_t ring_message_bytes_max(std::size_t ring_bytes) { return ring_bytes / 4 - sizeof(FrameHeader); }

// Space for one message in the ring, at a multiple of 8. Whoever holds it writes into `space`; the writer neither moves
// nor reuses nor publishes it before commit() or abandon(), one of which must follow.
struct RingClaim {
  base::MutableByteSpan space;
  std::uint64_t number = 0;
};

// One thread. `header` and `data` outlive it; `data` has a ring's size and begins at a multiple of 8.
class RingWriter {
 public:
  static constexpr std::size_t claims_open_max = 4096;

  RingWriter(RingHeader& header, base::MutableByteSpan data);

  std::size_t message_bytes_max() const { return ring_message_bytes_max(size_); }

  // Copies the parts, one behind the other, as one message of at most message_bytes_max(). It is visible after
  // publish(), but not before all that was claimed earlier is committed or abandoned.
  template <typename Part>
  Offered offer(std::span<const Part> parts) {
    std::size_t bytes = 0;
    for (const Part& part : parts) bytes += part.size();
    std::byte* to = reserve(bytes);
    if (to == nullptr) return refused();
    write_header(to, FrameHeader::message, bytes);
    to += sizeof(FrameHeader);
    for (const Part& part : parts) {
      if (part.size() > 0) std::memcpy(to, part.data(), part.size());
      to += part.size();
    }
    return Offered::taken;
  }

  // Space for a message of up to `bytes`. Messages leave in the order in which they were claimed or offered. `full`
  // also when claims_open_max are open.
  Offered claim(std::size_t bytes, RingClaim& claim);

  // The first `bytes` of the claim are the message; the rest of its room is lost until the reader has passed it.
  void commit(const RingClaim& claim, std::size_t bytes);
  void abandon(const RingClaim& claim);
  std::size_t claims_open() const { return claims_unsettled_; }

  // Makes visible what is complete. True: the reader sleeps, ring for it.
  bool publish() {
    const std::uint64_t limit = claims_waiting_ == 0 ? written_ : claims_[first_claim_ & claims_mask()].position;
    if (limit == published_) return false;
    published_ = limit;
    header_.tail.store(limit, std::memory_order_release);
    // The fence pairs with the one in RingReader::prepare_to_sleep: of "tail, then flag read" here and "flag, then tail
    // read" there, at least one reads what the other has stored. So either the reader sees the message and stays awake,
    // or we see its flag and ring. (A store that is itself sequentially consistent would fetch the tail's line only
    // after all lines of the messages.)
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return header_.reader_sleeps.load(std::memory_order_relaxed) != 0 &&
           header_.reader_sleeps.exchange(0, std::memory_order_acq_rel) != 0;
  }
  bool has_unpublished() const { return written_ != published_; }

  // The largest message that would be taken now, up to a multiple of 8 less than that.
  std::size_t room_bytes() const;

  // Wants a ring for room if the last offer() or claim() found none. False: there is room now.
  bool prepare_to_sleep();
  // Takes that back. True: the reader has taken the wish, its ring is here or under way.
  bool awake();

  // Says in the header that nothing more will come.
  void close() { header_.closed.store(1, std::memory_order_release); }

  // The reader has broken the rules; nothing is taken any more. What it did, or empty.
  std::string_view violation() const { return violation_; }

 private:
  enum class ClaimState : std::uint8_t { open, settled };
  struct Claim {
    std::uint64_t position = 0;  // of its frame
    std::size_t bytes = 0;
    ClaimState state = ClaimState::open;
  };

  std::uint64_t claims_mask() const { return claims_.size() - 1; }
  Claim& open_claim(const RingClaim& claim);
  void settle(Claim& claim);
  bool make_room(std::size_t bytes);

  // Where a frame for `bytes` begins, or null.
  std::byte* reserve(std::size_t bytes) {
    CHECK(bytes <= message_bytes_max());
    const std::size_t frame = frame_bytes(bytes);
    const std::size_t offset = written_ & (size_ - 1);
    const std::size_t to_end = size_ - offset;
    const std::size_t needed = frame <= to_end ? frame : to_end + frame;
    if (needed > size_ - (written_ - head_seen_) && !make_room(needed)) return nullptr;
    written_ += needed;
    if (frame <= to_end) return data_ + offset;
    write_header(data_ + offset, FrameHeader::padding, to_end - sizeof(FrameHeader));
    return data_;
  }

  Offered refused() const { return violation_.empty() ? Offered::full : Offered::closed; }

  static void write_header(std::byte* to, std::uint32_t kind, std::size_t length) {
    const std::uint64_t word = kind | static_cast<std::uint64_t>(length) << 32;
    std::memcpy(to, &word, sizeof word);
  }

  RingHeader& header_;
  std::byte* const data_;
  const std::size_t size_;

  // head_seen_ <= published_ <= written_ <= head_seen_ + size_, all multiples of 8
  std::uint64_t head_seen_ = 0;  // as far as the reader was last seen
  std::uint64_t published_ = 0;
  std::uint64_t written_ = 0;
  std::size_t needed_ = 0;  // what an offer() did not get; 0: all did, or the owner was told that there is room now
  bool room_wished_ = false;
  std::string_view violation_;

  // A queue in an array whose size is a power of two; claim n lies at n modulo that.
  std::vector<Claim> claims_;
  std::uint64_t first_claim_ = 0;     // the oldest that publication waits for
  std::size_t claims_waiting_ = 0;    // from that on: open ones, and settled ones behind an open one
  std::size_t claims_unsettled_ = 0;  // of these, the open ones
};

// One thread. `header` and `data` outlive it; `data` has a ring's size and begins at a multiple of 8.
class RingReader {
 public:
  RingReader(RingHeader& header, base::ByteSpan data);

  // Hands out up to `messages_max` of the messages that are visible, fewer when they are an eighth of the ring and
  // their room is to be given back first. `receive(span)` gets bytes of the ring itself, which a peer can still change.
  // Their room stays taken until it is given back. How many: 0 also when there was nothing but padding, or a violation.
  template <typename Receive>
  std::size_t read(std::size_t messages_max, Receive&& receive) {
    std::size_t messages = 0;
    std::uint64_t cursor = head_;
    if (cursor == tail_seen_ ? !look() : !violation_.empty()) return 0;
    // No more than an eighth of the ring at once, so that the writer goes on in room given back meanwhile.
    while (messages < messages_max && cursor - given_back_ < size_ / 8) {
      const base::ByteSpan message = next(cursor);
      if (message.data() == nullptr) break;
      ++messages;
      receive(message);
    }
    head_ = cursor;
    return messages;
  }

  // --- For those who look at messages before they are done with them: look(), next() from begin() on, done_with().

  // Reads how far the writer has come. True: there is more than before.
  bool look();

  // The message at `cursor`, which moves behind it; null when there is none, after a run of padding, or a violation.
  base::ByteSpan next(std::uint64_t& cursor) {
    for (std::size_t paddings = 0; cursor != tail_seen_ && paddings < paddings_skipped_max; ++paddings) {
      const std::size_t offset = cursor & (size_ - 1);
      // Once, as a whole: a second look could see something else.
      const auto* const at = reinterpret_cast<const std::uint64_t*>(data_ + offset);
      const std::uint64_t word = __atomic_load_n(at, __ATOMIC_RELAXED);
      const auto kind = static_cast<std::uint32_t>(word);
      const std::size_t length = word >> 32;
      const std::size_t frame = frame_bytes(length);
      if (frame > tail_seen_ - cursor || frame > size_ - offset) return violated("a frame that ends behind its tail");
      cursor += frame;
      if (kind == FrameHeader::message) {
        if (length > ring_message_bytes_max(size_)) return violated("a message larger than a quarter of the ring");
        return {data_ + offset + sizeof(FrameHeader), length};
      }
      if (kind != FrameHeader::padding) return violated("a frame of unknown kind");
    }
    return {};
  }
  std::uint64_t begin() const { return head_; }
  void done_with(std::uint64_t cursor) { head_ = cursor; }  // a value that next() has left

  // Lets the writer use the room of what was read. True: the writer waits for it, ring.
  bool give_back_room() {
    if (head_ == given_back_) return false;
    given_back_ = head_;
    header_.head.store(head_, std::memory_order_release);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with RingWriter::prepare_to_sleep
    const std::uint64_t wanted_at = header_.room_wanted_at.load(std::memory_order_relaxed);
    return wanted_at != 0 && head_ >= wanted_at && header_.room_wanted_at.exchange(0, std::memory_order_acq_rel) != 0;
  }

  // The same, but only once it is an eighth of the ring. It costs a wait for all earlier stores, and the writer a miss
  // when it looks; so this is for behind each read(), and give_back_room() for when nothing was there to be read. Room
  // must not be kept back while the reader does something else.
  bool give_back_much_room() { return head_ - given_back_ >= size_ / 8 && give_back_room(); }

  // There is something that was not read, padding perhaps.
  bool has_more() const { return header_.tail.load(std::memory_order_acquire) != head_; }

  // All that was visible has been read, and the writer says that there will be no more.
  bool ended() const { return header_.closed.load(std::memory_order_acquire) != 0 && !has_more(); }

  // Wants a ring for the next message. False: there is one, or the end of all.
  bool prepare_to_sleep();
  // Takes that back. True: the writer has taken the wish, its ring is here or under way.
  bool awake();

  // The writer has broken the rules; nothing is handed out any more. What it did, or empty.
  std::string_view violation() const { return violation_; }

 private:
  // So that a turn is bounded by the messages asked for, not by R, however much padding a peer writes.
  static constexpr std::size_t paddings_skipped_max = 256;

  base::ByteSpan violated(std::string_view what);

  RingHeader& header_;
  const std::byte* const data_;
  const std::size_t size_;

  // given_back_ <= head_ <= tail_seen_ <= given_back_ + size_, all multiples of 8
  std::uint64_t given_back_ = 0;
  std::uint64_t head_ = 0;
  std::uint64_t tail_seen_ = 0;
  bool sleeping_ = false;
  std::string_view violation_;
};

}  // namespace cms::transport
