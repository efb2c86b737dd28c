// SPDX-License-Identifier: Apache-2.0
// The chunks of logs that the client of one channel has mapped, by slot (push::ChunkShared): where a slice of a log is
// for who reads it in place.
//
// A client that does not take its descriptors gets copies. So does everybody of chunks that cannot be shared: those
// without a descriptor, those larger than any class. Slots are few; what was used longest ago makes room.
//
// The session's core.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "broker/push/push_metrics.h"
#include "broker/push/source.h"
#include "protocol/push/messages.h"
#include "storage/arena.h"

namespace cms::broker::push {

class SharedChunks {
 public:
  // Less than this is copied: it costs no more than to tell where it lies (docs/performance_findings.md).
  static constexpr std::size_t run_bytes_min = 1024;

  explicit SharedChunks(PushMetrics& metrics) : metrics_(metrics) {}

  struct Place {
    std::uint32_t slot;
    std::uint32_t position;
    std::uint64_t generation;
  };

  // Where the slice lies for the client; told in the channel before whatever is offered next, if the client has not
  // mapped the chunk yet. Nothing: copy it.
  std::optional<Place> find(const base::Bytes& slice, Outlet& outlet);

  // After a while: the client may have taken its descriptors now.
  void try_again() { refused_ = false; }

 private:
  struct Slot {
    std::uint64_t chunk = 0;
    std::uint64_t used = 0;  // when
  };

  std::optional<std::uint32_t> share(const storage::Chunk& chunk, Outlet& outlet);

  PushMetrics& metrics_;
  std::array<Slot, protocol::push::shared_slots> slots_{};
  std::uint32_t last_ = 0;  // slot: most often the next one too
  std::uint64_t uses_ = 0;
  bool refused_ = false;
};

}  // namespace cms::broker::push
