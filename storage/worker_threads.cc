// SPDX-License-Identifier: Apache-2.0
#include "storage/worker_threads.h"

#include <sys/eventfd.h>
#include <unistd.h>

namespace cms::storage {

WorkerThreads::WorkerThreads(std::size_t threads_max, int notify_descriptor)
    : threads_max_(threads_max), notify_descriptor_(notify_descriptor) {
  CHECK(threads_max > 0);
}

WorkerThreads::~WorkerThreads() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  posted_or_stopping_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerThreads::post(Work work, IoCompletion& done) {
  ++in_flight_;
  bool start = false;
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back({std::move(work), &done});
    start = posted_.size() > idle_ && threads_.size() < threads_max_;
  }
  if (start) {
    threads_.emplace_back([this] { serve(); });
  } else {
    posted_or_stopping_.notify_one();
  }
}

std::size_t WorkerThreads::reap() {
  if (in_flight_ == 0) return 0;
  {
    const std::lock_guard lock(mutex_);
    reaped_.swap(finished_);
  }
  // A completion may post again, which does not touch reaped_.
  const std::size_t count = reaped_.size();
  in_flight_ -= count;
  for (Finished& one : reaped_) one.done->completed(std::move(one.result));
  reaped_.clear();
  return count;
}

void WorkerThreads::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    posted_or_stopping_.wait(lock, [this] { return stopping_ || !posted_.empty(); });
    --idle_;
    if (posted_.empty()) return;
    Posted posted = std::move(posted_.front());
    posted_.pop_front();
    lock.unlock();
    auto result = posted.work();
    posted.work = nullptr;  // what it holds goes here and not on the loop's thread
    lock.lock();
    finished_.push_back({std::move(result), posted.done});
    const std::uint64_t one = 1;
    CHECK(::write(notify_descriptor_, &one, sizeof(one)) == sizeof(one));
  }
}

EventDescriptor::EventDescriptor() : descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { CHECK(descriptor_ >= 0); }

EventDescriptor::~EventDescriptor() { ::close(descriptor_); }

void EventDescriptor::signal() {
  const std::uint64_t one = 1;
  CHECK(::write(descriptor_, &one, sizeof(one)) == sizeof(one));
}

void EventDescriptor::clear() {
  std::uint64_t count;
  (void)!::read(descriptor_, &count, sizeof(count));  // EAGAIN when nothing was signalled
}

}  // namespace cms::storage
