// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/connection.h"

#include <sys/epoll.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <numeric>

namespace cms::transport::rdma {

namespace {

using base::Error;
using base::ErrorKind;

constexpr std::size_t doorbell_words = receives_posted + sends_posted_max;

Error too_small(const char* what, std::uint64_t has, std::uint64_t needed) {
  return {ErrorKind::unsupported, "the RDMA device is too small: " + std::string(what) + " " + std::to_string(has) +
                                      ", needed " + std::to_string(needed)};
}

// What ibv_query_port, a macro, does for devices whose driver knows only the first attributes.
int query_port(rdma_cm_id& id, ibv_port_attr& port) {
  port = {};
  return core().query_port(id.verbs, id.port_num, reinterpret_cast<_compat_ibv_port_attr*>(&port));
}

}  // namespace

base::Result<RingMemory> RingMemory::map(std::size_t ring_bytes) {
  if (!is_ring_size(ring_bytes)) {
    return Error(ErrorKind::invalid, "a ring of " + std::to_string(ring_bytes) + " bytes is none");
  }
  const std::size_t bytes = ring_header_bytes + ring_bytes;
  void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (at == MAP_FAILED) return verbs_error("making a ring");
  // A child that shared these pages would turn the next write of ours into a copy that the device does not see.
  ::madvise(at, bytes, MADV_DONTFORK);
  new (at) RingHeader{};
  return RingMemory({static_cast<std::byte*>(at), [bytes](std::byte* memory) { ::munmap(memory, bytes); }}, ring_bytes);
}

Connection::Connection(Id given, RingMemory ring_out, RingMemory ring_in)
    : id(std::move(given)), out(std::move(ring_out)), in(std::move(ring_in)) {}

base::Result<std::unique_ptr<Connection>> Connection::create(Id id, std::size_t ring_bytes) {
  base::Result<RingMemory> out = RingMemory::map(ring_bytes);
  if (!out) return out.error();
  base::Result<RingMemory> in = RingMemory::map(ring_bytes);
  if (!in) return in.error();
  std::unique_ptr<Connection> connection(new Connection(std::move(id), std::move(*out), std::move(*in)));
  for (const auto step : {&Connection::check_device, &Connection::make_queues, &Connection::register_rings,
                          &Connection::post_all_receives}) {
    if (base::Result<void> done = (*connection.*step)(); !done) return done.error();
  }
  shorten_timeout(*connection->id);
  return connection;
}

base::Result<void> Connection::check_device() {
  ibv_device_attr device{};
  ibv_port_attr port{};
  if (const int code = core().query_device(id->verbs, &device); code != 0) {
    return Error::from_errno(code, "asking an RDMA device what it can do");
  }
  if (const int code = query_port(*id, port); code != 0) {
    return Error::from_errno(code, "asking a port of an RDMA device what it can do");
  }
  const auto at_least = [](const char* what, std::int64_t has, std::size_t needed) -> base::Result<void> {
    if (has >= static_cast<std::int64_t>(needed)) return {};
    return too_small(what, static_cast<std::uint64_t>(std::max<std::int64_t>(has, 0)), needed);
  };
  for (const base::Result<void>& enough : {
           at_least("max_qp_wr", device.max_qp_wr, std::max(receives_posted, sends_posted_max)),
           at_least("max_cqe", device.max_cqe, std::max(receives_posted, sends_posted_max)),
           at_least("max_sge", device.max_sge, parts_per_write_min),
           at_least("max_msg_sz", port.max_msg_sz, ring_bytes_min),
           at_least("max_mr_size", static_cast<std::int64_t>(std::min<std::uint64_t>(device.max_mr_size, INT64_MAX)),
                    out.data().size()),
       }) {
    if (!enough) return enough;
  }
  has_immediates = id->verbs->device->transport_type != IBV_TRANSPORT_IWARP;
  write_bytes = std::min<std::size_t>(write_bytes, port.max_msg_sz);
  parts_per_write = std::min(parts_per_write, static_cast<std::size_t>(device.max_sge));
  return {};
}

base::Result<void> Connection::make_queues() {
  domain.reset(core().alloc_pd(id->verbs));
  if (!domain) return verbs_error("making a protection domain");
  completions.reset(core().create_comp_channel(id->verbs));
  if (!completions) return verbs_error("making a completion channel");
  if (auto set = set_non_blocking(completions->fd); !set) return set;
  sent.reset(core().create_cq(id->verbs, sends_posted_max, nullptr, completions.get(), 0));
  received.reset(core().create_cq(id->verbs, receives_posted, nullptr, completions.get(), 0));
  if (!sent || !received) return verbs_error("making a completion queue");
  ibv_qp_init_attr wanted{};
  wanted.qp_type = IBV_QPT_RC;
  wanted.send_cq = sent.get();
  wanted.recv_cq = received.get();
  wanted.cap.max_send_wr = sends_posted_max;
  wanted.cap.max_recv_wr = receives_posted;
  wanted.cap.max_send_sge = static_cast<std::uint32_t>(parts_per_write);
  wanted.cap.max_recv_sge = 1;
  if (core().create_qp(id.get(), domain.get(), &wanted) != 0) return verbs_error("making a queue pair");
  queue_pair_of.reset(id.get());
  return {};
}

base::Result<void> Connection::register_rings() {
  base::Result<Region> region = register_memory(*domain, out.data(), 0);
  if (!region) return region.error();
  out_region = std::move(*region);
  region = register_memory(*domain, in.data(), IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
  if (!region) return region.error();
  in_region = std::move(*region);
  if (has_immediates) return {};
  doorbells = std::make_unique<std::uint32_t[]>(doorbell_words);
  const auto words = std::as_bytes(std::span(doorbells.get(), doorbell_words));
  region = register_memory(*domain, words, IBV_ACCESS_LOCAL_WRITE);
  if (!region) return region.error();
  doorbells_region = std::move(*region);
  return {};
}

RemoteRing Connection::local_ring() const {
  return {reinterpret_cast<std::uint64_t>(in.data().data()), in_region->rkey,
          static_cast<std::uint32_t>(in.data().size())};
}

base::Result<void> Connection::post_all_receives() {
  std::array<std::uint16_t, receive_run> slots;
  for (std::size_t first = 0; first < receives_posted; first += slots.size()) {
    std::iota(slots.begin(), slots.end(), static_cast<std::uint16_t>(first));
    if (base::Result<void> posted = post_receives(slots); !posted) return posted;
  }
  return {};
}

base::Result<void> Connection::post_receives(std::span<const std::uint16_t> slots) {
  std::array<ibv_recv_wr, receive_run> receives;
  std::array<ibv_sge, receive_run> words;
  CHECK(!slots.empty() && slots.size() <= receive_run);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    receives[i] = {slots[i], i + 1 < slots.size() ? &receives[i + 1] : nullptr, nullptr, 0};
    if (has_immediates) continue;
    words[i] = {reinterpret_cast<std::uint64_t>(&doorbells[slots[i]]), sizeof(std::uint32_t), doorbells_region->lkey};
    receives[i].sg_list = &words[i];
    receives[i].num_sge = 1;
  }
  ibv_recv_wr* refused = nullptr;
  const int code = ibv_post_recv(queue_pair(), receives.data(), &refused);
  if (code != 0) return Error::from_errno(code, "posting receives");
  return {};
}

base::Result<void> Connection::established(const RemoteRing& peers_ring) {
  if (peers_ring.ring_bytes != out.data().size()) {
    return Error(ErrorKind::invalid, "the peer's ring has another size than was said");
  }
  remote = peers_ring;
  ibv_qp_attr attributes{};
  attributes.min_rnr_timer = receiver_not_ready_timer;
  // iWARP has no such thing.
  if (has_immediates) core().modify_qp(queue_pair(), &attributes, IBV_QP_MIN_RNR_TIMER);
  EventChannel own(core().create_event_channel());
  if (!own) return verbs_error("making an event channel");
  if (core().migrate_id(id.get(), own.get()) != 0) return verbs_error("taking over a connection");
  events = std::move(own);
  return watch();
}

base::Result<void> Connection::watch() {
  if (auto set = set_non_blocking(events->fd); !set) return set;
  wake = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
  if (!wake.valid()) return verbs_error("making the bell of a channel");
  for (const int descriptor : {completions->fd, events->fd}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    if (::epoll_ctl(wake.get(), EPOLL_CTL_ADD, descriptor, &event) != 0) return verbs_error("watching a channel");
  }
  return {};
}

rdma_conn_param connection_parameters(base::ByteSpan private_data) {
  rdma_conn_param parameters{};
  parameters.private_data = private_data.data();
  parameters.private_data_len = static_cast<std::uint8_t>(private_data.size());
  parameters.retry_count = retries;
  parameters.rnr_retry_count = receiver_not_ready_retries;
  // No reads: responder_resources and initiator_depth stay 0, so the peer cannot even ask for one.
  return parameters;
}

void shorten_timeout(rdma_cm_id& id) {
  std::uint8_t timeout = acknowledgement_timeout;
  core().set_option(&id, RDMA_OPTION_ID, RDMA_OPTION_ID_ACK_TIMEOUT, &timeout, sizeof timeout);
}

}  // namespace cms::transport::rdma
