// SPDX-License-Identifier: Apache-2.0
#include "broker/core/connection.h"

#include <sys/socket.h>

#include <array>

#include <boost/asio/buffer.hpp>

#include "base/endian.h"
#include "base/log.h"

namespace cms::broker {

namespace {

constexpr std::size_t size_prefix_bytes = 4;

// What one turn takes from, or gathers for, one connection before others get theirs.
constexpr std::size_t turn_bytes = 1 << 20;

// Sends the parts from `skip` bytes on, until all is sent or the socket takes no more. Returns the bytes that are sent
// in all, skipped ones included; -1 for an error that ends the connection.
ssize_t send_parts(int descriptor, std::span<const base::ByteSpan> parts, std::size_t skip) {
  constexpr std::size_t vectors_max = 64;
  std::size_t done = skip;
  while (true) {
    std::array<iovec, vectors_max> vectors;
    std::size_t count = 0;
    std::size_t before = 0;
    for (const base::ByteSpan part : parts) {
      if (count == vectors_max) break;
      if (before + part.size() > done) {
        const std::size_t from = done > before ? done - before : 0;
        vectors[count++] = {const_cast<std::byte*>(part.data() + from), part.size() - from};
      }
      before += part.size();
    }
    if (count == 0) return static_cast<ssize_t>(done);
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = count;
    const ssize_t sent = ::sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? static_cast<ssize_t>(done) : -1;
    done += static_cast<std::size_t>(sent);
  }
}

}  // namespace

Connection::Connection(Core& core, Socket socket, Peer peer, Service& service, const ConnectionLimits& limits,
                       ReceiveBudget& budget, ConnectionMetrics& metrics)
    : core_(core),
      peer_(std::move(peer)),
      service_(service),
      limits_(limits),
      metrics_(metrics),
      socket_(std::move(socket)),
      budget_(budget),
      buffer_(budget),
      last_active_(std::chrono::steady_clock::now()) {
  peer_.connection = this;
}

Connection::~Connection() = default;

void Connection::start() {
  boost::system::error_code error;
  socket_.non_blocking(true, error);
  if (error) return close("the socket cannot be made non-blocking");
  read();
}

void Connection::close(std::string_view reason) {
  if (closed_) return;
  const auto self = shared_from_this();
  closed_ = true;
  base::log_debug("connection closed", "peer", peer_.address, "reason", reason);
  boost::system::error_code ignored;
  socket_.close(ignored);
  // One by one: a chain of destructors would recurse as deep as the client has pipelined.
  while (first_pending_ != nullptr) {
    first_pending_->connection_ = nullptr;
    first_pending_ = std::move(first_pending_->next_);
  }
  last_pending_ = nullptr;
  pending_count_ = 0;
  budget_.give_back(std::exchange(held_bytes_, 0));
  backlog_.reset();
  if (const auto attachment = std::move(attachment_)) attachment->ended();
  core_.remove(self);
}

void Connection::attach(std::shared_ptr<Attachment> attachment) {
  CHECK(attachment_ == nullptr && !closed_);
  attachment_ = std::move(attachment);
}

void Connection::send_attached(protocol::FrameBuffer& out) {
  if (!closed_ && !serving_ && backlog_ == nullptr) send(out);
}

void Connection::finish_sending() {
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

bool Connection::discard() {
  std::array<std::byte, 16384> unread;
  while (true) {
    const ssize_t got = ::recv(socket_.native_handle(), unread.data(), unread.size(), MSG_DONTWAIT);
    if (got > 0 || (got < 0 && errno == EINTR)) continue;
    return got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
  }
}

bool Connection::may_serve() const {
  if (closed_ || draining_ || !refusal_.empty()) return false;
  if (attachment_ == nullptr ? backlog_ != nullptr : !attachment_->takes_requests()) return false;
  // One request is always taken: it is answered, and then the next.
  if (pending_count_ == 0) return true;
  return pending_count_ < limits_.requests_in_flight_max && held_bytes_ < limits_.held_bytes_max &&
         !budget_.is_used_up();
}

void Connection::read() {
  if (reading_ || !may_serve() || !make_space()) return;  // without space, sweep() tries again
  reading_ = true;
  const base::MutableByteSpan space = buffer_.space();
  socket_.async_read_some(boost::asio::buffer(space.data(), space.size()),
                          [self = shared_from_this()](const boost::system::error_code& error, std::size_t bytes) {
                            self->received(error, bytes);
                          });
}

void Connection::received(const boost::system::error_code& error, std::size_t bytes) {
  reading_ = false;
  if (closed_) return;
  if (error == boost::asio::error::operation_aborted) {  // by sweep(), to give memory back
    buffer_.shrink();
    return read();
  }
  if (error) return close(error == boost::asio::error::eof ? "the client has closed it" : error.message());
  last_active_ = std::chrono::steady_clock::now();
  metrics_.bytes_received.add(bytes);
  buffer_.filled(bytes);
  const bool more = buffer_.space().empty();
  protocol::FrameBuffer& out = core_.outgoing();
  serve_frames(out);
  if (more) {
    buffer_.enlarge();  // until it is idle again: a client that pipelines is read in few calls
    receive_rest(out);
  }
  serving_ = true;  // ours come behind what is in `out`
  core_.answer_first();
  serving_ = false;
  if (send(out)) {
    answer_ready(out);
  } else {
    read();  // if that may be, behind a backlog
  }
  core_.end_of_turn();
}

// Room for what comes next, when all whole frames are served: at most one frame has begun.
bool Connection::make_space() {
  if (!buffer_.space().empty()) return true;
  const base::ByteSpan held = buffer_.data();
  std::size_t needed = size_prefix_bytes;
  // serve_frames() has refused sizes that are out of bounds.
  if (held.size() >= size_prefix_bytes) needed += static_cast<std::size_t>(base::load_big<std::int32_t>(held.data()));
  return buffer_.make_space(needed);
}

// The buffer was filled to its end: more is probably there already, and taking it now costs no turn of the loop.
void Connection::receive_rest(protocol::FrameBuffer& out) {
  for (std::size_t taken = 0; taken < turn_bytes && may_serve() && make_space();) {
    const base::MutableByteSpan space = buffer_.space();
    const ssize_t got = ::recv(socket_.native_handle(), space.data(), space.size(), MSG_DONTWAIT);
    if (got <= 0) return;  // nothing now; an end or an error shows again at the next read
    taken += static_cast<std::size_t>(got);
    metrics_.bytes_received.add(static_cast<std::uint64_t>(got));
    buffer_.filled(static_cast<std::size_t>(got));
    serve_frames(out);
    if (static_cast<std::size_t>(got) < space.size()) return;
  }
}

void Connection::serve_frames(protocol::FrameBuffer& out) {
  serving_ = true;
  while (may_serve()) {
    const base::ByteSpan held = buffer_.data();
    if (held.size() < size_prefix_bytes) break;
    const std::int32_t size = base::load_big<std::int32_t>(held.data());
    if (size < 0 || static_cast<std::size_t>(size) > limits_.frame_bytes_max) {
      metrics_.closed_for_violation.add();
      send(out);  // what came before was asked for rightly
      close("a frame of " + std::to_string(size) + " bytes, above socket.request.max.bytes or negative");
      break;
    }
    const std::size_t whole = size_prefix_bytes + static_cast<std::size_t>(size);
    if (held.size() < whole) break;
    if (!serve(held.subspan(size_prefix_bytes, static_cast<std::size_t>(size)), out)) break;
    buffer_.consume(whole);
    served_any_ = true;
    if (out.size() >= turn_bytes && !send(out)) break;
  }
  serving_ = false;
}

bool Connection::serve(base::ByteSpan frame, protocol::FrameBuffer& out) {
  std::shared_ptr<Answered> behind;
  if (first_pending_ != nullptr || backlog_ != nullptr) behind = std::make_shared<Answered>(core_);
  Served served = service_.serve(core_, peer_, frame, behind ? behind->frame() : out);
  switch (served.kind) {
    case Served::Kind::answered:
      if (behind) {
        behind->ready_ = true;
        behind->frame_is_complete();
        enqueue(std::move(behind));
      }
      return true;
    case Served::Kind::silent:
      return true;
    case Served::Kind::pending:
      enqueue(std::move(served.pending));
      return true;
    case Served::Kind::refused:
      metrics_.closed_for_violation.add();
      send(out);  // what came before was asked for rightly
      if (first_pending_ == nullptr && backlog_ == nullptr) {
        close(served.reason);
      } else {
        refusal_ = std::move(served.reason);
      }
      return false;
  }
  return false;
}

void Connection::enqueue(std::shared_ptr<Pending> pending) {
  pending->connection_ = this;
  Pending* const last = pending.get();
  if (last_pending_ == nullptr) {
    first_pending_ = std::move(pending);
  } else {
    last_pending_->next_ = std::move(pending);
  }
  last_pending_ = last;
  ++pending_count_;
  held_bytes_ += last->held_bytes_;
  budget_.add(last->held_bytes_);
}

std::shared_ptr<Pending> Connection::take_first() {
  std::shared_ptr<Pending> pending = std::move(first_pending_);
  first_pending_ = std::move(pending->next_);
  if (first_pending_ == nullptr) last_pending_ = nullptr;
  --pending_count_;
  held_bytes_ -= pending->held_bytes_;
  budget_.give_back(pending->held_bytes_);
  pending->connection_ = nullptr;
  return pending;
}

void Connection::answer_ready(protocol::FrameBuffer& out) {
  if (closed_ || serving_) return;
  const auto self = shared_from_this();
  if (attachment_ != nullptr) serve_frames(out);  // what it had put back, and takes now
  while (true) {
    bool any = false;
    while (first_pending_ != nullptr && first_pending_->ready_ && backlog_ == nullptr && !closed_) {
      take_first()->answer(out);
      any = true;
      if (out.size() >= turn_bytes) send(out);
    }
    if (!any) break;
    serve_frames(out);  // what in-flight limit or backlog had put back
  }
  last_active_ = std::chrono::steady_clock::now();
  if (!send(out)) return read();
  if (!refusal_.empty() && first_pending_ == nullptr) return close(refusal_);
  read();
}

bool Connection::send(protocol::FrameBuffer& out) {
  if (closed_) {
    out.clear();
    return false;
  }
  if (attachment_ != nullptr && backlog_ == nullptr) attachment_->add_outgoing(out);
  if (out.empty()) return backlog_ == nullptr;
  const std::size_t size = out.size();
  const ssize_t sent = send_parts(socket_.native_handle(), out.gather(), 0);
  if (sent < 0) {
    out.clear();
    close("sending failed");
    return false;
  }
  metrics_.bytes_sent.add(static_cast<std::uint64_t>(sent));
  if (static_cast<std::size_t>(sent) == size) {
    out.clear();
    if (attachment_ != nullptr) attachment_->sent();
    return true;
  }
  backlog_ = std::make_unique<protocol::FrameBuffer>();
  std::swap(*backlog_, out);
  backlog_sent_ = static_cast<std::size_t>(sent);
  await_writable();
  return false;
}

void Connection::await_writable() {
  socket_.async_wait(Socket::wait_write, [self = shared_from_this()](const boost::system::error_code& error) {
    if (!error && !self->closed_) self->send_backlog();
  });
}

void Connection::send_backlog() {
  const ssize_t sent = send_parts(socket_.native_handle(), backlog_->gather(), backlog_sent_);
  if (sent < 0) return close("sending failed");
  metrics_.bytes_sent.add(static_cast<std::uint64_t>(sent) - backlog_sent_);
  last_active_ = std::chrono::steady_clock::now();
  backlog_sent_ = static_cast<std::size_t>(sent);
  if (backlog_sent_ < backlog_->size()) return await_writable();
  backlog_.reset();
  if (attachment_ != nullptr) attachment_->sent();
  protocol::FrameBuffer& out = core_.outgoing();
  serve_frames(out);
  answer_ready(out);  // answers that waited go before what the attachment has
  core_.end_of_turn();
}

void Connection::sweep(SteadyTime now) {
  if (closed_) return;
  const auto silent = now - last_active_;
  if (!served_any_ && silent > limits_.first_request_max) return close("no request since it connected");
  const bool is_idle = pending_count_ == 0 && attachment_ == nullptr;
  if (is_idle && silent > limits_.idle_max) return close("idle for connections.max.idle.ms");
  if (backlog_ != nullptr && silent > limits_.idle_max) return close("the client takes no responses");
  if (!reading_) return read();  // the receive budget was used up
  if (silent > Core::sweep_interval && !buffer_.is_small() && buffer_.data().empty()) {
    boost::system::error_code ignored;
    socket_.cancel(ignored);
  }
}

}  // namespace cms::broker
