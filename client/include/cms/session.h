// SPDX-License-Identifier: Apache-2.0
// A connection to a Cascade Messaging Service broker: publishers and subscribers share it.
//
//   auto session = cms::Session::connect({.bootstrap = "127.0.0.1:9092"});
//   if (!session) ...  session.error().message
//
// Threads: none of its own. A session and all that was made from it are used by one thread at a time, and everything
// happens in poll(): records are delivered, publishes acknowledged, heartbeats sent, a lost connection made again. Call
// it often: at least once in the heartbeat interval, or the broker takes the client for dead.
//
// Lifetime: publishers and subscribers keep the session's connection alive; it ends with the last of them.
#pragma once

#include <cms/error.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace cms {

class Publisher;
class Subscriber;
struct PublisherOptions;
struct SubscriberOptions;

namespace client {
class Link;
}

enum class ChannelKind : std::uint8_t {
  automatic,      // shared memory where the broker is on this machine, else RDMA where both have it, else TCP
  tcp,            // over the connection itself
  shared_memory,  // rings that both map
  rdma,           // rings that the network card writes
};

std::string_view to_string(ChannelKind kind);  // "auto", "tcp", "shm", "rdma"

struct SessionOptions {
  std::string bootstrap = "127.0.0.1:9092";  // HOST:PORT, several with commas, or unix:/path
  ChannelKind channel = ChannelKind::automatic;
  std::size_t ring_bytes = 0;             // of each way; 0: the broker's default
  std::chrono::milliseconds heartbeat{};  // 0: the broker's default
  // How long poll() looks again and again before it sleeps. A wake costs some 5 to 50 us, a spinning core all of
  // itself.
  std::chrono::microseconds spin{0};
  std::string client_id = "cms";
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds request_timeout{30'000};
  bool reconnect = true;     // else a lost connection stays lost
  bool want_stages = false;  // for measuring: see SubscriberOptions::on_stages
  // Shared memory only: records of 1 KB and more are shown where they lie in the broker's log, instead of being copied
  // for each subscriber. The promise that comes with it: what a callback is shown may be overwritten while it runs, if
  // retention overtakes it; who takes longer than that asks ReceivedRecord::still_whole() when done. What was
  // overwritten before it could be shown is told as a Gap.
  bool read_in_place = false;
};

class Session {
 public:
  // Connects, and opens a channel. `unsupported` when the other side is a Kafka broker of another kind.
  static Result<Session> connect(SessionOptions options = {});

  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  Publisher publisher();
  Publisher publisher(PublisherOptions options);
  Subscriber subscriber(SubscriberOptions options);

  // Does what there is to do; waits for it for up to `timeout`, negative: without end. How many records, gaps and
  // changes of partitions were delivered and publishes answered. A connection that is lost is made again by later
  // calls, for as long as it takes, and is no error unless options.reconnect is off: lost() and last_error() tell. Ends
  // early, with 0, when a signal comes. Not from within a callback.
  Result<std::size_t> poll(std::chrono::milliseconds timeout);

  // For a loop of one's own: readable when poll() has something to do. From the first call of this on, every poll()
  // leaves the broker told to ring. The same for the session's whole life; not to be read, written or closed.
  int descriptor();

  // What the channel is, and, where that is not what was asked for, why.
  ChannelKind channel() const;
  const std::string& channel_reason() const;
  bool reads_in_place() const;  // options.read_in_place was asked for and granted

  bool lost() const;                 // just now there is no connection
  std::uint64_t reconnects() const;  // since connect()
  const Error& last_error() const;   // why the connection was lost last, or could not be made again

 private:
  explicit Session(std::shared_ptr<client::Link> link);

  std::shared_ptr<client::Link> link_;
};

}  // namespace cms
