// SPDX-License-Identifier: Apache-2.0
#include "storage/arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

namespace cms::storage {

namespace {

constexpr std::size_t page_bytes = 4096;
constexpr std::size_t classes = Arena::class_bytes.size();
constexpr std::uint64_t small_log_bytes = 1u << 20;
constexpr std::size_t shared_pooled_max = 64;  // of a class: they are searched
// A size that nobody asked for in so many takes leaves the pool to those that are asked for.
constexpr std::uint64_t takes_remembered = 256;

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

// A file that nobody can cut off, and that another user cannot open anew for writing through a descriptor he has got.
// (F_SEAL_FUTURE_WRITE would say that better, but forbids to punch holes too.)
base::Result<int> make_file(std::size_t bytes) {
  const int descriptor = ::memfd_create("cms-chunk", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (descriptor < 0) return descriptor;  // out of descriptors is no reason to refuse records
  if (::ftruncate(descriptor, static_cast<off_t>(bytes)) == 0 && ::fchmod(descriptor, S_IRUSR) == 0 &&
      ::fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
    return descriptor;
  const int code = errno;
  ::close(descriptor);
  return base::Error::from_errno(code, "making a chunk of log memory");
}

base::Result<std::unique_ptr<Chunk>> map_chunk(std::uint64_t id, std::size_t capacity, bool with_descriptor) {
  const std::size_t bytes = capacity + Chunk::generation_bytes;
  base::Result<int> file = with_descriptor ? make_file(bytes) : base::Result<int>(-1);
  if (!file) return file.error();
  const int descriptor = *file;
  const int flags = descriptor >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
  void* const data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, descriptor, 0);
  if (data == MAP_FAILED) {
    const int code = errno;
    if (descriptor >= 0) ::close(descriptor);
    return base::Error::from_errno(code, "mapping a chunk of log memory");
  }
  return std::make_unique<Chunk>(id, static_cast<std::byte*>(data), capacity, descriptor);
}

std::atomic_ref<std::uint64_t> generation_behind(std::byte* data, std::size_t capacity) {
  return std::atomic_ref<std::uint64_t>(*reinterpret_cast<std::uint64_t*>(data + capacity));
}

}  // namespace

Chunk::~Chunk() {
  if (is_shared()) give_up();
  ::munmap(data_, capacity_ + generation_bytes);
  if (descriptor_ >= 0) ::close(descriptor_);
}

base::Result<int> Chunk::share() const {
  if (descriptor_ < 0) return base::Error(base::ErrorKind::unsupported, "the chunk is no file");
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor_);
  const int read_only = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (read_only < 0) return base::Error::from_errno(errno, "opening a chunk of log memory for a reader");
  shared_.store(true, std::memory_order_relaxed);  // whoever gives the chunk back later has dropped a slice after this
  return read_only;
}

void Chunk::raise_generation() {
  if (!is_shared()) return;  // nobody has seen any: spare the page
  ++generation_;
  generation_behind(data_, capacity_).store(generation_, std::memory_order_relaxed);
  // No byte that is written from here on is seen before the new generation.
  std::atomic_thread_fence(std::memory_order_release);
}

// The page of the generation stays: zeros would be the first.
void Chunk::give_up() {
  raise_generation();
  std::atomic_thread_fence(std::memory_order_seq_cst);
  ::fallocate(descriptor_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(capacity_));
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
    chunk->raise_generation();
    if (chunk->written() > 0 && (owner == no_owner || chunk->owner() != owner)) chunk->zero_written();
    chunk->set_owner(owner);
    return std::shared_ptr<Chunk>(chunk.release(), GiveBack{shared_from_this()});
  }

  std::uint64_t new_owner() { return owners_.fetch_add(1, std::memory_order_relaxed) + 1; }

  std::uint64_t worth_keeping(std::uint64_t bytes_max) const {
    constexpr std::uint64_t steps = 64;
    const std::uint64_t few = options_.budget_bytes / 2, many = options_.budget_bytes / 8 * 7;
    const std::uint64_t step = std::max<std::uint64_t>((many - few) / steps, 1);
    const std::uint64_t held = held_.load(std::memory_order_relaxed);
    if (held <= few) return bytes_max;
    return bytes_max / steps * std::max<std::uint64_t>(steps - std::min(steps, (held - few) / step), 1);
  }

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
      for (auto& chunks : shared_) {  // their owners would have taken them by now
        for (auto& chunk : chunks) discard_locked(std::move(chunk));
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
    last_take_[size_class] = ++takes_;
    if (auto& shared = shared_[size_class]; owner != no_owner) {
      const auto own =
          std::find_if(shared.rbegin(), shared.rend(), [owner](const auto& chunk) { return chunk->owner() == owner; });
      if (own != shared.rend()) {
        std::swap(*own, shared.back());
        return last_of(shared);
      }
    }
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
    const std::uint64_t id = mapped_ids_.fetch_add(1, std::memory_order_relaxed) + 1;
    base::Result<std::unique_ptr<Chunk>> chunk = map_chunk(id, size, with_descriptor);
    if (with_descriptor && (!chunk || (*chunk)->descriptor() < 0)) descriptors_.fetch_sub(1, std::memory_order_relaxed);
    if (chunk) mapped_.fetch_add(1, std::memory_order_relaxed);
    return chunk;
  }

  void put_back(std::unique_ptr<Chunk> chunk) {
    const std::size_t size = chunk->capacity();
    const std::optional<std::size_t> size_class = class_of(*chunk);
    const std::lock_guard lock(mutex_);
    held_.fetch_sub(size, std::memory_order_relaxed);
    const bool shared = chunk->is_shared();
    if (size_class) make_place_locked(*size_class);
    const bool kept = size_class && pooled_bytes_ + size <= options_.pool_bytes_max &&
                      (!shared || (chunk->owner() != no_owner && shared_[*size_class].size() < shared_pooled_max));
    pooled_bytes_ += size;
    if (kept) {
      (shared ? shared_ : dirty_)[*size_class].push_back(std::move(chunk));
    } else {
      discard_locked(std::move(chunk));
      // Nobody tidies: better a slow release than memory without bound.
      if (discarded_bytes_ > options_.pool_bytes_max) {
        count_dropped_locked(discarded_);
        discarded_.clear();
      }
    }
    untidy_.store(true, std::memory_order_relaxed);
  }

  // Else what one topic has left in the pool would keep the chunks of all others out of it.
  void make_place_locked(std::size_t wanted) {
    for (std::size_t i = 0; i < classes; ++i) {
      if (i == wanted || takes_ - last_take_[i] < takes_remembered) continue;
      for (auto* chunks : {&dirty_[i], &clean_[i]}) {
        while (!chunks->empty() && pooled_bytes_ + class_bytes[wanted] > options_.pool_bytes_max) {
          discard_locked(std::move(chunks->back()));
          chunks->pop_back();
        }
      }
    }
  }

  // It was counted as pooled.
  void discard_locked(std::unique_ptr<Chunk> chunk) {
    pooled_bytes_ -= chunk->capacity();
    discarded_bytes_ += chunk->capacity();
    discarded_.push_back(std::move(chunk));
  }

  void drop(std::vector<std::unique_ptr<Chunk>>& chunks) {
    {
      const std::lock_guard lock(mutex_);
      count_dropped_locked(chunks);
    }
    chunks.clear();
  }

  void count_dropped_locked(const std::vector<std::unique_ptr<Chunk>>& chunks) {
    for (const auto& chunk : chunks) {
      if (chunk->descriptor() >= 0) descriptors_.fetch_sub(1, std::memory_order_relaxed);
      discarded_bytes_ -= std::min<std::uint64_t>(discarded_bytes_, chunk->capacity());
    }
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
  std::atomic<std::uint64_t> mapped_ids_{0};
  std::atomic<bool> untidy_{false};

  mutable std::mutex mutex_;
  std::array<std::vector<std::unique_ptr<Chunk>>, classes> clean_, dirty_;
  std::array<std::vector<std::unique_ptr<Chunk>>, classes> shared_;  // each for its own owner, until tidied
  std::vector<std::unique_ptr<Chunk>> discarded_;
  std::array<bool, classes> missed_{};
  std::uint64_t takes_ = 0;                         // from the pool, or in vain
  std::array<std::uint64_t, classes> last_take_{};  // takes_ at the last one of this size
  std::uint64_t pooled_bytes_ = 0;                  // clean, dirty and shared, <= pool_bytes_max
  std::uint64_t discarded_bytes_ = 0;
};

std::size_t Arena::next_chunk_bytes(std::uint64_t held_bytes, std::uint64_t waste_max) {
  std::size_t size = class_bytes[0];
  for (std::size_t i = 1; i < classes; ++i) {
    if (held_bytes < class_bytes[i] / 4 || class_bytes[i] > waste_max) break;
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
std::uint64_t Arena::worth_keeping(std::uint64_t bytes_max) const { return pool_->worth_keeping(bytes_max); }
bool Arena::wants_tidying() const { return pool_->wants_tidying(); }
void Arena::tidy() { pool_->tidy(); }
Arena::Counters Arena::counters() const { return pool_->counters(); }

}  // namespace cms::storage
