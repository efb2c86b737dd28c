// SPDX-License-Identifier: Apache-2.0
// Redis' protocol (RESP2): PUBLISH and SUBSCRIBE, which store nothing, and streams, XADD and XREAD BLOCK.
#include <algorithm>
#include <charconv>

#include "bench/peer_driver.h"

namespace cms::bench {
namespace {

// An answer, flattened: its bulk strings, integers and simple strings in order. An error, or that it is not whole yet.
struct Answer {
  std::vector<std::string_view> leaves;
  std::size_t bytes = 0;
  bool is_whole = false;
  bool is_error = false;
};

class AnswerReader {
 public:
  explicit AnswerReader(std::string_view text) : text_(text) {}

  Answer read() {
    answer_.is_whole = value(0);
    answer_.bytes = at_;
    return std::move(answer_);
  }

 private:
  static constexpr int depth_max = 8;

  bool value(int depth) {
    const std::size_t end = text_.find("\r\n", at_);
    if (end == std::string_view::npos || depth > depth_max) return false;
    const char type = text_[at_];
    const std::string_view line = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 2;
    std::int64_t number = 0;
    if (type == '$' || type == '*') std::from_chars(line.data(), line.data() + line.size(), number);
    switch (type) {
      case '*':
        for (std::int64_t i = 0; i < number; ++i) {
          if (!value(depth + 1)) return false;
        }
        return true;
      case '$': {
        if (number < 0) return true;
        const auto bytes = static_cast<std::size_t>(number);
        if (text_.size() - at_ < bytes + 2) return false;
        answer_.leaves.push_back(text_.substr(at_, bytes));
        at_ += bytes + 2;
        return true;
      }
      default:
        answer_.is_error = answer_.is_error || type == '-';
        answer_.leaves.push_back(line);
        return true;
    }
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  Answer answer_;
};

void append_command(TextConnection& connection, std::initializer_list<std::string_view> words) {
  connection.append("*" + std::to_string(words.size()) + "\r\n");
  for (const std::string_view word : words) {
    connection.append("$" + std::to_string(word.size()) + "\r\n");
    connection.append(word);
    connection.append("\r\n");
  }
}

class RedisDriver : public PeerDriver {
 public:
  using PeerDriver::PeerDriver;

 protected:
  Result<void> greet(TextConnection& connection) override { return connection.await("PING\r\n", "+PONG"); }
  bool answers_publishes() const override { return true; }

  static base::Error refused(const Answer& answer) {
    return {base::ErrorKind::invalid, "Redis says " + std::string(answer.leaves.empty() ? "?" : answer.leaves.back())};
  }

  Result<std::size_t> take_answers(TextConnection& connection) override {
    for (std::size_t answered = 0;; ++answered) {
      const Answer answer = AnswerReader(connection.unread()).read();
      if (!answer.is_whole) return answered;
      if (answer.is_error) return refused(answer);
      connection.consume(answer.bytes);
    }
  }
};

class RedisChannels final : public RedisDriver {
 public:
  using RedisDriver::RedisDriver;

 private:
  Result<void> subscribe(Consumer& consumer) override {
    std::string text;
    for (const std::string& channel : consumer.channels) text += "SUBSCRIBE " + channel + "\r\n";
    return consumer.connection.await(text, ":" + std::to_string(consumer.channels.size()));
  }

  void append_publish(TextConnection& connection, const std::string& channel, std::string_view value) override {
    append_command(connection, {"PUBLISH", channel, value});
  }

  // message, channel, value
  Result<void> take_records(Consumer& consumer) override {
    for (;;) {
      const Answer answer = AnswerReader(consumer.connection.unread()).read();
      if (!answer.is_whole) return {};
      if (answer.is_error || answer.leaves.size() != 3) return refused(answer);
      const auto channel = std::ranges::find(consumer.channels, answer.leaves[1]);
      if (channel == consumer.channels.end()) return refused(answer);
      received(consumer, static_cast<std::size_t>(channel - consumer.channels.begin()), answer.leaves[2]);
      consumer.connection.consume(answer.bytes);
    }
  }
};

class RedisStreams final : public RedisDriver {
 public:
  using RedisDriver::RedisDriver;

 private:
  Result<void> subscribe(Consumer& consumer) override {
    consumer.last_entries.assign(consumer.channels.size(), "0");
    ask(consumer);
    return consumer.connection.flush();
  }

  // What an answer brings is all that came since the one before it.
  static void ask(Consumer& consumer) {
    std::string text = "XREAD COUNT 1000 BLOCK 0 STREAMS";
    for (const std::string& channel : consumer.channels) text += " " + channel;
    for (const std::string& last : consumer.last_entries) text += " " + last;
    consumer.connection.append(text + "\r\n");
  }

  void append_publish(TextConnection& connection, const std::string& channel, std::string_view value) override {
    append_command(connection, {"XADD", channel, "MAXLEN", "~", "100000", "*", "v", value});
  }

  // For each stream its name and its entries; each entry's id, "v" and the value.
  Result<void> take_records(Consumer& consumer) override {
    for (;;) {
      const Answer answer = AnswerReader(consumer.connection.unread()).read();
      if (!answer.is_whole) return {};
      if (answer.is_error) return refused(answer);
      std::size_t channel = 0;
      for (std::size_t i = 0; i < answer.leaves.size();) {
        const auto named = std::ranges::find(consumer.channels, answer.leaves[i]);
        if (named != consumer.channels.end()) {
          channel = static_cast<std::size_t>(named - consumer.channels.begin());
          ++i;
          continue;
        }
        if (i + 3 > answer.leaves.size()) return refused(answer);
        consumer.last_entries[channel] = answer.leaves[i];
        received(consumer, channel, answer.leaves[i + 2]);
        i += 3;
      }
      consumer.connection.consume(answer.bytes);
      ask(consumer);
    }
  }
};

}  // namespace

std::unique_ptr<PeerDriver> make_redis_driver(DriverOptions options) {
  return std::make_unique<RedisChannels>(std::move(options));
}

std::unique_ptr<PeerDriver> make_redis_streams_driver(DriverOptions options) {
  return std::make_unique<RedisStreams>(std::move(options));
}

}  // namespace cms::bench
