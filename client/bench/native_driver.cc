// SPDX-License-Identifier: Apache-2.0
#include "client/bench/native_driver.h"

#include <algorithm>
#include <bit>

namespace cms::client::bench {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t under_way_max = 16'384;             // records of a publisher that are not acknowledged
constexpr std::int64_t all_polled_every_ns = 50'000'000;  // heartbeats, and what no descriptor tells of
constexpr std::size_t ring_overhead = 64 << 10;

base::Error as_error(const cms::Error& error) {
  const bool unreachable = error.code == cms::Code::lost || error.code == cms::Code::timed_out;
  return {unreachable ? base::ErrorKind::io : base::ErrorKind::invalid, error.message};
}

cms::ChannelKind kind_named(std::string_view name) {
  for (const auto kind : {cms::ChannelKind::tcp, cms::ChannelKind::shared_memory, cms::ChannelKind::rdma}) {
    if (name == cms::to_string(kind)) return kind;
  }
  return cms::ChannelKind::automatic;
}

}  // namespace

NativeDriver::Producer::Producer(cms::Session opened, NativeDriver& driver, int number)
    : session(std::move(opened)),
      publisher(session.publisher({
          .unacknowledged_records_max = under_way_max,
          .on_acknowledged =
              [&driver, number](const cms::Acknowledgement& acknowledgement) {
                driver.acknowledged(number, acknowledgement);
              },
      })),
      under_way(2 * under_way_max) {}

NativeDriver::Consumer::Consumer(cms::Session opened, NativeDriver& driver, int subscription)
    : session(std::move(opened)),
      subscriber(session.subscriber({
          .on_record =
              [&driver, subscription](const cms::ReceivedRecord& record) {
                ++driver.happened_;
                driver.listener_->received(subscription, record.partition, record.value ? record.value->text() : "");
              },
          .on_closed =
              [&driver](const cms::PartitionChange& change) {
                if (change.error != nullptr) driver.failed_.push_back(as_error(*change.error));
              },
      })) {}

Result<cms::Session> NativeDriver::connect() {
  cms::SessionOptions options;
  options.bootstrap = options_.bootstrap;
  options.channel = kind_named(options_.channel);
  options.client_id = "cms-bench";
  options.reconnect = false;  // a broker that is lost is no part of a measure
  const std::size_t needed = workload_.message_size + ring_overhead;
  constexpr std::size_t rings_of_default = 256 << 10;
  if (needed > rings_of_default) options.ring_bytes = std::bit_ceil(4 * needed);
  auto session = cms::Session::connect(options);
  if (!session) return as_error(session.error());
  if (options.channel != cms::ChannelKind::automatic && session->channel() != options.channel)
    return base::Error(base::ErrorKind::unsupported,
                       "no channel of the kind '" + options_.channel + "': " + session->channel_reason());
  return std::move(*session);
}

Result<void> NativeDriver::watch(cms::Session& session) {
  sessions_.push_back(&session);
  if (options_.spin) return {};
  return poller_.add(session.descriptor(), sessions_.size() - 1);
}

Result<void> NativeDriver::open_producers(const Workload& workload, const std::vector<std::string>& topics,
                                          Listener& listener) {
  workload_ = workload;
  topics_ = topics;
  listener_ = &listener;
  if (auto opened = poller_.open(); !opened) return opened;
  for (int i = 0; i < workload_.producers(); ++i) {
    auto session = connect();
    if (!session) return session.error();
    producers_.push_back(std::make_unique<Producer>(std::move(*session), *this, i));
    Producer& producer = *producers_.back();
    const auto asked = producer.publisher.open(topics_[static_cast<std::size_t>(i / workload_.producers_per_topic)]);
    if (!asked) return as_error(asked.error());
    if (auto watched = watch(producer.session); !watched) return watched;
  }
  return {};
}

Result<void> NativeDriver::open_consumers() {
  for (int i = 0; i < workload_.topics * workload_.subscriptions_per_topic; ++i) {
    for (int consumer = 0; consumer < workload_.consumers_per_subscription; ++consumer) {
      cms::Subscription subscription;
      subscription.topics = topics_[static_cast<std::size_t>(i / workload_.subscriptions_per_topic)];
      subscription.start = cms::Start::earliest();
      for (int p = consumer; p < workload_.partitions_per_topic; p += workload_.consumers_per_subscription)
        subscription.partitions.push_back(p);
      if (subscription.partitions.empty()) continue;  // more consumers than partitions: these get none
      auto session = connect();
      if (!session) return session.error();
      consumers_.push_back(std::make_unique<Consumer>(std::move(*session), *this, i));
      Consumer& added = *consumers_.back();
      if (const auto subscribed = added.subscriber.subscribe(subscription); !subscribed)
        return as_error(subscribed.error());
      if (auto watched = watch(added.session); !watched) return watched;
    }
  }
  return {};
}

Result<bool> NativeDriver::send(const OutgoingRecord& record) {
  Producer& producer = *producers_[static_cast<std::size_t>(record.producer)];
  const std::string& topic = topics_[static_cast<std::size_t>(record.producer / workload_.producers_per_topic)];
  cms::Record outgoing;
  outgoing.value = record.value;
  if (!record.key.empty()) outgoing.key = record.key;
  outgoing.partition = record.partition;
  const auto ticket = producer.publisher.publish(topic, outgoing);
  if (!ticket) {
    if (ticket.error().code == cms::Code::would_block) return false;
    return as_error(ticket.error());
  }
  producer.under_way[*ticket % producer.under_way.size()] = {*ticket, record.intended_ns};
  return true;
}

void NativeDriver::acknowledged(int producer, const cms::Acknowledgement& acknowledgement) {
  ++happened_;
  if (acknowledgement.error != nullptr) return failed_.push_back(as_error(*acknowledgement.error));
  const auto& under_way = producers_[static_cast<std::size_t>(producer)]->under_way;
  const Published& published = under_way[acknowledgement.ticket % under_way.size()];
  CHECK(published.ticket == acknowledgement.ticket);  // tickets rise by one, and no more are open than there is room
  listener_->acknowledged(producer, published.intended_ns);
}

Result<void> NativeDriver::poll_all() {
  all_polled_ns_ = now_ns();
  for (cms::Session* const session : sessions_) {
    if (const auto polled = session->poll(milliseconds(0)); !polled) return as_error(polled.error());
  }
  return failed_.empty() ? Result<void>() : failed_.front();
}

Result<void> NativeDriver::poll(std::int64_t until_ns) {
  const std::size_t before = happened_;
  if (options_.spin) {
    do {
      if (auto polled = poll_all(); !polled) return polled;
    } while (happened_ == before && now_ns() < until_ns);
    return {};
  }
  const auto ready = poller_.wait(until_ns - now_ns());
  if (!ready) return ready.error();
  for (const epoll_event& event : *ready) {
    if (const auto polled = sessions_[event.data.u64]->poll(milliseconds(0)); !polled) return as_error(polled.error());
  }
  if (now_ns() - all_polled_ns_ >= all_polled_every_ns) return poll_all();
  return failed_.empty() ? Result<void>() : failed_.front();
}

}  // namespace cms::client::bench
