// SPDX-License-Identifier: Apache-2.0
// One listening socket. Lives on one core and gives each connection to the core that has the fewest.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/result.h"
#include "broker/core/connection.h"
#include "transport/endpoint.h"

namespace cms::broker {

// What all connections of the broker share. Any thread where not said otherwise.
struct ConnectionSettings {
  ConnectionLimits limits;
  const std::atomic<std::size_t>& connections_max;  // may change while connections are served
  ReceiveBudget& budget;
  ConnectionMetrics metrics;
  base::Counter& accepted;
  base::Counter& turned_away;  // above max.connections
};

class Acceptor {
 public:
  struct Place {
    Core* core;
    Service* service;  // that core's
  };

  // Binds and listens. `places` are the cores that may get connections; the first one's loop accepts. Everything given
  // outlives the acceptor. Errors say what is in the way (port taken, no permission, a socket file of somebody's).
  static base::Result<std::unique_ptr<Acceptor>> listen(const transport::Endpoint& endpoint, std::vector<Place> places,
                                                        ConnectionSettings& settings);
  ~Acceptor();

  // Where it listens, with the port that was found for port 0.
  const transport::Endpoint& endpoint() const { return endpoint_; }

  // Before the cores run: begins to accept, telling clients `info`. Where its host is a wildcard they are told the
  // address that they have reached.
  void start(ListenerInfo info);

  // The accepting core's thread: accepts no more.
  void stop();

  Core& core() const { return *places_.front().core; }

 private:
  using Socket = boost::asio::generic::stream_protocol::socket;

  Acceptor(transport::Endpoint endpoint, int descriptor, std::vector<Place> places, ConnectionSettings& settings);
  void await();
  void accept_all();
  void give(int descriptor);
  const ListenerInfo& info_for(int descriptor);

  const std::vector<Place> places_;
  ConnectionSettings& settings_;
  transport::Endpoint endpoint_;
  ListenerInfo info_;
  std::map<std::string, ListenerInfo> by_address_;  // of a wildcard listener: as many as this machine has addresses
  boost::asio::posix::stream_descriptor listening_;
  boost::asio::steady_timer retry_;
};

}  // namespace cms::broker
