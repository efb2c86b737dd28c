// SPDX-License-Identifier: Apache-2.0
#include "bench/round_trips.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <utility>
#include <vector>

#include "base/check.h"
#include "bench/loopback.h"
#include "transport/raw_ring.h"

namespace cms::bench {

namespace {

using transport::bench::RawPingPong;

constexpr int warm_up = 200;

// A child that runs `echo` until it is killed, which happens at the end of this, or of this process.
class Echo {
 public:
  template <typename Function>
  Echo(EchoProcessor processor, Function echo) : child_(::fork()) {
    if (child_ < 0) die("fork");
    if (child_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (processor) move_to(*processor);
    echo();
    ::_exit(0);
  }
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;
  ~Echo() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }

 private:
  static void move_to(int processor) {
    cpu_set_t processors;
    CPU_ZERO(&processors);
    CPU_SET(processor, &processors);
    if (::sched_setaffinity(0, sizeof processors, &processors) != 0) die("moving the echo to its processor");
  }

  const pid_t child_;
};

// Times `once` again and again.
template <typename Function>
Figures timed(double seconds, Function once) {
  for (int i = 0; i < warm_up; ++i) once();
  std::vector<std::uint64_t> samples;
  samples.reserve(1 << 20);
  const std::uint64_t end = now_ns() + static_cast<std::uint64_t>(seconds * 1e9);
  std::uint64_t before = now_ns();
  do {
    once();
    const std::uint64_t after = now_ns();
    samples.push_back(after - before);
    before = after;
  } while (before < end);
  return latency_figures(samples);
}

// One message after the other, each behind the last and with its number in front, round a ring of 1 MiB, or four of
// them.
struct MovingSlots {
  alignas(128) std::byte data[4 << 20];

  std::byte* slot(std::uint64_t number, std::size_t bytes) {
    const std::size_t slot_bytes = (bytes + sizeof number + 63) & ~std::size_t{63};
    const std::size_t slots = std::max<std::size_t>((1 << 20) / slot_bytes, 4);
    CHECK(slots * slot_bytes <= sizeof data);
    return data + number % slots * slot_bytes;
  }
  void send(std::uint64_t number, const std::byte* from, std::size_t bytes) {
    std::byte* const at = slot(number, bytes);
    std::memcpy(at + sizeof number, from, bytes);
    std::atomic_ref(*reinterpret_cast<std::uint64_t*>(at)).store(number, std::memory_order_release);
  }
  void receive(std::uint64_t number, std::byte* to, std::size_t bytes) {
    std::byte* const at = slot(number, bytes);
    const std::atomic_ref told(*reinterpret_cast<std::uint64_t*>(at));
    while (told.load(std::memory_order_acquire) != number) transport::bench::pause_processor();
    std::memcpy(to, at + sizeof number, bytes);
  }
};

// A non-blocking end of a TCP connection, read by spinning or behind epoll.
class Stream {
 public:
  Stream(int descriptor, Waiting waiting) : descriptor_(descriptor), waiting_(waiting), epoll_(::epoll_create1(0)) {
    const int on = 1;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor_, &event);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() {
    ::close(epoll_);
    ::close(descriptor_);
  }

  void send(const std::vector<char>& message) {
    for (std::size_t sent = 0; sent < message.size();) {
      const ssize_t count = ::send(descriptor_, message.data() + sent, message.size() - sent, MSG_NOSIGNAL);
      if (count < 0) die("sending over the loopback");
      sent += static_cast<std::size_t>(count);
    }
  }
  bool receive(std::vector<char>& message) {
    for (std::size_t got = 0; got < message.size();) {
      const ssize_t count = ::recv(descriptor_, message.data() + got, message.size() - got, MSG_DONTWAIT);
      if (count == 0) return false;
      if (count > 0) got += static_cast<std::size_t>(count);
      if (count < 0 && waiting_ == Waiting::sleep) {
        epoll_event event;
        ::epoll_wait(epoll_, &event, 1, -1);
      }
    }
    return true;
  }

 private:
  const int descriptor_;
  const Waiting waiting_;
  const int epoll_;
};

}  // namespace

Figures shared_memory_round_trip(std::size_t bytes, Waiting waiting, double seconds, EchoProcessor processor) {
  using transport::bench::Wait;
  auto& memory = transport::bench::shared<RawPingPong>();
  const Wait wait = waiting == Waiting::spin ? Wait::spin : Wait::futex;
  std::vector<std::byte> message(bytes);
  Figures figures;
  {
    const Echo echo(processor, [&] {
      for (std::uint32_t number = 1;; ++number) {
        memory.receive(0, number, message.data(), bytes, wait);
        memory.send(1, number, message.data(), bytes, wait);
      }
    });
    std::uint32_t number = 0;
    figures = timed(seconds, [&] {
      memory.send(0, ++number, message.data(), bytes, wait);
      memory.receive(1, number, message.data(), bytes, wait);
    });
  }
  transport::bench::unshare(memory);
  return figures;
}

Figures kept_round_trip(std::size_t bytes, double seconds, EchoProcessor processor) {
  struct Rings {
    MovingSlots there;
    MovingSlots back;
  };
  auto& rings = transport::bench::shared<Rings>();
  std::vector<std::byte> message(bytes);
  Figures figures;
  {
    const Echo echo(processor, [&] {
      std::vector<std::byte> log(std::size_t{32} << 20);
      std::size_t end = 0;
      for (std::uint64_t number = 1;; ++number) {
        if (end + bytes > log.size()) end = 0;
        std::byte* const kept = log.data() + std::exchange(end, end + bytes);
        rings.there.receive(number, kept, bytes);
        rings.back.send(number, kept, bytes);
      }
    });
    std::uint64_t number = 0;
    figures = timed(seconds, [&] {
      rings.there.send(++number, message.data(), bytes);
      rings.back.receive(number, message.data(), bytes);
    });
  }
  transport::bench::unshare(rings);
  return figures;
}

Figures tcp_round_trip(std::size_t bytes, Waiting waiting, double seconds, EchoProcessor processor) {
  int near_end = -1;
  int far_end = -1;
  connect_pair(near_end, far_end);
  std::vector<char> message(bytes);
  const Echo echo(processor, [&] {
    ::close(near_end);
    Stream stream(far_end, waiting);
    while (stream.receive(message)) stream.send(message);
  });
  ::close(far_end);
  Stream stream(near_end, waiting);
  return timed(seconds, [&] {
    stream.send(message);
    stream.receive(message);
  });
}

}  // namespace cms::bench
