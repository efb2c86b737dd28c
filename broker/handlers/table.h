// SPDX-License-Identifier: Apache-2.0
// Every API this broker serves, in one table; the answer to ApiVersions comes from it.
#pragma once

#include <span>

#include "base/bytes.h"
#include "broker/handlers/fetch.h"
#include "broker/handlers/produce.h"
#include "broker/handlers/request.h"
#include "broker/services.h"

namespace cms::broker {

namespace push {
class PushCore;
}

// What serves the requests of one core.
struct CoreHandlers {
  Services& services;
  ProduceHandler& produce;
  FetchHandler& fetch;
  push::PushCore& push;
};

struct Handler {
  protocol::ApiKey key;
  protocol::VersionRange versions;    // served
  protocol::VersionRange advertised;  // told to clients; wider where old clients look for a version (KIP-896)
  Served (*serve)(CoreHandlers& handlers, Core& core, const RequestContext& context, base::ByteSpan body,
                  protocol::FrameBuffer& out);
};

std::span<const Handler> handler_table();

// Null for an API that is not served.
const Handler* find_handler(protocol::ApiKey key);

}  // namespace cms::broker
