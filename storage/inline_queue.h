// SPDX-License-Identifier: Apache-2.0
// An IoQueue that does its work in reap(), on the calling thread: for closing a log, where waiting is what is wanted,
// and for tests.
#pragma once

#include <deque>
#include <functional>

#include "storage/io_queue.h"

namespace cms::storage {

// One thread.
class InlineQueue final : public IoQueue {
 public:
  void write(File& file, std::uint64_t position, std::span<const base::ByteSpan> pieces, bool sync,
             IoCompletion& done) override {
    run(
        [&file, position, sync, parts = std::vector<base::ByteSpan>(pieces.begin(), pieces.end())] {
          return write_all(file, position, parts, sync);
        },
        done);
  }

  void read(File& file, std::uint64_t position, base::MutableByteSpan into, IoCompletion& done) override {
    run([&file, position, into] { return file.read_at(position, into); }, done);
  }

  void run(std::function<base::Result<std::size_t>()> work, IoCompletion& done) override {
    waiting_.push_back({std::move(work), &done});
  }

  void submit() override {}
  int ready_descriptor() const override { return -1; }

  std::size_t reap() override {
    std::size_t count = 0;
    for (; !waiting_.empty(); ++count) {
      const auto [work, done] = std::move(waiting_.front());
      waiting_.pop_front();
      done->completed(work());
    }
    return count;
  }

  std::size_t in_flight() const override { return waiting_.size(); }

 private:
  static base::Result<std::size_t> write_all(File& file, std::uint64_t position,
                                             const std::vector<base::ByteSpan>& pieces, bool sync) {
    std::size_t bytes = 0;
    for (const base::ByteSpan& piece : pieces) {
      if (base::Result<void> written = file.write_at(position + bytes, piece); !written) return written.error();
      bytes += piece.size();
    }
    if (sync) {
      if (base::Result<void> synced = file.sync(); !synced) return synced.error();
    }
    return bytes;
  }

  std::deque<std::pair<std::function<base::Result<std::size_t>()>, IoCompletion*>> waiting_;
};

}  // namespace cms::storage
