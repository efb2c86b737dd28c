// SPDX-License-Identifier: Apache-2.0
// One end of the push path between the broker and one native client: messages out, messages in.
//
// Two single-writer rings, one each way, over shared memory, RDMA or a stream socket (docs/push.md draws them). What a
// message means is not known here. Messages arrive whole, unchanged and in the order they were offered. Back-pressure
// is a value: a full ring takes nothing, loses nothing and blocks nobody, and its reader rings when it has made room.
//
// The peer is not trusted: whatever it writes into a ring or its positions, the worst that follows is that this channel
// is closed with an error that says what was wrong.
//
// Lifetime: the owner destroys it; the peer sees `closed`. One thread at a time uses one end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace cms::transport {

enum class ChannelKind : std::uint8_t { tcp = 0, shared_memory = 1, rdma = 2 };

std::string_view to_string(ChannelKind kind);  // "tcp", "shm", "rdma"

enum class Offered : std::uint8_t {
  taken,
  full,    // no room now: offer again after the next wake
  closed,  // poll() says why
};

class MessageReceiver {
 public:
  virtual ~MessageReceiver() = default;

  // `message` is valid during the call. Shared memory: the peer can still write into it, so look at each byte once, or
  // copy before checking.
  virtual void received(base::ByteSpan message) = 0;
};

class Channel {
 public:
  virtual ~Channel() = default;

  virtual ChannelKind kind() const = 0;

  // The largest message that offer() ever takes: a part of the ring. Larger things are cut by whoever offers them.
  virtual std::size_t message_bytes_max() const = 0;

  // Takes the parts, one behind the other, as one message. Parts with an owner may be referred to until the message has
  // left (RDMA, TCP gather from there); parts without are copied before this returns. The peer sees it after flush().
  virtual Offered offer(std::span<const base::Bytes> parts) = 0;

  // Makes what was taken visible to the peer, and rings if it has said that it sleeps. Once a turn, not per message.
  virtual void flush() = 0;

  // Bytes that offer() would take now, an estimate from below. For those who look at credit.
  virtual std::size_t room_bytes() const = 0;

  // Hands out up to `messages_max` messages that have arrived, then gives their room back. How many; or the error that
  // has ended the channel (closed: the peer has gone in good order; corrupt: it broke the rules; io: the link failed).
  virtual base::Result<std::size_t> poll(MessageReceiver& receiver, std::size_t messages_max) = 0;

  // --- Descriptors, beside the messages. Only between processes that share memory, from the broker to the client.

  // Hands over a copy of a descriptor, before whatever is flushed from here on. False: not by this channel, or not now
  // (the peer does not take what it was handed), and never waits.
  virtual bool hand_over(int /*descriptor*/) { return false; }

  // The oldest that was handed over and not taken yet; -1 when there is none. The caller closes it.
  virtual int take_descriptor() { return -1; }

  // --- Sleeping. While awake, the owner polls; no system call is made on either side. Before it sleeps:
  //   if (channel.prepare_to_sleep()) wait until wake_descriptor() is readable;
  //   channel.awake();

  // Tells the peer to ring for new messages, and for room if the last offer() found none. False: there is something to
  // do already, do not sleep.
  virtual bool prepare_to_sleep() = 0;

  // Takes that back and swallows the ring. Also after a prepare_to_sleep() that said false.
  virtual void awake() = 0;

  // Readable when the peer has rung, or has gone. Owned by the channel; the same for its whole life.
  virtual int wake_descriptor() const = 0;
};

}  // namespace cms::transport
