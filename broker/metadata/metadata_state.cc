// SPDX-License-Identifier: Apache-2.0
#include "broker/metadata/metadata_state.h"

#include "broker/metadata/record_text.h"
#include "broker/metadata/topic_name.h"

namespace cms::broker {

namespace store_key {

std::string boots(std::int32_t node_id) { return "nodes/" + std::to_string(node_id) + "/boots"; }

std::string topic(std::string_view name) { return std::string(topics).append(name); }

std::string deleted_topic(const base::Uuid& id) { return std::string(deleted) + id.to_string(); }

std::string offset(const base::Uuid& topic_id, std::int32_t partition) {
  return std::string(offsets) + topic_id.to_string() + "/" + std::to_string(partition);
}

std::string configs_of(std::optional<std::int32_t> node) {
  return std::string(broker_configs) + (node ? std::to_string(*node) : "default");
}

}  // namespace store_key

void Metadata::State::add(TopicPointer topic) {
  topic_by_collision_key[topic_collision_key(topic->name)] = topic->name;
  topics_by_id[topic->id] = topic;
  topics[topic->name] = std::move(topic);
}

void Metadata::State::remove(const TopicRecord& topic) {
  const std::string name = topic.name;  // `topic` may go with the last entry
  topic_by_collision_key.erase(topic_collision_key(name));
  topics_by_id.erase(base::Uuid(topic.id));
  topics.erase(name);
}

bool Metadata::State::load_topic(const StoredEntry& entry) {
  std::string name = entry.key.substr(store_key::topics.size());
  if (why_not_topic_name(name)) return false;
  auto topic = read_topic(std::move(name), entry.value);
  if (!topic || topics_by_id.contains(topic->id)) return false;
  add(std::make_shared<const TopicRecord>(std::move(*topic)));
  return true;
}

bool Metadata::State::load_deleted(const StoredEntry& entry) {
  const auto id = base::Uuid::parse(std::string_view(entry.key).substr(store_key::deleted.size()));
  if (!id) return false;
  auto topic = read_deleted(*id, entry.value);
  if (!topic) return false;
  deleted.emplace(*id, std::move(*topic));
  return true;
}

bool Metadata::State::load_offset(const StoredEntry& entry) {
  const std::string_view rest = std::string_view(entry.key).substr(store_key::offsets.size());
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return false;
  const auto id = base::Uuid::parse(rest.substr(0, slash));
  const auto partition = parse_int(rest.substr(slash + 1));
  const auto end = parse_long(entry.value);
  if (!id || !partition || *partition < 0 || !end || *end < 0) return false;
  offsets[*id][*partition] = *end;
  return true;
}

base::Result<void> Metadata::State::load(const StoredEntry& entry) {
  const std::string_view key = entry.key;
  bool good = true;  // a key of a newer version is left alone
  if (key.starts_with(store_key::topics)) {
    good = load_topic(entry);
  } else if (key.starts_with(store_key::deleted)) {
    good = load_deleted(entry);
  } else if (key.starts_with(store_key::offsets)) {
    good = load_offset(entry);
  } else if (key.starts_with(store_key::broker_configs)) {
    auto configs = read_configs(entry.value);
    good = configs.has_value();
    if (good) broker_configs[entry.key] = std::move(*configs);
  } else if (key == store_key::producers_next) {
    const auto next = parse_long(entry.value);
    good = next && *next >= 0;
    producers_next = next.value_or(0);
  }
  if (good) return {};
  return base::Error(base::ErrorKind::corrupt,
                     "the entry " + entry.key + " is not what this version writes; restore the metadata from a backup");
}

}  // namespace cms::broker
