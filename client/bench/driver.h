// SPDX-License-Identifier: Apache-2.0
// How the generator talks to a broker: one implementation for each kind of client.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/bench/workload.h"

namespace cms::client::bench {

using base::Result;

// A producer belongs to one topic: producers 0 to producersPerTopic - 1 to topic 0, and so on.
struct OutgoingRecord {
  int producer = 0;
  std::int32_t partition = 0;
  std::string_view key;    // empty: none
  std::string_view value;  // copied before send() returns
  std::int64_t intended_ns = 0;
};

// Who is told what happened, from within Driver::poll().
class Listener {
 public:
  virtual ~Listener() = default;

  // A record that was due then is acknowledged. The records of a producer may be acknowledged in any order.
  virtual void acknowledged(int producer, std::int64_t intended_ns) = 0;

  // A subscription (of all topics: topic * subscriptionsPerTopic + number) got a record; `value` is valid for the call.
  virtual void received(int subscription, std::int32_t partition, std::string_view value) = 0;
};

// One owner, one thread. After an error the run is over.
class Driver {
 public:
  virtual ~Driver() = default;

  // Connects the producers of `workload` to the topics, which exist. The listener outlives the driver.
  virtual Result<void> open_producers(const Workload& workload, const std::vector<std::string>& topics,
                                      Listener& listener) = 0;

  // Connects the consumers, who read from the beginning of each partition. After open_producers().
  virtual Result<void> open_consumers() = 0;

  // Takes a record: false when it has no room for it now, and nothing has happened.
  virtual Result<bool> send(const OutgoingRecord& record) = 0;

  // Sends what was taken, and handles what has come; waits for that until `until_ns` of now_ns(), or not at all.
  virtual Result<void> poll(std::int64_t until_ns) = 0;

  // The time: CLOCK_MONOTONIC, but for tests.
  virtual std::int64_t now_ns() const = 0;
};

// What drivers are made with, besides the workload.
struct DriverOptions {
  std::string bootstrap;
  bool spin = false;             // look for more instead of sleeping
  int requests_in_flight = 16;   // of each producer's connection; `kafka`
  int acks = 1;                  // `kafka`, `librdkafka`: 1 or -1 (all)
  std::string channel = "auto";  // `native`: auto, shm, rdma, tcp
  int linger_ms = 0;             // `librdkafka`
};

}  // namespace cms::client::bench
