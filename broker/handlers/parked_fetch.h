// SPDX-License-Identifier: Apache-2.0
// A fetch that waits for records: told by each of its partitions, by those that rest through its session, woken when
// together they have min_bytes, when one of them is lost, or when max_wait is over.
#pragma once

#include <atomic>
#include <vector>

#include "broker/handlers/fetch.h"

namespace cms::broker {

class ParkedFetch final : public Pending, private Deadline, private NewsListener {
 public:
  ParkedFetch(Core& core, FetchHandler& handler, const FetchParameters& parameters, FetchContext context);
  ~ParkedFetch() override { let_go(); }

  // After construction, when shared pointers to this exist. May wake at once.
  void begin();

  void answer(protocol::FrameBuffer& out) override;

 private:
  struct Waiter final : StableWaiter {
    explicit Waiter(ParkedFetch& fetch) : owner(&fetch) {}
    bool reached(Partition& partition, Offset stable) override;
    void lost(ErrorCode why) override;

    ParkedFetch* owner;
    TopicHandle topic;  // keeps the partition
    Partition* partition = nullptr;
    Offset offset = 0;
    std::size_t counted = 0;  // bytes told so far; under the partition's lock once registered
  };

  std::size_t bytes_wanted() const override { return parameters_.min_bytes; }
  bool more(std::size_t bytes) override;
  void lost() override { wake(); }

  void watch(Waiter& waiter);
  bool count(Waiter& waiter, std::size_t available);
  void expired() override { wake(); }
  void let_go();

  FetchHandler& handler_;
  const FetchParameters parameters_;
  FetchContext context_;
  std::vector<Waiter> waiters_;
  std::atomic<std::size_t> bytes_{0};
};

}  // namespace cms::broker
