// SPDX-License-Identifier: Apache-2.0
#include "bench/peer_driver.h"

#include "base/check.h"

namespace cms::bench {

namespace {

constexpr std::size_t unsent_bytes_max = 1u << 20;
constexpr std::size_t under_way_max = 16'384;

}  // namespace

std::string PeerDriver::channel_of(int topic, std::int32_t partition) const {
  return topics_[static_cast<std::size_t>(topic)] + "." + std::to_string(partition);
}

Result<void> PeerDriver::open_producers(const Workload& workload, const std::vector<std::string>& topics,
                                        Listener& listener) {
  workload_ = workload;
  topics_ = topics;
  listener_ = &listener;
  if (auto opened = poller_.open(); !opened) return opened;
  for (std::size_t i = 0; i < static_cast<std::size_t>(workload_.producers()); ++i) {
    auto connection = TextConnection::open(options_.bootstrap, poller_, i);
    if (!connection) return connection.error();
    producers_.push_back({.connection = std::move(*connection), .under_way = std::vector<std::int64_t>(under_way_max)});
    if (auto greeted = greet(producers_.back().connection); !greeted) return greeted;
  }
  return {};
}

Result<void> PeerDriver::open_consumers() {
  const int subscriptions = workload_.topics * workload_.subscriptions_per_topic;
  for (int i = 0; i < subscriptions * workload_.consumers_per_subscription; ++i) {
    auto connection = TextConnection::open(options_.bootstrap, poller_, producers_.size() + consumers_.size());
    if (!connection) return connection.error();
    const int subscription = i / workload_.consumers_per_subscription;
    auto consumer = std::make_unique<Consumer>(Consumer{std::move(*connection), subscription});
    for (int p = i % workload_.consumers_per_subscription; p < workload_.partitions_per_topic;
         p += workload_.consumers_per_subscription) {
      consumer->channels.push_back(channel_of(subscription / workload_.subscriptions_per_topic, p));
      consumer->partitions.push_back(p);
    }
    consumers_.push_back(std::move(consumer));
    if (consumers_.back()->channels.empty()) continue;
    if (auto greeted = greet(consumers_.back()->connection); !greeted) return greeted;
    if (auto subscribed = subscribe(*consumers_.back()); !subscribed) return subscribed;
  }
  return {};
}

Result<bool> PeerDriver::send(const OutgoingRecord& record) {
  Producer& producer = producers_[static_cast<std::size_t>(record.producer)];
  if (producer.count == under_way_max || producer.connection.unsent() > unsent_bytes_max) return false;
  producer.under_way[(producer.first + producer.count++) % under_way_max] = record.intended_ns;
  append_publish(producer.connection, channel_of(record.producer / workload_.producers_per_topic, record.partition),
                 record.value);
  return true;
}

Result<void> PeerDriver::poll(std::int64_t until_ns) {
  for (Producer& producer : producers_) {
    if (auto flushed = producer.connection.flush(); !flushed) return flushed;
  }
  const auto ready = poller_.wait(options_.spin ? 0 : until_ns - now_ns());
  if (!ready) return ready.error();
  for (const epoll_event& event : *ready) {
    if (auto handled = handle(event.data.u64); !handled) return handled;
  }
  return {};
}

Result<void> PeerDriver::handle(std::uint64_t number) {
  if (number >= producers_.size()) {
    Consumer& consumer = *consumers_[number - producers_.size()];
    if (auto received = consumer.connection.receive(); !received) return received;
    if (auto taken = take_records(consumer); !taken) return taken;
    return consumer.connection.flush();
  }
  TextConnection& connection = producers_[number].connection;
  if (auto flushed = connection.flush(); !flushed) return flushed;
  if (auto received = connection.receive(); !received) return received;
  const auto answers = take_answers(connection);
  if (!answers) return answers.error();
  for (std::size_t i = 0; i < *answers; ++i) acknowledge(number);
  return connection.flush();
}

void PeerDriver::acknowledge(std::size_t number) {
  Producer& producer = producers_[number];
  if (producer.count == 0) return;
  listener_->acknowledged(static_cast<int>(number), producer.under_way[producer.first]);
  producer.first = (producer.first + 1) % under_way_max;
  --producer.count;
}

// Without answers, and with the one producer of a topic that such a run is for, its oldest record has come.
void PeerDriver::received(const Consumer& consumer, std::size_t channel, std::string_view value) {
  listener_->received(consumer.subscription, consumer.partitions[channel], value);
  if (answers_publishes() || consumer.subscription % workload_.subscriptions_per_topic != 0) return;
  acknowledge(static_cast<std::size_t>(consumer.subscription / workload_.subscriptions_per_topic));
}

}  // namespace cms::bench
