// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/rdma_connector.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "transport/rdma/addresses.h"
#include "transport/rdma/connection.h"
#include "transport/rdma/rdma_channel.h"

namespace cms::transport {

namespace {

using base::Error;
using base::ErrorKind;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// One attempt. The steps wait for librdmacm's events, all of them until one deadline.
class Connecting {
 public:
  Connecting(const RdmaTarget& target, RdmaChannelOptions options)
      : target_(target), options_(std::move(options)), until_(steady_clock::now() + target.timeout) {}

  base::Result<std::unique_ptr<RingChannel>> run() {
    if (base::Result<void> available = rdma_available(); !available) return available.error();
    rdma::RemoteRing peers_ring;
    if (base::Result<void> resolved = resolve(); !resolved) return resolved.error();
    auto connection = rdma::Connection::create(std::move(id_), options_.ring_bytes);
    if (!connection) return connection.error();
    if (base::Result<void> connected = connect(**connection, peers_ring); !connected) return connected.error();
    if (base::Result<void> taken = (*connection)->established(peers_ring); !taken) return taken.error();
    auto channel = std::make_unique<rdma::RdmaChannel>(std::move(*connection), std::move(options_));
    channel->say_hello();
    return std::unique_ptr<RingChannel>(std::move(channel));
  }

 private:
  milliseconds left() const {
    return std::max(std::chrono::duration_cast<milliseconds>(until_ - steady_clock::now()), milliseconds(0));
  }
  int left_ms() const { return static_cast<int>(left().count()); }

  base::Result<void> resolve() {
    base::Result<rdma::SocketAddress> to = rdma::address_of(target_.endpoint, rdma::Side::connects);
    if (!to) return to.error();
    base::Result<rdma::SocketAddress> from = rdma::address_of({target_.source, 0, {}}, rdma::Side::connects);
    if (!target_.source.empty() && !from) return from.error();
    events_.reset(rdma::core().create_event_channel());
    if (!events_) return rdma::verbs_error("making an event channel for RDMA");
    if (base::Result<void> set = rdma::set_non_blocking(events_->fd); !set) return set;
    rdma_cm_id* id = nullptr;
    if (rdma::core().create_id(events_.get(), &id, nullptr, RDMA_PS_TCP) != 0) {
      return rdma::verbs_error("making an RDMA connection");
    }
    id_.reset(id);
    if (rdma::core().resolve_addr(id, target_.source.empty() ? nullptr : from->get(), to->get(), left_ms()) != 0) {
      return no_device(rdma::verbs_error("rdma_resolve_addr"));
    }
    if (base::Result<void> resolved = wait_for(RDMA_CM_EVENT_ADDR_RESOLVED, nullptr); !resolved) {
      return no_device(resolved.error());
    }
    if (rdma::core().resolve_route(id, left_ms()) != 0) return no_device(rdma::verbs_error("rdma_resolve_route"));
    return wait_for(RDMA_CM_EVENT_ROUTE_RESOLVED, nullptr);
  }

  base::Result<void> connect(rdma::Connection& connection, rdma::RemoteRing& peers_ring) {
    rdma::ConnectRequest request;
    request.token = target_.token;
    request.ring = connection.local_ring();
    const base::ByteSpan bytes(reinterpret_cast<const std::byte*>(&request), sizeof request);
    rdma_conn_param parameters = rdma::connection_parameters(bytes);
    if (rdma::core().connect(connection.id.get(), &parameters) != 0) return rdma::verbs_error("connecting over RDMA");
    return wait_for(RDMA_CM_EVENT_ESTABLISHED, &peers_ring);
  }

  // The peer's ring is told with RDMA_CM_EVENT_ESTABLISHED.
  base::Result<void> wait_for(rdma_cm_event_type wanted, rdma::RemoteRing* peers_ring) {
    rdma_cm_event* event = nullptr;
    while (rdma::core().get_cm_event(events_.get(), &event) != 0) {
      if (errno != EAGAIN && errno != EINTR) return rdma::verbs_error("connecting over RDMA");
      pollfd ready{events_->fd, POLLIN, 0};
      if (left().count() == 0) return Error(ErrorKind::io, "no answer from " + target_.endpoint.to_string());
      ::poll(&ready, 1, left_ms());
    }
    base::Result<void> result = judge(*event, wanted, peers_ring);
    rdma::core().ack_cm_event(event);
    return result;
  }

  base::Result<void> judge(const rdma_cm_event& event, rdma_cm_event_type wanted, rdma::RemoteRing* peers_ring) const {
    const std::string where = target_.endpoint.to_string();
    if (event.event == RDMA_CM_EVENT_REJECTED) {
      return Error(ErrorKind::denied, where + " has refused the RDMA connection");
    }
    if (event.event != wanted) {
      return Error(ErrorKind::io, "connecting over RDMA to " + where + ": " + rdma::core().event_str(event.event));
    }
    if (peers_ring == nullptr) return {};
    const base::ByteSpan sent(static_cast<const std::byte*>(event.param.conn.private_data),
                              event.param.conn.private_data_len);
    const auto acceptance = rdma::parse<rdma::ConnectAcceptance>(sent);
    if (!acceptance) return Error(ErrorKind::invalid, where + " speaks another protocol over RDMA");
    *peers_ring = acceptance->ring;
    return {};
  }

  Error no_device(const Error& why) const {
    return {ErrorKind::unsupported,
            "no RDMA device leads to " + target_.endpoint.to_string() + " (" + why.message() + ")"};
  }

  const RdmaTarget& target_;
  RdmaChannelOptions options_;
  const steady_clock::time_point until_;
  rdma::EventChannel events_;
  rdma::Id id_;
};

}  // namespace

base::Result<std::unique_ptr<RingChannel>> connect_rdma(const RdmaTarget& target, RdmaChannelOptions options) {
  return Connecting(target, std::move(options)).run();
}

}  // namespace cms::transport
