// SPDX-License-Identifier: Apache-2.0
#include "transport/stream_channel.h"

#include <cstring>
#include <new>

namespace cms::transport {

namespace {

using base::Error;
using base::ErrorKind;

constexpr std::size_t length_bytes = sizeof(std::uint32_t);
static_assert(offsetof(FrameHeader, length) + length_bytes == sizeof(FrameHeader),
              "the length stands before the message");

// A page for the header, then the data, on a page boundary.
std::shared_ptr<std::byte> allocate(std::size_t ring_bytes) {
  constexpr std::align_val_t alignment{ring_header_bytes};
  return std::shared_ptr<std::byte>(static_cast<std::byte*>(::operator new(ring_header_bytes + ring_bytes, alignment)),
                                    [](std::byte* memory) { ::operator delete(memory, alignment); });
}

}  // namespace

base::Result<std::unique_ptr<StreamChannel>> StreamChannel::create(std::size_t ring_bytes, StreamLink& link) {
  if (!is_ring_size(ring_bytes)) {
    return Error(ErrorKind::invalid, "a ring of " + std::to_string(ring_bytes) + " bytes is none");
  }
  std::shared_ptr<std::byte> memory = allocate(ring_bytes);
  new (memory.get()) RingHeader{};
  return std::unique_ptr<StreamChannel>(new StreamChannel(std::move(memory), ring_bytes, link));
}

StreamChannel::StreamChannel(std::shared_ptr<std::byte> memory, std::size_t ring_bytes, StreamLink& link)
    : memory_(std::move(memory)),
      link_(link),
      out_(*reinterpret_cast<RingHeader*>(memory_.get()), {memory_.get() + ring_header_bytes, ring_bytes}),
      unsent_(*reinterpret_cast<RingHeader*>(memory_.get()), {memory_.get() + ring_header_bytes, ring_bytes}) {}

std::size_t StreamChannel::pending(std::span<base::ByteSpan> pieces) {
  unsent_.look();
  std::size_t filled = 0;
  std::uint64_t cursor = unsent_.begin();
  while (filled < pieces.size()) {
    const base::ByteSpan message = unsent_.next(cursor);
    if (message.data() == nullptr) break;
    pieces[filled++] = {message.data() - length_bytes, length_bytes + message.size()};
  }
  if (filled == 0) unsent_.done_with(cursor);  // nothing but padding
  CHECK(unsent_.violation().empty());
  return filled;
}

bool StreamChannel::has_pending() const { return unsent_.has_more(); }

void StreamChannel::sent(std::size_t messages) {
  std::uint64_t cursor = unsent_.begin();
  for (; messages > 0; --messages) CHECK(unsent_.next(cursor).data() != nullptr);
  unsent_.done_with(cursor);
  unsent_.give_back_room();
}

void StreamChannel::arrived(base::ByteSpan messages) {
  CHECK(arrived_.empty());
  arrived_ = messages;
}

Offered StreamChannel::offer(std::span<const base::Bytes> parts) {
  return ended_ ? Offered::closed : out_.offer(parts);
}

void StreamChannel::flush() {
  out_.publish();
  if (ended_ || !has_pending()) return;
  if (base::Result<void> sent = link_.send_pending(*this); !sent) ended_ = sent.error();
}

base::Result<std::size_t> StreamChannel::hand_out(MessageReceiver& receiver, std::size_t messages_max) {
  std::size_t messages = 0;
  for (; messages < messages_max && !arrived_.empty(); ++messages) {
    std::uint32_t length;
    if (arrived_.size() < length_bytes) return Error(ErrorKind::corrupt, "a message's length is cut off");
    std::memcpy(&length, arrived_.data(), sizeof length);
    if (length > arrived_.size() - length_bytes) return Error(ErrorKind::corrupt, "a message ends behind its frame");
    const base::ByteSpan message = arrived_.subspan(length_bytes, length);
    arrived_ = arrived_.subspan(length_bytes + length);
    receiver.received(message);
  }
  return messages;
}

base::Result<std::size_t> StreamChannel::poll(MessageReceiver& receiver, std::size_t messages_max) {
  if (has_pending()) flush();
  if (!ended_ && arrived_.empty()) {
    if (base::Result<void> received = link_.receive(*this); !received) ended_ = received.error();
  }
  if (ended_) return *ended_;
  base::Result<std::size_t> messages = hand_out(receiver, messages_max);
  if (!messages) ended_ = messages.error();
  return messages;
}

bool StreamChannel::prepare_to_sleep() {
  flush();
  return out_.prepare_to_sleep() && !ended_ && arrived_.empty() && !link_.has_frame();
}

}  // namespace cms::transport
