// SPDX-License-Identifier: Apache-2.0
#include "transport/shared_memory_channel.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "transport/pass_descriptors.h"

namespace cms::transport {

namespace {

using base::Error;
using base::ErrorKind;

constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW;

// A socket that is read as nobody's ring: a peer that rings without being asked, or has died, is noticed this often.
constexpr std::size_t awakes_unlooked_max = 16;

// No end asks for more rings than one for messages and one for room each time it sleeps.
constexpr std::size_t rings_owed_max = 8;

constexpr std::size_t bell_bytes_at_once = 256;

constexpr std::size_t region_bytes(std::size_t ring_bytes) { return ring_header_bytes + ring_bytes; }
constexpr std::size_t file_bytes(std::size_t ring_bytes) { return 2 * region_bytes(ring_bytes); }

base::Result<std::shared_ptr<std::byte>> map(int file, std::size_t bytes) {
  // Populated, because a page fault costs as much as fifty messages.
  void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
  if (at == MAP_FAILED) return Error::from_errno(errno, "mapping the rings of a channel");
  return std::shared_ptr<std::byte>(static_cast<std::byte*>(at),
                                    [bytes](std::byte* memory) { ::munmap(memory, bytes); });
}

RingHeader& header_at(std::byte* memory) { return *reinterpret_cast<RingHeader*>(memory); }

Error wrong_size(std::size_t ring_bytes) {
  return {ErrorKind::invalid, "a ring of " + std::to_string(ring_bytes) + " bytes: it must be a power of two from " +
                                  std::to_string(ring_bytes_min) + " to " + std::to_string(ring_bytes_max)};
}

}  // namespace

base::Result<std::unique_ptr<SharedMemoryChannel>> SharedMemoryChannel::create(std::size_t ring_bytes) {
  if (!is_ring_size(ring_bytes)) return wrong_size(ring_bytes);
  Descriptor file(::memfd_create("cms-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid()) return Error::from_errno(errno, "making the rings of a channel");
  if (::ftruncate(file.get(), static_cast<off_t>(file_bytes(ring_bytes))) != 0) {
    return Error::from_errno(errno, "sizing the rings of a channel");
  }
  // So that the client cannot take away memory that we touch.
  if (::fcntl(file.get(), F_ADD_SEALS, seals | F_SEAL_SEAL) != 0) {
    return Error::from_errno(errno, "sealing the rings of a channel");
  }
  base::Result<std::shared_ptr<std::byte>> memory = map(file.get(), file_bytes(ring_bytes));
  if (!memory) return memory.error();
  int bells[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, bells) != 0) {
    return Error::from_errno(errno, "making the bells of a channel");
  }
  Descriptor bell(bells[0]), peer_bell(bells[1]);
  new (memory->get()) RingHeader{};
  new (memory->get() + region_bytes(ring_bytes)) RingHeader{};
  std::unique_ptr<SharedMemoryChannel> channel(
      new SharedMemoryChannel(End::broker, std::move(file), std::move(*memory), ring_bytes, std::move(bell)));
  channel->peer_bell_ = std::move(peer_bell);
  return channel;
}

base::Result<std::unique_ptr<SharedMemoryChannel>> SharedMemoryChannel::attach(
    std::array<Descriptor, descriptors_passed> descriptors, std::size_t ring_bytes) {
  auto& [file, bell] = descriptors;
  if (!is_ring_size(ring_bytes)) return wrong_size(ring_bytes);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return Error::from_errno(errno, "looking at the rings of a channel");
  if (static_cast<std::uint64_t>(status.st_size) != file_bytes(ring_bytes)) {
    return Error(ErrorKind::invalid, "the rings of a channel have another size than was said");
  }
  const int sealed = ::fcntl(file.get(), F_GET_SEALS);
  if (sealed < 0 || (sealed & seals) != seals) {
    return Error(ErrorKind::invalid, "the rings of a channel are not sealed: they could be cut off under us");
  }
  base::Result<std::shared_ptr<std::byte>> memory = map(file.get(), file_bytes(ring_bytes));
  if (!memory) return memory.error();
  return std::unique_ptr<SharedMemoryChannel>(
      new SharedMemoryChannel(End::client, Descriptor(), std::move(*memory), ring_bytes, std::move(bell)));
}

SharedMemoryChannel::SharedMemoryChannel(End end, Descriptor file, std::shared_ptr<std::byte> memory,
                                         std::size_t ring_bytes, Descriptor bell)
    : end_(end),
      file_(std::move(file)),
      memory_(std::move(memory)),
      bell_(std::move(bell)),
      out_(header_at(memory_.get() + (end == End::broker ? 0 : region_bytes(ring_bytes))),
           {memory_.get() + ring_header_bytes + (end == End::broker ? 0 : region_bytes(ring_bytes)), ring_bytes}),
      in_(header_at(memory_.get() + (end == End::client ? 0 : region_bytes(ring_bytes))),
          {memory_.get() + ring_header_bytes + (end == End::client ? 0 : region_bytes(ring_bytes)), ring_bytes}) {}

SharedMemoryChannel::~SharedMemoryChannel() {
  out_.publish();
  out_.close();  // and the closing socket wakes the peer
}

std::array<int, SharedMemoryChannel::descriptors_passed> SharedMemoryChannel::descriptors() const {
  return {file_.get(), peer_bell_.get()};
}

void SharedMemoryChannel::let_go_of_client_end() {
  file_.close();
  peer_bell_.close();
}

void SharedMemoryChannel::flush() {
  if (out_.publish()) ring();
}

base::Result<std::size_t> SharedMemoryChannel::poll(MessageReceiver& receiver, std::size_t messages_max) {
  if (ended_) return *ended_;
  const std::size_t messages =
      in_.read(messages_max, [&receiver](base::ByteSpan message) { receiver.received(message); });
  if (messages > 0) {
    if (in_.give_back_much_room()) ring();
    return messages;
  }
  if (in_.give_back_room()) ring();
  return nothing_read();
}

base::Result<std::size_t> SharedMemoryChannel::nothing_read() {
  if (!in_.violation().empty()) {
    ended_.emplace(ErrorKind::corrupt, "the peer has written into its ring: " + std::string(in_.violation()));
  } else if (!out_.violation().empty()) {
    ended_.emplace(ErrorKind::corrupt, "the peer has written into our ring: " + std::string(out_.violation()));
  } else if (in_.ended()) {
    ended_.emplace(ErrorKind::closed, "the peer has closed the channel");
  } else if (peer_gone_ && !in_.look()) {
    ended_.emplace(ErrorKind::closed, "the peer has gone");
  }
  if (ended_) return *ended_;
  return std::size_t{0};
}

bool SharedMemoryChannel::prepare_to_sleep() {
  flush();
  if (in_.give_back_room()) ring();
  const bool nothing_to_read = in_.prepare_to_sleep();
  return out_.prepare_to_sleep() && nothing_to_read && !ended_ && !peer_gone_;
}

void SharedMemoryChannel::awake() {
  rings_owed_ += std::size_t{in_.awake()} + std::size_t{out_.awake()};
  if (rings_owed_ > rings_owed_max) rings_owed_ = rings_owed_max;
  if (rings_owed_ > 0 || ++awakes_unlooked_ >= awakes_unlooked_max) swallow_rings();
}

void SharedMemoryChannel::ring() {
  constexpr char one = 1;
  // A bell that is full of rings needs no other.
  if (::send(bell_.get(), &one, sizeof one, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN) peer_gone_ = true;
}

void SharedMemoryChannel::swallow_rings() {
  awakes_unlooked_ = 0;
  std::size_t rings = 0;
  if (look_at_bell(rings) == bell_bytes_at_once) awakes_unlooked_ = awakes_unlooked_max;  // a flood: go on next time
  rings_owed_ -= std::min(rings_owed_, rings);
}

// Reads the socket once; how many bytes. The rings among them are those that bring no descriptor.
std::size_t SharedMemoryChannel::look_at_bell(std::size_t& rings) {
  std::array<std::byte, bell_bytes_at_once> bytes;
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int))> control;
  iovec part{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (end_ == End::client) {  // what a client sends to the broker is closed by the kernel
    message.msg_control = control.data();
    message.msg_controllen = control.size();
  }
  const ssize_t received = ::recvmsg(bell_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (received == 0 || (received < 0 && errno != EAGAIN && errno != EINTR)) peer_gone_ = true;
  if (received <= 0) return 0;
  rings = static_cast<std::size_t>(received);
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    int descriptor;
    std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    handed_over_.emplace_back(descriptor);
    if (handed_over_.size() > descriptors_waiting_max) handed_over_.pop_front();  // then nothing fits any more
    --rings;
  }
  return static_cast<std::size_t>(received);
}

bool SharedMemoryChannel::hand_over(int descriptor) {
  constexpr std::byte one[1] = {};
  return end_ == End::broker && send_descriptors(bell_.get(), one, {&descriptor, 1}).ok();
}

// One read brings one descriptor at most, behind rings perhaps.
int SharedMemoryChannel::take_descriptor() {
  std::size_t rings = 0;
  while (handed_over_.empty() && look_at_bell(rings) > 0) {
    rings_owed_ -= std::min(rings_owed_, rings);
  }
  if (handed_over_.empty()) return -1;
  const int descriptor = handed_over_.front().release();
  handed_over_.pop_front();
  return descriptor;
}

}  // namespace cms::transport
