// SPDX-License-Identifier: Apache-2.0
// One blocking connection to one broker: requests in the newest version that both sides speak, answers in order.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "client/answers.h"
#include "client/socket.h"
#include "protocol/api.h"
#include "protocol/frame.h"
#include "protocol/header.h"
#include "protocol/version.h"

namespace cms::client {

struct ConnectionOptions {
  milliseconds connect_timeout{5'000};
  milliseconds request_timeout{30'000};  // without any progress
  std::string client_id = "cms";
};

// Who else uses a connection: a channel of the broker's own, whose frames come between the answers (docs/push.md).
class SharesConnection {
 public:
  virtual ~SharesConnection() = default;

  // A frame that is no answer came while one was waited for; `messages` is valid during the call.
  virtual void pushed(ByteSpan messages) = 0;

  // A request is about to be sent: what was begun must be finished, what was handed out be saved.
  virtual Result<void> before_request() = 0;
};

// A frame as Socket gives it is a channel's: its messages begin behind the correlation id.
bool is_pushed(ByteSpan frame);

// A request on its way: what is needed to read its answer.
template <typename Request>
struct Pending {
  std::int32_t correlation_id = 0;
  protocol::Version version = 0;
};

// One owner, one thread. Any number of requests may be sent before their answers are received, which must be in the
// order of sending. After an error of kind io, busy or closed the connection is of no more use.
class Connection {
 public:
  // Connects and asks for the broker's versions. The error says where, why and what to do.
  static Result<Connection> open(const Address& address, const ConnectionOptions& options = {});

  // Sends and waits for the answer. Records in the answer lie in the receive buffer, valid until the next receive. In
  // no version above `newest`, for a request that a newer one would need other fields for.
  template <protocol::Message Request>
  Result<Answer<Request>> call(const Request& request, protocol::Version newest = Request::versions.last) {
    const Result<Pending<Request>> pending = send(request, newest);
    if (!pending) return pending.error();
    return receive(*pending);
  }

  template <protocol::Message Request>
  Result<Pending<Request>> send(const Request& request, protocol::Version newest = Request::versions.last) {
    const Result<protocol::Version> version = version_of(Request::api_key, {Request::versions.first, newest});
    if (!version) return version.error();
    if (other_ != nullptr) {
      if (Result<void> ready = other_->before_request(); !ready) return ready.error();
    }
    const Pending<Request> pending{next_correlation_id_++, *version};
    write_request(protocol::RequestHeader{Request::api_key, *version, pending.correlation_id, client_id_}, request,
                  out_);
    if (Result<void> sent = send_frame(); !sent) return sent.error();
    return pending;
  }

  template <protocol::Message Request>
  Result<Answer<Request>> receive(const Pending<Request>& pending) {
    const Result<ByteSpan> body = receive_body(Request::api_key, pending.version, pending.correlation_id);
    if (!body) return body.error();
    Answer<Request> answer;
    if (Result<void> read = protocol::read(*body, pending.version, answer); !read)
      return read.error().while_doing(name_);
    return answer;
  }

  // The newest version both speak; unsupported when there is none.
  Result<protocol::Version> version_of(protocol::ApiKey key, protocol::VersionRange ours) const;

  const Address& address() const { return address_; }
  const std::string& client_id() const { return client_id_; }

  // From now on the connection carries a channel; `other` outlives it.
  void share_with(SharesConnection& other) { other_ = &other; }
  Socket& socket() { return socket_; }

 private:
  Connection(Address address, Socket socket, std::string client_id);

  Result<void> negotiate();
  Result<void> read_versions(ByteSpan body, protocol::Version version);
  Result<void> send_frame();
  Result<ByteSpan> receive_body(protocol::ApiKey key, protocol::Version version, std::int32_t correlation_id);

  Address address_;
  std::string name_;
  Socket socket_;
  std::string client_id_;
  std::int32_t next_correlation_id_ = 1;
  protocol::FrameBuffer out_;
  std::map<protocol::ApiKey, protocol::VersionRange> served_;  // by the broker
  SharesConnection* other_ = nullptr;
};

}  // namespace cms::client
