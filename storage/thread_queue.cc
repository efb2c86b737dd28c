// SPDX-License-Identifier: Apache-2.0
#include "storage/thread_queue.h"

#include "storage/file_system.h"

namespace cms::storage {

void ThreadQueue::write(File& file, std::uint64_t position, std::span<const base::ByteSpan> pieces, bool sync,
                        IoCompletion& done) {
  CHECK(pieces.size() <= pieces_max);
  auto* posix_file = dynamic_cast<PosixFile*>(&file);
  CHECK(posix_file != nullptr);
  workers_.post([posix_file, position, kept = std::vector<base::ByteSpan>(pieces.begin(), pieces.end()),
                 sync] { return posix_file->write_pieces(position, kept, sync); },
                done);
}

void ThreadQueue::read(File& file, std::uint64_t position, base::MutableByteSpan into, IoCompletion& done) {
  workers_.post([&file, position, into] { return file.read_at(position, into); }, done);
}

void ThreadQueue::run(std::function<base::Result<std::size_t>()> work, IoCompletion& done) {
  workers_.post(std::move(work), done);
}

std::size_t ThreadQueue::reap() {
  ready_.clear();
  return workers_.reap();
}

}  // namespace cms::storage
