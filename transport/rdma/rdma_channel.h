// SPDX-License-Identifier: Apache-2.0
// A channel over a reliable RDMA connection.
//
//   this end                                       the peer
//   ring out: RingWriter     --- RDMA write --->   its ring in, same positions
//   Doorbell{tail}           --- immediate ---->   a completion: its RingReader may go on
//   head of ring out         <-- immediate -----   Doorbell{head}, a credit
//   ring in: RingReader                            and the same the other way
//
// The ring out is a mirror of what the peer reads: a message lies at the same place in both, so whatever was offered
// since the last flush is one write (two where the ring ends), whose immediate tells the new tail. A large part that
// lies in memory the device may read is not copied there: its place in the ring stays as it was, and the write gathers
// it from where it is. Its owner is held until the write is completed.
//
// A credit is a write of no bytes whose immediate is the head: it wakes a writer that waits for room, and no memory for
// positions has to be opened to the peer. limits.h says how many doorbells are under way at most.
//
// Errors: closed (the peer has ended the channel or has gone), io (the link is dead: noticed within some seconds while
// something is sent, else by whoever sends heartbeats), corrupt.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "transport/rdma/connection.h"
#include "transport/rdma/doorbell.h"
#include "transport/rdma/regions.h"
#include "transport/ring_channel.h"

namespace cms::transport::rdma {

// Numbers in the order in which they came, of at most `capacity`.
template <typename T, std::size_t capacity>
class Fifo {
 public:
  bool empty() const { return first_ == end_; }
  bool full() const { return size() == capacity; }
  std::size_t size() const { return end_ - first_; }
  T& front() { return things_[first_ % capacity]; }
  T& operator[](std::size_t index) { return things_[(first_ + index) % capacity]; }
  const T& operator[](std::size_t index) const { return things_[(first_ + index) % capacity]; }
  void push(T thing) {
    CHECK(!full());
    things_[end_++ % capacity] = std::move(thing);
  }
  void pop() { things_[first_++ % capacity] = T{}; }

 private:
  std::array<T, capacity> things_{};
  std::size_t first_ = 0;
  std::size_t end_ = 0;
};

class RdmaChannel final : public RingChannel {
 public:
  // Of an established connection.
  RdmaChannel(std::unique_ptr<Connection> connection, RdmaChannelOptions options);

  // Sends what was flushed and says that no more will come, waits close_wait for that to arrive, then makes the keys
  // void and ends the connection, which wakes the peer.
  ~RdmaChannel() override;

  ChannelKind kind() const override { return ChannelKind::rdma; }
  std::size_t message_bytes_max() const override { return out_.message_bytes_max(); }
  Offered offer(std::span<const base::Bytes> parts) override;
  void flush() override;
  std::size_t room_bytes() const override { return out_.room_bytes(); }
  base::Result<std::size_t> poll(MessageReceiver& receiver, std::size_t messages_max) override;
  bool prepare_to_sleep() override;
  void awake() override;
  int wake_descriptor() const override { return connection_->wake.get(); }

  RingWriter& out() override { return out_; }
  std::shared_ptr<const void> memory() const override { return connection_->out.memory(); }

  // Parts that were gathered, not copied, since the beginning.
  std::uint64_t parts_gathered() const { return parts_gathered_; }

  const Connection& connection() const { return *connection_; }

  // iWARP expects the end that connected to send first.
  void say_hello() { post_doorbell(Doorbell::of(DoorbellKind::head, 0)); }

 private:
  // A part whose place in the ring is not filled.
  struct Gathered {
    std::uint64_t position = 0;
    base::Bytes bytes;
    std::uint32_t key = 0;
  };
  struct Pieces {
    std::array<ibv_sge, parts_per_write_max> list;
    std::size_t count = 0;
    std::uint64_t end = 0;  // position behind the last
    bool gathers = false;   // then its completion is wanted, so that the owners are not held for long
  };

  // rdma_datapath.cc
  Offered take(std::span<const base::Bytes> parts);
  bool wants_gathering(std::span<const base::Bytes> parts) const;
  bool gather(const base::Bytes& part, std::uint64_t position);
  void post_writes();
  Pieces pieces_from(std::uint64_t position, std::uint64_t end);
  bool post_write(const Pieces& pieces, bool announces);
  bool post_doorbell(Doorbell doorbell, bool signaled = false);
  bool post(ibv_send_wr& request, std::uint64_t until, bool signaled);
  std::size_t sends_free() const { return sends_posted_max - (sends_posted_ - sends_completed_); }
  void drain();
  void drain_sent();
  void drain_received();
  void release_gathered();
  void arrived(const ibv_wc& completion);
  void arrived(Doorbell doorbell);
  void tail_arrived(std::uint64_t tail);
  void head_arrived(std::uint64_t head);
  bool owes_credit() const;
  void give_credit();
  std::uint64_t tail() const { return connection_->out.header().tail.load(std::memory_order_relaxed); }
  std::uint64_t room_given_back() const { return connection_->in.header().head.load(std::memory_order_relaxed); }
  bool has_unposted() const { return posted_ != tail(); }

  // rdma_channel.cc
  base::Result<std::size_t> nothing_read();
  void fail(base::ErrorKind kind, std::string what);
  void look_for_events();
  void arm(ibv_cq& queue, bool& armed);
  void swallow_completion_events();
  void swallow_connection_events();
  void say_closed();

  const std::unique_ptr<Connection> connection_;
  const RdmaChannelOptions options_;
  Regions regions_;
  RingWriter out_;
  RingReader in_;

  // Of the ring out: completed_ <= posted_ <= tail, announced_ <= posted_; the peer's head <= announced_.
  std::uint64_t completed_ = 0;                       // our device is done with all before
  std::uint64_t posted_ = 0;                          // written to the peer, or under way
  std::uint64_t announced_ = 0;                       // the peer was told
  Fifo<std::uint64_t, doorbells_unread_max> unread_;  // tails announced that no credit covers
  Fifo<Gathered, gathered_parts_max> gathered_;
  std::size_t gathered_posted_ = 0;  // of these, from the front
  std::uint64_t parts_gathered_ = 0;
  std::array<std::uint64_t, sends_posted_max> sent_until_{};  // by send: what completed_ becomes with it
  std::uint64_t sends_posted_ = 0;
  std::uint64_t sends_completed_ = 0;

  // Of the ring in: credited_ <= read <= arrived_.
  std::uint64_t arrived_ = 0;
  std::uint64_t credited_ = 0;
  Fifo<std::uint64_t, doorbells_unread_max> uncredited_;  // tails that came and no credit covers
  std::array<std::uint16_t, receive_run> receives_taken_{};
  std::size_t receives_taken_count_ = 0;

  std::optional<base::Error> failed_;  // of the link or the peer; said when all that came before is read
  bool peer_gone_ = false;
  bool received_armed_ = false;
  bool sent_armed_ = false;
  std::size_t polls_unlooked_ = 0;
};

}  // namespace cms::transport::rdma
