// SPDX-License-Identifier: Apache-2.0
// The memory that log tails lie in: chunks of a few sizes, handed out within a budget and recycled.
//
// A chunk is a mapping of its own (a memfd), so that it can be registered for RDMA or mapped read-only by a local
// reader, and it belongs to one partition at a time: nobody who maps it sees another partition's records. A chunk is
// handed out zeroed, or as it was to the owner that it comes back to. Returning one does not unmap it: mapping,
// touching and unmapping costs more than copying what it holds.
//
// A chunk that was shared with another process is recycled by its own owner at most. Whoever has mapped it reads
// without asking us, so the chunk counts how often it was handed out, behind its data, and the count rises before a
// byte is written anew: the half of a seqlock that has a single write for each reading (Boehm, "Can seqlocks get along
// with programming language memory models?", MSPC 2012). Who has read bytes of generation g and then finds g still has
// read what was there.
//
//   0                          capacity          capacity + 4096
//   +--------------------------+-----------------+
//   | records                  | generation, 0.. |   zeros, and no memory, until a shared chunk is recycled
//   +--------------------------+-----------------+
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace cms::storage {

// Writable by the log that took it; whoever holds a slice of it reads bytes that do not change any more.
class Chunk {
 public:
  static constexpr std::size_t generation_bytes = 4096;  // a page behind the data

  // A mapping of capacity + generation_bytes, which it unmaps. The memory of a shared chunk goes then too, although
  // others have it mapped still: they see a higher generation, and zeros.
  Chunk(std::uint64_t id, std::byte* data, std::size_t capacity, int descriptor)
      : id_(id), data_(data), capacity_(capacity), descriptor_(descriptor) {}
  ~Chunk();
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;

  std::byte* data() const { return data_; }           // page-aligned
  std::size_t capacity() const { return capacity_; }  // a multiple of 4096
  std::uint64_t id() const { return id_; }            // never given again; not 0

  // The memfd behind it, owned by the chunk; -1 when there were too many: such a chunk cannot be mapped by others.
  int descriptor() const { return descriptor_; }

  // A descriptor through which another process can map capacity() + generation_bytes for reading, and neither write nor
  // cut off; the caller closes it. From then on the chunk is shared, until it is discarded. Whoever shares holds a
  // slice of it. Error: unsupported (it has no descriptor), io.
  base::Result<int> share() const;
  bool is_shared() const { return shared_.load(std::memory_order_relaxed); }

  // How often it was handed out again; the same for as long as somebody holds it.
  std::uint64_t generation() const { return generation_; }

  // The pool's, before a byte may be written anew.
  void raise_generation();

  // The owner tells how far it has written, so that no more than that is zeroed before the chunk is used again.
  void note_written(std::size_t end) {
    if (end > written_) written_ = end;
  }
  std::size_t written() const { return written_; }
  void zero_written();

  // Whose records it holds, in the pool too; the pool's to set.
  std::uint64_t owner() const { return owner_; }
  void set_owner(std::uint64_t owner) { owner_ = owner; }

 private:
  void give_up();

  const std::uint64_t id_;
  std::byte* const data_;
  const std::size_t capacity_;
  const int descriptor_;
  mutable std::atomic<bool> shared_{false};
  std::uint64_t generation_ = 0;
  std::size_t written_ = 0;
  std::uint64_t owner_ = 0;
};

// Any thread. Chunks may outlive the arena.
class Arena {
 public:
  struct Options {
    std::uint64_t budget_bytes = 1ull << 30;     // of chunks that logs and readers hold
    std::uint64_t pool_bytes_max = 64ull << 20;  // of chunks kept for the next who asks
    std::size_t descriptors_max = 4096;          // chunks beyond that have none
  };

  struct Counters {
    std::uint64_t held_bytes = 0;
    std::uint64_t pooled_bytes = 0;
    std::uint64_t mapped_total = 0;    // chunks made
    std::uint64_t recycled_total = 0;  // chunks taken from the pool
    std::uint64_t refused_total = 0;   // over budget
  };

  static constexpr std::uint64_t no_owner = 0;
  static constexpr std::array<std::size_t, 3> class_bytes{64u << 10, 1u << 20, 8u << 20};

  // The size for the next chunk of a log that holds `held_bytes` and should not waste more than `waste_max`: small logs
  // get small chunks, so that many of them do not use up the budget with room for what never comes: a chunk has at most
  // four times what the log holds.
  static std::size_t next_chunk_bytes(std::uint64_t held_bytes, std::uint64_t waste_max);

  explicit Arena(Options options);
  ~Arena();

  // A zeroed chunk of at least `bytes`. `held_bytes` is what the log holds already: the last sixteenth of the budget is
  // for logs that hold less than 1 MiB. Error: full.
  base::Result<std::shared_ptr<Chunk>> take(std::size_t bytes, std::uint64_t held_bytes) {
    return take(bytes, held_bytes, no_owner);
  }

  // The same for who reads no further than it has written: a chunk that `owner` has returned lately comes back with
  // what it held. A log that drops its oldest records for new ones would wait for the zeros otherwise.
  base::Result<std::shared_ptr<Chunk>> take(std::size_t bytes, std::uint64_t held_bytes, std::uint64_t owner);

  // A number for the above, never given again.
  std::uint64_t new_owner();

  // How much of `bytes_max`, which a log would like to keep of what it could give back, it should: all while less than
  // half of the budget is held, and from there on less and less, down to a sixty-fourth at seven eighths.
  std::uint64_t worth_keeping(std::uint64_t bytes_max) const;

  // The chunk that a slice shares; null when it lies in other memory. Asks nobody: it stands in the slice's owner.
  static const Chunk* chunk_of(const base::Bytes& slice);

  // Zeroes what was returned, gives up what was shared and not taken again, faults in a chunk of each size that was
  // asked for in vain, unmaps what is too much, so that take() need not. Work of milliseconds, for a thread that nobody
  // waits for. wants_tidying() is cheap.
  bool wants_tidying() const;
  void tidy();

  Counters counters() const;
  const Options& options() const { return options_; }

 private:
  class Pool;
  const Options options_;
  const std::shared_ptr<Pool> pool_;  // shared with the deleters of the chunks
};

}  // namespace cms::storage
