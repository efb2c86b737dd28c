// SPDX-License-Identifier: Apache-2.0
// Blocking work on threads of its own, for an IoQueue: the owner posts and reaps on one thread, the work runs on
// others.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "storage/io_queue.h"

namespace cms::storage {

// Threads start when there is work for them, up to threads_max, and stay. No order is promised between works.
class WorkerThreads {
 public:
  using Work = std::function<base::Result<std::size_t>()>;

  // Adds one to the eventfd `notify_descriptor` when something has finished; it outlives this.
  WorkerThreads(std::size_t threads_max, int notify_descriptor);
  WorkerThreads(const WorkerThreads&) = delete;
  WorkerThreads& operator=(const WorkerThreads&) = delete;
  ~WorkerThreads();  // does what is left, tells nobody

  void post(Work work, IoCompletion& done);
  std::size_t reap();  // calls the completions of all that has finished
  std::size_t in_flight() const { return in_flight_; }

 private:
  struct Posted {
    Work work;
    IoCompletion* done;
  };
  struct Finished {
    base::Result<std::size_t> result;
    IoCompletion* done;
  };

  void serve();

  const std::size_t threads_max_;
  const int notify_descriptor_;

  // The owner's thread.
  std::size_t in_flight_ = 0;
  std::vector<Finished> reaped_;  // kept for its memory
  std::vector<std::thread> threads_;

  // Any thread, under mutex_.
  std::mutex mutex_;
  std::condition_variable posted_or_stopping_;
  std::deque<Posted> posted_;
  std::vector<Finished> finished_;
  std::size_t idle_ = 0;  // threads that wait
  bool stopping_ = false;
};

// An eventfd that does not block; closed with its owner.
class EventDescriptor {
 public:
  EventDescriptor();
  EventDescriptor(const EventDescriptor&) = delete;
  EventDescriptor& operator=(const EventDescriptor&) = delete;
  ~EventDescriptor();

  int get() const { return descriptor_; }
  void signal();
  void clear();

 private:
  const int descriptor_;
};

}  // namespace cms::storage
