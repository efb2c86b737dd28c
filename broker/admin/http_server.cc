// SPDX-License-Identifier: Apache-2.0
#include "broker/admin/http_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace cms::broker {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr auto request_time_max = std::chrono::seconds(10);
constexpr std::uint32_t header_bytes_max = 8 << 10;

using Response = http::response<http::string_body>;

Response respond(const http::request<http::empty_body>& request, const HttpServer::Pages& pages) {
  Response response;
  response.version(request.version());
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  const auto path = request.target();
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    response.result(http::status::method_not_allowed);
    response.set(http::field::allow, "GET, HEAD");
    response.body() = "only GET and HEAD\n";
  } else if (path == "/metrics") {
    response.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
    response.body() = pages.metrics();
  } else if (path == "/healthz") {
    response.body() = "ok\n";
  } else if (path == "/readyz") {
    const bool ready = pages.ready();
    if (!ready) response.result(http::status::service_unavailable);
    response.body() = ready ? "ready\n" : "not ready: starting or stopping\n";
  } else {
    response.result(http::status::not_found);
    response.body() = "not found; there are /metrics, /healthz and /readyz\n";
  }
  response.keep_alive(request.keep_alive());
  response.prepare_payload();
  if (request.method() == http::verb::head) response.body().clear();
  return response;
}

asio::awaitable<void> serve(tcp::socket socket, std::shared_ptr<HttpServer::Pages> pages, std::shared_ptr<int> open) {
  ++*open;
  const std::shared_ptr<void> on_exit(nullptr, [open](void*) { --*open; });
  beast::tcp_stream stream(std::move(socket));
  beast::flat_buffer buffer(header_bytes_max);
  try {
    while (true) {
      stream.expires_after(request_time_max);
      http::request_parser<http::empty_body> parser;
      parser.header_limit(header_bytes_max);
      co_await http::async_read(stream, buffer, parser, asio::use_awaitable);
      const Response response = respond(parser.get(), *pages);
      co_await http::async_write(stream, response, asio::use_awaitable);
      if (!response.keep_alive()) break;
    }
  } catch (const boost::system::system_error&) {
    // The peer has gone, was too slow, or sent what is no HTTP: its connection ends here.
  }
}

asio::awaitable<void> accept(tcp::acceptor& acceptor, std::shared_ptr<HttpServer::Pages> pages,
                             std::shared_ptr<int> open) {
  while (true) {
    auto [error, socket] = co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
    if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) co_return;
    if (error || *open >= HttpServer::connections_max) continue;
    asio::co_spawn(acceptor.get_executor(), serve(std::move(socket), pages, open), asio::detached);
  }
}

}  // namespace

base::Result<std::unique_ptr<HttpServer>> HttpServer::listen(asio::io_context& loop,
                                                             const transport::Endpoint& endpoint, Pages pages) {
  boost::system::error_code error;
  const auto failed = [&](std::string_view what) {
    return base::Error::from_errno(
        error.value(), "cannot serve metrics on " + endpoint.to_string() +
                           " (choose another address with --admin HOST:PORT, or --admin off): " + std::string(what));
  };
  tcp::resolver resolver(loop);
  const auto found =
      resolver.resolve(endpoint.host, std::to_string(endpoint.port), tcp::resolver::numeric_service, error);
  if (error || found.empty()) {
    return base::Error(base::ErrorKind::not_found, "no address for host '" + endpoint.host + "' of --admin");
  }
  tcp::acceptor acceptor(loop);
  const tcp::endpoint address = *found.begin();
  acceptor.open(address.protocol(), error);
  if (error) return failed("opening");
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  acceptor.bind(address, error);
  if (error) return failed("binding");
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return failed("listening");
  transport::Endpoint bound = endpoint;
  bound.port = acceptor.local_endpoint(error).port();
  auto server = std::unique_ptr<HttpServer>(new HttpServer(std::move(acceptor), std::move(bound), std::move(pages)));
  server->start();
  return server;
}

HttpServer::HttpServer(tcp::acceptor acceptor, transport::Endpoint endpoint, Pages pages)
    : acceptor_(std::move(acceptor)),
      endpoint_(std::move(endpoint)),
      pages_(std::make_shared<Pages>(std::move(pages))) {}

void HttpServer::start() { asio::co_spawn(acceptor_.get_executor(), accept(acceptor_, pages_, open_), asio::detached); }

void HttpServer::stop() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
}

}  // namespace cms::broker
