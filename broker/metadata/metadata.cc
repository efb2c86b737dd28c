// SPDX-License-Identifier: Apache-2.0
#include "broker/metadata/metadata.h"

#include <algorithm>

#include "broker/metadata/metadata_state.h"
#include "broker/metadata/record_text.h"
#include "broker/metadata/topic_name.h"

namespace cms::broker {

using base::Error;
using base::ErrorKind;
using base::Result;

namespace {

constexpr std::int32_t partition_count_max = 100'000;
constexpr std::size_t changes_at_once = 100;  // below the store's bound

StoreChange put(std::string key, std::string value) { return {std::move(key), std::move(value), std::nullopt}; }
StoreChange removal(std::string key) { return {std::move(key), std::nullopt, std::nullopt}; }

Error unknown_topic(const base::Uuid& id) {
  return {ErrorKind::not_found, "there is no topic with the id " + id.to_string()};
}

Error bad_partition_count(std::int32_t count) {
  return {ErrorKind::invalid,
          std::to_string(count) + " partitions; a topic has from 1 to " + std::to_string(partition_count_max)};
}

}  // namespace

Metadata::Metadata(ConfigurationStore& store, std::int32_t node_id)
    : store_(store), node_id_(node_id), state_(std::make_unique<State>()) {}

Metadata::~Metadata() = default;

Result<std::unique_ptr<Metadata>> Metadata::open(ConfigurationStore& store, std::int32_t node_id,
                                                 base::Random& random) {
  std::unique_ptr<Metadata> metadata(new Metadata(store, node_id));
  if (auto loaded = metadata->load(); !loaded) return loaded.error().while_doing("loading the metadata");
  if (auto started = metadata->start(random); !started) return started.error().while_doing("starting on the metadata");
  return metadata;
}

Result<void> Metadata::load() {
  const auto entries = store_.list("");
  if (!entries) return entries.error();
  for (const StoredEntry& entry : *entries) {
    if (auto loaded = state_->load(entry); !loaded) return loaded;
  }
  return {};
}

Result<void> Metadata::start(base::Random& random) {
  const auto id = store_.get(store_key::cluster_id);
  if (!id) return id.error();
  const std::string boots_key = store_key::boots(node_id_);
  const auto before = store_.get(boots_key);
  if (!before) return before.error();

  Changes changes;
  if (*id) {
    cluster_id_ = (*id)->value;
  } else {
    cluster_id_ = base::Uuid::random(random).to_string();
    changes.push_back({std::string(store_key::cluster_id), cluster_id_, Revision{0}});
  }
  const auto count = *before ? parse_long((*before)->value) : std::optional<std::int64_t>(0);
  if (!count || *count < 0) {
    return Error(ErrorKind::corrupt, "the entry " + boots_key + " is no number; restore the metadata from a backup");
  }
  boots_ = *count + 1;
  changes.push_back({boots_key, std::to_string(boots_), *before ? (*before)->version : Revision{0}});
  return apply(changes);
}

Result<void> Metadata::apply(const Changes& changes) {
  const auto outcome = store_.apply(changes);
  if (!outcome) return outcome.error();
  if (outcome->applied) return {};
  return Error(ErrorKind::busy, "another node has changed " + outcome->conflict + "; try again");
}

TopicPointer Metadata::topic(std::string_view name) const {
  const std::lock_guard lock(state_mutex_);
  const auto found = state_->topics.find(name);
  return found == state_->topics.end() ? nullptr : found->second;
}

TopicPointer Metadata::topic(const base::Uuid& id) const {
  const std::lock_guard lock(state_mutex_);
  const auto found = state_->topics_by_id.find(id);
  return found == state_->topics_by_id.end() ? nullptr : found->second;
}

std::vector<TopicPointer> Metadata::topics() const {
  const std::lock_guard lock(state_mutex_);
  std::vector<TopicPointer> topics;
  topics.reserve(state_->topics.size());
  for (const auto& [name, topic] : state_->topics) topics.push_back(topic);
  return topics;
}

std::string Metadata::colliding_topic(std::string_view name) const {
  const std::lock_guard lock(state_mutex_);
  const auto found = state_->topic_by_collision_key.find(topic_collision_key(name));
  return found == state_->topic_by_collision_key.end() || found->second == name ? std::string() : found->second;
}

Result<TopicPointer> Metadata::create_topic(TopicRecord record) {
  if (auto why = why_not_topic_name(record.name)) return Error(ErrorKind::invalid, std::move(*why));
  if (record.partition_count < 1 || record.partition_count > partition_count_max) {
    return bad_partition_count(record.partition_count);
  }
  CHECK(!record.id.is_zero());
  record.created_boot = boots_;
  const std::lock_guard changing(change_mutex_);
  if (topic(record.name)) return Error(ErrorKind::exists, "Topic '" + record.name + "' already exists.");
  if (const std::string other = colliding_topic(record.name); !other.empty()) {
    return Error(ErrorKind::exists, "Topic '" + record.name + "' collides with existing topic: " + other);
  }
  CHECK(!topic(record.id));
  auto created = std::make_shared<const TopicRecord>(std::move(record));
  if (auto stored = apply({{store_key::topic(created->name), write_topic(*created), Revision{0}}}); !stored) {
    return stored.error().while_doing("creating topic " + created->name);
  }
  const std::lock_guard lock(state_mutex_);
  state_->add(created);
  return TopicPointer(created);
}

Result<TopicPointer> Metadata::replace_topic(const TopicPointer& before, TopicRecord after) {
  if (after == *before) return before;
  auto changed = std::make_shared<const TopicRecord>(std::move(after));
  if (auto stored = apply({put(store_key::topic(changed->name), write_topic(*changed))}); !stored) {
    return stored.error().while_doing("changing topic " + changed->name);
  }
  const std::lock_guard lock(state_mutex_);
  state_->add(changed);
  return TopicPointer(changed);
}

Result<TopicPointer> Metadata::set_partition_count(const base::Uuid& id, std::int32_t count) {
  const std::lock_guard changing(change_mutex_);
  const TopicPointer before = topic(id);
  if (!before) return unknown_topic(id);
  if (count < before->partition_count || count > partition_count_max) return bad_partition_count(count);
  TopicRecord after = *before;
  after.partition_count = count;
  return replace_topic(before, std::move(after));
}

Result<TopicPointer> Metadata::set_topic_configs(const base::Uuid& id, ConfigMap configs, Durability durability) {
  const std::lock_guard changing(change_mutex_);
  const TopicPointer before = topic(id);
  if (!before) return unknown_topic(id);
  TopicRecord after = *before;
  after.configs = std::move(configs);
  after.durability = durability;
  return replace_topic(before, std::move(after));
}

Result<void> Metadata::delete_topic(const base::Uuid& id) {
  const std::lock_guard changing(change_mutex_);
  const TopicPointer gone = topic(id);
  if (!gone) return unknown_topic(id);
  const DeletedTopic deleted{gone->name, gone->id, gone->partition_count, gone->durability};
  const Changes changes = {removal(store_key::topic(gone->name)),
                           put(store_key::deleted_topic(id), write_deleted(deleted))};
  if (auto stored = apply(changes); !stored) return stored.error().while_doing("deleting topic " + gone->name);
  const std::lock_guard lock(state_mutex_);
  state_->remove(*gone);
  state_->deleted.emplace(id, deleted);
  return {};
}

std::vector<DeletedTopic> Metadata::deleted_topics() const {
  const std::lock_guard lock(state_mutex_);
  std::vector<DeletedTopic> topics;
  for (const auto& [id, topic] : state_->deleted) topics.push_back(topic);
  return topics;
}

Result<void> Metadata::forget_deleted_topic(const base::Uuid& id) {
  const std::lock_guard changing(change_mutex_);
  if (!state_->deleted.contains(id)) return unknown_topic(id);
  // The reservations first, in as many batches as they need: interrupted, the topic is still known as deleted.
  Changes changes;
  if (const auto offsets = state_->offsets.find(id); offsets != state_->offsets.end()) {
    for (const auto& [partition, end] : offsets->second) {
      changes.push_back(removal(store_key::offset(id, partition)));
      if (changes.size() < changes_at_once) continue;
      if (auto stored = apply(changes); !stored) return stored;
      changes.clear();
    }
  }
  changes.push_back(removal(store_key::deleted_topic(id)));
  if (auto stored = apply(changes); !stored) return stored;
  const std::lock_guard lock(state_mutex_);
  state_->offsets.erase(id);
  state_->deleted.erase(id);
  return {};
}

Result<ProducerIdBlock> Metadata::reserve_producer_ids() {
  const std::lock_guard changing(change_mutex_);
  // From the store, not from memory: another node may have taken a block.
  const auto stored = store_.get(store_key::producers_next);
  if (!stored) return stored.error();
  const auto next = *stored ? parse_long((*stored)->value) : std::optional<std::int64_t>(0);
  CHECK(next && *next >= 0);  // load() has refused anything else
  const Revision version = *stored ? (*stored)->version : Revision{0};
  const ProducerIdBlock block{*next, producer_id_block};
  const std::string after = std::to_string(block.first + block.count);
  if (auto done = apply({{std::string(store_key::producers_next), after, version}}); !done) {
    return done.error().while_doing("reserving producer ids");
  }
  return block;
}

std::int64_t Metadata::first_usable_offset(const base::Uuid& topic_id, std::int32_t partition) const {
  const std::lock_guard lock(state_mutex_);
  const auto topic = state_->offsets.find(topic_id);
  if (topic == state_->offsets.end()) return 0;
  const auto end = topic->second.find(partition);
  return end == topic->second.end() ? 0 : end->second;
}

Result<void> Metadata::reserve_offsets(std::span<const OffsetReservation> reservations) {
  return store_offsets(reservations, /*lowering=*/false);
}

Result<void> Metadata::store_next_offsets(std::span<const OffsetReservation> reservations) {
  return store_offsets(reservations, /*lowering=*/true);
}

Result<void> Metadata::store_offsets(std::span<const OffsetReservation> reservations, bool lowering) {
  const std::lock_guard changing(change_mutex_);
  while (!reservations.empty()) {
    const auto some = reservations.first(std::min(reservations.size(), changes_at_once));
    reservations = reservations.subspan(some.size());
    Changes changes;
    std::vector<OffsetReservation> changed;
    for (const OffsetReservation& each : some) {
      if (!topic(each.topic_id)) continue;  // one deleted a moment ago has no offsets to keep
      if (!lowering && each.end <= first_usable_offset(each.topic_id, each.partition)) continue;
      changes.push_back(put(store_key::offset(each.topic_id, each.partition), std::to_string(each.end)));
      changed.push_back(each);
    }
    if (changes.empty()) continue;
    if (auto stored = apply(changes); !stored) return stored.error().while_doing("storing offsets");
    const std::lock_guard lock(state_mutex_);
    for (const OffsetReservation& each : changed) {
      if (state_->topics_by_id.contains(each.topic_id)) state_->offsets[each.topic_id][each.partition] = each.end;
    }
  }
  return {};
}

ConfigMap Metadata::broker_configs(std::optional<std::int32_t> node) const {
  const std::lock_guard lock(state_mutex_);
  const auto found = state_->broker_configs.find(store_key::configs_of(node));
  return found == state_->broker_configs.end() ? ConfigMap() : found->second;
}

Result<void> Metadata::set_broker_configs(std::optional<std::int32_t> node, ConfigMap configs) {
  const std::lock_guard changing(change_mutex_);
  const std::string key = store_key::configs_of(node);
  if (auto stored = apply({put(key, write_configs(configs))}); !stored) {
    return stored.error().while_doing("storing the brokers' configuration");
  }
  const std::lock_guard lock(state_mutex_);
  state_->broker_configs[key] = std::move(configs);
  return {};
}

}  // namespace cms::broker
