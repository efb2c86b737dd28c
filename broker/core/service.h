// SPDX-License-Identifier: Apache-2.0
// What a connection does with a request frame.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "broker/core/pending.h"
#include "protocol/frame.h"

namespace cms::broker {

class Connection;

// What a listener tells its clients of itself.
struct ListenerInfo {
  std::string name;             // as in `listeners`, e.g. PLAINTEXT
  std::string advertised_host;  // what Metadata answers to a client that came through here
  std::int32_t advertised_port = 0;
};

// Of the connection a request came on. Outlives the request.
struct Peer {
  const ListenerInfo* listener = nullptr;
  std::string address;  // "127.0.0.1:54321", or the path of the Unix socket
  std::uint64_t connection_id = 0;
  Connection* connection = nullptr;  // for the connection's core, while it is open; null where there is none

  // What the client has called itself in ApiVersions (KIP-511), as far as that is not longer; empty: it has not.
  static constexpr std::size_t software_bytes_max = 128;
  std::string software_name = {};
  std::string software_version = {};
};

struct Served {
  enum class Kind {
    answered,  // the response frame was appended to `out`
    silent,    // there is no response (acks=0)
    pending,   // `pending` answers later
    refused,   // protocol violation: the connection is to be closed; `reason` says why
  };
  Kind kind = Kind::answered;
  std::shared_ptr<Pending> pending;
  std::string reason;

  static Served answered() { return {}; }
  static Served silent() { return {Kind::silent, nullptr, {}}; }
  static Served later(std::shared_ptr<Pending> pending) { return {Kind::pending, std::move(pending), {}}; }
  static Served refuse(std::string reason) { return {Kind::refused, nullptr, std::move(reason)}; }
};

class Service {
 public:
  virtual ~Service() = default;

  // One whole frame without its size prefix; `frame` is valid during the call only. The core's thread; does not wait.
  virtual Served serve(Core& core, Peer& peer, base::ByteSpan frame, protocol::FrameBuffer& out) = 0;
};

}  // namespace cms::broker
