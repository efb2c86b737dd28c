// SPDX-License-Identifier: Apache-2.0
// The broker's end of a TCP channel: messages travel as frames on the connection that has opened it, between the
// answers. A turn's messages are one frame:
//
//   int32 size | int32 push_correlation_id | { uint32 length, little-endian | message } ...
//
// Records are gathered from the log's memory by the connection's one send. What the socket has not taken counts against
// the window; a client that takes nothing stops this channel and, since its answers wait behind, itself.
//
// The connection outlives it. The core's thread.
#pragma once

#include <vector>

#include "broker/core/connection.h"
#include "protocol/frame.h"
#include "transport/channel.h"

namespace cms::broker::push {

class ConnectionChannel final : public transport::Channel {
 public:
  ConnectionChannel(Connection& connection, std::size_t window_bytes);

  // --- For the session.

  // The messages of a ChannelMessages request. Those that poll() does not hand out before keep_rest() are kept.
  void arrived(base::ByteSpan messages) { arrived_ = messages; }
  void keep_rest();
  bool has_rest() const { return !arrived_.empty(); }

  // For Connection: appends the frames flushed so far.
  void add_outgoing(protocol::FrameBuffer& out);

  // --- Channel.
  transport::ChannelKind kind() const override { return transport::ChannelKind::tcp; }
  std::size_t message_bytes_max() const override { return message_bytes_max_; }
  transport::Offered offer(std::span<const base::Bytes> parts) override;
  void flush() override;
  std::size_t room_bytes() const override;
  base::Result<std::size_t> poll(transport::MessageReceiver& receiver, std::size_t messages_max) override;
  bool prepare_to_sleep() override { return true; }  // the connection wakes its core
  void awake() override {}
  int wake_descriptor() const override { return -1; }

 private:
  std::size_t unsent_bytes() const { return frames_.size() + connection_.backlog_bytes(); }

  Connection& connection_;
  const std::size_t window_bytes_;
  const std::size_t message_bytes_max_;
  protocol::FrameBuffer frames_;
  bool frame_open_ = false;
  protocol::FrameBuffer scratch_;

  base::ByteSpan arrived_;       // in the frame that is being served, or in rest_
  std::vector<std::byte> rest_;  // of a frame that could not be handed out at once
};

}  // namespace cms::broker::push
