// SPDX-License-Identifier: Apache-2.0
// A native client's channel and all that hangs on it: subscriptions with their streams, publications with their
// unanswered puts. It ends with its connection, and its connection with it.
//
// Whatever happens to it, wherever, only wakes it; it works at the end of its core's turn (run()): takes what has
// arrived, gives each source that is ready its share, flushes once. A turn is bounded; what is left has the next one.
//
// The core's thread, except list().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "broker/core/attachment.h"
#include "broker/core/connection.h"
#include "broker/core/deadlines.h"
#include "broker/core/pollable.h"
#include "broker/push/connection_channel.h"
#include "broker/push/publications.h"
#include "broker/push/push_core.h"
#include "broker/push/shared_chunks.h"
#include "broker/push/subscription.h"

namespace cms::broker::push {

class Session final : public Wakeable,
                      public Attachment,
                      private transport::MessageReceiver,
                      private Deadline,
                      private Pollable {
 public:
  struct Settings {
    transport::ChannelKind kind = transport::ChannelKind::tcp;
    std::size_t ring_bytes = 0;  // taken from the broker's limits; given back when the session ends
    std::chrono::milliseconds heartbeat{0};
    std::string client_id;
    bool want_stages = false;
    bool map_logs = false;  // over shared memory
  };

  // What a request gets for an answer.
  struct Outcome {
    ErrorCode error = ErrorCode::none;
    std::string message;
    std::int32_t streams = 0;
  };

  // `owner` outlives it; `connection` tells when it ends.
  Session(PushCore& owner, Connection& connection, Peer peer, Settings settings);
  ~Session() override;

  // After construction, when shared pointers to this exist: attaches itself to the connection. Until there is a
  // channel nothing is sent; without one for `patience` the connection is closed.
  void begin(std::chrono::milliseconds patience);

  void serve_over_connection();  // the TCP channel
  void set_channel(std::unique_ptr<transport::Channel> channel);

  // Until it has its channel its client is expected with this token; `factory` is told when it need not be any more.
  void expect(ChannelFactory& factory, const base::Uuid& token);

  // --- Requests.
  Outcome subscribe(Subscription::Settings settings);
  Outcome unsubscribe(std::int32_t number);
  Outcome seek(std::int32_t number, const std::vector<std::int32_t>& streams, protocol::StartAt start,
               std::int64_t value);
  std::uint32_t next_stream() const { return last_stream_ + 1; }  // the number of the one that is made next
  Outcome may_open_publication(std::int32_t number) const;
  void open_publication(std::int32_t number, const Topic& topic);

  // The bytes of a ChannelMessages request. The error ends the connection.
  base::Result<void> arrived(base::ByteSpan messages);

  // Who may do what has changed.
  void rules_changed();

  // --- Any thread: the source is to have a turn.
  void list(Source& source) {
    if (!core().on_this_thread()) {
      if (ready_.add(source)) wake();
    } else if (ready_.add_here(source) && !in_turn_) {
      wake();
    }
  }

  // --- For subscriptions, streams and publications.
  PushCore& owner() { return owner_; }
  PushMetrics& metrics() { return owner_.metrics(); }
  const Peer& peer() const { return peer_; }
  std::shared_ptr<Session> shared() { return std::static_pointer_cast<Session>(shared_from_this()); }

  Stream* make_stream(Subscription& subscription, const TopicHandle& topic, std::int32_t partition);
  Stream* replace_stream(Subscription& subscription, Stream& stream);
  void streams_are_full();
  void lost(Stream& stream, ErrorCode why);
  void locate(Stream& stream, std::int64_t time_ms);  // begins at the first record of that time, or a later one

  // Reads of files are bounded. False: none is free, and the stream is listed when one is.
  bool take_cold_place(Stream& stream);
  void give_cold_place(bool held);

  bool wants_stages() const { return settings_.want_stages; }
  SharedChunks* shared_chunks() { return shared_chunks_ ? &*shared_chunks_ : nullptr; }  // null: everything is copied
  void count_pushed(std::uint64_t records, std::size_t bytes);
  void count_put();

  // Scratch of one source's turn.
  protocol::Records& records() { return records_; }
  std::vector<base::Bytes>& parts() { return parts_; }

 private:
  // --- Wakeable, Attachment.
  void run(protocol::FrameBuffer& scratch) override;
  void add_outgoing(protocol::FrameBuffer& out) override;
  void sent() override;
  bool takes_requests() const override { return !paused_; }
  void ended() override;

  // --- Deadline.
  void expired() override;

  // --- Pollable: while the core polls, a channel in memory is looked at without a system call.
  bool poll() override;
  bool prepare_to_sleep() override;
  void awake();
  void sleep();
  void await_bell();
  void take_next_turn();

  // --- MessageReceiver.
  void received(base::ByteSpan message) override;
  void take_credit(base::ByteSpan message);
  void take_put(base::ByteSpan message);
  void violated(std::string rule);

  bool receive();
  void send();
  void remove(Stream& stream);
  void note_figures();
  void fail(std::string_view why);
  bool puts_are_full() const;
  Outcome open_streams(Subscription& subscription);

  // Fixed at construction.
  PushCore& owner_;
  const Peer peer_;
  const Settings settings_;
  const std::shared_ptr<ChannelFigures> figures_;

  Connection* connection_;  // null once it has ended
  std::unique_ptr<transport::Channel> channel_;
  const Pace* pace_ = &pace_of_turns;
  std::size_t received_bytes_ = 0;                             // in this turn
  ConnectionChannel* over_connection_ = nullptr;               // channel_, if it is that
  bool blocked_ = false;                                       // the channel took nothing and has not had room since
  bool paused_ = false;                                        // too many puts are unanswered
  bool has_next_turn_ = false;                                 // asked for in this one
  bool asleep_ = false;                                        // the client rings
  bool in_turn_ = false;                                       // what is listed is sent at its end
  std::optional<boost::asio::posix::stream_descriptor> bell_;  // of channels that have one
  ChannelFactory* expected_by_ = nullptr;
  base::Uuid token_;
  std::string violation_;

  std::unordered_map<std::int32_t, std::unique_ptr<Subscription>> subscriptions_;
  std::unordered_map<std::uint32_t, std::unique_ptr<Stream>> streams_;
  std::uint32_t last_stream_ = 0;
  bool streams_full_told_ = false;
  Publications publications_;
  std::optional<SharedChunks> shared_chunks_;
  std::size_t cold_places_free_;
  std::vector<Stream*> waiting_for_cold_place_;

  SteadyTime next_beat_{};
  bool heard_ = true;  // since the last beat
  bool spoke_ = false;
  bool beat_due_ = false;
  int silent_beats_ = 0;

  protocol::Records records_;
  std::vector<base::Bytes> parts_;

  // Any thread adds.
  ReadyList ready_;
};

// The session of a connection; null when it has none.
inline Session* session_of(const Peer& peer) {
  // Nothing but sessions is ever attached.
  return peer.connection == nullptr ? nullptr : static_cast<Session*>(peer.connection->attachment());
}

}  // namespace cms::broker::push
