// SPDX-License-Identifier: Apache-2.0
#include "transport/channel.h"

namespace cms::transport {

std::string_view to_string(ChannelKind kind) {
  switch (kind) {
    case ChannelKind::tcp:
      return "tcp";
    case ChannelKind::shared_memory:
      return "shm";
    case ChannelKind::rdma:
      return "rdma";
  }
  return "unknown";
}

}  // namespace cms::transport
