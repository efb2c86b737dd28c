// SPDX-License-Identifier: Apache-2.0
// Threads for what may block: administration, look-ups on disk, housekeeping.
#pragma once

#include <functional>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

namespace cms::broker {

class Workers {
 public:
  explicit Workers(std::size_t threads) : pool_(threads) {}
  ~Workers() { finish(); }

  // Any thread. Work is done in any order.
  void run(std::function<void()> work) { boost::asio::post(pool_, std::move(work)); }

  // Waits for all that was given; nothing may be given after it.
  void finish() { pool_.join(); }

 private:
  boost::asio::thread_pool pool_;
};

}  // namespace cms::broker
