// SPDX-License-Identifier: Apache-2.0
#include "client/native/mapped_chunks.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>

namespace cms::client {

namespace push = protocol::push;
using base::Error;
using base::ErrorKind;

MappedChunks::~MappedChunks() {
  for (Slot& slot : slots_) unmap(slot);
}

void MappedChunks::unmap(Slot& slot) {
  if (slot.data == nullptr) return;
  ::munmap(const_cast<std::byte*>(slot.data), slot.bytes + push::generation_page_bytes);
  slot = {};
}

base::Result<void> MappedChunks::map(const push::ChunkShared& shared, transport::Descriptor descriptor) {
  const auto bytes = static_cast<std::size_t>(shared.bytes);
  if (shared.slot >= slots_.size() || bytes == 0 || shared.bytes > push::shared_chunk_bytes_max || bytes % 4096 != 0)
    return Error(ErrorKind::corrupt, "the broker shares memory that cannot be");
  if (!descriptor.valid()) return Error(ErrorKind::corrupt, "the broker shares memory without handing it over");
  const std::size_t whole = bytes + push::generation_page_bytes;
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0) return Error::from_errno(errno, "looking at shared memory");
  const int seals = ::fcntl(descriptor.get(), F_GET_SEALS);
  if (static_cast<std::uint64_t>(status.st_size) < whole || seals < 0 || (seals & F_SEAL_SHRINK) == 0)
    return Error(ErrorKind::corrupt, "the broker shares memory that is smaller than it says, or not sealed");
  void* const at = ::mmap(nullptr, whole, PROT_READ, MAP_SHARED, descriptor.get(), 0);
  if (at == MAP_FAILED) return Error::from_errno(errno, "mapping shared memory");
  Slot& slot = slots_[shared.slot];
  unmap(slot);
  slot = {static_cast<const std::byte*>(at), bytes};
  return {};
}

std::optional<InPlace> MappedChunks::find(const push::DeliverInPlace& where) const {
  if (where.slot >= slots_.size() || where.end_offset < where.first_offset) return std::nullopt;
  const Slot& slot = slots_[where.slot];
  if (slot.data == nullptr || where.position > slot.bytes || where.bytes > slot.bytes - where.position)
    return std::nullopt;
  return InPlace{{slot.data + where.position, where.bytes},
                 reinterpret_cast<const std::uint64_t*>(slot.data + slot.bytes),
                 where.generation};
}

}  // namespace cms::client
