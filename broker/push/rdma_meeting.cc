// SPDX-License-Identifier: Apache-2.0
#include "broker/push/rdma_meeting.h"

#include <boost/asio/post.hpp>

#include "base/log.h"
#include "broker/push/session.h"
#include "storage/arena.h"

namespace cms::broker::push {

namespace {

constexpr std::chrono::seconds late_after{1};  // handshakes that take too long are looked for so often

base::ByteSpan chunk_of(const base::Bytes& part) {
  const storage::Chunk* const chunk = storage::Arena::chunk_of(part);
  return chunk == nullptr ? base::ByteSpan() : base::ByteSpan(chunk->data(), chunk->capacity());
}

base::Uuid as_uuid(const transport::RdmaToken& token) { return base::Uuid{token}; }

}  // namespace

base::Result<std::shared_ptr<RdmaMeeting>> RdmaMeeting::listen(
    Core& core, const std::string& endpoint, std::function<void(std::function<void()>)> run_on_worker) {
  base::Result<transport::Endpoint> at = transport::Endpoint::parse(endpoint);
  if (!at) return at.error();
  auto meeting = std::shared_ptr<RdmaMeeting>(new RdmaMeeting(core, std::move(run_on_worker)));
  RdmaMeeting* const self = meeting.get();  // which owns the listener
  auto listener = transport::RdmaListener::listen(
      *at, {[self](const transport::RdmaToken& token) { return self->admit(as_uuid(token)); },
            [self](const transport::RdmaToken& token, std::unique_ptr<transport::RingChannel> channel) {
              self->established(as_uuid(token), std::move(channel));
            },
            [self](const transport::RdmaToken& token, const base::Error& why) {
              self->forget(as_uuid(token));
              base::log_warning("a channel over RDMA cannot be made", "why", why.message());
            }});
  if (!listener) return listener.error();
  meeting->listener_ = std::move(*listener);
  const transport::Endpoint& bound = meeting->listener_->endpoint();
  const bool everywhere = bound.host.empty() || bound.host == "0.0.0.0" || bound.host == "::";
  meeting->told_ = everywhere ? ":" + std::to_string(bound.port) : bound.to_string();
  boost::system::error_code error;
  meeting->events_.assign(meeting->listener_->descriptor(), error);
  if (error) return base::Error(base::ErrorKind::io, "watching for RDMA connections: " + error.message());
  return meeting;
}

RdmaMeeting::RdmaMeeting(Core& core, std::function<void(std::function<void()>)> run_on_worker)
    : core_(core), run_on_worker_(std::move(run_on_worker)), events_(core.loop()), timer_(core.loop()) {}

RdmaMeeting::~RdmaMeeting() {
  if (events_.is_open()) events_.release();  // the descriptor is the listener's
}

void RdmaMeeting::stop() {
  stopped_ = true;
  boost::system::error_code ignored;
  events_.cancel(ignored);
  timer_.cancel();
}

// One of both, whichever comes first; then nothing more until the worker is done.
void RdmaMeeting::await_events() {
  if (stopped_) return;
  const auto came = [self = shared_from_this()](const boost::system::error_code& error) {
    if (error || self->stopped_ || std::exchange(self->processing_, true)) return;
    self->timer_.cancel();
    self->process();
  };
  events_.async_wait(boost::asio::posix::descriptor_base::wait_read, came);
  if (listener_->handshakes() == 0) return;
  timer_.expires_after(late_after);
  timer_.async_wait([self = shared_from_this(), came](const boost::system::error_code& error) {
    if (error || self->processing_) return;
    boost::system::error_code ignored;
    self->events_.cancel(ignored);
    came(error);
  });
}

void RdmaMeeting::process() {
  run_on_worker_([self = shared_from_this()] {
    const base::Result<void> processed = self->listener_->process();
    boost::asio::post(self->core_.loop(), [self, processed] {
      self->processing_ = false;
      if (processed) return self->await_events();
      base::log_error("RDMA connections are not taken any more", "why", processed.error().message());
    });
  });
}

base::Result<Meeting> RdmaMeeting::expect(const std::shared_ptr<Session>& session, std::size_t ring_bytes) {
  const auto token = expected_.expect(session, ring_bytes);
  if (!token) return token.error();
  return Meeting{told_, *token};
}

std::optional<transport::RdmaChannelOptions> RdmaMeeting::admit(const base::Uuid& token) {
  const auto ring_bytes = expected_.admit(token);
  if (!ring_bytes) return std::nullopt;
  transport::RdmaChannelOptions options;
  options.ring_bytes = *ring_bytes;
  options.region_of = chunk_of;
  return options;
}

void RdmaMeeting::established(const base::Uuid& token, std::unique_ptr<transport::RingChannel> channel) {
  auto session = expected_.take(token);
  if (session == nullptr) return;  // it has ended meanwhile, and so does the channel
  hand_over(std::move(session), std::move(channel));
}

}  // namespace cms::broker::push
