// SPDX-License-Identifier: Apache-2.0
#include "client/bench/librdkafka/librdkafka_driver.h"

#include <librdkafka/rdkafka.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "client/bench/poller.h"
#include "records/compress.h"

namespace cms::client::bench {

namespace {

constexpr std::size_t messages_per_call = 512;
constexpr int close_patience_ms = 2'000;

struct Deleter {
  void operator()(rd_kafka_t* handle) const { rd_kafka_destroy(handle); }
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
  void operator()(rd_kafka_topic_partition_list_t* list) const { rd_kafka_topic_partition_list_destroy(list); }
};
template <typename T>
using Owned = std::unique_ptr<T, Deleter>;

base::Error failed(rd_kafka_resp_err_t code, const std::string& doing) {
  return {base::ErrorKind::io, doing + ": " + rd_kafka_err2str(code)};
}

using Settings = std::vector<std::pair<std::string, std::string>>;

// A descriptor that librdkafka's threads ring when something has come into an empty queue.
class Bell {
 public:
  Bell() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;
  ~Bell() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int descriptor() const { return descriptor_; }
  void silence() const {
    std::uint64_t rung = 0;
    (void)!::read(descriptor_, &rung, sizeof rung);
  }
  void hang_on(rd_kafka_queue_t* queue) const {
    constexpr std::uint64_t one = 1;
    rd_kafka_queue_io_event_enable(queue, descriptor_, &one, sizeof one);
  }

 private:
  int descriptor_;
};

// In the order of their end: the queue before the handle, the bell last.
struct Producer {
  Bell bell;
  int number = 0;
  Listener* listener = nullptr;  // null once nobody listens any more
  std::vector<base::Error> problems;
  Owned<rd_kafka_t> handle;
  Owned<rd_kafka_queue_t> queue;
  Owned<rd_kafka_topic_t> topic;
};

struct Consumer {
  Bell bell;
  int subscription = 0;
  Owned<rd_kafka_t> handle;
  Owned<rd_kafka_queue_t> queue;
};

void delivered(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  Producer& producer = *static_cast<Producer*>(opaque);
  if (producer.listener == nullptr) return;
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    producer.problems.push_back(failed(message->err, "producing"));
    return;
  }
  producer.listener->acknowledged(producer.number, reinterpret_cast<std::intptr_t>(message->_private));
}

class LibrdkafkaDriver final : public Driver {
 public:
  explicit LibrdkafkaDriver(DriverOptions options) : options_(std::move(options)) {}
  ~LibrdkafkaDriver() override {
    for (auto& producer : producers_) {  // what is not delivered by now is nobody's any more
      producer->listener = nullptr;
      rd_kafka_purge(producer->handle.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
      rd_kafka_flush(producer->handle.get(), close_patience_ms);
    }
    for (auto& consumer : consumers_) {  // it is in no group that it would have to leave
      consumer->queue.reset();
      rd_kafka_destroy_flags(consumer->handle.release(), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
  }

  Result<void> open_producers(const Workload& workload, const std::vector<std::string>& topics,
                              Listener& listener) override;
  Result<void> open_consumers() override;
  Result<bool> send(const OutgoingRecord& record) override;
  Result<void> poll(std::int64_t until_ns) override;
  std::int64_t now_ns() const override { return clock_.steady().count(); }

 private:
  Result<Owned<rd_kafka_t>> make(rd_kafka_type_t type, const Settings& settings, void* opaque) const;
  Result<void> open_consumer(int number);
  Result<void> assign(Consumer& consumer, int number);
  Result<bool> handle(std::size_t number);
  Result<bool> take_reports(Producer& producer);
  Result<bool> take_records(Consumer& consumer);

  const DriverOptions options_;
  const base::SystemClock clock_;
  Workload workload_;
  std::vector<std::string> topics_;
  Listener* listener_ = nullptr;
  Poller poller_;  // producers, then consumers
  std::vector<std::unique_ptr<Producer>> producers_;
  std::vector<std::unique_ptr<Consumer>> consumers_;
  std::array<rd_kafka_message_t*, messages_per_call> messages_{};
};

Result<Owned<rd_kafka_t>> LibrdkafkaDriver::make(rd_kafka_type_t type, const Settings& settings, void* opaque) const {
  char why[512] = {};
  Owned<rd_kafka_conf_t> conf(rd_kafka_conf_new());
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), why, sizeof why) != RD_KAFKA_CONF_OK)
      return base::Error(base::ErrorKind::invalid, why);
  }
  rd_kafka_conf_set_opaque(conf.get(), opaque);
  if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf.get(), delivered);
  rd_kafka_t* const handle = rd_kafka_new(type, conf.get(), why, sizeof why);
  if (handle == nullptr) return base::Error(base::ErrorKind::invalid, why);
  (void)conf.release();  // the handle's
  return Owned<rd_kafka_t>(handle);
}

Result<void> LibrdkafkaDriver::open_producers(const Workload& workload, const std::vector<std::string>& topics,
                                              Listener& listener) {
  workload_ = workload;
  topics_ = topics;
  listener_ = &listener;
  if (auto opened = poller_.open(); !opened) return opened;
  const Settings settings{{"bootstrap.servers", options_.bootstrap},
                          {"client.id", "cms-bench"},
                          {"acks", std::to_string(options_.acks)},
                          {"linger.ms", std::to_string(options_.linger_ms)},
                          {"batch.size", std::to_string(workload_.batch_bytes)},
                          {"compression.type", std::string(records::to_string(workload_.compression))},
                          {"message.max.bytes", std::to_string(workload_.message_size + 100'000)},
                          {"queue.buffering.max.messages", "100000"}};
  for (int i = 0; i < workload_.producers(); ++i) {
    auto producer = std::make_unique<Producer>();
    producer->number = i;
    producer->listener = &listener;
    auto handle = make(RD_KAFKA_PRODUCER, settings, producer.get());
    if (!handle) return handle.error();
    producer->handle = std::move(*handle);
    const std::string& topic = topics_[static_cast<std::size_t>(i / workload_.producers_per_topic)];
    producer->topic.reset(rd_kafka_topic_new(producer->handle.get(), topic.c_str(), nullptr));
    producer->queue.reset(rd_kafka_queue_get_main(producer->handle.get()));
    producer->bell.hang_on(producer->queue.get());
    if (auto added = poller_.add(producer->bell.descriptor(), producers_.size()); !added) return added;
    producers_.push_back(std::move(producer));
  }
  return {};
}

Result<void> LibrdkafkaDriver::open_consumers() {
  const int count = workload_.topics * workload_.subscriptions_per_topic * workload_.consumers_per_subscription;
  for (int i = 0; i < count; ++i) {
    if (auto opened = open_consumer(i); !opened) return opened;
  }
  return {};
}

// Without a group: partitions are shared by number, as the other drivers do.
Result<void> LibrdkafkaDriver::open_consumer(int number) {
  auto consumer = std::make_unique<Consumer>();
  consumer->subscription = number / workload_.consumers_per_subscription;
  auto handle = make(RD_KAFKA_CONSUMER,
                     {{"bootstrap.servers", options_.bootstrap},
                      {"client.id", "cms-bench"},
                      {"group.id", "cms-bench"},  // wanted by the library, never joined
                      {"enable.auto.commit", "false"},
                      {"auto.offset.reset", "error"},
                      {"fetch.message.max.bytes",
                       std::to_string(std::max<std::size_t>(workload_.message_size + 100'000, std::size_t{1} << 20))}},
                     consumer.get());
  if (!handle) return handle.error();
  consumer->handle = std::move(*handle);
  rd_kafka_poll_set_consumer(consumer->handle.get());
  consumer->queue.reset(rd_kafka_queue_get_consumer(consumer->handle.get()));
  consumer->bell.hang_on(consumer->queue.get());
  if (auto added = poller_.add(consumer->bell.descriptor(), producers_.size() + consumers_.size()); !added)
    return added;
  if (auto assigned = assign(*consumer, number); !assigned) return assigned;
  consumers_.push_back(std::move(consumer));
  return {};
}

Result<void> LibrdkafkaDriver::assign(Consumer& consumer, int number) {
  const Owned<rd_kafka_topic_partition_list_t> partitions(rd_kafka_topic_partition_list_new(1));
  const auto topic = static_cast<std::size_t>(consumer.subscription / workload_.subscriptions_per_topic);
  for (int p = number % workload_.consumers_per_subscription; p < workload_.partitions_per_topic;
       p += workload_.consumers_per_subscription) {
    rd_kafka_topic_partition_list_add(partitions.get(), topics_[topic].c_str(), p)->offset = RD_KAFKA_OFFSET_BEGINNING;
  }
  if (partitions->cnt == 0) return {};
  const auto code = rd_kafka_assign(consumer.handle.get(), partitions.get());
  return code == RD_KAFKA_RESP_ERR_NO_ERROR ? Result<void>() : failed(code, "assigning partitions");
}

Result<bool> LibrdkafkaDriver::send(const OutgoingRecord& record) {
  Producer& producer = *producers_[static_cast<std::size_t>(record.producer)];
  // The due time takes the place of the message's opaque pointer.
  void* const due = reinterpret_cast<void*>(static_cast<std::intptr_t>(record.intended_ns));
  const int refused = rd_kafka_produce(producer.topic.get(), record.partition, RD_KAFKA_MSG_F_COPY,
                                       const_cast<char*>(record.value.data()), record.value.size(),
                                       record.key.empty() ? nullptr : record.key.data(), record.key.size(), due);
  if (refused == 0) return true;
  const rd_kafka_resp_err_t code = rd_kafka_last_error();
  if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) return false;
  return failed(code, "producing");
}

// A bell rings only when its queue was empty: each is emptied.
Result<void> LibrdkafkaDriver::poll(std::int64_t until_ns) {
  if (options_.spin) {
    bool any = false;
    do {
      for (std::size_t i = 0; i < producers_.size() + consumers_.size(); ++i) {
        const auto handled = handle(i);
        if (!handled) return handled.error();
        any = any || *handled;
      }
    } while (!any && now_ns() < until_ns);
    return {};
  }
  const auto ready = poller_.wait(until_ns - now_ns());
  if (!ready) return ready.error();
  for (const epoll_event& event : *ready) {
    if (const auto handled = handle(event.data.u64); !handled) return handled.error();
  }
  return {};
}

Result<bool> LibrdkafkaDriver::handle(std::size_t number) {
  if (number < producers_.size()) return take_reports(*producers_[number]);
  return take_records(*consumers_[number - producers_.size()]);
}

Result<bool> LibrdkafkaDriver::take_reports(Producer& producer) {
  producer.bell.silence();
  bool any = false;
  while (rd_kafka_poll(producer.handle.get(), 0) > 0) any = true;
  if (!producer.problems.empty()) return producer.problems.front();
  return any;
}

Result<bool> LibrdkafkaDriver::take_records(Consumer& consumer) {
  consumer.bell.silence();
  std::optional<base::Error> problem;
  bool any = false;
  for (ssize_t count = 1; count > 0;) {
    count = rd_kafka_consume_batch_queue(consumer.queue.get(), 0, messages_.data(), messages_.size());
    for (ssize_t i = 0; i < count; ++i) {
      rd_kafka_message_t* const message = messages_[static_cast<std::size_t>(i)];
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        any = true;
        listener_->received(consumer.subscription, message->partition,
                            {static_cast<const char*>(message->payload), message->len});
      } else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        problem = failed(message->err, "consuming");
      }
      rd_kafka_message_destroy(message);
    }
  }
  if (problem) return *problem;
  return any;
}

}  // namespace

Result<std::unique_ptr<Driver>> make_librdkafka_driver(DriverOptions options) {
  return std::unique_ptr<Driver>(std::make_unique<LibrdkafkaDriver>(std::move(options)));
}

}  // namespace cms::client::bench
