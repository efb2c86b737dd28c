// SPDX-License-Identifier: Apache-2.0
#include "broker/push/session.h"

#include <boost/asio/post.hpp>

#include "base/log.h"
#include "broker/push/access.h"
#include "protocol/push/messages.h"

namespace cms::broker::push {

namespace messages = protocol::push;

namespace {

// What a session reads from files at once.
constexpr std::size_t cold_places = 4;

// Messages taken from a channel before others have their turn.
constexpr std::size_t messages_per_turn = 512;

constexpr int silent_beats_max = 3;

}  // namespace

Session::Session(PushCore& owner, Connection& connection, Peer peer, Settings settings)
    : Wakeable(owner.core()),
      owner_(owner),
      peer_(std::move(peer)),
      settings_(std::move(settings)),
      figures_(std::make_shared<ChannelFigures>(settings_.client_id, peer_.address, settings_.kind,
                                                owner.next_session_number(), settings_.ring_bytes)),
      connection_(&connection),
      publications_(*this),
      cold_places_free_(cold_places) {
  if (settings_.map_logs) shared_chunks_.emplace(owner.metrics());
}

Session::~Session() { CHECK(connection_ == nullptr); }

void Session::begin(std::chrono::milliseconds patience) {
  metrics().channels(settings_.kind).add(1);
  metrics().add(figures_);
  connection_->attach(shared());
  core().deadlines().add(*this, std::chrono::steady_clock::now() + patience);
}

void Session::serve_over_connection() {
  auto channel = std::make_unique<ConnectionChannel>(*connection_, settings_.ring_bytes);
  over_connection_ = channel.get();
  set_channel(std::move(channel));
}

void Session::expect(ChannelFactory& factory, const base::Uuid& token) {
  expected_by_ = &factory;
  token_ = token;
}

void Session::set_channel(std::unique_ptr<transport::Channel> channel) {
  if (connection_ == nullptr) return;
  channel_ = std::move(channel);
  note_figures();
  unlink();  // it has come in time
  core().deadlines().add(*this, std::chrono::steady_clock::now() + settings_.heartbeat);
  if (channel_->wake_descriptor() >= 0) {
    bell_.emplace(core().loop(), channel_->wake_descriptor());
    await_bell();
    if (core().polls()) {
      core().add(static_cast<Pollable&>(*this));
      pace_ = &pace_of_polling;
    }
  }
  wake();
}

// The end of the connection. What is still under way finds that this has gone.
void Session::ended() {
  connection_ = nullptr;
  unlink();
  if (expected_by_ != nullptr) expected_by_->forget(token_);
  for (auto& [number, subscription] : subscriptions_) owner_.unwatch(*subscription);
  metrics().subscriptions.add(-static_cast<std::int64_t>(subscriptions_.size()));
  metrics().streams.add(-static_cast<std::int64_t>(streams_.size()));
  metrics().publications.add(-static_cast<std::int64_t>(publications_.size()));
  metrics().channels(settings_.kind).add(-1);
  metrics().remove(figures_);
  waiting_for_cold_place_.clear();
  streams_.clear();  // each forgets its partition, so that nobody lists it any more
  publications_.clear();
  ready_.clear();
  subscriptions_.clear();
  if (bell_) {
    core().remove(static_cast<Pollable&>(*this));
    bell_->release();  // the descriptor is the channel's
  }
  if (over_connection_ == nullptr) channel_.reset();  // otherwise it may be what has found out
  owner_.limits().give_channel(settings_.ring_bytes);
}

// --- Channels in memory.

void Session::await_bell() {
  bell_->async_wait(boost::asio::posix::descriptor_base::wait_read,
                    [self = shared()](const boost::system::error_code& error) {
                      if (error || self->connection_ == nullptr) return;
                      self->blocked_ = false;
                      self->awake();
                      self->wake();
                      self->core().end_of_turn();
                      if (self->connection_ != nullptr) self->await_bell();
                    });
}

void Session::awake() {
  if (std::exchange(asleep_, false)) channel_->awake();
}

// At the end of a turn, on a core that does not poll.
void Session::sleep() {
  if (prepare_to_sleep()) return;
  blocked_ = false;
  take_next_turn();
}

void Session::take_next_turn() {
  has_next_turn_ = true;
  wake_next_turn();
}

bool Session::prepare_to_sleep() {
  if (asleep_) return true;
  asleep_ = true;
  if (channel_->prepare_to_sleep()) return true;
  // Messages that are not to be taken yet are no reason to stay awake: answers to puts will be, or room for them.
  return paused_ && (!blocked_ || channel_->room_bytes() < channel_->message_bytes_max());
}

bool Session::poll() {
  awake();
  if (blocked_ && channel_->room_bytes() >= channel_->message_bytes_max()) blocked_ = false;
  in_turn_ = true;
  const bool any = receive();
  const bool work = connection_ != nullptr && !blocked_ && !ready_.empty();
  if (work) send();
  in_turn_ = false;
  return any || work;
}

void Session::fail(std::string_view why) {
  if (connection_ == nullptr) return;
  boost::asio::post(core().loop(), [self = shared()] {});  // whoever called us is not done with this
  connection_->close(why);
}

void Session::add_outgoing(protocol::FrameBuffer& out) {
  if (over_connection_ != nullptr) over_connection_->add_outgoing(out);
}

void Session::sent() {
  if (over_connection_ == nullptr || !blocked_) return;
  blocked_ = false;
  wake_next_turn();
}

// --- A turn.

void Session::run(protocol::FrameBuffer& scratch) {
  rearm();
  has_next_turn_ = false;
  if (connection_ == nullptr || channel_ == nullptr) return;
  awake();
  in_turn_ = true;
  receive();
  if (connection_ != nullptr) send();
  in_turn_ = false;
  if (connection_ != nullptr && paused_ && !puts_are_full()) {
    receive();  // what had been put back
    if (connection_ != nullptr && over_connection_ != nullptr && !paused_) connection_->go_on(scratch);
  }
  if (connection_ != nullptr && bell_ && !core().polls() && !has_next_turn_) sleep();
}

bool Session::puts_are_full() const {
  return publications_.unanswered() >= static_cast<std::size_t>(owner_.options().push_puts_in_flight_max);
}

// Whether any message has come. The channel may have ended, and the connection with it.
bool Session::receive() {
  std::size_t count = 0;
  received_bytes_ = 0;
  const auto is_enough = [&] { return count >= messages_per_turn || received_bytes_ >= pace_->received_bytes_max; };
  while (!is_enough() && !puts_are_full()) {
    // One at a time while puts come near their bound would be exact; a few above it do no harm.
    const auto polled = channel_->poll(*this, pace_->messages_at_once);
    if (!polled || !violation_.empty()) {
      if (polled || polled.error().kind() == base::ErrorKind::corrupt) metrics().ended_for_violation.add();
      fail(polled ? violation_ : polled.error().message());
      return true;
    }
    count += *polled;
    // Who sends one alone waits for it: looking for more would give room back first, a wait for all earlier stores.
    if (*polled <= 1) break;
  }
  if (count > 0) heard_ = true;
  paused_ = puts_are_full() || (over_connection_ != nullptr && over_connection_->has_rest());
  if (is_enough()) take_next_turn();
  return count > 0;
}

base::Result<void> Session::arrived(base::ByteSpan bytes) {
  if (over_connection_ == nullptr)
    return base::Error(base::ErrorKind::invalid, "the channel is not on this connection");
  over_connection_->arrived(bytes);
  while (over_connection_->has_rest() && !puts_are_full()) {
    const auto polled = channel_->poll(*this, pace_->messages_at_once);
    if (!polled) return polled.error();
    if (!violation_.empty()) {
      metrics().ended_for_violation.add();
      return base::Error(base::ErrorKind::invalid, violation_);
    }
  }
  heard_ = true;
  over_connection_->keep_rest();
  paused_ = puts_are_full() || over_connection_->has_rest();
  return {};
}

// Gives each source that is ready its share, round after round, until the turn is over or the channel is full.
void Session::send() {
  Outlet outlet{*channel_, *pace_};
  if (beat_due_) {
    const messages::Heartbeat beat;
    const base::Bytes parts[] = {{nullptr, messages::bytes_of(beat)}};
    beat_due_ = !outlet.offer(parts);
  }
  // Each is taken before the one before it has its turn: taking waits for all earlier stores, and behind an offer those
  // are the message's, whose lines the client has.
  Source* next = nullptr;
  std::size_t flushed_bytes = 0;
  while (!blocked_ && outlet.bytes_sent < Outlet::turn_bytes_max) {
    Source* const source = next != nullptr ? next : ready_.take();
    if (source == nullptr) break;
    if (outlet.bytes_sent - flushed_bytes >= pace_->flush_bytes_min) {
      channel_->flush();
      flushed_bytes = outlet.bytes_sent;
    }
    next = ready_.take();
    if (next == source) next = nullptr;  // made ready again before its turn, in which it may end
    switch (source->step(outlet)) {
      case Source::Step::idle:
        break;
      case Source::Step::more:
        ready_.add_here(*source);
        break;
      case Source::Step::full:
        if (next != nullptr) ready_.put_back(*std::exchange(next, nullptr));  // behind it
        ready_.put_back(*source);
        blocked_ = true;
        metrics().ring_full.add();
        break;
      case Source::Step::done:
        if (!ReadyList::has(*source)) remove(static_cast<Stream&>(*source));  // only streams end
        break;
    }
  }
  if (next != nullptr) ready_.put_back(*next);
  if (outlet.messages > 0) {
    spoke_ = true;
    channel_->flush();
  }
  // Scratch keeps nothing of the log's memory; to let go of it is also such a wait.
  parts_.clear();
  records_.make_empty();
  if (connection_ != nullptr && !blocked_ && !ready_.empty()) take_next_turn();
}

void Session::remove(Stream& stream) {
  std::erase(waiting_for_cold_place_, &stream);
  streams_.erase(stream.number());
  metrics().streams.add(-1);
}

// --- Heartbeats.

void Session::expired() {
  if (channel_ == nullptr) return fail("its channel was not taken in time");
  // What a client says that is not read now is not heard; then it lives if it takes what it is sent.
  if (heard_ || (paused_ && (!blocked_ || spoke_))) {
    silent_beats_ = 0;
  } else if (++silent_beats_ >= silent_beats_max) {
    return fail("its native client is silent");
  }
  heard_ = false;
  if (shared_chunks_) shared_chunks_->try_again();
  publications_.forget_unused();
  if (!std::exchange(spoke_, false)) beat_due_ = true;
  note_figures();
  core().deadlines().add(*this, std::chrono::steady_clock::now() + settings_.heartbeat);
  wake();
}

void Session::note_figures() {
  std::int64_t lag = 0;
  for (const auto& [number, stream] : streams_) lag += stream->lag();
  figures_->lag.store(lag, std::memory_order_relaxed);
  figures_->streams.store(streams_.size(), std::memory_order_relaxed);
  figures_->subscriptions.store(subscriptions_.size(), std::memory_order_relaxed);
  figures_->room.store(channel_->room_bytes(), std::memory_order_relaxed);
}

void Session::count_pushed(std::uint64_t records, std::size_t bytes) {
  metrics().pushed_records.add(records);
  metrics().pushed_bytes.add(bytes);
  add_as_only_writer(figures_->records, records);
  add_as_only_writer(figures_->bytes, bytes);
}

void Session::count_put() {
  metrics().puts.add();
  add_as_only_writer(figures_->puts, 1);
}

// --- What the client says over the channel.

void Session::violated(std::string rule) {
  if (violation_.empty()) violation_ = std::move(rule);
}

void Session::received(base::ByteSpan message) {
  if (!violation_.empty()) return;
  received_bytes_ += message.size();
  const auto type = messages::type_of(message);
  if (!type) return violated("a message without a type");
  switch (*type) {
    case messages::MessageType::put:
      return take_put(message);
    case messages::MessageType::credit:
      return take_credit(message);
    case messages::MessageType::heartbeat:
      return;
    default:
      return violated("a message of type " + std::to_string(static_cast<int>(*type)));
  }
}

void Session::take_credit(base::ByteSpan message) {
  const auto credit = messages::header_of<messages::Credit>(message);
  if (!credit) return violated("credit that is too short");
  const auto found = subscriptions_.find(static_cast<std::int32_t>(credit->subscription));
  if (found == subscriptions_.end()) return;  // it may be gone since
  if (!found->second->credit(credit->bytes)) violated("credit for more than was sent, or less than was given before");
}

void Session::take_put(base::ByteSpan message) {
  const auto put = messages::header_of<messages::Put>(message);
  if (!put) return violated("a put that is too short");
  const bool shared = settings_.kind == transport::ChannelKind::shared_memory;
  if (std::string rule = publications_.put(*put, message.subspan(sizeof *put), shared); !rule.empty()) {
    violated(std::move(rule));
  }
}

}  // namespace cms::broker::push
