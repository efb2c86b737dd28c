// SPDX-License-Identifier: Apache-2.0
// What shared memory gives without any of what a channel does: the baseline of channel_bench. No header, no checks, no
// other size than the one it was made for, and the memory is whoever's.
#pragma once

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>

#include "base/check.h"

namespace cms::transport::bench {

inline void pause_processor() { __builtin_ia32_pause(); }

// Memory of a parent and its children.
template <typename T>
T& shared() {
  void* const memory =
      ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  CHECK(memory != MAP_FAILED);
  return *static_cast<T*>(memory);
}
template <typename T>
void unshare(T& memory) {
  ::munmap(&memory, sizeof(T));
}

enum class Wait { spin, futex };

// One message at a time each way, in one place.
struct RawPingPong {
  struct Side {
    alignas(128) std::atomic<std::uint32_t> number;
    alignas(128) std::byte data[1 << 20];
  };
  Side sides[2];

  static void futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value) {
    ::syscall(SYS_futex, &word, operation, value, nullptr, nullptr, 0);
  }
  void send(int side, std::uint32_t number, const std::byte* from, std::size_t bytes, Wait wait) {
    std::memcpy(sides[side].data, from, bytes);
    sides[side].number.store(number, std::memory_order_release);
    if (wait == Wait::futex) futex(sides[side].number, FUTEX_WAKE, 1);
  }
  void receive(int side, std::uint32_t number, std::byte* to, std::size_t bytes, Wait wait) {
    for (;;) {
      const std::uint32_t now = sides[side].number.load(std::memory_order_acquire);
      if (now == number) break;
      if (wait == Wait::futex)
        futex(sides[side].number, FUTEX_WAIT, now);
      else
        pause_processor();
    }
    std::memcpy(to, sides[side].data, bytes);
  }
};

// Slots of one size, one way.
struct RawStream {
  alignas(128) std::atomic<std::uint64_t> written;
  alignas(128) std::atomic<std::uint64_t> read;
  alignas(128) std::atomic<std::uint64_t> told;  // for whoever measures
  alignas(128) std::byte data[4 << 20];

  static std::size_t slot_bytes(std::size_t bytes) { return (bytes + 8 + 63) & ~std::size_t{63}; }
  static std::size_t slots(std::size_t bytes) { return sizeof(data) / slot_bytes(bytes); }

  void read_for_ever(std::byte* to, std::size_t bytes) {
    for (std::uint64_t next = 0;;) {
      const std::uint64_t end = written.load(std::memory_order_acquire);
      if (end == next) {
        pause_processor();
        continue;
      }
      for (; next != end; ++next) std::memcpy(to, data + next % slots(bytes) * slot_bytes(bytes), bytes);
      read.store(next, std::memory_order_release);
      told.store(next, std::memory_order_relaxed);
    }
  }
};

}  // namespace cms::transport::bench
