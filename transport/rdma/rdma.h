// SPDX-License-Identifier: Apache-2.0
// Channels over RDMA: what the broker's listener and the client's connector share with their users. No header of
// rdma-core is needed to include this; docs/push.md shows which memory is registered where and who can reach it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>

#include "base/bytes.h"
#include "base/result.h"

namespace cms::transport {

// Shown once by whoever connects, so that only the client of an authenticated session gets a channel.
using RdmaToken = std::array<std::byte, 16>;

// The whole of the memory that a part lies in, if that may be registered so that messages are gathered from there: the
// same for every part of one owner, and in place for as long as the owner lives. Empty: copy the part.
using RdmaRegionOf = std::function<base::ByteSpan(const base::Bytes& part)>;

struct RdmaChannelOptions {
  std::size_t ring_bytes = 1 << 20;  // of each way, registered and so pinned: twice this
  RdmaRegionOf region_of;            // none: everything is copied into the ring
  // How long a channel that is destroyed waits until what it has sent has arrived. The thread waits.
  std::chrono::milliseconds close_wait{0};
};

// Success if a channel could be made. Error: unsupported, with what is missing: the library, at build time, or a
// device.
base::Result<void> rdma_available();

}  // namespace cms::transport
