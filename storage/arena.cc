// SPDX-License-Identifier: Apache-2.0
#include "storage/arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

namespace cms::storage {

namespace {

constexpr std::size_t page_bytes = 4096;
constexpr std::size_t classes = Arena::class_bytes.size();
constexpr std::uint64_t small_log_bytes = 1u << 20;

std::optional<std::size_t> class_for(std::size_t bytes) {
  for (std::size_t i = 0; i < classes; ++i) {
    if (bytes <= Arena::class_bytes[i]) return i;
  }
  return std::nullopt;
}

std::optional<std::size_t> class_of(const Chunk& chunk) {
  const auto found = class_for(chunk.capacity());
  return found && Arena::class_bytes[*found] == chunk.capacity() ? found : std::nullopt;
}

base::Result<std::unique_ptr<Chunk>> map_chunk(std::size_t bytes, bool with_descriptor) {
  int descriptor = -1;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  if (with_descriptor) {
    descriptor = ::memfd_create("cms-chunk", MFD_CLOEXEC);
    if (descriptor >= 0 && ::ftruncate(descriptor, static_cast<off_t>(bytes)) != 0) {
      const int code = errno;
      ::close(descriptor);
      return base::Error::from_errno(code, "sizing a chunk of log memory");
    }
    if (descriptor >= 0) flags = MAP_SHARED;  // out of descriptors is no reason to refuse records
  }
  void* const data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, descriptor, 0);
  if (data == MAP_FAILED) {
    const int code = errno;
    if (descriptor >= 0) ::close(descriptor);
    return base::Error::from_errno(code, "mapping a chunk of log memory");
  }
  return std::make_unique<Chunk>(static_cast<std::byte*>(data), bytes, descriptor);
}

}  // namespace

Chunk::~Chunk() {
  ::munmap(data_, capacity_);
  if (descriptor_ >= 0) ::close(descriptor_);
}

void Chunk::zero_written() {
  std::memset(data_, 0, written_);
  written_ = 0;
}

class Arena::Pool : public std::enable_shared_from_this<Arena::Pool> {
 public:
  // By which a chunk is known as one: it is the deleter of all of them, and of nothing else.
  struct GiveBack {
    std::shared_ptr<Pool> pool;
    void operator()(Chunk* back) const { pool->put_back(std::unique_ptr<Chunk>(back)); }
  };

  explicit Pool(const Options& options) : options_(options) {}

  base::Result<std::shared_ptr<Chunk>> take(std::size_t bytes, std::uint64_t held_bytes, std::uint64_t owner) {
    const std::optional<std::size_t> size_class = class_for(bytes);
    const std::size_t size = size_class ? class_bytes[*size_class] : (bytes + page_bytes - 1) / page_bytes * page_bytes;
    if (!reserve(size, held_bytes)) {
      refused_.fetch_add(1, std::memory_order_relaxed);
      return base::Error(base::ErrorKind::full, "the memory for log tails is used up (" +
                                                    std::to_string(options_.budget_bytes >> 20) + " MiB)");
    }
    std::unique_ptr<Chunk> chunk = size_class ? from_pool(*size_class, owner) : nullptr;
    if (!chunk) {
      base::Result<std::unique_ptr<Chunk>> mapped = make(size);
      if (!mapped) {
        held_.fetch_sub(size, std::memory_order_relaxed);
        return mapped.error();
      }
      chunk = std::move(*mapped);
    }
    if (chunk->written() > 0 && (owner == no_owner || chunk->owner() != owner)) chunk->zero_written();
    chunk->set_owner(owner);
    return std::shared_ptr<Chunk>(chunk.release(), GiveBack{shared_from_this()});
  }

  std::uint64_t new_owner() { return owners_.fetch_add(1, std::memory_order_relaxed) + 1; }

  bool under_pressure() const { return held_.load(std::memory_order_relaxed) > options_.budget_bytes / 8 * 7; }

  bool wants_tidying() const { return untidy_.load(std::memory_order_relaxed); }

  void tidy() {
    untidy_.store(false, std::memory_order_relaxed);
    std::vector<std::unique_ptr<Chunk>> dirty, discarded;
    std::array<bool, classes> missed{};
    {
      const std::lock_guard lock(mutex_);
      for (auto& chunks : dirty_) {
        for (auto& chunk : chunks) dirty.push_back(std::move(chunk));
        chunks.clear();
      }
      discarded.swap(discarded_);
      std::swap(missed, missed_);
    }
    drop(discarded);
    for (auto& chunk : dirty) {
      chunk->zero_written();
      keep_clean(std::move(chunk));
    }
    for (std::size_t i = 1; i < classes; ++i) {  // the smallest costs too little to be prepared
      if (missed[i]) prepare(i);
    }
  }

  Counters counters() const {
    const std::lock_guard lock(mutex_);
    return {held_.load(), pooled_bytes_, mapped_.load(), recycled_.load(), refused_.load()};
  }

 private:
  bool reserve(std::size_t size, std::uint64_t held_bytes) {
    const std::uint64_t limit = held_bytes >= small_log_bytes ? options_.budget_bytes / 16 * 15 : options_.budget_bytes;
    std::uint64_t held = held_.load(std::memory_order_relaxed);
    do {
      if (size > limit || held > limit - size) return false;
    } while (!held_.compare_exchange_weak(held, held + size, std::memory_order_relaxed));
    return true;
  }

  std::unique_ptr<Chunk> from_pool(std::size_t size_class, std::uint64_t owner) {
    const std::lock_guard lock(mutex_);
    if (auto& dirty = dirty_[size_class]; owner != no_owner && !dirty.empty() && dirty.back()->owner() == owner)
      return last_of(dirty);
    for (auto* pool : {&clean_[size_class], &dirty_[size_class]}) {
      if (!pool->empty()) return last_of(*pool);
    }
    missed_[size_class] = true;
    if (size_class > 0) untidy_.store(true, std::memory_order_relaxed);
    return nullptr;
  }

  std::unique_ptr<Chunk> last_of(std::vector<std::unique_ptr<Chunk>>& chunks) {
    std::unique_ptr<Chunk> chunk = std::move(chunks.back());
    chunks.pop_back();
    pooled_bytes_ -= chunk->capacity();
    recycled_.fetch_add(1, std::memory_order_relaxed);
    return chunk;
  }

  base::Result<std::unique_ptr<Chunk>> make(std::size_t size) {
    const bool with_descriptor = descriptors_.fetch_add(1, std::memory_order_relaxed) < options_.descriptors_max;
    if (!with_descriptor) descriptors_.fetch_sub(1, std::memory_order_relaxed);
    base::Result<std::unique_ptr<Chunk>> chunk = map_chunk(size, with_descriptor);
    if (with_descriptor && (!chunk || (*chunk)->descriptor() < 0)) descriptors_.fetch_sub(1, std::memory_order_relaxed);
    if (chunk) mapped_.fetch_add(1, std::memory_order_relaxed);
    return chunk;
  }

  void put_back(std::unique_ptr<Chunk> chunk) {
    const std::size_t size = chunk->capacity();
    const std::optional<std::size_t> size_class = class_of(*chunk);
    const std::lock_guard lock(mutex_);
    held_.fetch_sub(size, std::memory_order_relaxed);
    if (size_class && pooled_bytes_ + size <= options_.pool_bytes_max) {
      pooled_bytes_ += size;
      dirty_[*size_class].push_back(std::move(chunk));
    } else {
      discarded_bytes_ += size;
      discarded_.push_back(std::move(chunk));
      // Nobody tidies: better a slow release than memory without bound.
      if (discarded_bytes_ > options_.pool_bytes_max) drop_locked(discarded_);
    }
    untidy_.store(true, std::memory_order_relaxed);
  }

  void drop(std::vector<std::unique_ptr<Chunk>>& chunks) {
    const std::lock_guard lock(mutex_);
    drop_locked(chunks);
  }

  void drop_locked(std::vector<std::unique_ptr<Chunk>>& chunks) {
    for (const auto& chunk : chunks) {
      if (chunk->descriptor() >= 0) descriptors_.fetch_sub(1, std::memory_order_relaxed);
      discarded_bytes_ -= std::min<std::uint64_t>(discarded_bytes_, chunk->capacity());
    }
    chunks.clear();
  }

  void keep_clean(std::unique_ptr<Chunk> chunk) {  // its bytes are counted as pooled all along
    const std::lock_guard lock(mutex_);
    clean_[*class_of(*chunk)].push_back(std::move(chunk));
  }

  void prepare(std::size_t size_class) {
    const std::size_t size = class_bytes[size_class];
    {
      const std::lock_guard lock(mutex_);
      if (!clean_[size_class].empty() || pooled_bytes_ + size > options_.pool_bytes_max) return;
      pooled_bytes_ += size;
    }
    base::Result<std::unique_ptr<Chunk>> chunk = make(size);
    if (!chunk) {
      const std::lock_guard lock(mutex_);
      pooled_bytes_ -= size;
      return;
    }
    std::memset((*chunk)->data(), 0, size);  // the faults are what this is for
    keep_clean(std::move(*chunk));
  }

  const Options options_;
  std::atomic<std::uint64_t> held_{0};
  std::atomic<std::uint64_t> mapped_{0}, recycled_{0}, refused_{0};
  std::atomic<std::size_t> descriptors_{0};
  std::atomic<std::uint64_t> owners_{no_owner};
  std::atomic<bool> untidy_{false};

  mutable std::mutex mutex_;
  std::array<std::vector<std::unique_ptr<Chunk>>, classes> clean_, dirty_;
  std::vector<std::unique_ptr<Chunk>> discarded_;
  std::array<bool, classes> missed_{};
  std::uint64_t pooled_bytes_ = 0;  // clean and dirty, <= pool_bytes_max
  std::uint64_t discarded_bytes_ = 0;
};

std::size_t Arena::next_chunk_bytes(std::uint64_t held_bytes, std::uint64_t waste_max) {
  std::size_t size = class_bytes[0];
  for (std::size_t i = 1; i < classes; ++i) {
    if (held_bytes < class_bytes[i] / 16 || class_bytes[i] > waste_max) break;
    size = class_bytes[i];
  }
  return size;
}

Arena::Arena(Options options) : options_(options), pool_(std::make_shared<Pool>(options)) {}
Arena::~Arena() = default;

base::Result<std::shared_ptr<Chunk>> Arena::take(std::size_t bytes, std::uint64_t held_bytes, std::uint64_t owner) {
  return pool_->take(bytes, held_bytes, owner);
}
std::uint64_t Arena::new_owner() { return pool_->new_owner(); }
const Chunk* Arena::chunk_of(const base::Bytes& slice) {
  const bool is_chunk = std::get_deleter<Pool::GiveBack>(slice.owner()) != nullptr;
  return is_chunk ? static_cast<const Chunk*>(slice.owner().get()) : nullptr;
}
bool Arena::under_pressure() const { return pool_->under_pressure(); }
bool Arena::wants_tidying() const { return pool_->wants_tidying(); }
void Arena::tidy() { pool_->tidy(); }
Arena::Counters Arena::counters() const { return pool_->counters(); }

}  // namespace cms::storage
