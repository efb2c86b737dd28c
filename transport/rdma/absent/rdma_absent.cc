// SPDX-License-Identifier: Apache-2.0
// What stands for this folder in a build without rdma-core.
#include "transport/rdma/rdma_connector.h"
#include "transport/rdma/rdma_listener.h"

namespace cms::transport {

namespace {

base::Error not_built() {
  return {base::ErrorKind::unsupported,
          "built without RDMA: install libibverbs-dev and librdmacm-dev, configure and build again"};
}

}  // namespace

struct RdmaListener::Listening {};

RdmaListener::RdmaListener(std::unique_ptr<Listening> listening, Endpoint endpoint)
    : listening_(std::move(listening)), endpoint_(std::move(endpoint)) {}
RdmaListener::~RdmaListener() = default;

base::Result<void> rdma_available() { return not_built(); }
base::Result<std::unique_ptr<RdmaListener>> RdmaListener::listen(const Endpoint&, Callbacks) { return not_built(); }
int RdmaListener::descriptor() const { return -1; }
base::Result<void> RdmaListener::process() { return not_built(); }
std::size_t RdmaListener::handshakes() const { return 0; }
base::Result<std::unique_ptr<RingChannel>> connect_rdma(const RdmaTarget&, RdmaChannelOptions) { return not_built(); }

}  // namespace cms::transport
