// SPDX-License-Identifier: Apache-2.0
// The topics of this node: found by name or id on the data path, made, changed and removed off it.
//
// A Topic is immutable; a change puts a new one in its place, and whoever holds the old one may finish with it. Changes
// are durable in the metadata before anybody can find them here.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "base/string_hash.h"
#include "broker/config/options.h"
#include "broker/config/topic_config.h"
#include "broker/metadata/metadata.h"
#include "broker/topics/log_factory.h"
#include "broker/topics/partition.h"

namespace cms::broker {

struct Topic {
  TopicPointer record;
  std::shared_ptr<const EffectiveTopicConfig> config;
  std::vector<std::shared_ptr<Partition>> partitions;

  const std::string& name() const { return record->name; }
  const base::Uuid& id() const { return record->id; }

  // Null when there is none with this index.
  Partition* partition(std::int32_t index) const {
    if (index < 0 || static_cast<std::size_t>(index) >= partitions.size()) return nullptr;
    return partitions[static_cast<std::size_t>(index)].get();
  }
};
using TopicHandle = std::shared_ptr<const Topic>;

// Why an administrative change is not made, in Kafka's words; or the topic as it is, or would be, after it.
struct TopicOutcome {
  ErrorCode error = ErrorCode::none;
  std::string message;
  TopicHandle topic;  // set when one was made or changed; with validate_only: its partitions are empty, its id zero

  static TopicOutcome refuse(ErrorCode error, std::string message) { return {error, std::move(message), nullptr}; }
};

struct NewTopic {
  std::string name;
  std::int32_t partitions = -1;  // -1: the pool's, else num.partitions
  std::vector<ConfigSetting> configs;
  std::int32_t replication_factor = -1;  // -1: default.replication.factor
};

// What has happened to topics: some were made or given partitions, or at least one was removed.
enum class TopicsChange { made, removed };

// What partitions run on.
struct TopicsEnvironment {
  const base::Clock& clock;
  Metadata& metadata;
  const Options& options;
  LogFactory& logs;
  std::uint64_t seed;
  std::function<void(std::function<void()>)> run_on_worker;  // blocking work, on a thread that may block

  // Told what is in force, the dynamic configs of the broker included: when the topics are opened, and after each
  // change. One call at a time, with a lock held: must not call Topics.
  std::function<void(const Options&)> options_in_force = {};

  // Told after it has happened and can be found so. Any thread, with a lock held: must not call Topics, nor block.
  std::function<void(TopicsChange)> topics_changed = {};
};

class Topics {
 public:
  explicit Topics(TopicsEnvironment environment);
  ~Topics();

  // Opens every partition that the metadata names. Before anything is served. One whose log cannot be opened is offline
  // and logged; the others are not the worse for it.
  base::Result<void> open();

  // --- Any thread, never blocks for long.
  TopicHandle find(std::string_view name) const;
  TopicHandle find(const base::Uuid& id) const;
  // Changes with each change of what find() gives, not before it; never 0. For those who keep what they have found.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
  std::vector<TopicHandle> all() const;  // sorted by name

  // Partitions that need an operator.
  struct Ailing {
    std::size_t offline = 0;    // could not be opened: neither read nor written
    std::size_t read_only = 0;  // a write or sync has failed: only read
  };
  Ailing ailing() const;

  // --- Blocks until durable; not on a core's thread. Any number of threads; changes are made one at a time.
  TopicOutcome create(const NewTopic& topic, bool validate_only);
  TopicOutcome remove(const base::Uuid& id);
  TopicOutcome add_partitions(std::string_view name, std::int32_t total, bool validate_only);

  // `change` gets the topic's configuration layers and returns its own configs after the change
  // (replace_topic_config, alter_topic_config). A refusal becomes the outcome's error.
  using ConfigChange = std::function<ConfigOutcome(const TopicConfigLayers&)>;
  TopicOutcome change_config(std::string_view name, const ConfigChange& change, bool validate_only);

  std::vector<ConfigEntry> describe_config(const Topic& topic) const;

  // Dynamic configs of the broker: those of `node`, or of all nodes by default. `change` gets what is set there and
  // returns what is to be (replace_broker_config, alter_broker_config). Every topic takes what follows from it before
  // this returns.
  using BrokerConfigChange = std::function<ConfigOutcome(const ConfigMap&)>;
  TopicOutcome change_broker_config(std::optional<std::int32_t> node, const BrokerConfigChange& change,
                                    bool validate_only);
  BrokerConfigLayers broker_layers() const;

  // Retention, expiry of producers. A housekeeping thread, at intervals.
  void keep_house();

  // Removes the data of deleted topics. The same thread.
  void remove_deleted();

  // After the cores have stopped: writes and syncs everything, stores exact next offsets.
  base::Result<void> close();

 private:
  // Why partitions are opened: of a topic that the last run has left (then one that cannot be is offline), a new one,
  // or one that never had a record and gets another kind of log.
  enum class Occasion { start, creation, other_durability };
  base::Result<TopicHandle> build(TopicPointer record, const Topic* previous, Occasion occasion);
  base::Result<std::shared_ptr<Partition>> open_partition(const TopicRecord& record, std::int32_t index,
                                                          const std::shared_ptr<const EffectiveTopicConfig>& config,
                                                          Occasion occasion);
  TopicOutcome set_durability(const TopicHandle& topic, ConfigMap configs, Durability durability, bool validate_only);
  void publish(TopicHandle topic);
  TopicConfigLayers layers_of(const TopicRecord& record, const BrokerConfigLayers& brokers) const;
  TopicOutcome check_new(const NewTopic& topic) const;
  void reserve(const std::shared_ptr<Partition>& partition, const base::Uuid& id, Offset end);
  base::Result<void> reserve_first(std::span<const TopicHandle> topics);
  void take_dynamic_options();

  TopicsEnvironment environment_;

  std::mutex change_mutex_;  // held by whoever changes, across the metadata's write; taken before table_mutex_
  base::Random random_;      // change_mutex_
  std::int64_t producer_expiration_ms_ = 0;  // change_mutex_; in force, set by open()

  mutable std::shared_mutex table_mutex_;
  base::StringMap<TopicHandle> by_name_;
  std::unordered_map<base::Uuid, TopicHandle> by_id_;
  std::atomic<std::uint64_t> version_{1};  // changes with the mutex held
};

}  // namespace cms::broker
