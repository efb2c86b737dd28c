// SPDX-License-Identifier: Apache-2.0
#include "client/native/link.h"

#include <algorithm>
#include <utility>

namespace cms::client {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using transport::Offered;

constexpr milliseconds retry_pause_min{10};
constexpr milliseconds retry_pause_max{500};
constexpr int silent_intervals_max = 3;

cms::ChannelKind public_kind(transport::ChannelKind kind) {
  switch (kind) {
    case transport::ChannelKind::tcp:
      return cms::ChannelKind::tcp;
    case transport::ChannelKind::shared_memory:
      return cms::ChannelKind::shared_memory;
    case transport::ChannelKind::rdma:
      return cms::ChannelKind::rdma;
  }
  return cms::ChannelKind::automatic;
}

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

cms::Result<std::shared_ptr<Link>> Link::open(cms::SessionOptions options) {
  if (options.ring_bytes > transport::ring_bytes_max)
    return cms::Error{Code::invalid, "ring_bytes: a ring has 1 GiB at most", 0};
  Result<OpenedChannel> opened = open_channel(options);
  if (!opened) return told(opened.error());
  std::shared_ptr<Link> link(new Link(std::move(options)));
  link->take(std::move(*opened));
  return link;
}

void Link::take(OpenedChannel opened) {
  opened_.channel.reset();  // before what it stands on
  opened_.socket_link.reset();
  opened_ = std::move(opened);
  kind_ = public_kind(opened_.channel->kind());
  message_bytes_max_ = opened_.channel->message_bytes_max();
  ++channels_;
  sent_at_ = received_at_ = steady_clock::now();
  broken_.reset();
}

cms::Error Link::failed(const Error& error) {
  if (is_unreachable(error) && !broken_) broken_ = error;
  return told(error);
}

std::uint32_t Link::new_subscription(SubscriptionUser& user) {
  subscriptions_[next_subscription_] = &user;
  return next_subscription_++;
}

std::uint32_t Link::new_publication(PublicationUser& user) {
  publications_[next_publication_] = &user;
  return next_publication_++;
}

Offered Link::offer(std::span<const base::Bytes> parts) {
  if (lost()) return Offered::full;
  const Offered offered = opened_.channel->offer(parts);
  sent_ |= offered == Offered::taken;
  return offered == Offered::closed ? Offered::full : offered;  // the next turn finds out why
}

void Link::flush() {
  if (!lost()) opened_.channel->flush();
}

cms::Result<std::size_t> Link::poll(milliseconds timeout, std::size_t messages_max) {
  if (polling_) return cms::Error{Code::invalid, "poll() from within a callback", 0};
  polling_ = true;
  events_ = 0;
  interrupted_ = false;
  if (std::exchange(armed_, false) && opened_.channel) opened_.channel->awake();
  const SteadyTime deadline = timeout < milliseconds::zero() || timeout > std::chrono::hours(24 * 365)
                                  ? SteadyTime::max()
                                  : steady_clock::now() + timeout;
  cms::Result<std::size_t> done = run(deadline, messages_max);
  if (wake_.is_handed_out()) arm();
  polling_ = false;
  return done;
}

cms::Result<std::size_t> Link::run(SteadyTime deadline, std::size_t messages_max) {
  const SteadyTime spin_until = options_.spin.count() > 0 ? steady_clock::now() + options_.spin : SteadyTime::min();
  for (;;) {
    if (lost()) {
      if (const cms::Result<void> back = come_back(deadline); !back) return back.error();
    }
    const SteadyTime now = steady_clock::now();
    if (!lost()) turn(now, messages_max);
    if (lost() && !options_.reconnect) {
      lose();
      return last_error_;
    }
    if (events_ > 0 || interrupted_ || now >= deadline) return events_;
    if (lost()) continue;
    if (now < spin_until) {
      relax();
      continue;
    }
    if (opened_.channel->prepare_to_sleep()) {
      wake_.watch(opened_.channel->wake_descriptor(), opened_.socket_link && opened_.socket_link->has_unsent());
      interrupted_ = !wake_.wait(std::min(deadline, next_due()));
    }
    opened_.channel->awake();
  }
}

// Messages in, what the users have to send, and our sign of life.
void Link::turn(SteadyTime now, std::size_t messages_max) {
  const Result<std::size_t> polled = opened_.channel->poll(*this, messages_max);
  if (!polled && !broken_) broken_ = polled.error();
  if (broken_) return;
  if (*polled > 0) received_at_ = now;
  for (std::size_t i = 0; i < users_.size(); ++i) users_[i]->turn(now);
  if (broken_) return;
  if (*polled == 0 && now - received_at_ > silent_intervals_max * opened_.heartbeat) {
    broken_ = Error(ErrorKind::closed, "the broker is silent");
    return;
  }
  keep_alive(now);
  opened_.channel->flush();
}

void Link::keep_alive(SteadyTime now) {
  if (!sent_ && now - sent_at_ >= opened_.heartbeat) offer_header(push::Heartbeat{});
  if (std::exchange(sent_, false)) sent_at_ = now;
}

SteadyTime Link::next_due() const {
  SteadyTime due = retry_at_;
  if (!lost()) due = std::min(sent_at_ + opened_.heartbeat, received_at_ + silent_intervals_max * opened_.heartbeat);
  for (const LinkUser* user : users_) due = std::min(due, user->wanted_at());
  return due;
}

// The descriptor that was handed out becomes readable when there is something to do, or at once if there is already.
void Link::arm() {
  SteadyTime due = next_due();
  if (!lost()) {
    if (!opened_.channel->prepare_to_sleep()) due = SteadyTime();
    wake_.watch(opened_.channel->wake_descriptor(), opened_.socket_link && opened_.socket_link->has_unsent());
    armed_ = true;
  }
  wake_.set_timer(due);
}

void Link::lose() {
  const Error why = broken_.value_or(Error(ErrorKind::closed, "the connection was lost"));
  last_error_ = told(why);
  last_error_.code = why.kind() == ErrorKind::corrupt ? Code::corrupt : Code::lost;
  wake_.watch(-1, false);
  opened_.channel.reset();
  opened_.socket_link.reset();
  opened_.chunks.reset();
  opened_.cluster.reset();
  broken_.reset();
  armed_ = false;
  streams_.clear();
  cutting_ = nullptr;
  retry_pause_ = retry_pause_min;
  retry_at_ = steady_clock::now();
  for (std::size_t i = 0; i < users_.size(); ++i) users_[i]->lost(why);
}

// Tries once, when it is time to.
cms::Result<void> Link::come_back(SteadyTime deadline) {
  if (opened_.channel) lose();
  if (!options_.reconnect) return last_error_;
  if (steady_clock::now() < retry_at_) {
    interrupted_ = !wake_.wait(std::min(deadline, retry_at_));
    if (steady_clock::now() < retry_at_) return {};
  }
  Result<OpenedChannel> opened = open_channel(options_);
  if (opened) {
    take(std::move(*opened));
    for (std::size_t i = 0; i < users_.size() && !broken_; ++i) {
      if (Result<void> ready = users_[i]->connected(); !ready && !broken_) broken_ = ready.error();
    }
    if (!broken_) {
      ++reconnects_;
      return {};
    }
    const milliseconds pause = retry_pause_;
    lose();
    retry_pause_ = pause;
  } else {
    last_error_ = told(opened.error());
  }
  retry_at_ = steady_clock::now() + retry_pause_;
  retry_pause_ = std::min(std::max(retry_pause_ * 2, retry_pause_min), retry_pause_max);
  return {};
}

void Link::received(base::ByteSpan message) {
  if (broken_) return;
  const std::optional<push::MessageType> type = push::type_of(message);
  if (!type) return broke("the broker sent a message without a type");
  switch (*type) {
    case push::MessageType::put_result: {
      const auto result = push::header_of<push::PutResult>(message);
      if (!result) return broke("the broker sent a put result that is cut off");
      const auto found = publications_.find(result->publication);
      if (found != publications_.end()) found->second->answered(*result);
      return;
    }
    case push::MessageType::stream_opened: {
      const auto opened = push::header_of<push::StreamOpened>(message);
      if (!opened || message.size() < sizeof *opened + opened->name_bytes)
        return broke("the broker sent a stream that is cut off");
      if (streams_.count(opened->stream) > 0) return broke("the broker opened a stream that is open");
      const auto found = subscriptions_.find(opened->subscription);
      if (found == subscriptions_.end()) return;
      const std::string_view topic = base::as_text(message.subspan(sizeof *opened, opened->name_bytes));
      if (StreamUser* stream = found->second->opened(*opened, topic)) streams_[opened->stream] = stream;
      return;
    }
    case push::MessageType::chunk_shared:
      return map_chunk(message);
    case push::MessageType::heartbeat:
      return;
    default:
      return received_of_stream(*type, message);
  }
}

void Link::map_chunk(base::ByteSpan message) {
  const auto shared = push::header_of<push::ChunkShared>(message);
  if (!shared || opened_.chunks == nullptr) return broke("the broker shares memory that nobody has asked for");
  transport::Descriptor descriptor(opened_.channel->take_descriptor());
  if (Result<void> mapped = opened_.chunks->map(*shared, std::move(descriptor)); !mapped) broken_ = mapped.error();
}

// The user of the stream that the message names; null when nobody wants it any more.
template <typename Header>
StreamUser* Link::stream_of(base::ByteSpan message, Header& header) {
  const auto read = push::header_of<Header>(message);
  if (!read) {
    broke("the broker sent a message that is cut off");
    return nullptr;
  }
  header = *read;
  const auto found = streams_.find(header.stream);
  return found == streams_.end() ? nullptr : found->second;
}

void Link::received_of_stream(push::MessageType type, base::ByteSpan message) {
  switch (type) {
    case push::MessageType::deliver: {
      push::Deliver header;
      if (StreamUser* stream = stream_of(message, header)) stream->deliver(header, message.subspan(sizeof header));
      return;
    }
    case push::MessageType::deliver_in_place: {
      push::DeliverInPlace header;
      StreamUser* const stream = stream_of(message, header);
      if (stream == nullptr) return;
      const auto run = opened_.chunks == nullptr ? std::nullopt : opened_.chunks->find(header);
      if (!run) return broke("the broker names memory that it has not shared");
      return stream->deliver_in_place(header, *run);
    }
    case push::MessageType::gap: {
      push::Gap header;
      if (StreamUser* stream = stream_of(message, header)) stream->gap(header);
      return;
    }
    case push::MessageType::stages: {
      push::Stages header;
      if (StreamUser* stream = stream_of(message, header)) stream->stages(header);
      return;
    }
    case push::MessageType::stream_closed: {
      push::StreamClosed header;
      StreamUser* stream = stream_of(message, header);
      if (stream == nullptr) return;
      streams_.erase(header.stream);
      stream->closed(static_cast<protocol::ErrorCode>(header.error));
      return;
    }
    default:
      return broke("the broker sent a message that this library does not know");
  }
}

}  // namespace cms::client
