// SPDX-License-Identifier: Apache-2.0
// A connection to a server with a protocol of lines and counted bytes: what is to go out, and what has come.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "client/bench/poller.h"
#include "client/socket.h"

namespace cms::bench {

using base::Result;

// One owner, one thread. Nothing here waits but open() and await().
class TextConnection {
 public:
  // Connects, and has `poller` tell of it by `number`. The poller outlives the connection.
  static Result<TextConnection> open(const std::string& address, client::bench::Poller& poller, std::uint64_t number);

  // Buffers; goes out with flush().
  void append(std::string_view text) { out_ += text; }
  std::size_t unsent() const { return out_.size() - sent_; }

  // As much as the socket takes now; the rest when the poller says that there is room.
  Result<void> flush();

  // Receives what is here. An error when the server has closed.
  Result<void> receive();

  // What has come and is not consumed; valid until the next call that is not const.
  std::string_view unread() const { return std::string_view(in_).substr(read_); }
  void consume(std::size_t bytes) { read_ += bytes; }

  // The next line without its end, consumed; nothing before it is whole.
  bool take_line(std::string& line);

  // Set-up: sends `text` and waits for a line that begins with `answer`, which is consumed with all before it.
  Result<void> await(std::string_view text, std::string_view answer);

 private:
  TextConnection(client::Socket socket, client::bench::Poller& poller, std::uint64_t number)
      : socket_(std::move(socket)), poller_(&poller), number_(number) {}

  client::Socket socket_;
  client::bench::Poller* poller_;
  std::uint64_t number_;
  bool wants_to_write_ = false;
  std::string out_;
  std::size_t sent_ = 0;
  std::string in_;
  std::size_t read_ = 0;
};

}  // namespace cms::bench
