// SPDX-License-Identifier: Apache-2.0
// One thread with one event loop. It owns its connections and what waits on them.
//
// The loop runs in turns: one readiness event (a connection with bytes, finished file work, a deadline, a message from
// another core), then end_of_turn(), which answers what the turn has woken, starts the flushes it asked for and hands
// file work to the kernel. Nothing in a turn waits.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "broker/core/deadlines.h"
#include "broker/core/pending.h"
#include "broker/core/pollable.h"
#include "protocol/frame.h"
#include "storage/io_queue.h"
#include "storage/read_buffers.h"

namespace cms::broker {

// Appended to during the turn; flushed once at its end, so that one sync covers all of the turn's appends.
class Flushable : public std::enable_shared_from_this<Flushable> {
 public:
  virtual ~Flushable() = default;
  virtual void start_flush(Core& core) = 0;

  // The time given to Core::flush_at() has come.
  virtual void flush_is_due(Core& core) = 0;
};

class Core {
 public:
  Core(int index, std::unique_ptr<storage::IoQueue> files, std::chrono::microseconds busy_poll);
  ~Core();

  // --- Any thread.
  int index() const { return index_; }
  bool on_this_thread() const { return std::this_thread::get_id() == thread_id_.load(std::memory_order_relaxed); }
  boost::asio::io_context& loop() { return loop_; }
  void wake(std::shared_ptr<Wakeable> wakeable);
  std::size_t connection_count() const { return connection_count_.load(std::memory_order_relaxed); }

  // Runs until stop(): the calling thread becomes the core's.
  void run();

  // Any thread. No more requests are taken; what waits for a sync of this core is answered after it; then connections
  // are closed and run() returns. What waits for another core's sync is answered only if the cores stop step by step:
  // stop_taking() on all, then finish_flushes() on all, then stop().
  void stop();

  // --- The core's thread.
  void stop_taking();     // requests; those taken go on
  void finish_flushes();  // waits for all file work that has been asked for
  storage::IoQueue& files() { return *files_; }
  storage::ReadBuffers& read_buffers() { return read_buffers_; }
  Deadlines& deadlines() { return deadlines_; }
  protocol::FrameBuffer& outgoing() { return outgoing_; }  // scratch of the turn; empty between turns
  void flush_later(std::shared_ptr<Flushable> flushable) { to_flush_.push_back(std::move(flushable)); }
  // For what may wait: one timer for all that is appended until then. Forgotten when the core stops.
  void flush_at(std::shared_ptr<Flushable> flushable, SteadyTime at);
  void end_of_turn();
  void wake_next_turn(std::shared_ptr<Wakeable> wakeable);

  // Whether it polls before it sleeps; then also these, while they are there.
  bool polls() const { return busy_poll_.count() > 0; }
  void add(Pollable& pollable) { pollables_.push_back(&pollable); }
  void remove(Pollable& pollable) { std::erase(pollables_, &pollable); }

  // Before a connection sends its own responses: answers what its requests have woken, if that is little. Who waits for
  // a record then has it one send earlier, and the one who sent it is not kept waiting behind many.
  static constexpr std::size_t answered_first_max = 4;
  void answer_first();

  void add(std::shared_ptr<Connection> connection);
  void remove(const std::shared_ptr<Connection>& connection);
  const std::unordered_set<std::shared_ptr<Connection>>& connections() const { return connections_; }

  // A stop waits so long for clients to close what it has ended.
  static constexpr std::chrono::milliseconds clients_close_max{500};

  // Time-outs of connections are looked at once a second.
  static constexpr std::chrono::seconds sweep_interval{1};

 private:
  struct DueFlush final : Deadline {
    DueFlush(Core& of, std::shared_ptr<Flushable> what) : core(of), flushable(std::move(what)) {}
    void expired() override;

    Core& core;
    std::shared_ptr<Flushable> flushable;
    std::list<DueFlush>::iterator self;
  };

  void run_woken();
  void await_files();
  void await_sweep();
  void poll_for(std::chrono::microseconds budget);
  bool poll_once();
  bool may_sleep();
  void drain();
  void let_clients_close();

  // Fixed at construction.
  const int index_;
  const std::chrono::microseconds busy_poll_;

  // Any thread.
  std::atomic<std::thread::id> thread_id_{};
  std::atomic<std::size_t> connection_count_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mailbox_mutex_;
  std::vector<std::shared_ptr<Wakeable>> mailbox_;
  std::atomic<bool> has_mail_{false};  // changes with the mutex held

  // The core's thread.
  boost::asio::io_context loop_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_running_;
  std::unique_ptr<storage::IoQueue> files_;
  storage::ReadBuffers read_buffers_;
  boost::asio::posix::stream_descriptor files_ready_;
  boost::asio::steady_timer sweep_timer_;
  Deadlines deadlines_;
  std::list<DueFlush> due_flushes_;
  protocol::FrameBuffer outgoing_;
  protocol::FrameBuffer answers_;  // scratch of run_woken()
  std::vector<std::shared_ptr<Wakeable>> woken_;
  std::vector<std::shared_ptr<Wakeable>> running_;
  std::vector<std::shared_ptr<Wakeable>> next_turn_;
  std::vector<Pollable*> pollables_;
  std::vector<std::shared_ptr<Flushable>> to_flush_;
  std::vector<std::shared_ptr<Flushable>> flushing_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
};

}  // namespace cms::broker
