// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/rdma_channel.h"

#include <sys/epoll.h>

#include <thread>

namespace cms::transport::rdma {

namespace {

using base::ErrorKind;

// An end that never sleeps looks this often whether the connection has ended.
constexpr std::size_t polls_unlooked_max = 1024;

}  // namespace

RdmaChannel::RdmaChannel(std::unique_ptr<Connection> connection, RdmaChannelOptions options)
    : connection_(std::move(connection)),
      options_(std::move(options)),
      regions_(*connection_->domain),
      out_(connection_->out.header(), connection_->out.data()),
      in_(connection_->in.header(), connection_->in.data()) {}

RdmaChannel::~RdmaChannel() {
  look_for_events();
  drain();
  if (!failed_ && !peer_gone_ && connection_->in.header().closed.load(std::memory_order_relaxed) == 0) say_closed();
  core().disconnect(connection_->id.get());
  connection_->queue_pair_of.reset();  // nothing is under way any more: owners and regions may go
}

void RdmaChannel::say_closed() {
  const auto deadline = std::chrono::steady_clock::now() + options_.close_wait;
  const auto wait_until = [&](auto done) {
    while (!done() && !failed_ && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
      drain();
      post_writes();
    }
  };
  flush();
  wait_until([&] { return !has_unposted() && sends_free() > sends_reserved; });
  if (failed_ || has_unposted() || sends_free() == 0) return;
  post_doorbell(Doorbell::of(DoorbellKind::closed, tail()), /*signaled=*/true);
  wait_until([&] { return sends_completed_ == sends_posted_; });
}

base::Result<std::size_t> RdmaChannel::nothing_read() {
  if (!in_.violation().empty()) {
    fail(ErrorKind::corrupt, "the peer has written into its ring: " + std::string(in_.violation()));
    return *failed_;
  }
  if (in_.has_more()) return std::size_t{0};
  // Whatever became of the connection afterwards.
  if (in_.ended()) failed_.emplace(ErrorKind::closed, "the peer has closed the channel");
  if (peer_gone_) fail(ErrorKind::closed, "the peer has gone");
  if (failed_) return *failed_;
  if (++polls_unlooked_ >= polls_unlooked_max) look_for_events();
  return std::size_t{0};
}

void RdmaChannel::fail(ErrorKind kind, std::string what) {
  if (!failed_) failed_.emplace(kind, std::move(what));
}

bool RdmaChannel::prepare_to_sleep() {
  flush();
  give_credit();
  regions_.forget_gone();
  arm(*connection_->received, received_armed_);
  // What waits for a place among the sends; what waits for a credit is woken by that.
  if (has_unposted() || owes_credit() || !gathered_.empty()) arm(*connection_->sent, sent_armed_);
  // Only what comes from here on rings.
  drain();
  if (has_unposted()) post_writes();
  give_credit();
  const bool nothing_to_read = in_.prepare_to_sleep();
  return out_.prepare_to_sleep() && nothing_to_read && !failed_ && !peer_gone_;
}

void RdmaChannel::arm(ibv_cq& queue, bool& armed) {
  if (armed) return;
  armed = true;
  if (ibv_req_notify_cq(&queue, 0) != 0) fail(ErrorKind::io, "arming a completion queue");
}

void RdmaChannel::awake() {
  in_.awake();
  out_.awake();
  look_for_events();
}

void RdmaChannel::look_for_events() {
  polls_unlooked_ = 0;
  std::array<epoll_event, 2> ready;
  const int count = ::epoll_wait(connection_->wake.get(), ready.data(), ready.size(), 0);
  for (int i = 0; i < count; ++i) {
    if (ready[static_cast<std::size_t>(i)].data.fd == connection_->completions->fd) swallow_completion_events();
    if (ready[static_cast<std::size_t>(i)].data.fd == connection_->events->fd) swallow_connection_events();
  }
}

void RdmaChannel::swallow_completion_events() {
  ibv_cq* queue = nullptr;
  void* context = nullptr;
  while (core().get_cq_event(connection_->completions.get(), &queue, &context) == 0) {
    core().ack_cq_events(queue, 1);
    (queue == connection_->received.get() ? received_armed_ : sent_armed_) = false;
  }
}

void RdmaChannel::swallow_connection_events() {
  rdma_cm_event* event = nullptr;
  while (core().get_cm_event(connection_->events.get(), &event) == 0) {
    // Once established, all that can come is its end, or news of addresses.
    if (event->event != RDMA_CM_EVENT_ESTABLISHED && event->event != RDMA_CM_EVENT_ADDR_CHANGE) peer_gone_ = true;
    core().ack_cm_event(event);
  }
}

}  // namespace cms::transport::rdma
