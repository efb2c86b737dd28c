// SPDX-License-Identifier: Apache-2.0
// Kafka's protocol by a client of our own that costs a few microseconds a request: one thread, epoll, requests built in
// place, no coordinator (partitions are shared out by number). One broker, at the address it was found.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "client/bench/driver.h"
#include "client/bench/kafka_consumer.h"
#include "client/bench/kafka_producer.h"
#include "client/bench/poller.h"

namespace cms::client::bench {

class KafkaDriver final : public Driver {
 public:
  explicit KafkaDriver(DriverOptions options) : options_(std::move(options)) {}

  Result<void> open_producers(const Workload& workload, const std::vector<std::string>& topics,
                              Listener& listener) override;
  Result<void> open_consumers() override;
  Result<bool> send(const OutgoingRecord& record) override;
  Result<void> poll(std::int64_t until_ns) override;
  std::int64_t now_ns() const override { return clock_.steady().count(); }

 private:
  Result<Socket> connect() const;
  Result<void> handle(std::size_t connection);

  const DriverOptions options_;
  const base::SystemClock clock_;
  Workload workload_;
  std::vector<std::string> topics_;
  Listener* listener_ = nullptr;
  Poller poller_;  // knows producers by their number, then consumers
  std::vector<std::unique_ptr<KafkaProducer>> producers_;
  std::vector<std::unique_ptr<KafkaConsumer>> consumers_;
  std::vector<std::size_t> touched_;  // producers that were given records since the last poll
  std::vector<bool> is_touched_;
};

}  // namespace cms::client::bench
