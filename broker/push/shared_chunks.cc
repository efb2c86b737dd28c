// SPDX-License-Identifier: Apache-2.0
#include "broker/push/shared_chunks.h"

#include <algorithm>

#include "transport/descriptor.h"

namespace cms::broker::push {

namespace messages = protocol::push;

static_assert(messages::generation_page_bytes == storage::Chunk::generation_bytes);
static_assert(messages::shared_chunk_bytes_max == storage::Arena::class_bytes.back());

std::optional<SharedChunks::Place> SharedChunks::find(const base::Bytes& slice, Outlet& outlet) {
  if (slice.size() < run_bytes_min) return std::nullopt;
  const storage::Chunk* const chunk = storage::Arena::chunk_of(slice);
  if (chunk == nullptr) return std::nullopt;
  if (slots_[last_].chunk != chunk->id()) {
    const auto found = std::ranges::find(slots_, chunk->id(), &Slot::chunk);
    if (found != slots_.end()) {
      last_ = static_cast<std::uint32_t>(found - slots_.begin());
    } else if (const auto slot = share(*chunk, outlet)) {
      last_ = *slot;
    } else {
      return std::nullopt;
    }
  }
  slots_[last_].used = ++uses_;
  return Place{last_, static_cast<std::uint32_t>(slice.data() - chunk->data()), chunk->generation()};
}

// The message is sure of its room before the descriptor leaves, so that the client finds as many of one as of the
// other.
std::optional<std::uint32_t> SharedChunks::share(const storage::Chunk& chunk, Outlet& outlet) {
  if (refused_ || chunk.descriptor() < 0 || chunk.capacity() > messages::shared_chunk_bytes_max) return std::nullopt;
  messages::ChunkShared told;
  if (outlet.channel.room_bytes() < sizeof told) return std::nullopt;
  const base::Result<int> opened = chunk.share();
  const transport::Descriptor read_only(opened ? *opened : -1);
  if (!read_only.valid() || !outlet.channel.hand_over(read_only.get())) {
    refused_ = true;
    return std::nullopt;
  }
  const auto oldest = std::ranges::min_element(slots_, {}, &Slot::used);
  told.slot = static_cast<std::uint32_t>(oldest - slots_.begin());
  told.chunk = chunk.id();
  told.bytes = chunk.capacity();
  const base::Bytes parts[] = {{nullptr, messages::bytes_of(told)}};
  if (!outlet.offer(parts)) {  // the client has broken its ring: the channel ends
    refused_ = true;
    return std::nullopt;
  }
  oldest->chunk = chunk.id();
  metrics_.shared_chunks.add();
  return told.slot;
}

}  // namespace cms::broker::push
