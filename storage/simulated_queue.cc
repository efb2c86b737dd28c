// SPDX-License-Identifier: Apache-2.0
#include "storage/simulated_queue.h"

#include <utility>

namespace cms::storage {

using base::ByteSpan;
using base::Result;

void SimulatedQueue::write(File& file, std::uint64_t position, std::span<const ByteSpan> pieces, bool sync,
                           IoCompletion& done) {
  CHECK(pieces.size() <= pieces_max);
  auto put = [&file, position, kept = std::vector<ByteSpan>(pieces.begin(), pieces.end())]() -> Result<std::size_t> {
    std::size_t bytes = 0;
    for (const ByteSpan piece : kept) {
      if (auto written = file.write_at(position + bytes, piece); !written) return written.error();
      bytes += piece.size();
    }
    return bytes;
  };
  Step settle;
  if (sync) {
    settle = [&file]() -> Result<std::size_t> {
      if (auto synced = file.sync(); !synced) return synced.error();
      return std::size_t{0};
    };
  }
  waiting_.push_back({std::move(put), std::move(settle), &done, std::size_t{0}});
}

void SimulatedQueue::read(File& file, std::uint64_t position, base::MutableByteSpan into, IoCompletion& done) {
  waiting_.push_back(
      {[&file, position, into] { return file.read_at(position, into); }, nullptr, &done, std::size_t{0}});
}

void SimulatedQueue::run(std::function<Result<std::size_t>()> work, IoCompletion& done) {
  waiting_.push_back({std::move(work), nullptr, &done, std::size_t{0}});
}

void SimulatedQueue::submit() {
  while (!waiting_.empty()) {
    Operation operation = std::move(waiting_.front());
    waiting_.pop_front();
    operation.result = operation.submit();
    submitted_.push_back(std::move(operation));
  }
  if (!submitted_.empty()) ready_.signal();
}

std::size_t SimulatedQueue::reap() {
  ready_.clear();
  // One at least, so that whoever drains comes to an end.
  std::size_t count = submitted_.empty() ? 0 : 1 + random_.below(submitted_.size());
  const std::size_t finished = count;
  for (; count > 0; --count) {
    const auto chosen = submitted_.begin() + static_cast<std::ptrdiff_t>(random_.below(submitted_.size()));
    Operation operation = std::move(*chosen);
    submitted_.erase(chosen);
    if (operation.result && operation.complete) {
      if (auto completed = operation.complete(); !completed) operation.result = completed.error();
    }
    operation.done->completed(std::move(operation.result));
  }
  if (!submitted_.empty()) ready_.signal();
  return finished;
}

}  // namespace cms::storage
