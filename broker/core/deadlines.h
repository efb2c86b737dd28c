// SPDX-License-Identifier: Apache-2.0
// What must happen at a time, on one core: a heap-free ordered set of deadlines over one timer.
#pragma once

#include <chrono>
#include <functional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/set.hpp>

namespace cms::broker {

using SteadyTime = std::chrono::steady_clock::time_point;

// Something with a deadline. Destroying it takes it out of its set. The owning core's thread.
class Deadline : public boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  virtual ~Deadline() = default;

  // The time has come; it is no longer in the set.
  virtual void expired() = 0;

  SteadyTime at() const { return at_; }

 private:
  friend class Deadlines;
  SteadyTime at_{};
};

// The timer is armed for the earliest deadline and left alone when a later one is added or an earlier one goes: it then
// fires once for nothing, which is cheaper than a system call for each parked fetch. Exact to the timer's resolution.
class Deadlines {
 public:
  // `after_expiry` is called once after each firing that expired something.
  Deadlines(boost::asio::io_context& loop, std::function<void()> after_expiry);

  void add(Deadline& deadline, SteadyTime at);
  void clear();  // forgets all, calls none

 private:
  struct Earlier {
    bool operator()(const Deadline& a, const Deadline& b) const { return a.at_ < b.at_; }
  };
  void arm();
  void fired();

  boost::asio::steady_timer timer_;
  std::function<void()> after_expiry_;
  bool armed_ = false;
  SteadyTime armed_for_{};
  boost::intrusive::multiset<Deadline, boost::intrusive::compare<Earlier>, boost::intrusive::constant_time_size<false>>
      waiting_;
};

}  // namespace cms::broker
