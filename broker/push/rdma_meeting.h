// SPDX-License-Identifier: Apache-2.0
// Where clients of other machines fetch their channels over RDMA: a listener of librdmacm that takes a connection only
// with the token of a session that waits for it (docs/push.md).
//
// Its events come on one core's loop; connections are made and memory is pinned on a worker, since that takes the
// kernel a while, one at a time. The channel gathers records from the chunks of the log's memory, which it may read and
// nobody else.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "broker/core/core.h"
#include "broker/push/channel_factory.h"
#include "broker/push/expected_sessions.h"
#include "transport/rdma/rdma_listener.h"

namespace cms::broker::push {

class RdmaMeeting final : public ChannelFactory, public std::enable_shared_from_this<RdmaMeeting> {
 public:
  // Listens; nothing is accepted before start(). `endpoint` is HOST:PORT; an empty host is every device's, and clients
  // are told the port alone: they come to the host of their connection. `core` outlives it. Error: unsupported,
  // invalid, io.
  static base::Result<std::shared_ptr<RdmaMeeting>> listen(Core& core, const std::string& endpoint,
                                                           std::function<void(std::function<void()>)> run_on_worker);
  ~RdmaMeeting() override;

  // The core's thread, or before it runs.
  void start() { await_events(); }
  void stop();

  // --- ChannelFactory. Any core's thread.
  transport::ChannelKind kind() const override { return transport::ChannelKind::rdma; }
  base::Result<Meeting> expect(const std::shared_ptr<Session>& session, std::size_t ring_bytes) override;
  void forget(const base::Uuid& token) override { expected_.forget(token); }

 private:
  RdmaMeeting(Core& core, std::function<void(std::function<void()>)> run_on_worker);
  void await_events();
  void process();

  // A worker's thread.
  std::optional<transport::RdmaChannelOptions> admit(const base::Uuid& token);
  void established(const base::Uuid& token, std::unique_ptr<transport::RingChannel> channel);

  // Fixed once listen() has returned.
  Core& core_;
  const std::function<void(std::function<void()>)> run_on_worker_;
  std::unique_ptr<transport::RdmaListener> listener_;  // by one worker at a time, else the core
  std::string told_;

  // The core's thread.
  boost::asio::posix::stream_descriptor events_;
  boost::asio::steady_timer timer_;
  bool stopped_ = false;
  bool processing_ = false;

  ExpectedSessions expected_;
};

}  // namespace cms::broker::push
