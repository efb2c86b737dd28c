// SPDX-License-Identifier: Apache-2.0
// The pieces of logs that the broker has shared with this client (push::ChunkShared), mapped for reading, by slot.
//
// The broker overwrites them when retention has overtaken what they hold, and asks nobody. So whatever is read in place
// is checked afterwards: storage/arena.h has the other half of this seqlock. The bytes may change while they are looked
// at: read each once, keep within bounds, believe nothing before is_whole() has said so.
//
// One thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/push/messages.h"
#include "transport/descriptor.h"

namespace cms::client {

// Bytes where they lie, until the slot they are in gets another chunk.
struct InPlace {
  base::ByteSpan bytes;
  const std::uint64_t* generation_at = nullptr;
  std::uint64_t generation = 0;

  // All that was read of the bytes until now was there: none was overwritten before.
  bool is_whole() const {
    std::atomic_thread_fence(std::memory_order_acquire);
    return __atomic_load_n(generation_at, __ATOMIC_RELAXED) == generation;
  }
};

class MappedChunks {
 public:
  MappedChunks() = default;
  MappedChunks(const MappedChunks&) = delete;
  MappedChunks& operator=(const MappedChunks&) = delete;
  ~MappedChunks();

  // Maps what was handed over, and unmaps what was in the slot. Error: corrupt (not what was announced), io.
  base::Result<void> map(const protocol::push::ChunkShared& shared, transport::Descriptor descriptor);

  // Nothing: the broker names what it has not shared.
  std::optional<InPlace> find(const protocol::push::DeliverInPlace& where) const;

 private:
  struct Slot {
    const std::byte* data = nullptr;
    std::size_t bytes = 0;  // without the page of the generation
  };
  static void unmap(Slot& slot);

  std::array<Slot, protocol::push::shared_slots> slots_{};
};

}  // namespace cms::client
