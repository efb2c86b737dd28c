// SPDX-License-Identifier: Apache-2.0
// Where clients on the same machine fetch the rings of their channels: a Unix socket. A client connects, shows the
// token that OpenChannel has given it (16 bytes, within a second) and gets the descriptors of its channel
// (SCM_RIGHTS); then the connection closes. A token is good once.
//
// The socket is `channels.sock` in the data directory. Where that path is longer than a Unix socket's may be (107
// bytes), it lies in a directory of its own that only this user can enter, under /run/user/UID or /tmp; clients are
// told the path. Who may connect is then up to the directory; what counts is the token, which comes over an
// authenticated connection.
//
// Accepting and reading tokens is one core's work; rings are made on a worker, since that takes the kernel a while.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/local/stream_protocol.hpp>

#include "broker/core/core.h"
#include "broker/push/channel_factory.h"
#include "broker/push/expected_sessions.h"

namespace cms::broker::push {

class ChannelListener final : public ChannelFactory {
 public:
  // Listens; nothing is accepted before start(). `core` outlives it.
  static base::Result<std::unique_ptr<ChannelListener>> listen(
      Core& core, const std::string& data_directory, std::function<void(std::function<void()>)> run_on_worker);

  // Removes the socket. Not while the core runs.
  ~ChannelListener() override;

  const std::string& path() const { return path_; }

  // The core's thread, or before it runs.
  void start() { accept(); }
  void stop();

  // --- ChannelFactory. Any core's thread.
  transport::ChannelKind kind() const override { return transport::ChannelKind::shared_memory; }
  base::Result<Meeting> expect(const std::shared_ptr<Session>& session, std::size_t ring_bytes) override;
  void forget(const base::Uuid& token) override { expected_.forget(token); }

 private:
  using Socket = boost::asio::local::stream_protocol::socket;

  class Handshake;

  // Clients that have not shown their token yet.
  static constexpr int handshakes_max = 64;

  ChannelListener(Core& core, std::string path, std::string made_directory,
                  std::function<void(std::function<void()>)> run_on_worker);
  void accept();
  void show(const std::shared_ptr<Socket>& socket, const base::Uuid& token);

  // Fixed at construction.
  Core& core_;
  const std::string path_;
  const std::string made_directory_;  // to be removed with the socket; empty: none
  const std::function<void(std::function<void()>)> run_on_worker_;

  boost::asio::local::stream_protocol::acceptor acceptor_;
  std::shared_ptr<int> handshakes_ = std::make_shared<int>(0);  // under way; the core's thread

  ExpectedSessions expected_;
};

}  // namespace cms::broker::push
