// SPDX-License-Identifier: Apache-2.0
#include "client/bench/kafka_driver.h"

namespace cms::client::bench {

namespace {

constexpr std::chrono::milliseconds connect_timeout{5'000};
constexpr std::size_t message_overhead = 1'024;

}  // namespace

Result<Socket> KafkaDriver::connect() const {
  const auto addresses = parse_addresses(options_.bootstrap);
  if (!addresses) return addresses.error();
  auto socket = Socket::connect(addresses->front(), connect_timeout);
  if (!socket) return socket.error();
  return std::move(*socket);
}

Result<void> KafkaDriver::open_producers(const Workload& workload, const std::vector<std::string>& topics,
                                         Listener& listener) {
  workload_ = workload;
  topics_ = topics;
  listener_ = &listener;
  if (auto opened = poller_.open(); !opened) return opened;
  for (int i = 0; i < workload_.producers(); ++i) {
    auto socket = connect();
    if (!socket) return socket.error();
    KafkaProducer::Options options;
    options.topic = topics_[static_cast<std::size_t>(i / workload_.producers_per_topic)];
    options.number = i;
    options.partitions = workload_.partitions_per_topic;
    options.requests_in_flight = options_.requests_in_flight;
    options.acks = options_.acks;
    options.batch_bytes = static_cast<std::size_t>(workload_.batch_bytes);
    options.codec = workload_.compression;
    if (auto added = poller_.add(socket->descriptor(), producers_.size()); !added) return added;
    producers_.push_back(std::make_unique<KafkaProducer>(std::move(*socket), std::move(options), clock_));
  }
  is_touched_.resize(producers_.size());
  touched_.reserve(producers_.size());
  return {};
}

Result<void> KafkaDriver::open_consumers() {
  for (int i = 0; i < workload_.topics * workload_.subscriptions_per_topic; ++i) {
    for (int consumer = 0; consumer < workload_.consumers_per_subscription; ++consumer) {
      KafkaConsumer::Options options;
      options.topic = topics_[static_cast<std::size_t>(i / workload_.subscriptions_per_topic)];
      options.subscription = i;
      for (int p = consumer; p < workload_.partitions_per_topic; p += workload_.consumers_per_subscription)
        options.partitions.push_back(p);
      if (options.partitions.empty()) continue;  // more consumers than partitions: these get none
      options.partition_bytes_max =
          std::max(options.partition_bytes_max, static_cast<std::int32_t>(workload_.message_size + message_overhead));
      auto socket = connect();
      if (!socket) return socket.error();
      if (auto added = poller_.add(socket->descriptor(), producers_.size() + consumers_.size()); !added) return added;
      consumers_.push_back(std::make_unique<KafkaConsumer>(std::move(*socket), std::move(options)));
      if (auto started = consumers_.back()->start(); !started) return started;
    }
  }
  return {};
}

Result<bool> KafkaDriver::send(const OutgoingRecord& record) {
  const auto number = static_cast<std::size_t>(record.producer);
  if (!is_touched_[number]) touched_.push_back(number);
  is_touched_[number] = true;
  return producers_[number]->add(record);
}

Result<void> KafkaDriver::poll(std::int64_t until_ns) {
  for (const std::size_t number : touched_) {
    KafkaProducer& producer = *producers_[number];
    is_touched_[number] = false;
    if (auto flushed = producer.flush(); !flushed) return flushed;
    if (!producer.wants_to_send()) continue;
    if (auto wanted = poller_.want_to_write(producer.descriptor(), number, true); !wanted) return wanted;
  }
  touched_.clear();
  for (;;) {
    const auto ready = poller_.wait(options_.spin ? 0 : until_ns - now_ns());
    if (!ready) return ready.error();
    for (const epoll_event& event : *ready) {
      if (auto handled = handle(event.data.u64); !handled) return handled;
    }
    if (!ready->empty() || !options_.spin || now_ns() >= until_ns) return {};
  }
}

// Of a connection with something to read, or room to write.
Result<void> KafkaDriver::handle(std::size_t connection) {
  if (connection >= producers_.size()) {
    KafkaConsumer& consumer = *consumers_[connection - producers_.size()];
    if (auto received = consumer.receive(*listener_); !received) return received;
    const bool wanted = consumer.wants_to_send();
    if (auto written = consumer.write(); !written) return written;
    if (!wanted) return {};
    return poller_.want_to_write(consumer.descriptor(), connection, consumer.wants_to_send());
  }
  KafkaProducer& producer = *producers_[connection];
  const bool wanted = producer.wants_to_send();
  if (auto received = producer.receive(*listener_); !received) return received;
  if (auto flushed = producer.flush(); !flushed) return flushed;  // an answer made room for what waits
  if (!wanted && !producer.wants_to_send()) return {};
  return poller_.want_to_write(producer.descriptor(), connection, producer.wants_to_send());
}

}  // namespace cms::client::bench
