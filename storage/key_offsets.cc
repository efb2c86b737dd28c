// SPDX-License-Identifier: Apache-2.0
#include "storage/key_offsets.h"

#include <sys/mman.h>

#include <algorithm>

#include <xxhash.h>

#include "base/check.h"

namespace cms::storage {

KeyOffsets::KeyOffsets(std::uint64_t keys_wanted, std::size_t bytes_max, double load, std::uint64_t seed)
    : seed_(seed) {
  const double filled = std::clamp(load, 0.1, 0.95);
  const std::uint64_t slots_max = std::max<std::uint64_t>(bytes_max / sizeof(Slot), 16);
  // One slot at least stays empty, which is where a search ends.
  const double slots_wanted = static_cast<double>(keys_wanted) / filled + 2;
  slot_count_ = slots_wanted < static_cast<double>(slots_max)
                    ? std::max<std::uint64_t>(static_cast<std::uint64_t>(slots_wanted), 16)
                    : slots_max;
  capacity_ = std::min(static_cast<std::size_t>(static_cast<double>(slot_count_) * filled), slot_count_ - 1);
  void* const memory =
      ::mmap(nullptr, memory_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(memory != MAP_FAILED);  // it is not touched yet, so this is address space
  ::madvise(memory, memory_bytes(), MADV_HUGEPAGE);
  slots_ = static_cast<Slot*>(memory);
}

KeyOffsets::~KeyOffsets() { ::munmap(slots_, memory_bytes()); }

KeyHash KeyOffsets::hash(base::ByteSpan key) const {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(key.data(), key.size(), seed_);
  return {hash.low64, hash.high64};
}

bool KeyOffsets::put(KeyHash hash, records::Offset offset) {
  for (std::size_t i = slot_of(hash);; i = i + 1 == slot_count_ ? 0 : i + 1) {
    Slot& slot = slots_[i];
    if (slot.offset == 0) {
      if (size_ == capacity_) return false;
      slot = {hash, offset + 1};
      ++size_;
      return true;
    }
    if (slot.hash != hash) continue;
    slot.offset = std::max(slot.offset, offset + 1);
    return true;
  }
}

records::Offset KeyOffsets::find(KeyHash hash) const {
  for (std::size_t i = slot_of(hash);; i = i + 1 == slot_count_ ? 0 : i + 1) {
    const Slot& slot = slots_[i];
    if (slot.offset == 0) return -1;
    if (slot.hash == hash) return slot.offset - 1;
  }
}

}  // namespace cms::storage
