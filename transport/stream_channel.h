// SPDX-License-Identifier: Apache-2.0
// The client's end of a channel that shares a stream socket with requests and responses.
//
// Only the messages are handled here. Their frames on the socket belong to whoever speaks the protocol there, the
// StreamLink. Outgoing messages wait in a ring in private memory, where claims work as over shared memory. Each is
// preceded there by its length (little-endian uint32), so that length and message are one piece to be gathered:
// [pending()] -> the link sends them -> sent(). Incoming messages, in the same form, are handed out where the link has
// received them: arrived() -> poll().
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "base/result.h"
#include "transport/ring_channel.h"

namespace cms::transport {

class StreamChannel;

// The socket, with its framing. It outlives the channel. Neither call waits.
class StreamLink {
 public:
  virtual ~StreamLink() = default;

  // Sends what the socket takes of channel.pending(), in frames, and tells channel.sent(). A frame once begun is
  // finished before anything else is sent; that, and that pieces stay in place until sent() names them, is all the
  // order there is. From flush(), and from poll() while messages are pending.
  virtual base::Result<void> send_pending(StreamChannel& channel) = 0;

  // Receives at most one frame of messages and gives them to channel.arrived(), or deals with other frames. Called by
  // poll() when all that had arrived is handed out: then the memory of the last frame may be used again.
  virtual base::Result<void> receive(StreamChannel& channel) = 0;

  // A whole frame has been received and not been dealt with: receive() has something to do without the socket.
  virtual bool has_frame() const = 0;

  virtual int descriptor() const = 0;
};

// One thread.
class StreamChannel final : public RingChannel {
 public:
  static base::Result<std::unique_ptr<StreamChannel>> create(std::size_t ring_bytes, StreamLink& link);

  // --- For the link.

  // Fills `pieces` with the next messages to be sent, each behind its length, from the oldest that is not sent(). How
  // many. They do not move and stay unchanged until they are.
  std::size_t pending(std::span<base::ByteSpan> pieces);
  bool has_pending() const;

  // The oldest `messages` of them have left: their room is free.
  void sent(std::size_t messages);

  // A frame's messages, checked here as they are handed out. They stay in place until poll() calls receive() again.
  void arrived(base::ByteSpan messages);

  // --- Channel.

  ChannelKind kind() const override { return ChannelKind::tcp; }
  std::size_t message_bytes_max() const override { return out_.message_bytes_max(); }
  Offered offer(std::span<const base::Bytes> parts) override;
  void flush() override;
  std::size_t room_bytes() const override { return out_.room_bytes(); }
  base::Result<std::size_t> poll(MessageReceiver& receiver, std::size_t messages_max) override;
  // Wait for wake_descriptor() to be readable, and while has_pending() also for it to be writable.
  bool prepare_to_sleep() override;
  void awake() override { out_.awake(); }
  int wake_descriptor() const override { return link_.descriptor(); }

  RingWriter& out() override { return out_; }
  std::shared_ptr<const void> memory() const override { return memory_; }

 private:
  StreamChannel(std::shared_ptr<std::byte> memory, std::size_t ring_bytes, StreamLink& link);
  base::Result<std::size_t> hand_out(MessageReceiver& receiver, std::size_t messages_max);

  const std::shared_ptr<std::byte> memory_;
  StreamLink& link_;
  RingWriter out_;
  RingReader unsent_;
  base::ByteSpan arrived_;  // not handed out yet
  std::optional<base::Error> ended_;
};

}  // namespace cms::transport
