// SPDX-License-Identifier: Apache-2.0
#include "broker/topics/topics.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "base/log.h"
#include "broker/config/broker_config.h"
#include "broker/metadata/topic_name.h"

namespace cms::broker {

namespace {

// Of one topic. Kafka's bound, of one request, is a tenth of it.
constexpr std::int32_t partitions_max = 100'000;

// Kafka keeps its own metadata in it; here nothing does, and tools would take it for Kafka's.
constexpr std::string_view cluster_metadata_topic = "__cluster_metadata";

// Why a new topic cannot have so many replicas: this node is the only one.
std::optional<TopicOutcome> why_not_replication_factor(std::int32_t wanted, std::int32_t otherwise) {
  constexpr auto refuse = [](std::string message) {
    return TopicOutcome::refuse(ErrorCode::invalid_replication_factor, std::move(message));
  };
  if (wanted == 0 || wanted < -1) {
    return refuse("Replication factor must be larger than 0, or -1 to use the default value.");
  }
  const std::int32_t factor = wanted == -1 ? otherwise : wanted;
  if (factor == 1) return std::nullopt;
  return refuse("Unable to replicate the partition " + std::to_string(factor) +
                " time(s): The target replication factor of " + std::to_string(factor) +
                " cannot be reached because only 1 broker(s) are registered or some brokers have all their log "
                "directories cordoned.");
}

// Opening a log after a crash and closing one are a handful of syncs in a row: the disk takes several partitions' at
// once, and its journal many in one commit.
constexpr std::size_t logs_at_once = 16;

void do_for_each(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  const auto do_some = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::thread> threads;
  while (threads.size() + 1 < std::min(logs_at_once, count)) threads.emplace_back(do_some);
  do_some();
  for (std::thread& thread : threads) thread.join();
}

base::Result<void> close_all(std::span<Partition* const> partitions) {
  std::mutex mutex;
  base::Result<void> first_error;
  do_for_each(partitions.size(), [&](std::size_t i) {
    const auto closed = partitions[i]->close();
    const std::lock_guard lock(mutex);
    if (!closed && first_error) {
      first_error = closed.error().while_doing("closing " + partitions[i]->identity().topic);
    }
  });
  return first_error;
}

// Tells now and then how far the opening of many partitions has come. Any thread.
class OpeningProgress {
 public:
  explicit OpeningProgress(std::size_t total) : total_(total) {}

  void one_more() {
    const std::lock_guard lock(mutex_);
    ++done_;
    const auto now = std::chrono::steady_clock::now();
    if (now - shown_ < std::chrono::seconds(1)) return;
    shown_ = now;
    base::log_info("opening partitions", "done", done_, "of", total_);
  }

 private:
  const std::size_t total_;
  std::mutex mutex_;
  std::size_t done_ = 0;
  std::chrono::steady_clock::time_point shown_ = std::chrono::steady_clock::now();
};

}  // namespace

Topics::Topics(TopicsEnvironment environment) : environment_(std::move(environment)), random_(environment_.seed) {}

Topics::~Topics() = default;

base::Result<void> Topics::open() {
  take_dynamic_options();
  const BrokerConfigLayers brokers = broker_layers();
  std::vector<std::shared_ptr<Topic>> topics;
  std::vector<std::pair<Topic*, std::int32_t>> partitions;
  for (const TopicPointer& record : environment_.metadata.topics()) {
    auto topic = topics.emplace_back(std::make_shared<Topic>());
    topic->record = record;
    topic->config = std::make_shared<EffectiveTopicConfig>(effective_topic_config(layers_of(*record, brokers)));
    topic->partitions.resize(static_cast<std::size_t>(record->partition_count));
    for (std::int32_t index = 0; index < record->partition_count; ++index) partitions.emplace_back(topic.get(), index);
  }
  OpeningProgress progress(partitions.size());
  do_for_each(partitions.size(), [&](std::size_t i) {
    const auto& [topic, index] = partitions[i];
    auto opened = open_partition(*topic->record, index, topic->config, Occasion::start);
    CHECK(opened.ok());  // what cannot be opened is offline
    topic->partitions[static_cast<std::size_t>(index)] = std::move(*opened);
    progress.one_more();
  });
  for (auto& topic : topics) publish(std::move(topic));
  return reserve_first(all());
}

TopicConfigLayers Topics::layers_of(const TopicRecord& record, const BrokerConfigLayers& brokers) const {
  return {record.configs, environment_.options.pools.for_topic(record.name), brokers, record.durability};
}

BrokerConfigLayers Topics::broker_layers() const {
  return {environment_.metadata.broker_configs(environment_.metadata.node_id()),
          environment_.metadata.broker_configs(std::nullopt), environment_.options.given};
}

base::Result<std::shared_ptr<Partition>> Topics::open_partition(
    const TopicRecord& record, std::int32_t index, const std::shared_ptr<const EffectiveTopicConfig>& config,
    Occasion occasion) {
  const bool from_zero = record.durability == Durability::persistent || occasion == Occasion::other_durability;
  const Offset first = from_zero ? 0 : environment_.metadata.first_usable_offset(record.id, index);
  auto log = environment_.logs.open(record.name, record.id, index, first, *config, producer_expiration_ms_);
  if (!log && occasion == Occasion::creation) return log.error().while_doing("partition " + std::to_string(index));
  replication::View view{.number = environment_.metadata.leader_epoch(record),
                         .members = {environment_.metadata.node_id()}};
  Partition::Identity identity{record.name, index, record.durability};
  PartitionEnvironment around{
      environment_.clock, environment_.run_on_worker,
      [this, id = record.id](const std::shared_ptr<Partition>& partition, Offset end) { reserve(partition, id, end); }};
  if (!log) {
    base::log_error("partition is offline", "topic", record.name, "partition", index, "why", log.error().message(),
                    "remedy", "mend what it names and start again, or delete the topic; other partitions are served");
    return Partition::offline(std::move(identity), log.error(), std::move(view), config, std::move(around));
  }
  return std::make_shared<Partition>(std::move(identity), std::move(*log), std::move(view), config, first,
                                     std::move(around));
}

void Topics::reserve(const std::shared_ptr<Partition>& partition, const base::Uuid& id, Offset end) {
  const OffsetReservation reservation{id, partition->identity().index, end};
  const auto stored = environment_.metadata.reserve_offsets({&reservation, 1});
  if (stored) {
    partition->reserved(end);
    return;
  }
  base::log_error("offsets cannot be reserved", "topic", partition->identity().topic, "partition",
                  partition->identity().index, "why", stored.error().message());
  partition->reserved(0);
}

// Before anything is appended, so that no producer has to wait for it: in few syncs for many partitions.
base::Result<void> Topics::reserve_first(std::span<const TopicHandle> topics) {
  std::vector<OffsetReservation> reservations;
  std::vector<Partition*> partitions;
  for (const TopicHandle& topic : topics) {
    if (topic->record->durability == Durability::persistent) continue;
    for (const auto& partition : topic->partitions) {
      const Positions positions = partition->positions();
      reservations.push_back({topic->id(), partition->identity().index, positions.end + Partition::first_reservation});
      partitions.push_back(partition.get());
    }
  }
  if (const auto stored = environment_.metadata.reserve_offsets(reservations); !stored) return stored;
  for (std::size_t i = 0; i < partitions.size(); ++i) partitions[i]->reserved(reservations[i].end);
  return {};
}

base::Result<TopicHandle> Topics::build(TopicPointer record, const Topic* previous, Occasion occasion) {
  const BrokerConfigLayers brokers = broker_layers();
  auto topic = std::make_shared<Topic>();
  topic->config = std::make_shared<EffectiveTopicConfig>(effective_topic_config(layers_of(*record, brokers)));
  topic->record = std::move(record);
  for (std::int32_t index = 0; index < topic->record->partition_count; ++index) {
    if (previous != nullptr && previous->partition(index) != nullptr) {
      topic->partitions.push_back(previous->partitions[static_cast<std::size_t>(index)]);
      topic->partitions.back()->set_config(topic->config, log_options(*topic->config, producer_expiration_ms_));
      continue;
    }
    auto partition = open_partition(*topic->record, index, topic->config, occasion);
    if (!partition) return partition.error();
    topic->partitions.push_back(std::move(*partition));
  }
  return TopicHandle(std::move(topic));
}

void Topics::publish(TopicHandle topic) {
  const std::unique_lock lock(table_mutex_);
  by_id_.insert_or_assign(topic->id(), topic);
  by_name_.insert_or_assign(topic->name(), std::move(topic));
  version_.fetch_add(1, std::memory_order_release);
}

TopicHandle Topics::find(std::string_view name) const {
  const std::shared_lock lock(table_mutex_);
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

TopicHandle Topics::find(const base::Uuid& id) const {
  const std::shared_lock lock(table_mutex_);
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

std::vector<TopicHandle> Topics::all() const {
  std::vector<TopicHandle> topics;
  {
    const std::shared_lock lock(table_mutex_);
    topics.reserve(by_name_.size());
    for (const auto& [name, topic] : by_name_) topics.push_back(topic);
  }
  std::sort(topics.begin(), topics.end(),
            [](const TopicHandle& a, const TopicHandle& b) { return a->name() < b->name(); });
  return topics;
}

Topics::Ailing Topics::ailing() const {
  Ailing ailing;
  for (const TopicHandle& topic : all()) {
    for (const auto& partition : topic->partitions) {
      if (partition->is_offline()) {
        ++ailing.offline;
      } else if (partition->state() == ErrorCode::kafka_storage_error) {
        ++ailing.read_only;
      }
    }
  }
  return ailing;
}

TopicOutcome Topics::check_new(const NewTopic& topic) const {
  if (const auto why = why_not_topic_name(topic.name))
    return TopicOutcome::refuse(ErrorCode::invalid_topic_exception, *why);
  if (topic.name == cluster_metadata_topic) {
    return TopicOutcome::refuse(ErrorCode::invalid_request,
                                "Creation of internal topic " + topic.name + " is prohibited.");
  }
  if (find(topic.name) != nullptr) {
    return TopicOutcome::refuse(ErrorCode::topic_already_exists, "Topic '" + topic.name + "' already exists.");
  }
  if (const std::string other = environment_.metadata.colliding_topic(topic.name); !other.empty()) {
    return TopicOutcome::refuse(ErrorCode::invalid_topic_exception,
                                "Topic '" + topic.name + "' collides with existing topic: " + other);
  }
  if (topic.partitions != -1 && topic.partitions <= 0) {
    return TopicOutcome::refuse(ErrorCode::invalid_partitions,
                                "Number of partitions was set to an invalid non-positive value.");
  }
  if (topic.partitions > partitions_max) {
    return TopicOutcome::refuse(ErrorCode::policy_violation, "Excessively large number of partitions per request.");
  }
  if (auto refused =
          why_not_replication_factor(topic.replication_factor, environment_.options.default_replication_factor)) {
    return std::move(*refused);
  }
  return {};
}

TopicOutcome Topics::create(const NewTopic& wanted, bool validate_only) {
  const std::lock_guard lock(change_mutex_);
  if (TopicOutcome refused = check_new(wanted); refused.error != ErrorCode::none) return refused;
  TopicRecord record;
  record.name = wanted.name;
  const PoolRule* const pool = environment_.options.pools.for_topic(wanted.name);
  record.partition_count = wanted.partitions != -1               ? wanted.partitions
                           : pool != nullptr && pool->partitions ? *pool->partitions
                                                                 : environment_.options.num_partitions;
  const BrokerConfigLayers brokers = broker_layers();
  const ConfigOutcome configs = create_topic_config(wanted.configs, {{}, pool, brokers, std::nullopt});
  if (!configs) {
    return TopicOutcome::refuse(static_cast<ErrorCode>(configs.refusal().code), configs.refusal().message);
  }
  record.configs = *configs;
  const EffectiveTopicConfig effective = effective_topic_config({record.configs, pool, brokers, std::nullopt});
  record.durability = effective.durability;
  if (validate_only) {
    auto shown = std::make_shared<Topic>();
    shown->record = std::make_shared<TopicRecord>(record);
    shown->config = std::make_shared<EffectiveTopicConfig>(effective);
    return {ErrorCode::none, {}, std::move(shown)};
  }
  record.id = base::Uuid::random(random_);
  auto stored = environment_.metadata.create_topic(std::move(record));
  if (!stored) return TopicOutcome::refuse(ErrorCode::kafka_storage_error, stored.error().message());
  auto topic = build(*stored, nullptr, Occasion::creation);
  if (!topic) return TopicOutcome::refuse(ErrorCode::kafka_storage_error, topic.error().message());
  if (const auto reserved = reserve_first({&*topic, 1}); !reserved) {
    return TopicOutcome::refuse(ErrorCode::kafka_storage_error, reserved.error().message());
  }
  publish(*topic);
  if (environment_.topics_changed) environment_.topics_changed(TopicsChange::made);
  base::log_info("topic created", "topic", wanted.name, "partitions", (*topic)->record->partition_count, "durability",
                 to_string((*topic)->record->durability), "id", (*topic)->id().to_string());
  return {ErrorCode::none, {}, std::move(*topic)};
}

TopicOutcome Topics::remove(const base::Uuid& id) {
  const std::lock_guard lock(change_mutex_);
  TopicHandle topic = find(id);
  if (topic == nullptr)
    return TopicOutcome::refuse(ErrorCode::unknown_topic_id, "This server does not host this topic ID.");
  if (const auto stored = environment_.metadata.delete_topic(id); !stored) {
    return TopicOutcome::refuse(ErrorCode::kafka_storage_error, stored.error().message());
  }
  {
    const std::unique_lock table_lock(table_mutex_);
    by_name_.erase(topic->name());
    by_id_.erase(id);
    version_.fetch_add(1, std::memory_order_release);
  }
  if (environment_.topics_changed) environment_.topics_changed(TopicsChange::removed);
  for (const auto& partition : topic->partitions) partition->remove(ErrorCode::unknown_topic_or_partition);
  base::log_info("topic deleted", "topic", topic->name(), "id", id.to_string());
  return {ErrorCode::none, {}, std::move(topic)};
}

TopicOutcome Topics::add_partitions(std::string_view name, std::int32_t total, bool validate_only) {
  const std::lock_guard lock(change_mutex_);
  const TopicHandle topic = find(name);
  if (topic == nullptr) {
    return TopicOutcome::refuse(ErrorCode::unknown_topic_or_partition,
                                "This server does not host this topic-partition.");
  }
  const std::int32_t present = topic->record->partition_count;
  if (total <= present) {
    const std::string words = total == present
                                  ? "Topic already has " + std::to_string(present) + " partition(s)."
                                  : "The topic " + std::string(name) + " currently has " + std::to_string(present) +
                                        " partition(s); " + std::to_string(total) + " would not be an increase.";
    return TopicOutcome::refuse(ErrorCode::invalid_partitions, words);
  }
  if (total > partitions_max) {
    return TopicOutcome::refuse(ErrorCode::invalid_partitions,
                                "At most " + std::to_string(partitions_max) + " partitions can be made.");
  }
  if (validate_only) return {ErrorCode::none, {}, topic};
  auto stored = environment_.metadata.set_partition_count(topic->id(), total);
  if (!stored) return TopicOutcome::refuse(ErrorCode::kafka_storage_error, stored.error().message());
  auto grown = build(*stored, topic.get(), Occasion::creation);
  if (!grown) return TopicOutcome::refuse(ErrorCode::kafka_storage_error, grown.error().message());
  if (const auto reserved = reserve_first({&*grown, 1}); !reserved) {
    return TopicOutcome::refuse(ErrorCode::kafka_storage_error, reserved.error().message());
  }
  publish(*grown);
  if (environment_.topics_changed) environment_.topics_changed(TopicsChange::made);
  base::log_info("partitions added", "topic", name, "from", present, "to", total);
  return {ErrorCode::none, {}, std::move(*grown)};
}

TopicOutcome Topics::change_config(std::string_view name, const ConfigChange& change, bool validate_only) {
  const std::lock_guard lock(change_mutex_);
  const TopicHandle topic = find(name);
  if (topic == nullptr) {
    return TopicOutcome::refuse(ErrorCode::unknown_topic_or_partition,
                                "This server does not host this topic-partition.");
  }
  const BrokerConfigLayers brokers = broker_layers();
  const ConfigOutcome changed = change(layers_of(*topic->record, brokers));
  if (!changed) {
    return TopicOutcome::refuse(static_cast<ErrorCode>(changed.refusal().code), changed.refusal().message);
  }
  if (const auto wanted = changed->find(durability_config); wanted != changed->end()) {
    const Durability durability = parse_durability(wanted->second).value_or(topic->record->durability);
    if (durability != topic->record->durability) return set_durability(topic, *changed, durability, validate_only);
  }
  if (validate_only) return {ErrorCode::none, {}, topic};
  auto stored = environment_.metadata.set_topic_configs(topic->id(), *changed, topic->record->durability);
  if (!stored) return TopicOutcome::refuse(ErrorCode::kafka_storage_error, stored.error().message());
  auto altered = build(*stored, topic.get(), Occasion::creation);
  if (!altered) return TopicOutcome::refuse(ErrorCode::kafka_storage_error, altered.error().message());
  publish(*altered);
  base::log_info("topic config changed", "topic", name);
  return {ErrorCode::none, {}, std::move(*altered)};
}

// Another kind of log under the same offsets would hide records, or promise what was not kept: so only a topic that
// never had any may change. First all its partitions stop, then the change is durable, then others take their place.
TopicOutcome Topics::set_durability(const TopicHandle& topic, ConfigMap configs, Durability durability,
                                    bool validate_only) {
  if (is_internal_topic(topic->name())) {
    return TopicOutcome::refuse(ErrorCode::invalid_config,
                                "The durability of " + topic->name() + " cannot be changed: the broker is using it.");
  }
  const auto take_up_again = [&topic] {
    for (const auto& partition : topic->partitions) partition->take_up_again();
  };
  for (const auto& partition : topic->partitions) {
    const auto retired = partition->retire_unused();
    if (retired) continue;
    take_up_again();
    return TopicOutcome::refuse(ErrorCode::invalid_config,
                                "Invalid value " + std::string(to_string(durability)) + " for configuration " +
                                    std::string(durability_config) + ": the topic is '" +
                                    std::string(to_string(topic->record->durability)) +
                                    "', which can be changed only as long as it never had a record, but " +
                                    retired.error().message() + ". Create another topic with it and copy the records.");
  }
  if (validate_only) {
    take_up_again();
    return {ErrorCode::none, {}, topic};
  }
  auto stored = environment_.metadata.set_topic_configs(topic->id(), std::move(configs), durability);
  if (!stored) {
    take_up_again();
    return TopicOutcome::refuse(ErrorCode::kafka_storage_error, stored.error().message());
  }
  auto altered = build(*stored, nullptr, Occasion::other_durability);
  CHECK(altered.ok());  // what cannot be opened is offline
  // Where offsets cannot be reserved now, the first append tries again.
  if (const auto reserved = reserve_first({&*altered, 1}); !reserved) {
    base::log_error("offsets cannot be reserved", "topic", topic->name(), "why", reserved.error().message());
  }
  publish(*altered);
  base::log_info("topic durability changed", "topic", topic->name(), "from", to_string(topic->record->durability), "to",
                 to_string(durability));
  return {ErrorCode::none, {}, std::move(*altered)};
}

std::vector<ConfigEntry> Topics::describe_config(const Topic& topic) const {
  const BrokerConfigLayers brokers = broker_layers();
  return describe_topic_config(layers_of(*topic.record, brokers));
}

void Topics::take_dynamic_options() {
  const Options options = with_dynamic_config(environment_.options, broker_layers());
  producer_expiration_ms_ = options.producer_id_expiration_ms;
  if (environment_.options_in_force) environment_.options_in_force(options);
}

TopicOutcome Topics::change_broker_config(std::optional<std::int32_t> node, const BrokerConfigChange& change,
                                          bool validate_only) {
  const std::lock_guard lock(change_mutex_);
  const ConfigOutcome changed = change(environment_.metadata.broker_configs(node));
  if (!changed) {
    return TopicOutcome::refuse(static_cast<ErrorCode>(changed.refusal().code), changed.refusal().message);
  }
  if (validate_only) return {};
  if (const auto stored = environment_.metadata.set_broker_configs(node, *changed); !stored) {
    return TopicOutcome::refuse(ErrorCode::kafka_storage_error, stored.error().message());
  }
  take_dynamic_options();
  for (const TopicHandle& topic : all()) {
    // Cannot fail: no partition is added, so no log is opened.
    if (auto renewed = build(topic->record, topic.get(), Occasion::creation)) publish(std::move(*renewed));
  }
  base::log_info("broker config changed", "of", node ? std::to_string(*node) : "all brokers");
  return {};
}

void Topics::keep_house() {
  for (const TopicHandle& topic : all()) {
    for (const auto& partition : topic->partitions) partition->keep_house();
  }
}

void Topics::remove_deleted() {
  for (const DeletedTopic& deleted : environment_.metadata.deleted_topics()) {
    bool all_removed = true;
    for (std::int32_t index = 0; index < deleted.partition_count; ++index) {
      const auto removed = environment_.logs.remove(deleted.name, deleted.id, index);
      if (removed) continue;
      all_removed = false;
      base::log_warning("data of a deleted topic stays", "topic", deleted.name, "partition", index, "why",
                        removed.error().message());
    }
    if (!all_removed) continue;
    if (const auto forgotten = environment_.metadata.forget_deleted_topic(deleted.id); !forgotten) {
      base::log_warning("a deleted topic is not forgotten", "topic", deleted.name, "why", forgotten.error().message());
    }
  }
}

base::Result<void> Topics::close() {
  const std::lock_guard lock(change_mutex_);
  std::vector<OffsetReservation> next_offsets;
  std::vector<Partition*> persistent;
  const std::vector<TopicHandle> topics = all();
  for (const TopicHandle& topic : topics) {
    for (const auto& partition : topic->partitions) {
      if (topic->record->durability != Durability::persistent) {
        next_offsets.push_back({topic->id(), partition->identity().index, partition->positions().end});
      } else {
        persistent.push_back(partition.get());
      }
    }
  }
  const auto closed = close_all(persistent);
  if (const auto stored = environment_.metadata.store_next_offsets(next_offsets); !stored) return stored;
  return closed;
}

}  // namespace cms::broker
