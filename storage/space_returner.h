// SPDX-License-Identifier: Apache-2.0
// Gives the blocks of large removed files back to the file system a piece at a time.
//
// A file system that is mounted with `discard` tells the device of freed blocks, and a sync that comes meanwhile waits
// for it: 4 to 5 ms for a segment of 32 MiB in one go, against 0.1 ms for a durable write. In pieces no sync waits for
// longer than 0.3 ms. The names have gone before; only the blocks come later.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>

namespace cms::storage {

// Any thread. Has one of its own, from the first file on.
class SpaceReturner {
 public:
  static constexpr std::uint64_t file_bytes_min = 4u << 20;  // smaller files need no care
  static constexpr std::uint64_t piece_bytes = 1u << 20;

  SpaceReturner() = default;
  ~SpaceReturner();  // what is left is given back at once
  SpaceReturner(const SpaceReturner&) = delete;
  SpaceReturner& operator=(const SpaceReturner&) = delete;

  // A descriptor, open for writing, of a file that has no name any more; owned from here on. While somebody else has
  // the file open it stays whole.
  void take(int descriptor, std::uint64_t bytes);

  std::uint64_t pending_bytes() const;

 private:
  struct Removed {
    int descriptor;
    std::uint64_t bytes;
  };

  void serve();
  void give_back(const Removed& file);
  bool pause();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Removed> files_;
  std::uint64_t pending_bytes_ = 0;  // of files_ and of the one in work
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace cms::storage
