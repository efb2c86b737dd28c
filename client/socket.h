// SPDX-License-Identifier: Apache-2.0
// A connected stream socket (TCP or Unix) that sends bytes and receives Kafka frames, blocking with a time limit.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "client/address.h"

namespace cms::client {

using base::ByteSpan;
using std::chrono::milliseconds;

// One owner, one thread. After any error the stream's position is unknown: let the socket go and connect again.
// A signal whose handler was installed without SA_RESTART ends a wait with an error of system_code() EINTR.
// A steady request and its response cost one send and one receive, and no allocation once the buffer has grown.
class Socket {
 public:
  // Connects within `timeout`, trying each address the host's name has. The error says which address and why.
  static Result<Socket> connect(const Address& address, milliseconds timeout);

  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  // How long send() and receive_frame() may wait for progress before they fail with ErrorKind::busy.
  Result<void> set_timeout(milliseconds timeout);

  // All of `bytes`, or an error.
  Result<void> send(ByteSpan bytes);
  Result<void> send(std::span<const ByteSpan> parts);

  // The next frame without its length; valid until the next call. A peer that closed in good order is
  // ErrorKind::closed. A frame above frame_bytes_max is an error, and nothing of its size is allocated.
  Result<ByteSpan> receive_frame();

  // Without waiting: as much of `parts` as the socket takes now, which may be nothing. How many bytes.
  Result<std::size_t> send_some(std::span<const ByteSpan> parts);

  // Without waiting: receives once what is here. False if nothing is.
  Result<bool> receive_some();

  // Keeps the frames handed out in place, in memory that is the caller's now; what is not handed out yet stays.
  std::vector<std::byte> leave_buffer();

  // A whole frame is already here, so that receive_frame() will not wait.
  bool has_frame() const;

  int descriptor() const { return descriptor_; }

  static constexpr std::size_t frame_bytes_max = 256u << 20;

 private:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}

  static Result<Socket> connect_unix(const Address& address);
  static Result<Socket> connect_tcp(const Address& address, milliseconds timeout);

  std::size_t buffered() const { return end_ - begin_; }
  Result<std::size_t> frame_size() const;
  void make_room(std::size_t wanted);
  Result<void> receive_more(std::size_t wanted);

  int descriptor_ = -1;
  std::vector<std::byte> buffer_;  // received and not yet handed out: [begin_, end_)
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace cms::client
