// SPDX-License-Identifier: Apache-2.0
// What lives as long as a connection beside its requests: the session of a native client (broker/push/session.h).
//
// While a connection has one, a backlog does not keep requests from being read: answers wait behind it instead, since
// the client may have to say something (credit, a heartbeat) before it takes more. And it is not closed for being idle.
// The core's thread.
#pragma once

#include "protocol/frame.h"

namespace cms::broker {

class Attachment {
 public:
  virtual ~Attachment() = default;

  // Appends whole frames that are no answers. Asked whenever the connection is about to send, and has no backlog.
  virtual void add_outgoing(protocol::FrameBuffer& out) = 0;

  // All that was given has been taken by the socket.
  virtual void sent() = 0;

  // False: no more requests are served until Connection::go_on().
  virtual bool takes_requests() const = 0;

  // The connection has closed, and forgets this.
  virtual void ended() = 0;
};

}  // namespace cms::broker
