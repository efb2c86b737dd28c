// SPDX-License-Identifier: Apache-2.0
#include "storage/arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

namespace cms::storage {
namespace {

bool all_zero(const Chunk& chunk) {
  return std::all_of(chunk.data(), chunk.data() + chunk.capacity(), [](std::byte b) { return b == std::byte{0}; });
}

TEST(Arena, ARecycledChunkShowsNothingOfItsFormerOwner) {
  Arena arena({.budget_bytes = 1 << 20, .pool_bytes_max = 1 << 20});
  std::byte* former = nullptr;
  {
    auto chunk = arena.take(100, 0).value();
    former = chunk->data();
    std::memset(chunk->data(), 'x', 5000);
    chunk->note_written(5000);
  }
  auto chunk = arena.take(100, 0).value();
  EXPECT_EQ(chunk->data(), former);
  EXPECT_TRUE(all_zero(*chunk));
  EXPECT_EQ(arena.counters().recycled_total, 1u);
}

TEST(Arena, AnOwnersChunkComesBackAsItWasAndToOthersZeroed) {
  Arena arena({.budget_bytes = 1 << 20, .pool_bytes_max = 1 << 20});
  const std::uint64_t owner = arena.new_owner();
  const std::uint64_t other = arena.new_owner();
  {
    auto chunk = arena.take(100, 0, owner).value();
    std::memset(chunk->data(), 'x', 5000);
    chunk->note_written(5000);
  }
  {
    auto chunk = arena.take(100, 0, owner).value();
    EXPECT_EQ(chunk->data()[4999], std::byte{'x'});
    chunk->note_written(10);  // less than before: the rest is still to be zeroed for others
  }
  {
    auto chunk = arena.take(100, 0, other).value();
    EXPECT_TRUE(all_zero(*chunk));
    std::memset(chunk->data(), 'y', 5000);
    chunk->note_written(5000);
  }
  EXPECT_TRUE(all_zero(*arena.take(100, 0).value()));
  EXPECT_EQ(arena.counters().recycled_total, 3u);
}

TEST(Arena, TidyingZeroesAheadAndFaultsInWhatWasMissed) {
  Arena arena({.budget_bytes = 64 << 20, .pool_bytes_max = 16 << 20});
  {
    auto chunk = arena.take(1 << 20, 0).value();
    std::memset(chunk->data(), 'x', chunk->capacity());
    chunk->note_written(chunk->capacity());
  }
  EXPECT_TRUE(arena.wants_tidying());
  arena.tidy();
  EXPECT_FALSE(arena.wants_tidying());
  auto first = arena.take(1 << 20, 0).value();
  EXPECT_EQ(first->written(), 0u);
  EXPECT_TRUE(all_zero(*first));
  EXPECT_EQ(arena.counters().mapped_total, 1u);  // the one that was missed came back meanwhile
}

TEST(Arena, ASizeThatNobodyAsksForLeavesThePoolToOthers) {
  Arena arena({.budget_bytes = 64 << 20, .pool_bytes_max = 16 << 20});
  for (int i = 0; i < 2; ++i) (void)arena.take(8 << 20, 0);  // returned at once
  std::vector<std::shared_ptr<Chunk>> large{arena.take(8 << 20, 0).value(), arena.take(8 << 20, 0).value()};
  large.clear();
  ASSERT_EQ(arena.counters().pooled_bytes, 16u << 20);
  for (int i = 0; i < 300; ++i) (void)arena.take(1 << 20, 0);
  const std::uint64_t mapped = arena.counters().mapped_total;
  arena.tidy();
  for (int i = 0; i < 300; ++i) (void)arena.take(1 << 20, 0);
  EXPECT_EQ(arena.counters().mapped_total, mapped);
  EXPECT_LE(arena.counters().pooled_bytes, 16u << 20);
}

TEST(Arena, SizesThatAreAskedForInTurnsDoNotPushEachOtherOut) {
  Arena arena({.budget_bytes = 64 << 20, .pool_bytes_max = 16 << 20});
  for (int i = 0; i < 10; ++i) {
    (void)arena.take(8 << 20, 0);
    (void)arena.take(1 << 20, 0);
  }
  EXPECT_EQ(arena.counters().mapped_total, 2u);
  EXPECT_EQ(arena.counters().pooled_bytes, 9u << 20);
}

TEST(Arena, TheBudgetIsKeptAndItsLastPartIsForSmallLogs) {
  Arena arena({.budget_bytes = 32 << 20, .pool_bytes_max = 0});
  std::vector<std::shared_ptr<Chunk>> held;
  while (true) {
    auto chunk = arena.take(1 << 20, held.size() << 20);
    if (!chunk) {
      EXPECT_EQ(chunk.error().kind(), base::ErrorKind::full);
      break;
    }
    held.push_back(std::move(*chunk));
  }
  EXPECT_EQ(held.size(), 30u);
  EXPECT_TRUE(arena.take(100, 0).ok());
  EXPECT_EQ(arena.counters().refused_total, 1u);
  held.clear();
  EXPECT_EQ(arena.counters().held_bytes, 0u);
}

TEST(Arena, TheFullerTheBudgetTheLessIsWorthKeeping) {
  Arena arena({.budget_bytes = 64 << 20, .pool_bytes_max = 0});
  std::vector<std::shared_ptr<Chunk>> held;
  std::vector<std::uint64_t> kept{arena.worth_keeping(16 << 20)};
  for (int i = 0; i < 7; ++i) {
    held.push_back(arena.take(8 << 20, 0).value());
    kept.push_back(arena.worth_keeping(16 << 20));
  }
  const std::uint64_t all = 16 << 20;
  const std::uint64_t step = all / 64;
  EXPECT_EQ(kept, (std::vector<std::uint64_t>{all, all, all, all, all, 43 * step, 22 * step, step}));
}

TEST(Arena, AChunkLargerThanAllClassesHasItsOwnSize) {
  Arena arena({.budget_bytes = 64 << 20});
  auto chunk = arena.take((20 << 20) + 1, 0).value();
  EXPECT_EQ(chunk->capacity(), (20u << 20) + 4096u);
}

TEST(Arena, AChunkCanBeMappedThroughItsDescriptorUntilTheyRunOut) {
  Arena arena({.budget_bytes = 1 << 20, .descriptors_max = 1});
  auto first = arena.take(100, 0).value();
  auto second = arena.take(100, 0).value();
  EXPECT_EQ(second->descriptor(), -1);
  ASSERT_GE(first->descriptor(), 0);
  first->data()[7] = std::byte{42};
  void* mapped = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, first->descriptor(), 0);
  ASSERT_NE(mapped, MAP_FAILED);
  EXPECT_EQ(static_cast<const std::byte*>(mapped)[7], std::byte{42});
  ::munmap(mapped, 4096);
}

TEST(Arena, AChunkMayOutliveTheArena) {
  std::shared_ptr<Chunk> chunk;
  {
    Arena arena({});
    chunk = arena.take(100, 0).value();
  }
  chunk->data()[0] = std::byte{1};
}

TEST(Arena, ASlicesChunkIsFoundFromItsOwner) {
  Arena arena({});
  const std::shared_ptr<Chunk> chunk = arena.take(100, 0).value();
  const base::Bytes slice(chunk, base::ByteSpan(chunk->data() + 10, 20));
  EXPECT_EQ(Arena::chunk_of(slice), chunk.get());
  EXPECT_EQ(Arena::chunk_of(slice.slice(5, 5)), chunk.get());
  EXPECT_EQ(Arena::chunk_of(base::Bytes::copy_of("elsewhere")), nullptr);
  EXPECT_EQ(Arena::chunk_of(base::Bytes(nullptr, base::ByteSpan(chunk->data(), 20))), nullptr);
}

// What another process would have of a shared chunk.
class Mapped {
 public:
  explicit Mapped(const Chunk& chunk) : capacity_(chunk.capacity()), descriptor_(chunk.share().value()) {
    void* const at = ::mmap(nullptr, bytes(), PROT_READ, MAP_SHARED, descriptor_, 0);
    EXPECT_NE(at, MAP_FAILED);
    data_ = static_cast<const std::byte*>(at);
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  ~Mapped() {
    ::munmap(const_cast<std::byte*>(data_), bytes());
    ::close(descriptor_);
  }
  int descriptor() const { return descriptor_; }
  const std::byte* data() const { return data_; }
  std::uint64_t generation() const {
    std::uint64_t generation;
    std::memcpy(&generation, data_ + capacity_, sizeof generation);
    return generation;
  }
  std::uint64_t memory_bytes() const {
    struct stat status {};
    ::fstat(descriptor_, &status);
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
  }
  std::size_t bytes() const { return capacity_ + Chunk::generation_bytes; }

 private:
  const std::size_t capacity_;
  const int descriptor_;
  const std::byte* data_ = nullptr;
};

void fill(Chunk& chunk, char with) {
  std::memset(chunk.data(), with, chunk.capacity());
  chunk.note_written(chunk.capacity());
}

TEST(Arena, AReaderOfASharedChunkCanNeitherWriteNorCutItOff) {
  Arena arena({.budget_bytes = 1 << 20, .pool_bytes_max = 1 << 20});
  auto chunk = arena.take(100, 0).value();
  fill(*chunk, 'x');
  const Mapped mapped(*chunk);
  EXPECT_EQ(mapped.data()[5000], std::byte{'x'});
  EXPECT_EQ(mapped.generation(), chunk->generation());
  EXPECT_EQ(::mmap(nullptr, mapped.bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, mapped.descriptor(), 0), MAP_FAILED);
  EXPECT_NE(::mprotect(const_cast<std::byte*>(mapped.data()), mapped.bytes(), PROT_READ | PROT_WRITE), 0);
  EXPECT_LT(::write(mapped.descriptor(), "y", 1), 0);
  EXPECT_NE(::ftruncate(mapped.descriptor(), 0), 0);
  EXPECT_NE(::ftruncate(chunk->descriptor(), 0), 0);
  struct stat status {};
  ::fstat(mapped.descriptor(), &status);
  EXPECT_EQ(status.st_mode & 0777u, 0400u);
}

TEST(Arena, ASharedChunkThatItsOwnerTakesAgainHasAHigherGeneration) {
  Arena arena({.budget_bytes = 1 << 20, .pool_bytes_max = 1 << 20});
  const std::uint64_t owner = arena.new_owner();
  auto chunk = arena.take(100, 0, owner).value();
  const std::uint64_t id = chunk->id();
  const Mapped mapped(*chunk);
  EXPECT_EQ(mapped.generation(), 0u);
  chunk->note_written(1);
  for (std::uint64_t generation = 1; generation < 4; ++generation) {
    chunk.reset();
    chunk = arena.take(100, 0, owner).value();
    EXPECT_EQ(chunk->id(), id);
    EXPECT_EQ(chunk->generation(), generation);
    EXPECT_EQ(mapped.generation(), generation);
  }
}

TEST(Arena, ASharedChunkNeverGoesToAnotherOwner) {
  Arena arena({.budget_bytes = 64 << 20, .pool_bytes_max = 32 << 20});
  for (const std::uint64_t owner : {Arena::no_owner, arena.new_owner()}) {
    auto chunk = arena.take(100, 0, owner).value();
    fill(*chunk, 'x');
    const Mapped mapped(*chunk);
    chunk.reset();
    std::vector<std::shared_ptr<Chunk>> others;
    for (int i = 0; i < 20; ++i) {
      others.push_back(arena.take(100, 0, i % 2 == 0 ? arena.new_owner() : Arena::no_owner).value());
      fill(*others.back(), 'y');
      if (i == 10) arena.tidy();
    }
    EXPECT_TRUE(std::none_of(mapped.data(), mapped.data() + others[0]->capacity(),
                             [](std::byte b) { return b == std::byte{'y'}; }));
  }
}

TEST(Arena, ASharedChunkThatIsNotTakenAgainGivesItsMemoryBackWhileItIsMapped) {
  Arena arena({.budget_bytes = 64 << 20, .pool_bytes_max = 32 << 20});
  auto chunk = arena.take(8 << 20, 0, arena.new_owner()).value();
  fill(*chunk, 'x');
  const Mapped mapped(*chunk);
  const std::uint64_t generation = chunk->generation();
  chunk.reset();
  EXPECT_EQ(arena.counters().pooled_bytes, 8u << 20);
  EXPECT_GE(mapped.memory_bytes(), 8u << 20);
  arena.tidy();
  EXPECT_LE(mapped.memory_bytes(), 2 * Chunk::generation_bytes);
  EXPECT_GT(mapped.generation(), generation);
  EXPECT_EQ(mapped.data()[0], std::byte{0});
}

TEST(Arena, SmallLogsGetSmallChunks) {
  EXPECT_EQ(Arena::next_chunk_bytes(0, ~0ull), 64u << 10);
  EXPECT_EQ(Arena::next_chunk_bytes(192 << 10, ~0ull), 64u << 10);
  EXPECT_EQ(Arena::next_chunk_bytes(256 << 10, ~0ull), 1u << 20);
  EXPECT_EQ(Arena::next_chunk_bytes(1 << 20, ~0ull), 1u << 20);
  EXPECT_EQ(Arena::next_chunk_bytes(2 << 20, ~0ull), 8u << 20);
  EXPECT_EQ(Arena::next_chunk_bytes(64 << 20, 1 << 20), 1u << 20);
  EXPECT_EQ(Arena::next_chunk_bytes(64 << 20, 1000), 64u << 10);
}

}  // namespace
}  // namespace cms::storage
