// SPDX-License-Identifier: Apache-2.0
// Batches of one partition that memory does not hold any more, read from their file through a core's I/O queue. More
// than one read where the batch wanted turns out to be larger than what was read.
//
// The core's thread. The owner keeps it until it has told; the queue refers to it.
#pragma once

#include <functional>
#include <memory>

#include "base/bytes.h"
#include "storage/log.h"
#include "storage/read_buffers.h"

namespace cms::broker {

using records::Offset;

class ColdRead final : private storage::IoCompletion {
 public:
  struct Wanted {
    Offset offset = 0;          // whole batches from the one that holds it
    Offset below = 0;           // all below this
    std::size_t bytes_max = 0;  // but one at least
  };

  ColdRead(storage::IoQueue& files, storage::ReadBuffers& buffers, storage::ColdRange range, Wanted wanted);

  // `done` is told once, from the queue; nothing when the file cannot be read. What is wrong with it shows when it is
  // opened again.
  void start(std::function<void(base::Bytes)> done);

 private:
  void read(std::uint64_t position, std::size_t bytes);
  void completed(base::Result<std::size_t> bytes) noexcept override;

  storage::IoQueue& files_;
  storage::ReadBuffers& buffers_;
  const storage::ColdRange range_;
  const Wanted wanted_;
  std::function<void(base::Bytes)> done_;
  std::uint64_t position_ = 0;
  std::size_t size_ = 0;
  std::shared_ptr<std::byte[]> memory_;
};

// Where in `bytes`, a piece of a segment, the wanted records lie. `missing`: the batch wanted is there in part; so many
// bytes from `from` on are needed.
struct ColdSlice {
  std::size_t from = 0;
  std::size_t size = 0;
  std::size_t missing = 0;
};
ColdSlice find_in_cold(base::ByteSpan bytes, Offset offset, Offset below, std::size_t bytes_max);

}  // namespace cms::broker
