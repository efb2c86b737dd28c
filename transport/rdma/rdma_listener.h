// SPDX-License-Identifier: Apache-2.0
// The broker's side of making RDMA channels: takes connect requests that carry a token somebody waits for.
//
//   client                       listener
//     | -- token, its ring ------> |  admit(token): unknown, used or late: rejected, nothing was made for it
//     |                            |  a protection domain, rings, queue pair; receives posted
//     | <- its ring -------------- |
//     | -- established ----------> |  established(token, channel)
//
// One thread at a time. It never waits for a peer; pinning a ring's memory takes the time that takes (about a
// millisecond per 10 MiB), so a busy core lets another thread do it. The channels it makes do not need it any more.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "base/result.h"
#include "transport/endpoint.h"
#include "transport/rdma/rdma.h"
#include "transport/ring_channel.h"

namespace cms::transport {

class RdmaListener {
 public:
  static constexpr std::size_t handshakes_max = 64;                // admitted, not established; more are rejected
  static constexpr std::chrono::milliseconds handshake_max{3000};  // then it is dropped

  struct Callbacks {
    // A token counts once: whoever answers with options has used it up. Nothing: rejected.
    std::function<std::optional<RdmaChannelOptions>(const RdmaToken& token)> admit;
    std::function<void(const RdmaToken& token, std::unique_ptr<RingChannel> channel)> established;
    // After admit(), instead of established().
    std::function<void(const RdmaToken& token, const base::Error& why)> failed;
  };

  // Port 0: any; endpoint() says which. An empty host: all devices. Error: unsupported, invalid, io.
  static base::Result<std::unique_ptr<RdmaListener>> listen(const Endpoint& endpoint, Callbacks callbacks);
  ~RdmaListener();

  // Readable when process() has something to do. Owned by the listener.
  int descriptor() const;

  // Deals with what has come, and drops handshakes that take too long: also to be called once a second while there are
  // any. Error: io, the listener is of no use any more.
  base::Result<void> process();
  std::size_t handshakes() const;

  const Endpoint& endpoint() const { return endpoint_; }

 private:
  struct Listening;
  explicit RdmaListener(std::unique_ptr<Listening> listening, Endpoint endpoint);

  const std::unique_ptr<Listening> listening_;
  const Endpoint endpoint_;
};

}  // namespace cms::transport
