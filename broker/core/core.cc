// SPDX-License-Identifier: Apache-2.0
#include "broker/core/core.h"

#include <poll.h>

#include <boost/asio/post.hpp>

#include "base/check.h"
#include "broker/core/connection.h"

namespace cms::broker {

void Wakeable::wake() {
  if (!woken_.exchange(true, std::memory_order_acq_rel)) {
    // Whoever wakes may hold a plain pointer under the lock that our destructor takes to let go of it.
    if (auto self = weak_from_this().lock()) core_.wake(std::move(self));
  }
}

void Wakeable::wake_next_turn() {
  if (!woken_.exchange(true, std::memory_order_acq_rel)) core_.wake_next_turn(shared_from_this());
}

void Pending::run(protocol::FrameBuffer& scratch) {
  if (connection_ != nullptr) connection_->answer_ready(scratch);
}

// UNSAFE_IO: sockets and descriptors are touched by this thread alone, so their registration takes no lock.
Core::Core(int index, std::unique_ptr<storage::IoQueue> files, std::chrono::microseconds busy_poll)
    : index_(index),
      busy_poll_(busy_poll),
      loop_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
      keep_running_(loop_.get_executor()),
      files_(std::move(files)),
      files_ready_(loop_),
      sweep_timer_(loop_),
      deadlines_(loop_, [this] { end_of_turn(); }) {}

Core::~Core() { files_ready_.release(); }  // the descriptor is the queue's

void Core::wake(std::shared_ptr<Wakeable> wakeable) {
  if (on_this_thread()) {
    woken_.push_back(std::move(wakeable));
    return;
  }
  bool first;
  {
    const std::lock_guard lock(mailbox_mutex_);
    first = mailbox_.empty();
    mailbox_.push_back(std::move(wakeable));
    has_mail_.store(true, std::memory_order_relaxed);
  }
  if (first) boost::asio::post(loop_, [this] { end_of_turn(); });
}

void Core::wake_next_turn(std::shared_ptr<Wakeable> wakeable) {
  next_turn_.push_back(std::move(wakeable));
  if (next_turn_.size() > 1) return;
  boost::asio::post(loop_, [this] {
    for (auto& next : next_turn_) woken_.push_back(std::move(next));
    next_turn_.clear();
    end_of_turn();
  });
}

void Core::run() {
  thread_id_ = std::this_thread::get_id();
  files_ready_.assign(files_->ready_descriptor());
  await_files();
  await_sweep();
  while (!loop_.stopped()) {
    if (polls()) poll_for(busy_poll_);
    if (may_sleep()) {
      loop_.run_one();
    } else {
      loop_.poll();
    }
  }
  thread_id_ = std::thread::id{};
}

void Core::poll_for(std::chrono::microseconds budget) {
  auto until = std::chrono::steady_clock::now() + budget;
  while (!loop_.stopped() && std::chrono::steady_clock::now() < until) {
    if (poll_once()) until = std::chrono::steady_clock::now() + budget;
  }
}

// Asking the kernel costs as much as many looks at memory, and who has just been answered may already have more. A look
// that found something counts as several: sockets and files wait for a few turns at most.
bool Core::poll_once() {
  constexpr int looks_per_call = 32;
  constexpr int looks_per_turn = 8;
  bool any = false;
  for (int look = 0; look < looks_per_call && !pollables_.empty();) {
    bool found = false;
    for (std::size_t i = 0; i < pollables_.size(); ++i) found = pollables_[i]->poll() || found;  // one may end, and go
    if (found) {
      end_of_turn();
    } else {
      __builtin_ia32_pause();  // the client may run on the same core's other thread
    }
    any = any || found;
    look += found ? looks_per_turn : 1;
  }
  return loop_.poll() > 0 || any;
}

bool Core::may_sleep() {
  for (Pollable* const pollable : pollables_) {
    if (!pollable->prepare_to_sleep()) return false;
  }
  return true;
}

void Core::stop() {
  boost::asio::post(loop_, [this] {
    drain();
    loop_.stop();
  });
}

void Core::stop_taking() {
  stopping_ = true;
  for (const auto& connection : connections_) connection->drain();
  end_of_turn();
}

void Core::drain() {
  stop_taking();
  finish_flushes();
  const auto closing = connections_;
  let_clients_close();
  for (const auto& connection : closing) connection->close("the broker stops");
  finish_flushes();
  deadlines_.clear();
  due_flushes_.clear();
  boost::system::error_code ignored;
  sweep_timer_.cancel();
  files_ready_.cancel(ignored);
}

// They read what was answered, then our end of file, and close; not all of them need to.
void Core::let_clients_close() {
  for (const auto& connection : connections_) connection->finish_sending();
  std::vector<pollfd> open;
  const auto until = std::chrono::steady_clock::now() + clients_close_max;
  std::vector<std::shared_ptr<Connection>> left(connections_.begin(), connections_.end());
  while (true) {
    std::erase_if(left, [](const auto& connection) { return connection->discard(); });
    const auto time_left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.empty() || time_left.count() <= 0) return;
    open.clear();
    for (const auto& connection : left) open.push_back({connection->descriptor(), POLLIN, 0});
    poll(open.data(), open.size(), static_cast<int>(time_left.count()));
  }
}

// So that who waits for a flush is answered and no completion outlives the queue.
void Core::finish_flushes() {
  end_of_turn();
  while (files_->in_flight() > 0) {
    files_->submit();
    pollfd ready{files_->ready_descriptor(), POLLIN, 0};
    poll(&ready, 1, 10);
    files_->reap();
    end_of_turn();
  }
}

void Core::end_of_turn() {
  // Whoever put the first thing into an empty mailbox has also posted a turn, so it is not missed here for long.
  if (has_mail_.load(std::memory_order_relaxed)) {
    const std::lock_guard lock(mailbox_mutex_);
    for (auto& wakeable : mailbox_) woken_.push_back(std::move(wakeable));
    mailbox_.clear();
    has_mail_.store(false, std::memory_order_relaxed);
  }
  // Answering may wake more: a connection goes on with the requests it had put back.
  while (!woken_.empty() || !to_flush_.empty()) {
    run_woken();
    flushing_.swap(to_flush_);
    for (const auto& flushable : flushing_) flushable->start_flush(*this);
    flushing_.clear();
  }
  files_->submit();
}

void Core::flush_at(std::shared_ptr<Flushable> flushable, SteadyTime at) {
  due_flushes_.emplace_front(*this, std::move(flushable));
  DueFlush& due = due_flushes_.front();
  due.self = due_flushes_.begin();
  deadlines_.add(due, at);
}

void Core::DueFlush::expired() {
  Core& owner = core;
  const std::shared_ptr<Flushable> due = std::move(flushable);
  owner.due_flushes_.erase(self);  // this is gone
  due->flush_is_due(owner);
}

void Core::answer_first() {
  if (!woken_.empty() && woken_.size() <= answered_first_max) run_woken();
}

void Core::run_woken() {
  running_.swap(woken_);
  for (const auto& wakeable : running_) wakeable->mark();
  for (const auto& wakeable : running_) wakeable->run(answers_);
  running_.clear();
}

void Core::await_files() {
  files_ready_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                          [this](const boost::system::error_code& error) {
                            if (error) return;
                            files_->reap();
                            end_of_turn();
                            await_files();
                          });
}

void Core::await_sweep() {
  sweep_timer_.expires_after(sweep_interval);
  sweep_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    const auto now = std::chrono::steady_clock::now();
    for (auto at = connections_.begin(); at != connections_.end();) {
      const std::shared_ptr<Connection> connection = *at++;  // it may close, which takes it out
      connection->sweep(now);
    }
    await_sweep();
  });
}

void Core::add(std::shared_ptr<Connection> connection) {
  if (stopping_) return;
  connections_.insert(std::move(connection));
  connection_count_.store(connections_.size(), std::memory_order_relaxed);
}

void Core::remove(const std::shared_ptr<Connection>& connection) {
  connections_.erase(connection);
  connection_count_.store(connections_.size(), std::memory_order_relaxed);
}

}  // namespace cms::broker
