// SPDX-License-Identifier: Apache-2.0
// For each key the last offset it was seen at, in a fixed amount of memory: 24 bytes a key, whatever the keys' lengths.
//
// A key is known by 128 bits of a hash whose seed is chosen anew for each run, so that nobody can prepare two keys of
// which one would remove the other. The chance that any two of 5 million keys meet is below 1 in 10^25.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "records/batch.h"

namespace cms::storage {

struct KeyHash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  bool operator==(const KeyHash&) const = default;
};

// One thread.
class KeyOffsets {
 public:
  static constexpr std::size_t bytes_per_key = 24;

  // Room for `keys_wanted` keys, or as many as `bytes_max` allows, filled up to `load` (0 to 1, exclusive).
  KeyOffsets(std::uint64_t keys_wanted, std::size_t bytes_max, double load, std::uint64_t seed);
  ~KeyOffsets();
  KeyOffsets(const KeyOffsets&) = delete;
  KeyOffsets& operator=(const KeyOffsets&) = delete;

  KeyHash hash(base::ByteSpan key) const;

  // Makes the memory that put() or find() of this hash will look at arrive early.
  void prefetch(KeyHash hash) const { __builtin_prefetch(&slots_[slot_of(hash)]); }

  // False when there is no room for another key; offsets of a key only grow.
  bool put(KeyHash hash, records::Offset offset);

  // -1: not seen.
  records::Offset find(KeyHash hash) const;

  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  std::size_t memory_bytes() const { return slot_count_ * sizeof(Slot); }

 private:
  struct Slot {
    KeyHash hash;
    records::Offset offset;  // biased by one, so that zeros are an empty slot
  };
  static_assert(sizeof(Slot) == bytes_per_key);

  std::size_t slot_of(KeyHash hash) const {
    // The product's upper half: evenly over any number of slots, without a division.
    return static_cast<std::size_t>((static_cast<unsigned __int128>(hash.low) * slot_count_) >> 64);
  }

  const std::uint64_t seed_;
  std::size_t slot_count_ = 0;
  Slot* slots_ = nullptr;  // a mapping of its own, in huge pages where there are any: every look-up goes elsewhere
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
};

}  // namespace cms::storage
