// SPDX-License-Identifier: Apache-2.0
#include "broker/core/deadlines.h"

#include "base/check.h"

namespace cms::broker {

Deadlines::Deadlines(boost::asio::io_context& loop, std::function<void()> after_expiry)
    : timer_(loop), after_expiry_(std::move(after_expiry)) {}

void Deadlines::add(Deadline& deadline, SteadyTime at) {
  CHECK(!deadline.is_linked());
  deadline.at_ = at;
  waiting_.insert(deadline);
  arm();
}

void Deadlines::clear() {
  waiting_.clear();
  timer_.cancel();
  armed_ = false;
}

void Deadlines::arm() {
  if (waiting_.empty()) return;
  const SteadyTime earliest = waiting_.begin()->at_;
  if (armed_ && armed_for_ <= earliest) return;
  armed_ = true;
  armed_for_ = earliest;
  timer_.expires_at(earliest);  // cancels the wait for the later time
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) fired();
  });
}

void Deadlines::fired() {
  armed_ = false;
  const SteadyTime now = std::chrono::steady_clock::now();
  bool any = false;
  while (!waiting_.empty() && waiting_.begin()->at_ <= now) {
    Deadline& due = *waiting_.begin();
    waiting_.erase(waiting_.begin());
    due.expired();
    any = true;
  }
  arm();
  if (any) after_expiry_();
}

}  // namespace cms::broker
