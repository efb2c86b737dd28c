// SPDX-License-Identifier: Apache-2.0
// Memory for reading files in pieces of about a mebibyte. The allocator gives such memory back to the kernel when it is
// freed, and the faults of getting it anew cost as much as half of the copy that fills it; here a few stay.
#pragma once

#include <cstddef>
#include <memory>

namespace cms::storage {

// Any thread. What it has given out may outlive it.
class ReadBuffers {
 public:
  static constexpr std::size_t small_bytes_max = 128u << 10;  // the allocator keeps these itself
  static constexpr std::size_t buffer_bytes = 2u << 20;       // larger ones are made for one read
  static constexpr std::size_t kept_max = 4;

  ReadBuffers();

  // Not zeroed; comes back when the last owner lets go of it.
  std::shared_ptr<std::byte[]> take(std::size_t bytes);

  std::size_t kept() const;

 private:
  struct Kept;
  std::shared_ptr<Kept> kept_;
};

}  // namespace cms::storage
