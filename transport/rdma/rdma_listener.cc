// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/rdma_listener.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "transport/rdma/addresses.h"
#include "transport/rdma/connection.h"
#include "transport/rdma/rdma_channel.h"

namespace cms::transport {

namespace {

using base::Error;
using base::ErrorKind;
using std::chrono::steady_clock;

constexpr int backlog = 64;

// An event is acknowledged when it is dealt with; ids are destroyed only after that, which would wait for it otherwise.
struct Acknowledge {
  void operator()(rdma_cm_event* event) const { rdma::core().ack_cm_event(event); }
};
using Event = std::unique_ptr<rdma_cm_event, Acknowledge>;

base::ByteSpan private_data_of(const rdma_cm_event& event) {
  return {static_cast<const std::byte*>(event.param.conn.private_data), event.param.conn.private_data_len};
}

}  // namespace

struct RdmaListener::Listening {
  // Admitted, not established.
  struct Handshake {
    RdmaToken token;
    RdmaChannelOptions options;
    rdma::RemoteRing peers_ring;
    std::unique_ptr<rdma::Connection> connection;
    steady_clock::time_point until;
  };

  void request(rdma::Id id, base::ByteSpan private_data);
  base::Result<std::unique_ptr<rdma::Connection>> accept(rdma::Id id, std::size_t ring_bytes);
  void established(Handshake handshake);
  void finish(rdma_cm_id* id, const rdma_cm_event_type what);
  void drop_late();

  rdma::EventChannel events;
  rdma::Id id;
  Callbacks callbacks;
  std::vector<Handshake> handshakes;
};

RdmaListener::RdmaListener(std::unique_ptr<Listening> listening, Endpoint endpoint)
    : listening_(std::move(listening)), endpoint_(std::move(endpoint)) {}

RdmaListener::~RdmaListener() = default;

base::Result<std::unique_ptr<RdmaListener>> RdmaListener::listen(const Endpoint& endpoint, Callbacks callbacks) {
  if (base::Result<void> available = rdma_available(); !available) return available.error();
  base::Result<rdma::SocketAddress> address = rdma::address_of(endpoint, rdma::Side::listens);
  if (!address) return address.error();
  auto listening = std::make_unique<Listening>();
  listening->callbacks = std::move(callbacks);
  listening->events.reset(rdma::core().create_event_channel());
  if (!listening->events) return rdma::verbs_error("making an event channel for RDMA");
  if (base::Result<void> set = rdma::set_non_blocking(listening->events->fd); !set) return set.error();
  rdma_cm_id* id = nullptr;
  if (rdma::core().create_id(listening->events.get(), &id, nullptr, RDMA_PS_TCP) != 0) {
    return rdma::verbs_error("making an RDMA listener");
  }
  listening->id.reset(id);
  if (rdma::core().bind_addr(id, address->get()) != 0 || rdma::core().listen(id, backlog) != 0) {
    return rdma::verbs_error("listening for RDMA on " + endpoint.to_string());
  }
  Endpoint bound = endpoint;
  bound.port = ntohs(rdma::core().get_src_port(id));
  return std::unique_ptr<RdmaListener>(new RdmaListener(std::move(listening), std::move(bound)));
}

int RdmaListener::descriptor() const { return listening_->events->fd; }
std::size_t RdmaListener::handshakes() const { return listening_->handshakes.size(); }

base::Result<void> RdmaListener::process() {
  listening_->drop_late();
  // Bounded, so that requests without end leave others their turn.
  for (std::size_t events = 0; events < handshakes_max; ++events) {
    rdma_cm_event* next = nullptr;
    if (rdma::core().get_cm_event(listening_->events.get(), &next) != 0) {
      if (errno == EAGAIN || errno == EINTR) return {};
      return rdma::verbs_error("waiting for RDMA connections");
    }
    Event event(next);
    rdma_cm_id* const id = event->id;
    const rdma_cm_event_type what = event->event;
    if (what == RDMA_CM_EVENT_CONNECT_REQUEST) {
      std::array<std::byte, sizeof(rdma::ConnectRequest)> private_data{};
      const base::ByteSpan sent = private_data_of(*event);
      std::copy_n(sent.begin(), std::min(sent.size(), private_data.size()), private_data.begin());
      const std::size_t size = std::min(sent.size(), private_data.size());
      event.reset();
      listening_->request(rdma::Id(id), base::ByteSpan(private_data).first(size));
    } else {
      event.reset();
      listening_->finish(id, what);
    }
  }
  return {};
}

void RdmaListener::Listening::request(rdma::Id peer, base::ByteSpan private_data) {
  const auto request = rdma::parse<rdma::ConnectRequest>(private_data);
  std::optional<RdmaChannelOptions> options;
  if (request && handshakes.size() < handshakes_max) options = callbacks.admit(request->token);
  if (!options) {
    rdma::core().reject(peer.get(), nullptr, 0);
    return;
  }
  rdma_cm_id* const raw = peer.get();
  base::Result<std::unique_ptr<rdma::Connection>> connection = accept(std::move(peer), options->ring_bytes);
  if (!connection) {
    callbacks.failed(request->token, connection.error().while_doing("accepting an RDMA connection"));
    return;
  }
  CHECK((*connection)->id.get() == raw);
  handshakes.push_back({request->token, std::move(*options), request->ring, std::move(*connection),
                        steady_clock::now() + handshake_max});
}

base::Result<std::unique_ptr<rdma::Connection>> RdmaListener::Listening::accept(rdma::Id peer, std::size_t ring_bytes) {
  rdma_cm_id* const raw = peer.get();
  base::Result<std::unique_ptr<rdma::Connection>> connection = rdma::Connection::create(std::move(peer), ring_bytes);
  if (!connection) return connection;  // the id is destroyed, which rejects the request
  rdma::ConnectAcceptance acceptance;
  acceptance.ring = (*connection)->local_ring();
  const base::ByteSpan bytes(reinterpret_cast<const std::byte*>(&acceptance), sizeof acceptance);
  rdma_conn_param parameters = rdma::connection_parameters(bytes);
  if (rdma::core().accept(raw, &parameters) != 0) return rdma::verbs_error("accepting");
  return connection;
}

void RdmaListener::Listening::finish(rdma_cm_id* peer, const rdma_cm_event_type what) {
  const auto found = std::find_if(handshakes.begin(), handshakes.end(),
                                  [&](const Handshake& one) { return one.connection->id.get() == peer; });
  if (found == handshakes.end()) return;
  Handshake handshake = std::move(*found);
  handshakes.erase(found);
  if (what == RDMA_CM_EVENT_ESTABLISHED) return established(std::move(handshake));
  callbacks.failed(handshake.token, Error(ErrorKind::closed, std::string("an RDMA connection did not come about: ") +
                                                                 rdma::core().event_str(what)));
}

void RdmaListener::Listening::established(Handshake handshake) {
  if (base::Result<void> done = handshake.connection->established(handshake.peers_ring); !done) {
    return callbacks.failed(handshake.token, done.error());
  }
  callbacks.established(handshake.token, std::make_unique<rdma::RdmaChannel>(std::move(handshake.connection),
                                                                             std::move(handshake.options)));
}

void RdmaListener::Listening::drop_late() {
  const auto now = steady_clock::now();
  while (true) {
    const auto late =
        std::find_if(handshakes.begin(), handshakes.end(), [&](const Handshake& one) { return one.until <= now; });
    if (late == handshakes.end()) return;
    const RdmaToken token = late->token;
    handshakes.erase(late);
    callbacks.failed(token, Error(ErrorKind::closed, "an RDMA connection was not established in time"));
  }
}

}  // namespace cms::transport
