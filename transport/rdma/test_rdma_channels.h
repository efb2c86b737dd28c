// SPDX-License-Identifier: Apache-2.0
// Two ends of an RDMA channel between the two devices of a test machine. RDMA_VM says that we are on one; its addresses
// are RDMA_VM_ADDR_A and RDMA_VM_ADDR_B.
#pragma once

#include <poll.h>

#include <cstdlib>
#include <future>

#include "transport/rdma/rdma_connector.h"
#include "transport/rdma/rdma_listener.h"
#include "transport/test_channels.h"

namespace cms::transport::test {

inline const char* variable(const char* name, const char* otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}
inline bool has_rdma_devices() {
  const std::string link = variable("RDMA_VM", "");
  return link == "rxe" || link == "siw";
}
inline std::string broker_address() { return variable("RDMA_VM_ADDR_B", "192.0.2.2"); }
inline std::string client_address() { return variable("RDMA_VM_ADDR_A", "192.0.2.1"); }

inline RdmaChannelOptions rdma_options(std::size_t ring_bytes) {
  RdmaChannelOptions options;
  options.ring_bytes = ring_bytes;
  options.close_wait = std::chrono::milliseconds(5000);
  return options;
}

// Admits one token, any number of times.
struct RdmaBroker {
  RdmaToken token{std::byte{7}, std::byte{1}};
  RdmaChannelOptions options;
  std::unique_ptr<RdmaListener> listener;
  std::vector<std::unique_ptr<RingChannel>> channels;
  std::vector<std::string> failures;

  explicit RdmaBroker(RdmaChannelOptions of) : options(std::move(of)) {
    auto listening = RdmaListener::listen(
        {broker_address(), 0, {}},
        {[this](const RdmaToken& shown) { return shown == token ? std::optional(options) : std::nullopt; },
         [this](const RdmaToken&, std::unique_ptr<RingChannel> channel) { channels.push_back(std::move(channel)); },
         [this](const RdmaToken&, const base::Error& why) { failures.push_back(why.message()); }});
    CHECK(listening.ok());
    listener = std::move(*listening);
  }

  RdmaTarget target() const {
    RdmaTarget to;
    to.endpoint = listener->endpoint();
    to.token = token;
    to.source = client_address();
    to.timeout = std::chrono::milliseconds(10'000);
    return to;
  }

  // Deals with what comes until `done`, ten seconds at most.
  template <typename Done>
  bool serve_until(Done done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      pollfd ready{listener->descriptor(), POLLIN, 0};
      ::poll(&ready, 1, 20);
      if (!listener->process().ok()) return false;
    }
    return true;
  }

  auto connect_later(RdmaTarget to, RdmaChannelOptions of) {
    return std::async(std::launch::async, [to = std::move(to), of = std::move(of)] { return connect_rdma(to, of); });
  }
};

inline bool is_ready(const auto& future) {
  return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

inline Ends rdma_ends_with(RdmaChannelOptions broker_options, RdmaChannelOptions client_options) {
  RdmaBroker broker(std::move(broker_options));
  auto connecting = broker.connect_later(broker.target(), std::move(client_options));
  CHECK(broker.serve_until(
      [&] { return is_ready(connecting) && (!broker.channels.empty() || !broker.failures.empty()); }));
  auto client = connecting.get();
  CHECK(client.ok() && broker.channels.size() == 1);
  Ends ends;
  ends.client.channel = std::move(*client);
  ends.broker.channel = std::move(broker.channels[0]);
  for (End* end : {&ends.broker, &ends.client}) end->patience_ms = 20'000;
  return ends;
}

inline Ends rdma_ends(std::size_t ring_bytes) {
  return rdma_ends_with(rdma_options(ring_bytes), rdma_options(ring_bytes));
}

}  // namespace cms::transport::test
