// SPDX-License-Identifier: Apache-2.0
// What one RDMA channel consists of before a message moves: queue pair, completion queues, rings, registrations.
//
//   protection domain, of this peer alone
//   | memory            | registered for         | who can reach it
//   |-------------------|------------------------|------------------------------------------------------------
//   | ring in, data     | local and remote write | the peer, by a key told in the handshake, until it is destroyed
//   | ring out, data    | local read             | nobody but our device
//   | doorbells (iWARP) | local write            | nobody but our device
//   | memory of others  | local read             | nobody but our device (regions.h)
//
// The headers of both rings are ours alone. Each ring lies in a mapping of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "transport/descriptor.h"
#include "transport/rdma/handshake.h"
#include "transport/rdma/verbs.h"
#include "transport/ring.h"

namespace cms::transport::rdma {

// A page for RingHeader, then the data.
class RingMemory {
 public:
  static base::Result<RingMemory> map(std::size_t ring_bytes);

  RingHeader& header() const { return *reinterpret_cast<RingHeader*>(memory_.get()); }
  base::MutableByteSpan data() const { return {memory_.get() + ring_header_bytes, ring_bytes_}; }
  const std::shared_ptr<std::byte>& memory() const { return memory_; }

 private:
  RingMemory(std::shared_ptr<std::byte> memory, std::size_t ring_bytes)
      : memory_(std::move(memory)), ring_bytes_(ring_bytes) {}
  std::shared_ptr<std::byte> memory_;
  std::size_t ring_bytes_;
};

// Made, with all receives posted, before the connection is asked for or accepted. What is declared first is destroyed
// last.
struct Connection {
  // `id` has a device: its address is resolved, or it is a request's. Error: unsupported when the device is too small,
  // invalid (no ring's size), full, io.
  static base::Result<std::unique_ptr<Connection>> create(Id id, std::size_t ring_bytes);

  // To be told to the peer.
  RemoteRing local_ring() const;

  // Once the connection is established: takes the id from the event channel on which it was made to one of its own.
  base::Result<void> established(const RemoteRing& peers_ring);

  // Receives that take the doorbells `slots`, at most receive_run.
  base::Result<void> post_receives(std::span<const std::uint16_t> slots);
  ibv_qp* queue_pair() const { return id->qp; }

  EventChannel events;
  Id id;
  ProtectionDomain domain;
  CompletionChannel completions;
  CompletionQueue sent;
  CompletionQueue received;
  RingMemory out;
  RingMemory in;
  std::unique_ptr<std::uint32_t[]> doorbells;  // iWARP: receives_posted that arrive, sends_posted_max that leave
  Region out_region;
  Region in_region;
  Region doorbells_region;
  QueuePairOf queue_pair_of;
  Descriptor wake;  // readable when one of these is: completions, events

  RemoteRing remote;
  bool has_immediates = true;  // else iWARP
  std::size_t write_bytes = write_bytes_max;
  std::size_t parts_per_write = parts_per_write_max;

 private:
  Connection(Id given, RingMemory ring_out, RingMemory ring_in);
  base::Result<void> check_device();
  base::Result<void> make_queues();
  base::Result<void> register_rings();
  base::Result<void> post_all_receives();
  base::Result<void> watch();
};

// Both ends, when the connection is asked for or accepted.
rdma_conn_param connection_parameters(base::ByteSpan private_data);

// Before the connection is asked for or accepted; devices that cannot take it keep their own.
void shorten_timeout(rdma_cm_id& id);

}  // namespace cms::transport::rdma
