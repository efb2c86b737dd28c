// SPDX-License-Identifier: Apache-2.0
// What an RDMA channel does per message and per turn. No allocation, no lock, no log line; no system call, since queues
// are written and read in memory that is shared with the device. (Registering a region that is seen for the first time
// is one: once for each chunk of a log.)
#include <arpa/inet.h>

#include <algorithm>

#include "transport/rdma/rdma_channel.h"

namespace cms::transport::rdma {

using base::ErrorKind;

Offered RdmaChannel::offer(std::span<const base::Bytes> parts) {
  if (failed_) return Offered::closed;
  Offered offered = take(parts);
  if (offered != Offered::full) return offered;
  drain();  // for credits
  post_writes();
  return failed_ ? Offered::closed : take(parts);
}

Offered RdmaChannel::take(std::span<const base::Bytes> parts) {
  if (!wants_gathering(parts)) return out_.offer(parts);
  std::size_t bytes = 0;
  for (const base::Bytes& part : parts) bytes += part.size();
  RingClaim claim;
  if (const Offered offered = out_.claim(bytes, claim); offered != Offered::taken) return offered;
  const std::size_t mask = connection_->out.data().size() - 1;
  const auto offset = static_cast<std::uint64_t>(claim.space.data() - connection_->out.data().data());
  std::uint64_t position = tail() + ((offset - tail()) & mask);
  std::byte* to = claim.space.data();
  for (const base::Bytes& part : parts) {
    if (!gather(part, position) && !part.empty()) std::memcpy(to, part.data(), part.size());
    to += part.size();
    position += part.size();
  }
  out_.commit(claim, bytes);
  return Offered::taken;
}

bool RdmaChannel::wants_gathering(std::span<const base::Bytes> parts) const {
  return options_.region_of && std::any_of(parts.begin(), parts.end(), [](const base::Bytes& part) {
           return part.size() >= gathered_part_bytes_min && part.owner();
         });
}

bool RdmaChannel::gather(const base::Bytes& part, std::uint64_t position) {
  if (part.size() < gathered_part_bytes_min || !part.owner() || gathered_.full()) return false;
  const base::ByteSpan region = options_.region_of(part);
  if (region.empty()) return false;
  const auto key = regions_.key_of(part, region, position + part.size(), completed_);
  if (!key) return false;
  gathered_.push({position, part, *key});
  ++parts_gathered_;
  return true;
}

void RdmaChannel::flush() {
  out_.publish();
  post_writes();
}

void RdmaChannel::post_writes() {
  const std::size_t ring_bytes = connection_->out.data().size();
  while (has_unposted() && !failed_) {
    if (unread_.full()) return;  // a credit comes
    if (sends_free() < sends_reserved + 2) drain_sent();
    if (sends_free() < sends_reserved + 2) return;  // a completion comes
    const std::uint64_t ring_end = posted_ + (ring_bytes - (posted_ & (ring_bytes - 1)));
    const Pieces pieces = pieces_from(posted_, std::min({tail(), ring_end, posted_ + connection_->write_bytes}));
    if (!post_write(pieces, pieces.end == tail())) return;
  }
}

// The ring from `position` on, as far as one write can take it: ours where the bytes were copied, others' where not.
RdmaChannel::Pieces RdmaChannel::pieces_from(std::uint64_t position, std::uint64_t end) {
  Pieces pieces;
  std::byte* const ring = connection_->out.data().data();
  const std::size_t mask = connection_->out.data().size() - 1;
  while (position < end && pieces.count < connection_->parts_per_write) {
    const Gathered* const next = gathered_posted_ < gathered_.size() ? &gathered_[gathered_posted_] : nullptr;
    const std::byte* from = ring + (position & mask);
    std::uint32_t key = connection_->out_region->lkey;
    std::uint64_t until = end;
    if (next != nullptr && next->position > position) until = std::min(end, next->position);
    if (next != nullptr && next->position <= position) {
      from = next->bytes.data() + (position - next->position);
      key = next->key;
      until = std::min(end, next->position + next->bytes.size());
      pieces.gathers = true;
      if (until == next->position + next->bytes.size()) ++gathered_posted_;
    }
    pieces.list[pieces.count++] = {reinterpret_cast<std::uint64_t>(from), static_cast<std::uint32_t>(until - position),
                                   key};
    position = until;
  }
  pieces.end = position;
  return pieces;
}

bool RdmaChannel::post_write(const Pieces& pieces, bool announces) {
  ibv_send_wr write{};
  ibv_sge list[parts_per_write_max];
  std::copy_n(pieces.list.begin(), pieces.count, list);
  write.sg_list = list;
  write.num_sge = static_cast<int>(pieces.count);
  const bool immediate = announces && connection_->has_immediates;
  const Doorbell doorbell = Doorbell::of(DoorbellKind::tail, pieces.end);
  write.opcode = immediate ? IBV_WR_RDMA_WRITE_WITH_IMM : IBV_WR_RDMA_WRITE;
  if (immediate) write.imm_data = htonl(doorbell.word());
  write.wr.rdma.remote_addr = connection_->remote.address + (posted_ & (connection_->out.data().size() - 1));
  write.wr.rdma.rkey = connection_->remote.key;
  if (!post(write, pieces.end, pieces.gathers)) return false;
  posted_ = pieces.end;
  if (!announces) return true;
  if (!immediate && !post_doorbell(doorbell)) return false;
  announced_ = posted_;
  unread_.push(announced_);
  return true;
}

bool RdmaChannel::post_doorbell(Doorbell doorbell, bool signaled) {
  ibv_send_wr send{};
  ibv_sge word{};
  if (connection_->has_immediates) {
    send.opcode = IBV_WR_RDMA_WRITE_WITH_IMM;
    send.imm_data = htonl(doorbell.word());
    send.wr.rdma.remote_addr = connection_->remote.address;
    send.wr.rdma.rkey = connection_->remote.key;
  } else {
    // The slot is free: the send that had it before is completed, or there would be no place for this one.
    std::uint32_t& slot = connection_->doorbells[receives_posted + sends_posted_ % sends_posted_max];
    slot = doorbell.word();
    word = {reinterpret_cast<std::uint64_t>(&slot), sizeof slot, connection_->doorbells_region->lkey};
    send.opcode = IBV_WR_SEND;
    send.sg_list = &word;
    send.num_sge = 1;
  }
  return post(send, posted_, signaled);
}

bool RdmaChannel::post(ibv_send_wr& request, std::uint64_t until, bool signaled) {
  CHECK(sends_free() > 0);
  request.wr_id = sends_posted_;
  const bool interval_ends = sends_posted_ % signal_interval == signal_interval - 1;
  request.send_flags = signaled || interval_ends ? IBV_SEND_SIGNALED : 0;
  ibv_send_wr* refused = nullptr;
  if (const int code = ibv_post_send(connection_->queue_pair(), &request, &refused); code != 0) {
    fail(ErrorKind::io, base::Error::from_errno(code, "posting a write").message());
    return false;
  }
  sent_until_[sends_posted_++ % sends_posted_max] = until;
  return true;
}

base::Result<std::size_t> RdmaChannel::poll(MessageReceiver& receiver, std::size_t messages_max) {
  drain();
  const std::size_t messages =
      in_.read(messages_max, [&receiver](base::ByteSpan message) { receiver.received(message); });
  in_.give_back_room();
  give_credit();
  if (has_unposted()) post_writes();
  return messages > 0 ? messages : nothing_read();
}

// First what was sent: when the connection breaks, the reason stands there.
void RdmaChannel::drain() {
  drain_sent();
  drain_received();
}

void RdmaChannel::drain_sent() {
  std::array<ibv_wc, 16> completions;
  int count = 0;
  do {
    count = ibv_poll_cq(connection_->sent.get(), completions.size(), completions.data());
    if (count < 0) return fail(ErrorKind::io, "reading a completion queue");
    for (const ibv_wc& completion : std::span(completions.data(), static_cast<std::size_t>(count))) {
      if (completion.status != IBV_WC_SUCCESS) {
        return fail(ErrorKind::io, std::string("writing to the peer: ") + core().wc_status_str(completion.status));
      }
      completed_ = sent_until_[completion.wr_id % sends_posted_max];
      sends_completed_ = completion.wr_id + 1;  // in order: those before it as well
    }
  } while (count == static_cast<int>(completions.size()));
  release_gathered();
}

void RdmaChannel::release_gathered() {
  while (!gathered_.empty() && gathered_.front().position + gathered_.front().bytes.size() <= completed_) {
    gathered_.pop();
    --gathered_posted_;
  }
}

void RdmaChannel::drain_received() {
  std::array<ibv_wc, receive_run> completions;
  for (std::size_t taken = 0; taken < receives_posted && !failed_;) {
    const int count = ibv_poll_cq(connection_->received.get(), completions.size(), completions.data());
    if (count < 0) return fail(ErrorKind::io, "reading a completion queue");
    for (const ibv_wc& completion : std::span(completions.data(), static_cast<std::size_t>(count))) {
      arrived(completion);
      if (failed_) return;
    }
    if (count < static_cast<int>(completions.size())) return;
    taken += completions.size();
  }
}

void RdmaChannel::arrived(const ibv_wc& completion) {
  if (completion.status != IBV_WC_SUCCESS) {
    drain_sent();
    // Below iWARP lies TCP, which ends like this also in good order.
    const ErrorKind kind = connection_->has_immediates ? ErrorKind::io : ErrorKind::closed;
    return fail(kind, std::string("the connection has ended: ") + core().wc_status_str(completion.status));
  }
  const bool has_word = connection_->has_immediates ? (completion.wc_flags & IBV_WC_WITH_IMM) != 0
                                                    : completion.byte_len == sizeof(std::uint32_t);
  if (!has_word) return fail(ErrorKind::corrupt, "the peer has sent what is no doorbell");
  const auto slot = static_cast<std::uint16_t>(completion.wr_id);
  const std::uint32_t word = connection_->has_immediates ? ntohl(completion.imm_data) : connection_->doorbells[slot];
  receives_taken_[receives_taken_count_++] = slot;
  if (receives_taken_count_ == receive_run) {
    receives_taken_count_ = 0;
    // Before anything is told to the peer by which it knows that they are there again.
    if (const auto posted = connection_->post_receives(receives_taken_); !posted) {
      return fail(ErrorKind::io, posted.error().message());
    }
  }
  arrived(Doorbell::from_word(word));
}

void RdmaChannel::arrived(Doorbell doorbell) {
  switch (doorbell.kind) {
    case DoorbellKind::tail:
      return tail_arrived(doorbell.position_from(arrived_));
    case DoorbellKind::head:
      return head_arrived(doorbell.position_from(connection_->out.header().head.load(std::memory_order_relaxed)));
    case DoorbellKind::closed:
      connection_->in.header().closed.store(1, std::memory_order_relaxed);
      return;
    case DoorbellKind::unknown:
      break;
  }
  fail(ErrorKind::corrupt, "the peer has sent a doorbell of unknown kind");
}

void RdmaChannel::tail_arrived(std::uint64_t tail) {
  if (tail == arrived_ || tail - room_given_back() > connection_->in.data().size() || uncredited_.full()) {
    return fail(ErrorKind::corrupt, "the peer has told of more than it has room for");
  }
  arrived_ = tail;
  uncredited_.push(tail);
  connection_->in.header().tail.store(tail, std::memory_order_relaxed);
}

void RdmaChannel::head_arrived(std::uint64_t head) {
  if (head > announced_) return fail(ErrorKind::corrupt, "the peer has read more than it was told of");
  connection_->out.header().head.store(head, std::memory_order_relaxed);
  while (!unread_.empty() && unread_.front() <= head) unread_.pop();
}

bool RdmaChannel::owes_credit() const {
  const std::uint64_t head = room_given_back();
  constexpr std::size_t doorbells_due = doorbells_unread_max / credit_share;
  return head - credited_ >= connection_->in.data().size() / credit_share ||
         (uncredited_.size() >= doorbells_due && uncredited_[doorbells_due - 1] <= head);
}

void RdmaChannel::give_credit() {
  if (!owes_credit() || failed_ || sends_free() < 2) return;
  const std::uint64_t head = room_given_back();
  if (!post_doorbell(Doorbell::of(DoorbellKind::head, head))) return;
  credited_ = head;
  while (!uncredited_.empty() && uncredited_.front() <= head) uncredited_.pop();
}

}  // namespace cms::transport::rdma
