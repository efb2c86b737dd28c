// SPDX-License-Identifier: Apache-2.0
// A channel over memory that the broker and a client on the same machine both map.
//
//   memfd, sealed against growing and shrinking
//   0            4096               4096 + R      8192 + R           8192 + 2R
//   +------------+------------------+-------------+------------------+
//   | RingHeader | data, R bytes    | RingHeader  | data, R bytes    |
//   +------------+------------------+-------------+------------------+
//     broker to client                client to broker
//
// Each end rings the other through a pair of Unix sockets, one byte a ring, and only when the other has said that it
// sleeps. Descriptors that are handed over come the same way, each with a byte of its own. Sockets and not eventfds,
// because whether an eventfd blocks is a flag that both holders of it can change: a client could stop the broker's
// thread with it. A socket is asked per call, and becomes readable when the peer dies.
//
// The messages of one end become visible to the other without a system call. Whoever has mapped the rings can read and
// write all of both; nothing else lies in them.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <span>

#include "base/result.h"
#include "transport/descriptor.h"
#include "transport/ring_channel.h"

namespace cms::transport {

class SharedMemoryChannel final : public RingChannel {
 public:
  // What the client needs to attach(): the memory, and its end of the pair of sockets.
  static constexpr std::size_t descriptors_passed = 2;

  // The broker's end. `ring_bytes` of each way is a power of two from ring_bytes_min to ring_bytes_max; all of the
  // memory is there before this returns (2 x ring_bytes + 8 KiB). Error: invalid, io.
  static base::Result<std::unique_ptr<SharedMemoryChannel>> create(std::size_t ring_bytes);

  // The client's end, of descriptors that create() has made in the same order and with the same size. Error: invalid
  // when the memory has another size or is not sealed, io.
  static base::Result<std::unique_ptr<SharedMemoryChannel>> attach(
      std::array<Descriptor, descriptors_passed> descriptors, std::size_t ring_bytes);

  // Says `closed` in the rings and closes the socket, so that the peer wakes. What was committed is published before.
  ~SharedMemoryChannel() override;

  // create()d only: to be sent to the client. Valid until let_go_of_client_end(), which is to be called once they are
  // sent: while this process holds the client's end of the sockets, the client's death is not seen there.
  std::array<int, descriptors_passed> descriptors() const;
  void let_go_of_client_end();

  ChannelKind kind() const override { return ChannelKind::shared_memory; }
  std::size_t message_bytes_max() const override { return out_.message_bytes_max(); }
  Offered offer(std::span<const base::Bytes> parts) override { return out_.offer(parts); }
  void flush() override;
  std::size_t room_bytes() const override { return out_.room_bytes(); }
  base::Result<std::size_t> poll(MessageReceiver& receiver, std::size_t messages_max) override;
  bool prepare_to_sleep() override;
  void awake() override;
  int wake_descriptor() const override { return bell_.get(); }
  bool hand_over(int descriptor) override;
  int take_descriptor() override;

  // Of those that wait to be taken. A broker that hands over more has gone wrong.
  static constexpr std::size_t descriptors_waiting_max = 256;

  RingWriter& out() override { return out_; }
  std::shared_ptr<const void> memory() const override { return memory_; }

 private:
  enum class End : std::uint8_t { broker, client };
  SharedMemoryChannel(End end, Descriptor file, std::shared_ptr<std::byte> memory, std::size_t ring_bytes,
                      Descriptor bell);

  base::Result<std::size_t> nothing_read();
  void ring();
  void swallow_rings();
  std::size_t look_at_bell(std::size_t& rings);

  const End end_;
  Descriptor file_;                          // the broker's; the client's is closed once mapped
  const std::shared_ptr<std::byte> memory_;  // the mapping of both rings
  Descriptor bell_;                          // our end of the pair: rung by sending, wakes by being readable
  Descriptor peer_bell_;                     // the client's end until it was handed over
  RingWriter out_;
  RingReader in_;
  std::optional<base::Error> ended_;
  bool peer_gone_ = false;           // its socket is closed
  std::size_t rings_owed_ = 0;       // the peer has taken so many flags; its bytes are here or under way
  std::size_t awakes_unlooked_ = 0;  // since the socket was last read
  std::deque<Descriptor> handed_over_;
};

}  // namespace cms::transport
