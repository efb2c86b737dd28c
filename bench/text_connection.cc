// SPDX-License-Identifier: Apache-2.0
#include "bench/text_connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>

namespace cms::bench {

namespace {

constexpr std::chrono::milliseconds patience{10'000};
constexpr std::size_t receive_bytes = 256 << 10;

}  // namespace

Result<TextConnection> TextConnection::open(const std::string& address, client::bench::Poller& poller,
                                            std::uint64_t number) {
  const auto parsed = client::Address::parse(address);
  if (!parsed) return parsed.error();
  auto socket = client::Socket::connect(*parsed, patience);
  if (!socket) return socket.error();
  if (auto added = poller.add(socket->descriptor(), number); !added) return added.error();
  return TextConnection(std::move(*socket), poller, number);
}

Result<void> TextConnection::flush() {
  while (sent_ < out_.size()) {
    const base::ByteSpan rest = base::as_bytes(out_).subspan(sent_);
    const auto sent = socket_.send_some({&rest, 1});
    if (!sent) return sent.error();
    if (*sent == 0) break;
    sent_ += *sent;
  }
  if (sent_ == out_.size()) {
    out_.clear();
    sent_ = 0;
  }
  const bool wants = !out_.empty();
  if (wants == wants_to_write_) return {};
  wants_to_write_ = wants;
  return poller_->want_to_write(socket_.descriptor(), number_, wants);
}

Result<void> TextConnection::receive() {
  in_.erase(0, read_);
  read_ = 0;
  for (;;) {
    const std::size_t had = in_.size();
    in_.resize(had + receive_bytes);
    const ssize_t got = ::recv(socket_.descriptor(), in_.data() + had, receive_bytes, MSG_DONTWAIT);
    in_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return base::Error(base::ErrorKind::closed, "the server has closed the connection");
    if (got < 0 && errno != EAGAIN && errno != EINTR) return base::Error::from_errno(errno, "receiving");
    if (got < static_cast<ssize_t>(receive_bytes)) return {};
  }
}

bool TextConnection::take_line(std::string& line) {
  const std::size_t end = unread().find("\r\n");
  if (end == std::string_view::npos) return false;
  line = unread().substr(0, end);
  consume(end + 2);
  return true;
}

Result<void> TextConnection::await(std::string_view text, std::string_view answer) {
  append(text);
  const auto give_up = std::chrono::steady_clock::now() + patience;
  std::string line;
  while (std::chrono::steady_clock::now() < give_up) {
    if (auto flushed = flush(); !flushed) return flushed;
    while (take_line(line)) {
      if (line.starts_with(answer)) return {};
    }
    pollfd ready{socket_.descriptor(), POLLIN, 0};
    if (::poll(&ready, 1, 100) <= 0) continue;
    if (auto received = receive(); !received) return received;
  }
  return base::Error(base::ErrorKind::busy, "no '" + std::string(answer) + "' from the server; the last: " + line);
}

}  // namespace cms::bench
