// SPDX-License-Identifier: Apache-2.0
#include "client/bench/connection_load.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <limits>

#include "base/random.h"
#include "client/bench/kafka_wire.h"
#include "client/bench/schedule.h"

namespace cms::client::bench {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds patience{10'000};
constexpr std::int16_t api_versions = 18;
constexpr rlim_t other_descriptors = 256;  // the records' connections, files, and a few more

// ApiVersions in version 0, whose body is empty.
std::string api_versions_request() {
  std::string body;
  append_number(body, api_versions);
  append_number(body, std::int16_t{0});
  append_number(body, std::int32_t{1});
  append_text(body, "cms-bench");
  std::string frame;
  append_number(frame, static_cast<std::int32_t>(body.size()));
  return frame + body;
}

Result<void> allow_descriptors(int idle) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t wanted = static_cast<rlim_t>(idle) + other_descriptors;
  if (limit.rlim_cur >= wanted) return {};
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  if (limit.rlim_cur < wanted || ::setrlimit(RLIMIT_NOFILE, &limit) != 0)
    return base::Error(base::ErrorKind::full,
                       std::to_string(idle) + " idle connections need " + std::to_string(wanted) + " open files, and " +
                           std::to_string(limit.rlim_max) + " are allowed (raise it: ulimit -Hn, LimitNOFILE)");
  return {};
}

void sleep_until(std::int64_t steady_ns) {
  constexpr std::int64_t second_ns = 1'000'000'000;
  const timespec until{steady_ns / second_ns, steady_ns % second_ns};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) continue;
}

bool is_closed(const Socket& socket) {
  char byte;
  const ssize_t got = ::recv(socket.descriptor(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

}  // namespace

Result<std::unique_ptr<ConnectionLoad>> ConnectionLoad::begin(const std::string& bootstrap, int idle,
                                                              double per_second) {
  const auto addresses = parse_addresses(bootstrap);
  if (!addresses) return addresses.error();
  if (auto allowed = allow_descriptors(idle); !allowed) return allowed.error();
  std::unique_ptr<ConnectionLoad> load(new ConnectionLoad(addresses->front()));
  load->measure_from(std::numeric_limits<std::int64_t>::max());
  for (int i = 0; i < idle; ++i) {
    auto opened = load->open_one();
    if (!opened) return opened.error().while_doing("opening idle connection " + std::to_string(i + 1));
    load->idle_.push_back(std::move(*opened));
  }
  if (per_second > 0) load->thread_ = std::thread([self = load.get(), per_second] { self->come_and_go(per_second); });
  return load;
}

ConnectionLoad::~ConnectionLoad() {
  ends_.store(true);
  if (thread_.joinable()) thread_.join();
}

Result<Socket> ConnectionLoad::open_one() const {
  static const std::string request = api_versions_request();
  auto socket = Socket::connect(address_, patience);
  if (!socket) return socket.error();
  if (auto limited = socket->set_timeout(patience); !limited) return limited.error();
  if (auto sent = socket->send(base::as_bytes(request)); !sent) return sent.error();
  if (auto answer = socket->receive_frame(); !answer) return answer.error();
  return std::move(*socket);
}

void ConnectionLoad::come_and_go(double per_second) {
  Schedule schedule(Arrivals::constant, per_second, clock_.steady().count(), 0);
  for (; !ends_.load(); schedule.advance()) {
    sleep_until(schedule.due_ns());
    const auto opened = open_one();
    ++figures_.opened;
    if (!opened) {
      if (figures_.failed++ == 0) figures_.first_problem = opened.error().message();
      continue;
    }
    if (schedule.due_ns() >= measured_from_ns_.load())
      figures_.connect.record(clock_.steady().count() - schedule.due_ns());
  }
}

ConnectionFigures ConnectionLoad::finish() {
  ends_.store(true);
  if (thread_.joinable()) thread_.join();
  for (const Socket& socket : idle_) ++(is_closed(socket) ? figures_.idle_lost : figures_.idle);
  idle_.clear();
  return std::move(figures_);
}

}  // namespace cms::client::bench
