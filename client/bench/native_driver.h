// SPDX-License-Identifier: Apache-2.0
// The native library as programs use it: a session for each producer and each consumer, records pushed to callbacks.
#pragma once

#include <cms/publisher.h>
#include <cms/session.h>
#include <cms/subscriber.h>

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "client/bench/driver.h"
#include "client/bench/poller.h"

namespace cms::client::bench {

class NativeDriver final : public Driver {
 public:
  explicit NativeDriver(DriverOptions options) : options_(std::move(options)) {}

  Result<void> open_producers(const Workload& workload, const std::vector<std::string>& topics,
                              Listener& listener) override;
  Result<void> open_consumers() override;
  Result<bool> send(const OutgoingRecord& record) override;
  Result<void> poll(std::int64_t until_ns) override;
  std::int64_t now_ns() const override { return clock_.steady().count(); }

 private:
  struct Published {
    std::uint64_t ticket = 0;
    std::int64_t intended_ns = 0;
  };
  struct Producer {
    Producer(cms::Session opened, NativeDriver& driver, int number);

    cms::Session session;
    cms::Publisher publisher;
    std::vector<Published> under_way;  // at ticket modulo its size
  };
  struct Consumer {
    Consumer(cms::Session opened, NativeDriver& driver, int subscription);

    cms::Session session;
    cms::Subscriber subscriber;
  };

  Result<cms::Session> connect();
  Result<void> watch(cms::Session& session);
  Result<void> poll_all();
  void acknowledged(int producer, const cms::Acknowledgement& acknowledgement);

  const DriverOptions options_;
  const base::SystemClock clock_;
  Workload workload_;
  std::vector<std::string> topics_;
  Listener* listener_ = nullptr;
  Poller poller_;  // by the place in sessions_
  std::vector<std::unique_ptr<Producer>> producers_;
  std::vector<std::unique_ptr<Consumer>> consumers_;
  std::vector<cms::Session*> sessions_;
  std::int64_t all_polled_ns_ = 0;
  std::size_t happened_ = 0;         // acknowledgements and records so far
  std::vector<base::Error> failed_;  // the first that a callback was told of
};

}  // namespace cms::client::bench
