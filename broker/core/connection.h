// SPDX-License-Identifier: Apache-2.0
// One client connection: frames in, responses out in the order of their requests.
//
// A turn reads what has arrived, serves every whole frame, and sends all responses with one gather write. While the
// peer does not take what it is sent, or too many of its requests wait, nothing more is read from it: back-pressure
// ends at the socket. An idle connection keeps a small buffer only. An attachment may send frames of its own between
// the answers.
//
// Plain callbacks rather than a coroutine per connection: responses are also caused from outside (an append wakes a
// parked fetch), and a coroutine's frame would be most of what an idle connection costs.
//
// Everything on the owning core's thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/generic/stream_protocol.hpp>

#include "base/metrics.h"
#include "broker/core/attachment.h"
#include "broker/core/core.h"
#include "broker/core/receive_buffer.h"
#include "broker/core/service.h"

namespace cms::broker {

using Socket = boost::asio::generic::stream_protocol::socket;

struct ConnectionLimits {
  std::size_t frame_bytes_max = 100 << 20;              // socket.request.max.bytes
  std::size_t requests_in_flight_max = 256;             // taken and not yet answered
  std::size_t held_bytes_max = 16 << 20;                // connection.buffered.max.bytes: of their answers
  std::chrono::milliseconds idle_max{600'000};          // connections.max.idle.ms
  std::chrono::milliseconds first_request_max{30'000};  // from the connect to the first whole request
};

struct ConnectionMetrics {
  base::Counter& bytes_received;
  base::Counter& bytes_sent;
  base::Counter& closed_for_violation;
};

class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  // `service`, `limits`, `metrics` and the listener of `peer` outlive the connection.
  Connection(Core& core, Socket socket, Peer peer, Service& service, const ConnectionLimits& limits,
             ReceiveBudget& budget, ConnectionMetrics& metrics);
  ~Connection();

  // Begins to read. The core keeps the connection alive until close().
  void start();

  // Requests not answered are dropped; what they wait for is let go. Harmless when closed already.
  void close(std::string_view reason);

  // Sends what can be answered now and goes on with what was put back. `out` is scratch, empty before and after.
  void answer_ready(protocol::FrameBuffer& out);

  // At most one, while the connection is open.
  void attach(std::shared_ptr<Attachment> attachment);
  Attachment* attachment() const { return attachment_.get(); }

  // For the attachment: sends what it has, now or, while a request is being served, behind its answer. `out` is
  // scratch as above.
  void send_attached(protocol::FrameBuffer& out);

  // For the attachment: serves what it had put back.
  void go_on(protocol::FrameBuffer& out) { answer_ready(out); }

  // Given to the socket and not taken by it.
  std::size_t backlog_bytes() const { return backlog_ == nullptr ? 0 : backlog_->size() - backlog_sent_; }

  // Takes no more requests; those taken are still answered.
  void drain() { draining_ = true; }

  // Nothing more is sent. To be followed by discard() until it says that the client has closed its side, or gone: a
  // socket that is closed with bytes of the client unread would take back answers that are still under way.
  void finish_sending();
  bool discard();
  int descriptor() { return socket_.native_handle(); }

  // Once a second: closes what has been silent for too long.
  void sweep(SteadyTime now);

 private:
  void read();
  void received(const boost::system::error_code& error, std::size_t bytes);
  bool make_space();
  void receive_rest(protocol::FrameBuffer& out);
  void serve_frames(protocol::FrameBuffer& out);
  bool serve(base::ByteSpan frame, protocol::FrameBuffer& out);
  void enqueue(std::shared_ptr<Pending> pending);
  std::shared_ptr<Pending> take_first();
  bool may_serve() const;
  bool send(protocol::FrameBuffer& out);
  void send_backlog();
  void await_writable();

  // Fixed at construction.
  Core& core_;
  Peer peer_;
  Service& service_;
  const ConnectionLimits& limits_;
  ConnectionMetrics& metrics_;

  Socket socket_;
  ReceiveBudget& budget_;
  ReceiveBuffer buffer_;
  SteadyTime last_active_;
  bool reading_ = false;
  bool serving_ = false;  // serving frames, or about to send their responses
  bool closed_ = false;
  bool draining_ = false;
  bool served_any_ = false;
  std::string refusal_;  // not empty: nothing more is served, and it is closed when what came before is answered

  // Requests taken and not answered, oldest first.
  std::shared_ptr<Pending> first_pending_;
  Pending* last_pending_ = nullptr;
  std::size_t pending_count_ = 0;
  std::size_t held_bytes_ = 0;  // of all of them

  // What the socket did not take, from backlog_sent_ on; nothing is served meanwhile unless there is an attachment.
  std::unique_ptr<protocol::FrameBuffer> backlog_;
  std::size_t backlog_sent_ = 0;

  std::shared_ptr<Attachment> attachment_;
};

}  // namespace cms::broker
