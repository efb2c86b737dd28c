// SPDX-License-Identifier: Apache-2.0
#include "client/native/wake.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>

namespace cms::client {

namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds second{1'000'000'000};
constexpr std::chrono::milliseconds longest_wait{3'600'000};

timespec to_timespec(nanoseconds time) {
  return {static_cast<time_t>(time / second), static_cast<long>((time % second).count())};
}

}  // namespace

Wake::Wake() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

void Wake::watch(int descriptor, bool writable) {
  if (descriptor == watched_ && writable == writable_) return;
  epoll_event event{};
  event.events = EPOLLIN | (writable ? EPOLLOUT : 0u);
  event.data.fd = descriptor;
  if (descriptor == watched_) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, descriptor, &event);
  } else {
    if (watched_ >= 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, watched_, nullptr);
    if (descriptor >= 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event);
  }
  watched_ = descriptor;
  writable_ = writable;
}

bool Wake::wait(std::chrono::steady_clock::time_point until) {
  const nanoseconds left = until - std::chrono::steady_clock::now();
  if (left <= nanoseconds::zero()) return true;
  const timespec limit = to_timespec(left);
  epoll_event events[2];
  int ready = ::epoll_pwait2(epoll_.get(), events, 2, &limit, nullptr);
  if (ready < 0 && errno == ENOSYS) {  // before Linux 5.11
    const auto ms = std::min(std::chrono::ceil<std::chrono::milliseconds>(left), longest_wait);
    ready = ::epoll_wait(epoll_.get(), events, 2, static_cast<int>(ms.count()));
  }
  const bool interrupted = ready < 0 && errno == EINTR;
  for (int i = 0; i < ready; ++i) {
    if (events[i].data.fd == timer_.get()) set_timer_to(std::chrono::steady_clock::time_point::max());
  }
  return !interrupted;
}

int Wake::descriptor() {
  if (!timer_.valid()) {
    timer_ = transport::Descriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = timer_.get();
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, timer_.get(), &event);
  }
  return epoll_.get();
}

void Wake::set_timer(std::chrono::steady_clock::time_point at) {
  if (timer_at_ > at || timer_at_ <= std::chrono::steady_clock::now()) set_timer_to(at);
}

// Takes back what had run out.
void Wake::set_timer_to(std::chrono::steady_clock::time_point at) {
  timer_at_ = at;
  itimerspec when{};
  if (at != std::chrono::steady_clock::time_point::max())
    when.it_value = to_timespec(std::max(at.time_since_epoch(), nanoseconds(1)));
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace cms::client
