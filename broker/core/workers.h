// SPDX-License-Identifier: Apache-2.0
// Threads for what may block: administration, look-ups on disk, housekeeping.
#pragma once

#include <atomic>
#include <functional>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

namespace cms::broker {

class Workers {
 public:
  explicit Workers(std::size_t threads) : pool_(threads) {}
  ~Workers() { finish(); }

  // Any thread. Work is done in any order.
  void run(std::function<void()> work) {
    under_way_.fetch_add(1);
    boost::asio::post(pool_, [this, work = std::move(work)] {
      work();
      if (under_way_.fetch_sub(1) == 1) under_way_.notify_all();
    });
  }

  // Waits for a moment at which nothing is under way.
  void settle() {
    for (std::size_t now = under_way_.load(); now > 0; now = under_way_.load()) under_way_.wait(now);
  }

  // Waits for all that was given; nothing may be given after it.
  void finish() { pool_.join(); }

 private:
  std::atomic<std::size_t> under_way_{0};
  boost::asio::thread_pool pool_;
};

}  // namespace cms::broker
