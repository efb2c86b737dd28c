// SPDX-License-Identifier: Apache-2.0
#include "client/bench/poller.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace cms::client::bench {

namespace {

constexpr std::size_t events_max = 256;

}  // namespace

Poller::~Poller() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

base::Result<void> Poller::open() {
  ::prctl(PR_SET_TIMERSLACK, 1);  // else each wait for a due time is up to 50 us longer
  descriptor_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (descriptor_ < 0) return base::Error::from_errno(errno, "making an epoll descriptor");
  events_.resize(events_max);
  return {};
}

base::Result<void> Poller::add(int descriptor, std::uint64_t number) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = number;
  if (::epoll_ctl(descriptor_, EPOLL_CTL_ADD, descriptor, &event) != 0)
    return base::Error::from_errno(errno, "watching a connection");
  return {};
}

base::Result<void> Poller::want_to_write(int descriptor, std::uint64_t number, bool wants) {
  epoll_event event{};
  event.events = wants ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.u64 = number;
  if (::epoll_ctl(descriptor_, EPOLL_CTL_MOD, descriptor, &event) != 0)
    return base::Error::from_errno(errno, "watching a connection");
  return {};
}

base::Result<std::span<const epoll_event>> Poller::wait(std::int64_t wait_ns) {
  constexpr std::int64_t second_ns = 1'000'000'000;
  const std::int64_t rest = std::max<std::int64_t>(wait_ns, 0);
  const timespec timeout{rest / second_ns, rest % second_ns};
  const int ready = ::epoll_pwait2(descriptor_, events_.data(), static_cast<int>(events_.size()), &timeout, nullptr);
  if (ready < 0 && errno != EINTR) return base::Error::from_errno(errno, "waiting for the broker");
  return std::span<const epoll_event>(events_.data(), static_cast<std::size_t>(std::max(ready, 0)));
}

}  // namespace cms::client::bench
