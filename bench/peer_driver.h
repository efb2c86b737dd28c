// SPDX-License-Identifier: Apache-2.0
// What the drivers of other systems have in common: a text connection for each producer and each consumer, and channels
// of the server named topic.partition. No history: a consumer that subscribes first has all.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "bench/text_connection.h"
#include "client/bench/driver.h"

namespace cms::bench {

using client::bench::DriverOptions;
using client::bench::Listener;
using client::bench::OutgoingRecord;
using client::bench::Workload;

class PeerDriver : public client::bench::Driver {
 public:
  explicit PeerDriver(DriverOptions options) : options_(std::move(options)) {}

  Result<void> open_producers(const Workload& workload, const std::vector<std::string>& topics,
                              Listener& listener) final;
  Result<void> open_consumers() final;
  Result<bool> send(const OutgoingRecord& record) final;
  Result<void> poll(std::int64_t until_ns) final;
  std::int64_t now_ns() const final { return clock_.steady().count(); }

 protected:
  struct Consumer {
    TextConnection connection;
    int subscription = 0;
    std::vector<std::string> channels{};      // by their place
    std::vector<std::int32_t> partitions{};   // of each channel
    std::vector<std::string> last_entries{};  // of each channel; streams
  };

  virtual Result<void> greet(TextConnection& connection) = 0;
  virtual Result<void> subscribe(Consumer& consumer) = 0;
  virtual void append_publish(TextConnection& connection, const std::string& channel, std::string_view value) = 0;

  // Take what is whole of what has come.
  virtual Result<std::size_t> take_answers(TextConnection& connection) = 0;  // how many publishes were answered
  virtual Result<void> take_records(Consumer& consumer) = 0;

  // Whether the server answers a publish. Else a record counts as acknowledged when a subscription had it.
  virtual bool answers_publishes() const = 0;

  void received(const Consumer& consumer, std::size_t channel, std::string_view value);

 private:
  struct Producer {
    TextConnection connection;
    std::vector<std::int64_t> under_way{};  // when they were due, a ring
    std::size_t first = 0, count = 0;
  };

  Result<void> handle(std::uint64_t number);
  void acknowledge(std::size_t producer);
  std::string channel_of(int topic, std::int32_t partition) const;

  const DriverOptions options_;
  const base::SystemClock clock_;
  Workload workload_;
  std::vector<std::string> topics_;
  Listener* listener_ = nullptr;
  client::bench::Poller poller_;  // producers, then consumers
  std::vector<Producer> producers_;
  std::vector<std::unique_ptr<Consumer>> consumers_;
};

std::unique_ptr<PeerDriver> make_nats_driver(DriverOptions options);
std::unique_ptr<PeerDriver> make_redis_driver(DriverOptions options);          // PUBLISH and SUBSCRIBE
std::unique_ptr<PeerDriver> make_redis_streams_driver(DriverOptions options);  // XADD and XREAD

}  // namespace cms::bench
