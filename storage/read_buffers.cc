// SPDX-License-Identifier: Apache-2.0
#include "storage/read_buffers.h"

#include <mutex>
#include <vector>

namespace cms::storage {

struct ReadBuffers::Kept {
  std::mutex mutex;
  std::vector<std::unique_ptr<std::byte[]>> buffers;

  std::unique_ptr<std::byte[]> take() {
    const std::lock_guard lock(mutex);
    if (buffers.empty()) return nullptr;
    std::unique_ptr<std::byte[]> buffer = std::move(buffers.back());
    buffers.pop_back();
    return buffer;
  }

  void give_back(std::unique_ptr<std::byte[]> buffer) {
    const std::lock_guard lock(mutex);
    if (buffers.size() < kept_max) buffers.push_back(std::move(buffer));
  }
};

ReadBuffers::ReadBuffers() : kept_(std::make_shared<Kept>()) { kept_->buffers.reserve(kept_max); }

std::shared_ptr<std::byte[]> ReadBuffers::take(std::size_t bytes) {
  if (bytes <= small_bytes_max || bytes > buffer_bytes) return std::make_shared_for_overwrite<std::byte[]>(bytes);
  std::unique_ptr<std::byte[]> buffer = kept_->take();
  if (!buffer) buffer = std::make_unique_for_overwrite<std::byte[]>(buffer_bytes);
  const auto give_back = [kept = kept_](std::byte* memory) { kept->give_back(std::unique_ptr<std::byte[]>(memory)); };
  return {buffer.release(), give_back};
}

std::size_t ReadBuffers::kept() const {
  const std::lock_guard lock(kept_->mutex);
  return kept_->buffers.size();
}

}  // namespace cms::storage
