// SPDX-License-Identifier: Apache-2.0
// Counts the heap allocations of a program, for others to read while it runs:
//
//   CMS_ALLOCATION_COUNT=count LD_PRELOAD=build/release/bin/allocation_count.so cmsd
//
// The file named there is made; its first eight bytes are the number so far, in the machine's order, in memory that is
// shared with whoever maps or reads it. operator new comes through malloc. What is freed is not counted.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

// glibc's own, under the names that it gives them for those who take the usual ones.
extern "C" {
void* __libc_malloc(std::size_t size);                           // NOLINT(bugprone-reserved-identifier)
void* __libc_calloc(std::size_t count, std::size_t size);        // NOLINT(bugprone-reserved-identifier)
void* __libc_realloc(void* old, std::size_t size);               // NOLINT(bugprone-reserved-identifier)
void* __libc_memalign(std::size_t alignment, std::size_t size);  // NOLINT(bugprone-reserved-identifier)
}

namespace {

using Counter = std::atomic<std::uint64_t>;
static_assert(Counter::is_always_lock_free && sizeof(Counter) == sizeof(std::uint64_t));

// Where counts go until the file is mapped: the loader and other libraries allocate before this one is set up.
constinit Counter before_mapping{0};
constinit std::atomic<Counter*> counter{&before_mapping};

void count() { counter.load(std::memory_order_relaxed)->fetch_add(1, std::memory_order_relaxed); }

// A program that runs on without being counted would look as if it allocated nothing.
[[noreturn]] void refuse(const char* why) {
  std::perror(why);
  ::_exit(1);
}

__attribute__((constructor)) void map_counter() {
  const char* const path = std::getenv("CMS_ALLOCATION_COUNT");
  if (path == nullptr) refuse("CMS_ALLOCATION_COUNT is not set");
  const int file = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ::ftruncate(file, sizeof(Counter)) != 0) refuse(path);
  void* const mapped = ::mmap(nullptr, sizeof(Counter), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) refuse(path);
  ::close(file);
  counter.store(static_cast<Counter*>(mapped), std::memory_order_relaxed);
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
  count();
  return __libc_malloc(size);
}

void* calloc(std::size_t number, std::size_t size) {
  count();
  return __libc_calloc(number, size);
}

void* realloc(void* old, std::size_t size) {
  count();
  return __libc_realloc(old, size);
}

void* memalign(std::size_t alignment, std::size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }

int posix_memalign(void** to, std::size_t alignment, std::size_t size) {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
  void* const memory = memalign(alignment, size);
  if (memory == nullptr) return ENOMEM;
  *to = memory;
  return 0;
}

}  // extern "C"
