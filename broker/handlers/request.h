// SPDX-License-Identifier: Apache-2.0
// What a handler is told about the request beside the message itself.
#pragma once

#include <optional>
#include <string>

#include "broker/core/service.h"
#include "protocol/header.h"

namespace cms::broker {

struct RequestContext {
  const protocol::RequestHeader& header;
  Peer& peer;  // ApiVersions notes in it what the client calls itself

  protocol::Version version() const { return header.api_version; }
  const ListenerInfo& listener() const { return *peer.listener; }
};

}  // namespace cms::broker
