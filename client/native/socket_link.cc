// SPDX-License-Identifier: Apache-2.0
#include "client/native/socket_link.h"

#include <poll.h>

#include <array>
#include <cerrno>
#include <utility>

namespace cms::client {

namespace {

constexpr std::size_t frame_messages_max = 60;
constexpr std::size_t frame_bytes_max = 256 << 10;  // of messages; a larger one goes alone
constexpr int stuck_ms_max = 30'000;

// As the compact form has it: the size and one (KIP-482).
void append_compact_size(protocol::FrameBuffer& out, std::size_t size) {
  for (++size; size >= 0x80; size >>= 7) *out.extend(1) = static_cast<std::byte>(size | 0x80);
  *out.extend(1) = static_cast<std::byte>(size);
}

}  // namespace

// The socket takes what it takes; a frame that it has begun is copied out of the ring, so that messages have always
// left it whole.
Result<void> SocketLink::send_pending(transport::StreamChannel& channel) {
  for (;;) {
    const Result<bool> empty = send_unsent();
    if (!empty) return empty.error();
    if (!*empty) return {};
    std::array<ByteSpan, frame_messages_max> pieces;
    const std::size_t count = channel.pending(pieces);
    if (count == 0) return {};
    const Result<std::size_t> sent = send_frame_of(std::span(pieces).first(count));
    if (!sent) return sent.error();
    channel.sent(*sent);
  }
}

// A ChannelMessages request around `messages`, or around the first of them; how many.
Result<std::size_t> SocketLink::send_frame_of(std::span<const ByteSpan> messages) {
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (const ByteSpan message : messages) {
    if (count > 0 && bytes + message.size() > frame_bytes_max) break;
    bytes += message.size();
    ++count;
  }
  frame_.begin_frame();
  protocol::write_request_header({protocol::ApiKey::channel_messages, 0, 0, connection_.client_id()}, frame_);
  append_compact_size(frame_, bytes);
  for (const ByteSpan message : messages.first(count)) frame_.splice(base::Bytes({}, message));
  *frame_.extend(1) = std::byte{0};  // no tags
  frame_.end_frame();
  const std::span<const ByteSpan> parts = frame_.gather();
  const Result<std::size_t> taken = connection_.socket().send_some(parts);
  if (taken) {
    std::size_t skip = *taken;
    for (const ByteSpan part : parts) {
      const std::size_t skipped = std::min(skip, part.size());
      skip -= skipped;
      unsent_.insert(unsent_.end(), part.begin() + static_cast<std::ptrdiff_t>(skipped), part.end());
    }
  }
  frame_.clear();
  if (!taken) return taken.error();
  return count;
}

// Whether nothing of it is left.
Result<bool> SocketLink::send_unsent() {
  if (unsent_.empty()) return true;
  const ByteSpan part = unsent_;
  const Result<std::size_t> sent = connection_.socket().send_some({&part, 1});
  if (!sent) return sent.error();
  unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(*sent));
  return unsent_.empty();
}

Result<void> SocketLink::receive(transport::StreamChannel& channel) {
  in_buffer_ = false;
  left_.clear();
  if (!waiting_.empty()) {
    current_ = std::move(waiting_.front());
    waiting_.pop_front();
    channel.arrived(current_);
    return {};
  }
  Socket& socket = connection_.socket();
  if (!socket.has_frame()) {
    const Result<bool> received = socket.receive_some();
    if (!received) return received.error();
    if (!*received || !socket.has_frame()) return {};
  }
  const Result<ByteSpan> frame = socket.receive_frame();
  if (!frame) return frame.error();
  if (!is_pushed(*frame)) return Error(ErrorKind::corrupt, "the broker sent an answer that nobody waits for");
  in_buffer_ = true;
  channel.arrived(frame->subspan(sizeof(std::int32_t)));
  return {};
}

void SocketLink::pushed(ByteSpan messages) { waiting_.emplace_back(messages.begin(), messages.end()); }

// The broker may wait for us to read before it reads on, so both are done.
Result<void> SocketLink::before_request() {
  Socket& socket = connection_.socket();
  for (;;) {
    const Result<bool> empty = send_unsent();
    if (!empty) return empty.error();
    if (*empty) break;
    pollfd ready{socket.descriptor(), POLLIN | POLLOUT, 0};
    const int count = ::poll(&ready, 1, stuck_ms_max);
    if (count < 0) return Error::from_errno(errno, "waiting for the broker");
    if (count == 0) return Error(ErrorKind::busy, "the broker takes nothing");
    if ((ready.revents & POLLIN) == 0) continue;
    if (std::exchange(in_buffer_, false)) left_ = socket.leave_buffer();
    const Result<bool> received = socket.receive_some();
    if (!received) return received.error();
    while (socket.has_frame()) {
      const Result<ByteSpan> frame = socket.receive_frame();
      if (!frame) return frame.error();
      if (!is_pushed(*frame)) return Error(ErrorKind::corrupt, "the broker sent an answer that nobody waits for");
      pushed(frame->subspan(sizeof(std::int32_t)));
    }
  }
  if (std::exchange(in_buffer_, false)) left_ = socket.leave_buffer();
  return {};
}

}  // namespace cms::client
