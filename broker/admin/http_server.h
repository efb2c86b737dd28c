// SPDX-License-Identifier: Apache-2.0
// /metrics (Prometheus text), /healthz (the process lives) and /readyz (it serves), over plain HTTP. For loopback:
// there is no authentication.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/result.h"
#include "transport/endpoint.h"

namespace cms::broker {

class HttpServer {
 public:
  struct Pages {
    std::function<std::string()> metrics;
    std::function<bool()> ready;
  };

  // At most so many connections at a time; others are closed.
  static constexpr int connections_max = 32;

  // Binds and listens; serves from `loop`, which outlives the server.
  static base::Result<std::unique_ptr<HttpServer>> listen(boost::asio::io_context& loop,
                                                          const transport::Endpoint& endpoint, Pages pages);

  const transport::Endpoint& endpoint() const { return endpoint_; }
  void stop();  // the loop's thread

 private:
  HttpServer(boost::asio::ip::tcp::acceptor acceptor, transport::Endpoint endpoint, Pages pages);
  void start();

  boost::asio::ip::tcp::acceptor acceptor_;
  transport::Endpoint endpoint_;
  const std::shared_ptr<Pages> pages_;  // shared with the connections
  const std::shared_ptr<int> open_ = std::make_shared<int>(0);
};

}  // namespace cms::broker
