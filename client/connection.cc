// SPDX-License-Identifier: Apache-2.0
#include "client/connection.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/endian.h"

namespace cms::client {

namespace {

using protocol::ApiKey;
using protocol::ApiVersionsRequest;
using protocol::ApiVersionsResponse;
using protocol::ErrorCode;
using protocol::Version;

constexpr const char* software_version = "0.1.0";

// Of kind io whatever the cause, so that callers can tell a broker that is not there from one that refuses.
Error not_connected(const Error& cause) {
  const bool nobody_listens = cause.system_code() == ECONNREFUSED || cause.system_code() == ENOENT;
  return {ErrorKind::io, cause.message() + (nobody_listens ? "; is cmsd running?" : "")};
}

}  // namespace

bool is_pushed(ByteSpan frame) {
  return frame.size() >= sizeof(std::int32_t) &&
         base::load_big<std::int32_t>(frame.data()) == protocol::push_correlation_id;
}

Connection::Connection(Address address, Socket socket, std::string client_id)
    : address_(std::move(address)),
      name_(address_.to_string()),
      socket_(std::move(socket)),
      client_id_(std::move(client_id)) {}

Result<Connection> Connection::open(const Address& address, const ConnectionOptions& options) {
  Result<Socket> socket = Socket::connect(address, options.connect_timeout);
  if (!socket) return not_connected(socket.error());
  if (Result<void> limited = socket->set_timeout(options.request_timeout); !limited) return limited.error();
  Connection connection(address, std::move(*socket), options.client_id);
  if (Result<void> negotiated = connection.negotiate(); !negotiated)
    return negotiated.error().while_doing("asking " + connection.name_ + " for its versions");
  return connection;
}

// A broker that does not know our version of ApiVersions answers in the layout of version 0, with the versions it does
// know, and the connection goes on (KIP-511).
Result<void> Connection::negotiate() {
  Version version = ApiVersionsRequest::versions.last;
  for (;;) {
    const std::int32_t correlation_id = next_correlation_id_++;
    const ApiVersionsRequest request{"cms", software_version};
    write_request(protocol::RequestHeader{ApiKey::api_versions, version, correlation_id, client_id_}, request, out_);
    if (Result<void> sent = send_frame(); !sent) return sent;
    const Result<ByteSpan> body = receive_body(ApiKey::api_versions, version, correlation_id);
    if (!body) return body.error();
    const bool refused =
        body->size() >= sizeof(std::int16_t) &&
        static_cast<ErrorCode>(base::load_big<std::int16_t>(body->data())) == ErrorCode::unsupported_version;
    if (Result<void> read = read_versions(*body, refused ? Version{0} : version); !read) return read;
    if (!refused) return {};
    if (version == 0) return refusal(ErrorCode::unsupported_version);
    const auto offered = served_.find(ApiKey::api_versions);
    const Version newest = offered == served_.end() ? Version{0} : offered->second.last;
    version = std::clamp<Version>(newest, 0, static_cast<Version>(version - 1));
  }
}

Result<void> Connection::read_versions(ByteSpan body, Version version) {
  ApiVersionsResponse answer;
  if (Result<void> read = protocol::read(body, version, answer); !read) return read;
  if (answer.error_code != ErrorCode::none && answer.error_code != ErrorCode::unsupported_version)
    return refusal(answer.error_code);
  served_.clear();
  for (const ApiVersionsResponse::Api& api : answer.api_keys)
    served_[api.api_key] = protocol::VersionRange{api.min_version, api.max_version};
  return {};
}

Result<Version> Connection::version_of(ApiKey key, protocol::VersionRange ours) const {
  const auto found = served_.find(key);
  if (found == served_.end())
    return Error(ErrorKind::unsupported, name_ + " does not serve " + std::string(protocol::name_of(key)));
  const Version newest = std::min(found->second.last, ours.last);
  if (newest < std::max(found->second.first, ours.first))
    return Error(ErrorKind::unsupported,
                 name_ + " serves no version of " + std::string(protocol::name_of(key)) + " that this program knows");
  return newest;
}

Result<void> Connection::send_frame() {
  Result<void> sent = socket_.send(out_.gather());
  out_.clear();
  if (!sent) return sent.error().while_doing(name_);
  return {};
}

Result<ByteSpan> Connection::receive_body(ApiKey key, Version version, std::int32_t correlation_id) {
  Result<ByteSpan> frame = socket_.receive_frame();
  while (frame && other_ != nullptr && is_pushed(*frame)) {
    other_->pushed(frame->subspan(sizeof(std::int32_t)));
    frame = socket_.receive_frame();
  }
  if (!frame) return frame.error().while_doing(name_);
  std::int32_t answered = 0;
  const Result<ByteSpan> body = protocol::read_response_header(*frame, key, version, answered);
  if (!body) return body.error().while_doing(name_);
  if (answered != correlation_id)
    return Error(ErrorKind::io, name_ + ": an answer to request " + std::to_string(answered) + " came where one to " +
                                    std::to_string(correlation_id) + " was due");
  return *body;
}

}  // namespace cms::client
