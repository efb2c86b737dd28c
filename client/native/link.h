// SPDX-License-Identifier: Apache-2.0
// What the publishers and subscribers of a session share: the connection, its channel, the turn of the loop, and the
// way back after the connection was lost.
//
// One thread. The users of a link are told of everything from within poll(); they may offer messages and make calls
// from there, not poll. A failure in the middle of a turn ends the channel only when the turn is over.
#pragma once

#include <cms/session.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "client/native/errors.h"
#include "client/native/open_channel.h"
#include "client/native/wake.h"
#include "protocol/push/messages.h"

namespace cms::client {

namespace push = protocol::push;
using SteadyTime = std::chrono::steady_clock::time_point;

// A publisher or a subscriber. Registered for as long as it lives.
class LinkUser {
 public:
  virtual ~LinkUser() = default;

  virtual void lost(const Error& why) = 0;  // the channel, with all that was opened on it
  virtual Result<void> connected() = 0;     // there is a new channel: open anew what was open
  virtual void turn(SteadyTime now) = 0;    // once a turn, behind the messages of it

  // When turn() is wanted even if nothing comes.
  virtual SteadyTime wanted_at() const { return SteadyTime::max(); }
};

// One partition of a subscription, as it gets its messages.
class StreamUser {
 public:
  virtual ~StreamUser() = default;
  virtual void deliver(const push::Deliver& header, ByteSpan bytes) = 0;
  virtual void deliver_in_place(const push::DeliverInPlace& header, const InPlace& run) = 0;
  virtual void gap(const push::Gap& gap) = 0;
  virtual void stages(const push::Stages& stages) = 0;
  virtual void closed(protocol::ErrorCode code) = 0;  // it is forgotten already, and may destroy itself
};

class SubscriptionUser {
 public:
  virtual ~SubscriptionUser() = default;
  // Null: the stream is not wanted.
  virtual StreamUser* opened(const push::StreamOpened& header, std::string_view topic) = 0;
};

class PublicationUser {
 public:
  virtual ~PublicationUser() = default;
  virtual void answered(const push::PutResult& result) = 0;
};

class Link final : private transport::MessageReceiver {
 public:
  static cms::Result<std::shared_ptr<Link>> open(cms::SessionOptions options);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() override = default;

  // Session::poll(). `messages_max` of the channel's messages in one turn.
  cms::Result<std::size_t> poll(std::chrono::milliseconds timeout, std::size_t messages_max = messages_per_turn);
  bool is_polling() const { return polling_; }
  int descriptor() { return wake_.descriptor(); }

  const cms::SessionOptions& options() const { return options_; }
  bool lost() const { return !opened_.channel || broken_; }
  cms::ChannelKind kind() const { return kind_; }
  const std::string& reason() const { return opened_.reason; }
  bool reads_in_place() const { return opened_.chunks != nullptr; }
  std::uint64_t reconnects() const { return reconnects_; }
  const cms::Error& last_error() const { return last_error_; }

  // --- For the users.

  void add(LinkUser& user) { users_.push_back(&user); }
  void remove(LinkUser& user) { std::erase(users_, &user); }
  void happened() { ++events_; }  // something that poll() is to return for

  // A request and its answer; waits. Error::code is `lost` without a connection.
  template <protocol::Message Request>
  cms::Result<Answer<Request>> call(const Request& request, protocol::Version newest = Request::versions.last) {
    if (lost()) return not_connected();
    Result<Answer<Request>> answer = opened_.cluster->bootstrap().call(request, newest);
    if (!answer) return failed(answer.error());
    return std::move(*answer);
  }
  // The same for what does more than one request. Null without a connection; tell failed() of its errors.
  Cluster* cluster() { return lost() ? nullptr : opened_.cluster.get(); }
  cms::Error failed(const Error& error);
  static cms::Error not_connected() { return {Code::lost, "the connection to the broker is lost", 0}; }

  // Over the channel. `full` also without one.
  transport::Offered offer(std::span<const base::Bytes> parts);
  template <typename Header>
  transport::Offered offer_header(const Header& header) {
    const base::Bytes part({}, push::bytes_of(header));
    return offer({&part, 1});
  }
  void flush();
  std::size_t message_bytes_max() const { return message_bytes_max_; }

  // For those who write into the ring themselves: null without a channel. Each channel has a number of its own.
  transport::RingChannel* ring_channel() { return lost() ? nullptr : opened_.channel.get(); }
  std::uint64_t channel_number() const { return channels_; }
  std::chrono::milliseconds heartbeat() const { return opened_.heartbeat; }
  void has_sent() { sent_ = true; }

  // One batch may be cut into messages, between which no other put may come. Who holds this, or nobody.
  const void* cutting() const { return cutting_; }
  void set_cutting(const void* who) { cutting_ = who; }

  std::uint32_t new_subscription(SubscriptionUser& user);
  void forget_subscription(std::uint32_t number) { subscriptions_.erase(number); }
  void forget_stream(std::uint32_t number) { streams_.erase(number); }
  std::uint32_t new_publication(PublicationUser& user);
  void forget_publication(std::uint32_t number) { publications_.erase(number); }

 private:
  static constexpr std::size_t messages_per_turn = 256;

  explicit Link(cms::SessionOptions options) : options_(std::move(options)) {}

  void take(OpenedChannel opened);
  void lose();
  cms::Result<void> come_back(SteadyTime deadline);
  cms::Result<std::size_t> run(SteadyTime deadline, std::size_t messages_max);
  void turn(SteadyTime now, std::size_t messages_max);
  void keep_alive(SteadyTime now);
  void arm();
  SteadyTime next_due() const;

  void received(base::ByteSpan message) override;
  void map_chunk(base::ByteSpan message);
  void received_of_stream(push::MessageType type, base::ByteSpan message);
  template <typename Header>
  StreamUser* stream_of(base::ByteSpan message, Header& header);
  void broke(const char* what) { broken_ = Error(ErrorKind::corrupt, what); }

  const cms::SessionOptions options_;
  OpenedChannel opened_;
  cms::ChannelKind kind_ = cms::ChannelKind::automatic;
  std::size_t message_bytes_max_ = 0;
  Wake wake_;
  bool polling_ = false;
  bool armed_ = false;        // the channel rings, though nobody waits in poll()
  bool interrupted_ = false;  // by a signal, in this poll()
  std::size_t events_ = 0;
  std::optional<Error> broken_;  // to be dealt with when the turn is over
  cms::Error last_error_;

  std::vector<LinkUser*> users_;
  std::unordered_map<std::uint32_t, SubscriptionUser*> subscriptions_;
  std::unordered_map<std::uint32_t, StreamUser*> streams_;
  std::unordered_map<std::uint32_t, PublicationUser*> publications_;
  std::uint32_t next_subscription_ = 1;
  std::uint32_t next_publication_ = 1;
  const void* cutting_ = nullptr;

  bool sent_ = false;  // since the last look at the clock
  SteadyTime sent_at_;
  SteadyTime received_at_;
  SteadyTime retry_at_;
  std::chrono::milliseconds retry_pause_{};
  std::uint64_t reconnects_ = 0;
  std::uint64_t channels_ = 0;  // had so far
};

}  // namespace cms::client
