// SPDX-License-Identifier: Apache-2.0
#include "storage/space_returner.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace cms::storage {

namespace {

// Between two pieces: 250 MiB a second. With more than this outstanding, or with less than a twentieth of the disk
// free, space is worth more than short syncs.
constexpr std::chrono::milliseconds pause_time{4};
constexpr std::uint64_t pending_bytes_max = 4ull << 30;
constexpr std::uint64_t free_share_min = 20;

// How often it is asked whether a reader has closed the file, each after a pause; then the last one to close it
// frees it.
constexpr int patience = 250;

// A lease for writing is granted when nobody else has the file open; nobody can open it any more, as it has no name.
bool is_ours_alone(int descriptor) {
  if (::fcntl(descriptor, F_SETLEASE, F_WRLCK) != 0) return false;
  return ::fcntl(descriptor, F_SETLEASE, F_UNLCK) == 0;
}

bool is_space_short(int descriptor) {
  struct statvfs info;
  return ::fstatvfs(descriptor, &info) == 0 && info.f_bavail < info.f_blocks / free_share_min;
}

}  // namespace

SpaceReturner::~SpaceReturner() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  for (const Removed& file : files_) ::close(file.descriptor);
}

void SpaceReturner::take(int descriptor, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  files_.push_back({descriptor, bytes});
  pending_bytes_ += bytes;
  if (!thread_.joinable()) {
    thread_ = std::thread([this] { serve(); });
    ::pthread_setname_np(thread_.native_handle(), "space-returner");
  }
  changed_.notify_all();
}

std::uint64_t SpaceReturner::pending_bytes() const {
  const std::lock_guard lock(mutex_);
  return pending_bytes_;
}

void SpaceReturner::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !files_.empty(); });
    if (stopping_) return;
    const Removed file = files_.front();
    files_.pop_front();
    lock.unlock();
    give_back(file);
    lock.lock();
    pending_bytes_ -= file.bytes;
  }
}

// False: there is no time to lose.
bool SpaceReturner::pause() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, pause_time, [this] { return stopping_; });
  return !stopping_ && pending_bytes_ <= pending_bytes_max;
}

void SpaceReturner::give_back(const Removed& file) {
  bool gradual = !is_space_short(file.descriptor);
  for (int asked = 0; gradual && !is_ours_alone(file.descriptor); ++asked) {
    gradual = errno == EAGAIN && asked < patience && pause();
  }
  for (std::uint64_t left = file.bytes; gradual && left > 0;) {
    left -= std::min(left, piece_bytes);
    gradual = ::ftruncate(file.descriptor, static_cast<off_t>(left)) == 0 && pause();
  }
  ::close(file.descriptor);
}

}  // namespace cms::storage
