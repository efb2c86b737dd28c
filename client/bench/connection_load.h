// SPDX-License-Identifier: Apache-2.0
// Connections beside a load of records: some that stay open and say nothing more, and some that come and go by a
// schedule, whether the broker keeps up or not.
//
// A connection is made, asks for ApiVersions, as every Kafka client does first, and has its answer.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/histogram.h"
#include "client/socket.h"

namespace cms::client::bench {

struct ConnectionFigures {
  int idle = 0;               // that stayed open to the end
  int idle_lost = 0;          // that the broker closed
  std::uint64_t opened = 0;   // by the schedule, since the beginning
  std::uint64_t failed = 0;   // of these
  std::string first_problem;  // what the first of them said
  base::Histogram connect{};  // until the answer, in ns from when it was due, since measure_from()
};

// One owner, one thread; it has a thread of its own for those that come and go.
class ConnectionLoad {
 public:
  // Opens `idle` connections, and then `per_second` a second, one after the other, until finish(). Raises the process's
  // own limit of open files as far as it may; the error says so where that does not do.
  static Result<std::unique_ptr<ConnectionLoad>> begin(const std::string& bootstrap, int idle, double per_second);
  ConnectionLoad(const ConnectionLoad&) = delete;
  ConnectionLoad& operator=(const ConnectionLoad&) = delete;
  ~ConnectionLoad();

  // What was due before does not count in the histogram. Any thread.
  void measure_from(std::int64_t steady_ns) { measured_from_ns_.store(steady_ns); }

  ConnectionFigures finish();

 private:
  explicit ConnectionLoad(Address address) : address_(std::move(address)) {}

  Result<Socket> open_one() const;
  void come_and_go(double per_second);

  const Address address_;
  const base::SystemClock clock_;
  std::vector<Socket> idle_;
  std::atomic<bool> ends_{false};
  std::atomic<std::int64_t> measured_from_ns_;
  ConnectionFigures figures_;  // the thread's, until it is joined
  std::thread thread_;
};

}  // namespace cms::client::bench
