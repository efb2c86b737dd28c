// SPDX-License-Identifier: Apache-2.0
// NATS' client protocol (docs.nats.io, "Client Protocol"): core publish and subscribe, nothing stored.
#include <charconv>

#include "bench/peer_driver.h"

namespace cms::bench {
namespace {

class NatsDriver final : public PeerDriver {
 public:
  using PeerDriver::PeerDriver;

 private:
  Result<void> greet(TextConnection& connection) override {
    return connection.await("CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n", "PONG");
  }

  // The subscription's id is the channel's place.
  Result<void> subscribe(Consumer& consumer) override {
    std::string text;
    for (std::size_t i = 0; i < consumer.channels.size(); ++i)
      text += "SUB " + consumer.channels[i] + " " + std::to_string(i) + "\r\n";
    return consumer.connection.await(text + "PING\r\n", "PONG");
  }

  void append_publish(TextConnection& connection, const std::string& channel, std::string_view value) override {
    connection.append("PUB " + channel + " " + std::to_string(value.size()) + "\r\n");
    connection.append(value);
    connection.append("\r\n");
  }

  bool answers_publishes() const override { return false; }

  static Result<void> take_control(TextConnection& connection, std::string_view line) {
    if (line.starts_with("PING")) connection.append("PONG\r\n");
    if (line.starts_with("-ERR")) return base::Error(base::ErrorKind::invalid, "NATS says " + std::string(line));
    return {};
  }

  Result<std::size_t> take_answers(TextConnection& connection) override {
    std::string line;
    while (connection.take_line(line)) {
      if (auto taken = take_control(connection, line); !taken) return taken.error();
    }
    return std::size_t{0};
  }

  // MSG subject sid [reply-to] bytes
  Result<void> take_records(Consumer& consumer) override {
    for (;;) {
      const std::string_view unread = consumer.connection.unread();
      const std::size_t end = unread.find("\r\n");
      if (end == std::string_view::npos) return {};
      const std::string_view line = unread.substr(0, end);
      if (!line.starts_with("MSG ")) {
        if (auto taken = take_control(consumer.connection, line); !taken) return taken;
        consumer.connection.consume(end + 2);
        continue;
      }
      const std::size_t sid_at = line.find(' ', 4) + 1;
      std::size_t sid = 0, bytes = 0;
      std::from_chars(line.data() + sid_at, line.data() + line.size(), sid);
      std::from_chars(line.data() + line.rfind(' ') + 1, line.data() + line.size(), bytes);
      if (unread.size() < end + 2 + bytes + 2) return {};
      if (sid >= consumer.channels.size())
        return base::Error(base::ErrorKind::corrupt, "NATS sent " + std::string(line));
      received(consumer, sid, unread.substr(end + 2, bytes));
      consumer.connection.consume(end + 2 + bytes + 2);
    }
  }
};

}  // namespace

std::unique_ptr<PeerDriver> make_nats_driver(DriverOptions options) {
  return std::make_unique<NatsDriver>(std::move(options));
}

}  // namespace cms::bench
