// SPDX-License-Identifier: Apache-2.0
// How a channel of each kind comes about once OpenChannel has been granted.
//
// TCP: at once, over the connection itself. Other kinds: the session waits until its client has shown a one-time token
// at an endpoint; then whoever listens there gives it the channel (Session::set_channel, on the session's core).
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/uuid.h"
#include "transport/channel.h"

namespace cms::broker::push {

class Session;

// Where a client goes with its token.
struct Meeting {
  std::string endpoint;
  base::Uuid token;
};

class ChannelFactory {
 public:
  virtual ~ChannelFactory() = default;

  virtual transport::ChannelKind kind() const = 0;

  // Expects the client of this session, which holds the place for `ring_bytes` each way, for as long as the session
  // lives. Unsupported: why not on this machine. Any core's thread.
  virtual base::Result<Meeting> expect(const std::shared_ptr<Session>& session, std::size_t ring_bytes) = 0;

  // The session has its channel, or has ended: its token is worth nothing.
  virtual void forget(const base::Uuid& token) = 0;
};

}  // namespace cms::broker::push
