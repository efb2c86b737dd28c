// SPDX-License-Identifier: Apache-2.0
// What this node knows beyond one run: cluster id, topics, their configs, leader epochs, producer ids, reserved
// offsets. A typed view, held in memory, of a ConfigurationStore.
//
// Reads never wait for a disk: they take a short lock and hand out copies or shared, immutable objects. Changes are
// made one at a time, block until they are durable and are seen by readers after that; call them off the data path. Any
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/uuid.h"
#include "broker/config/config_value.h"
#include "broker/config/topic_config.h"
#include "broker/metadata/configuration_store.h"

namespace cms::broker {

// Immutable; a change makes a new one.
struct TopicRecord {
  std::string name;
  base::Uuid id;
  std::int32_t partition_count = 1;
  Durability durability = Durability::persistent;  // whatever a pool's rule says later
  ConfigMap configs;                               // the topic's own
  std::int64_t created_boot = 0;                   // Metadata::boots() when it was made

  bool operator==(const TopicRecord&) const = default;
};
using TopicPointer = std::shared_ptr<const TopicRecord>;

// A topic that clients no longer see and whose data is still to be removed.
struct DeletedTopic {
  std::string name;
  base::Uuid id;
  std::int32_t partition_count = 0;
  Durability durability = Durability::persistent;

  bool operator==(const DeletedTopic&) const = default;
};

// Where a volatile or transient partition may go on after a restart.
struct OffsetReservation {
  base::Uuid topic_id;
  std::int32_t partition = 0;
  std::int64_t end = 0;  // first offset that is not reserved; the exact next offset after a clean shutdown
};

struct ProducerIdBlock {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

class Metadata {
 public:
  static constexpr std::int64_t producer_id_block = 1000;

  // Loads everything, makes the cluster id at the very first start, and raises and stores the number of starts. `store`
  // outlives the result.
  static base::Result<std::unique_ptr<Metadata>> open(ConfigurationStore& store, std::int32_t node_id,
                                                      base::Random& random);

  ~Metadata();

  const std::string& cluster_id() const { return cluster_id_; }  // 22 characters, as Kafka's
  std::int32_t node_id() const { return node_id_; }

  // How often the node was started on this data, this time included; at least 1.
  std::int64_t boots() const { return boots_; }

  // Rises with every restart at no cost per partition (a partition adds its own changes of view).
  std::int32_t leader_epoch(const TopicRecord& topic) const {
    return static_cast<std::int32_t>(boots_ - topic.created_boot);
  }

  // Topics.
  TopicPointer topic(std::string_view name) const;  // null: unknown
  TopicPointer topic(const base::Uuid& id) const;
  std::vector<TopicPointer> topics() const;  // sorted by name
  // The existing topic whose name differs from `name` only in '.' and '_'; empty: none.
  std::string colliding_topic(std::string_view name) const;

  // ErrorKind::exists when the name is taken (also when two creations race) or collides; invalid for a bad name or
  // count. The id must be new and random; created_boot is set here.
  base::Result<TopicPointer> create_topic(TopicRecord topic);
  // ErrorKind::not_found when the topic with this id is gone.
  base::Result<TopicPointer> set_partition_count(const base::Uuid& id, std::int32_t count);  // only upwards
  base::Result<TopicPointer> set_topic_configs(const base::Uuid& id, ConfigMap configs, Durability durability);
  base::Result<void> delete_topic(const base::Uuid& id);

  std::vector<DeletedTopic> deleted_topics() const;
  base::Result<void> forget_deleted_topic(const base::Uuid& id);  // its data is gone

  // Never hands out an id twice, whatever happens.
  base::Result<ProducerIdBlock> reserve_producer_ids();

  // The first offset a volatile or transient partition may use in this run, as the last run left it; 0 if never
  // reserved. Before it is used, the partition reserves further.
  std::int64_t first_usable_offset(const base::Uuid& topic_id, std::int32_t partition) const;
  base::Result<void> reserve_offsets(std::span<const OffsetReservation> reservations);  // never lowers one
  // At clean shutdown, with the exact next offsets; may lower a reservation, after which nothing may be appended.
  base::Result<void> store_next_offsets(std::span<const OffsetReservation> reservations);

  // Dynamic broker configs: of one broker, or, without an id, the default of all.
  ConfigMap broker_configs(std::optional<std::int32_t> node) const;
  base::Result<void> set_broker_configs(std::optional<std::int32_t> node, ConfigMap configs);

 private:
  struct State;
  using Changes = std::vector<StoreChange>;

  Metadata(ConfigurationStore& store, std::int32_t node_id);

  // Of open().
  base::Result<void> load();
  base::Result<void> start(base::Random& random);
  base::Result<void> store_offsets(std::span<const OffsetReservation> reservations, bool lowering);

  // With change_mutex_ held.
  base::Result<void> apply(const Changes& changes);
  base::Result<TopicPointer> replace_topic(const TopicPointer& before, TopicRecord after);

  // Fixed after open().
  ConfigurationStore& store_;
  const std::int32_t node_id_;
  std::string cluster_id_;
  std::int64_t boots_ = 0;

  std::mutex change_mutex_;         // one change at a time, across the store's write; taken before state_mutex_
  mutable std::mutex state_mutex_;  // short
  std::unique_ptr<State> state_;    // changed with both held: read with either
};

}  // namespace cms::broker
