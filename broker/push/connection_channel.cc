// SPDX-License-Identifier: Apache-2.0
#include "broker/push/connection_channel.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "base/endian.h"
#include "protocol/api.h"

namespace cms::broker::push {

namespace {

constexpr std::size_t length_bytes = sizeof(std::uint32_t);

// Smaller pieces are cheaper to copy than to refer to.
constexpr std::size_t copied_bytes_max = 512;

// A message is at most this part of the window, so that several are under way.
constexpr std::size_t message_share = 4;

static_assert(std::endian::native == std::endian::little, "lengths of messages are little-endian");

}  // namespace

ConnectionChannel::ConnectionChannel(Connection& connection, std::size_t window_bytes)
    : connection_(connection), window_bytes_(window_bytes), message_bytes_max_(window_bytes / message_share) {}

transport::Offered ConnectionChannel::offer(std::span<const base::Bytes> parts) {
  std::size_t size = 0;
  for (const base::Bytes& part : parts) size += part.size();
  CHECK(size <= message_bytes_max_);
  if (unsent_bytes() + length_bytes + size > window_bytes_) return transport::Offered::full;
  if (!frame_open_) {
    frame_open_ = true;
    frames_.begin_frame();
    base::store_big(frames_.extend(sizeof(std::int32_t)), protocol::push_correlation_id);
  }
  const auto length = static_cast<std::uint32_t>(size);
  std::memcpy(frames_.extend(length_bytes), &length, length_bytes);
  for (const base::Bytes& part : parts) {
    if (part.owner() == nullptr || part.size() <= copied_bytes_max) {
      frames_.append(part);
    } else {
      frames_.splice(part);
    }
  }
  return transport::Offered::taken;
}

void ConnectionChannel::flush() {
  if (!frame_open_) return;
  frames_.end_frame();
  frame_open_ = false;
  connection_.send_attached(scratch_);
}

void ConnectionChannel::add_outgoing(protocol::FrameBuffer& out) {
  if (!frame_open_ && !frames_.empty()) out.take(frames_);
}

std::size_t ConnectionChannel::room_bytes() const {
  const std::size_t used = unsent_bytes() + length_bytes;
  return used < window_bytes_ ? window_bytes_ - used : 0;
}

base::Result<std::size_t> ConnectionChannel::poll(transport::MessageReceiver& receiver, std::size_t messages_max) {
  std::size_t count = 0;
  for (; count < messages_max && !arrived_.empty(); ++count) {
    std::uint32_t length = 0;
    if (arrived_.size() >= length_bytes) std::memcpy(&length, arrived_.data(), length_bytes);
    if (arrived_.size() < length_bytes || length > arrived_.size() - length_bytes) {
      arrived_ = {};
      return base::Error(base::ErrorKind::corrupt, "a message is longer than the frame it came in");
    }
    const base::ByteSpan message = arrived_.subspan(length_bytes, length);
    arrived_ = arrived_.subspan(length_bytes + length);
    receiver.received(message);
  }
  if (arrived_.empty() && !rest_.empty()) {
    rest_.clear();
    rest_.shrink_to_fit();
  }
  return count;
}

void ConnectionChannel::keep_rest() {
  if (arrived_.empty() || !rest_.empty()) return;
  rest_.assign(arrived_.begin(), arrived_.end());
  arrived_ = rest_;
}

}  // namespace cms::broker::push
