// SPDX-License-Identifier: Apache-2.0
// Two connected ends of each kind of channel in one process, for the tests that all kinds share.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "transport/shared_memory_channel.h"
#include "transport/stream_channel.h"

namespace cms::transport::test {

// Frames of a total length and messages over a socket that does not block.
class TestLink final : public StreamLink {
 public:
  explicit TestLink(Descriptor socket) : socket_(std::move(socket)) {}

  base::Result<void> send_pending(StreamChannel& channel) override {
    for (;;) {
      if (frame_.empty() && !next_frame(channel)) return {};
      const ssize_t sent =
          ::send(socket_.get(), frame_.data() + frame_sent_, frame_.size() - frame_sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno == EAGAIN) return {};
      if (sent < 0) return base::Error::from_errno(errno, "sending");
      frame_sent_ += static_cast<std::size_t>(sent);
      if (frame_sent_ == frame_.size()) {
        channel.sent(frame_messages_);
        frame_.clear();
      }
    }
  }

  base::Result<void> receive(StreamChannel& channel) override {
    if (frame_in_ > 0) received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(frame_in_));
    frame_in_ = 0;
    if (!has_frame()) {
      std::array<std::byte, 65536> bytes;
      const ssize_t received = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (received == 0) return base::Error(base::ErrorKind::closed, "the peer has gone");
      if (received < 0 && errno == EAGAIN) return {};
      if (received < 0) return base::Error::from_errno(errno, "receiving");
      received_.insert(received_.end(), bytes.begin(), bytes.begin() + received);
    }
    if (!has_frame()) return {};
    frame_in_ = sizeof(std::uint32_t) + frame_length();
    channel.arrived(base::ByteSpan(received_).subspan(sizeof(std::uint32_t), frame_length()));
    return {};
  }

  bool has_frame() const override {
    return frame_in_ == 0 && received_.size() >= sizeof(std::uint32_t) &&
           received_.size() - sizeof(std::uint32_t) >= frame_length();
  }
  int descriptor() const override { return socket_.get(); }

 private:
  std::uint32_t frame_length() const {
    std::uint32_t length;
    std::memcpy(&length, received_.data(), sizeof length);
    return length;
  }

  bool next_frame(StreamChannel& channel) {
    std::array<base::ByteSpan, 16> pieces;
    frame_messages_ = channel.pending(pieces);
    if (frame_messages_ == 0) return false;
    frame_.resize(sizeof(std::uint32_t));
    for (std::size_t i = 0; i < frame_messages_; ++i) frame_.insert(frame_.end(), pieces[i].begin(), pieces[i].end());
    const auto length = static_cast<std::uint32_t>(frame_.size() - sizeof(std::uint32_t));
    std::memcpy(frame_.data(), &length, sizeof length);
    frame_sent_ = 0;
    return true;
  }

  Descriptor socket_;
  std::vector<std::byte> frame_;  // being sent
  std::size_t frame_sent_ = 0;
  std::size_t frame_messages_ = 0;
  std::vector<std::byte> received_;
  std::size_t frame_in_ = 0;  // of received_, with the channel
};

// One end, and what it stands on. Destroyed in this order.
struct End {
  std::unique_ptr<StreamLink> link;
  std::unique_ptr<RingChannel> channel;

  // What a socket has not taken needs its owner to come back; rings do not.
  void keep_sending() {
    if (link != nullptr && channel != nullptr) channel->flush();
  }

  // Sleeps as an owner does, patience_ms at most.
  void sleep() {
    if (channel->prepare_to_sleep()) {
      short events = POLLIN;
      if (const auto* stream = dynamic_cast<StreamChannel*>(channel.get());
          stream != nullptr && stream->has_pending()) {
        events |= POLLOUT;
      }
      pollfd ready{channel->wake_descriptor(), events, 0};
      if (::poll(&ready, 1, patience_ms) == 0) ++timeouts;
      ++sleeps;
    }
    channel->awake();
  }

  std::size_t sleeps = 0;
  std::size_t timeouts = 0;  // nobody rang for that long
  int patience_ms = 1000;
};

struct Ends {
  End broker, client;
};

inline std::array<Descriptor, SharedMemoryChannel::descriptors_passed> duplicates(const SharedMemoryChannel& channel) {
  const auto [memory, bell] = channel.descriptors();
  return {Descriptor(::dup(memory)), Descriptor(::dup(bell))};
}

inline Ends shared_memory_ends(std::size_t ring_bytes) {
  auto broker = SharedMemoryChannel::create(ring_bytes);
  CHECK(broker.ok());
  auto client = SharedMemoryChannel::attach(duplicates(**broker), ring_bytes);
  CHECK(client.ok());
  (*broker)->let_go_of_client_end();
  Ends ends;
  ends.broker.channel = std::move(*broker);
  ends.client.channel = std::move(*client);
  return ends;
}

inline Ends stream_ends(std::size_t ring_bytes) {
  int sockets[2];
  CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets) == 0);
  Ends ends;
  for (End* end : {&ends.broker, &ends.client}) {
    end->link = std::make_unique<TestLink>(Descriptor(sockets[end == &ends.client ? 1 : 0]));
    auto channel = StreamChannel::create(ring_bytes, *end->link);
    CHECK(channel.ok());
    end->channel = std::move(*channel);
  }
  return ends;
}

struct Kind {
  std::string name;
  std::function<Ends(std::size_t ring_bytes)> connect;
  std::uint64_t slower = 1;  // than memory: what takes millions of messages takes so many times fewer
};
inline void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

// Keeps what it gets.
struct Collected final : MessageReceiver {
  std::vector<std::string> messages;
  void received(base::ByteSpan message) override { messages.emplace_back(base::as_text(message)); }
};

inline Offered offer(Channel& channel, std::string_view text) {
  const base::Bytes part(nullptr, base::as_bytes(text));
  return channel.offer(std::span(&part, 1));
}

// A message whose size and content follow from its number.
inline std::string numbered(std::uint64_t number, std::size_t size) {
  std::string text(size, static_cast<char>('a' + number % 26));
  std::memcpy(text.data(), &number, std::min(size, sizeof number));
  return text;
}

}  // namespace cms::transport::test
