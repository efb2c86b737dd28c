// SPDX-License-Identifier: Apache-2.0
// Gets records pushed as they become stable.
//
//   cms::Subscriber subscriber = session->subscriber({.on_record = [](const cms::ReceivedRecord& record) { ... }});
//   subscriber.subscribe({.topics = "sensors"});
//   for (;;) session->poll(1s);
//
// Each partition's records come in order; partitions are independent. After a lost connection a subscription goes on at
// the next record of each partition: nothing comes twice, and what could no longer be delivered is told as a Gap.
//
// Callback style: the functions in SubscriberOptions are called from Session::poll(), on views of the channel's own
// memory. Poll style: give none of them and call next(), which costs a copy. A callback may publish and make
// subscriptions; it may not poll, nor destroy its subscriber. While it runs nothing else is delivered.
#pragma once

#include <cms/error.h>
#include <cms/record.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cms {

class Session;

namespace client {
class Incoming;
}

// Where a subscription begins in each partition.
struct Start {
  enum class At : std::uint8_t {
    live,       // what becomes stable from now on
    earliest,   // the oldest that is there
    offset,     // `value`
    time,       // the first record of `value` (ms since 1970) or later
    committed,  // where `group` has got to; where it has not, live, or earliest if `value` is 1
  };

  At at = At::live;
  std::int64_t value = 0;
  std::string group{};

  static Start live() { return {}; }
  static Start earliest() { return {At::earliest, 0, {}}; }
  static Start offset(std::int64_t offset) { return {At::offset, offset, {}}; }
  static Start time(std::int64_t timestamp_ms) { return {At::time, timestamp_ms, {}}; }
  static Start committed(std::string group) { return {At::committed, 1, std::move(group)}; }
};

enum class Match : std::uint8_t {
  exact,    // one topic, which need not exist yet
  prefix,   // all whose name begins so, also those made later
  pattern,  // words between dots: `*` is any one word, `>` at the end is one or more
};

struct Subscription {
  std::string topics{};
  Match match = Match::exact;
  Start start{};
  std::vector<std::int32_t> partitions{};  // none: all
  std::size_t bytes_in_flight_max = 0;     // that the broker sends ahead of the callbacks; 0: as much as the ring takes
};

// Records [from, to) of a partition will not come: they were gone before they could be delivered.
struct Gap {
  std::string_view topic;
  std::int32_t partition = 0;
  std::int64_t from = 0;
  std::int64_t to = 0;
};

// A partition joins or leaves a subscription; partition -1: all of it leaves, the broker does not take it again.
struct PartitionChange {
  std::uint32_t subscription = 0;
  std::string_view topic;
  std::int32_t partition = 0;
  std::int64_t next_offset = 0;
  const Error* error = nullptr;  // of a partition that leaves: why, if it was not asked for
};

// When a record went through the broker, in ns of its machine's CLOCK_MONOTONIC.
struct Stages {
  std::string_view topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::int64_t appended_ns = 0;
  std::int64_t stable_ns = 0;
  std::int64_t enqueued_ns = 0;
  std::int64_t pushed_ns = 0;
};

struct SubscriberOptions {
  std::function<void(const ReceivedRecord&)> on_record{};
  std::function<void(const Gap&)> on_gap{};
  std::function<void(const PartitionChange&)> on_opened{};
  std::function<void(const PartitionChange&)> on_closed{};
  std::function<void(const Stages&)> on_stages{};  // with SessionOptions::want_stages, behind the record
  bool check_checksums = true;                     // of every batch: some 0.1 us per KB
};

class Subscriber {
 public:
  Subscriber(Subscriber&&) noexcept;
  Subscriber& operator=(Subscriber&&) noexcept;
  ~Subscriber();  // ends its subscriptions

  // Its number, for unsubscribe() and seek(). Waits for the broker's answer.
  Result<std::uint32_t> subscribe(const Subscription& subscription);
  Result<void> unsubscribe(std::uint32_t subscription);

  // Goes on at `start`, in all partitions of the subscription. What was under way is dropped. Not Start::committed.
  Result<void> seek(std::uint32_t subscription, const Start& start);

  // Poll style: the next record, after waiting for up to `timeout`; null when none came. Valid until the next call.
  Result<const ReceivedRecord*> next(std::chrono::milliseconds timeout);

  // Poll style: how many gaps next() has passed over, and the last of them.
  std::uint64_t gaps() const;

  // Commits what was delivered, up to and with the last record, as the progress of a consumer group that nobody is a
  // member of; Kafka's tools see it, Start::committed() takes it up. Waits for the answer.
  Result<void> commit(const std::string& group);

  // The next offset of each partition: one behind the last record delivered.
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> positions() const;

 private:
  friend class Session;
  explicit Subscriber(std::shared_ptr<client::Incoming> incoming);

  std::shared_ptr<client::Incoming> incoming_;
};

}  // namespace cms
