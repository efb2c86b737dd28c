// SPDX-License-Identifier: Apache-2.0
// The frames of a TCP channel on a connection that also carries requests and answers (docs/push.md).
#pragma once

#include <deque>
#include <vector>

#include "client/connection.h"
#include "transport/stream_channel.h"

namespace cms::client {

// One thread. The connection outlives it and carries nobody else's channel.
class SocketLink final : public transport::StreamLink, public SharesConnection {
 public:
  explicit SocketLink(Connection& connection) : connection_(connection) { connection.share_with(*this); }

  Result<void> send_pending(transport::StreamChannel& channel) override;
  Result<void> receive(transport::StreamChannel& channel) override;
  int descriptor() const override { return connection_.socket().descriptor(); }

  void pushed(ByteSpan messages) override;
  Result<void> before_request() override;

  // The socket has not taken the whole of a frame: wait until it is writable.
  bool has_unsent() const { return !unsent_.empty(); }

  bool has_frame() const override { return !waiting_.empty() || connection_.socket().has_frame(); }

 private:
  Result<bool> send_unsent();
  Result<std::size_t> send_frame_of(std::span<const ByteSpan> messages);

  Connection& connection_;
  protocol::FrameBuffer frame_;
  std::vector<std::byte> unsent_;               // the rest of a frame
  std::deque<std::vector<std::byte>> waiting_;  // frames that came while an answer was waited for
  std::vector<std::byte> current_;              // the one of them that is being handed out
  bool in_buffer_ = false;                      // what is being handed out lies in the socket's buffer
  std::vector<std::byte> left_;                 // that buffer, after a request in the middle of it
};

}  // namespace cms::client
