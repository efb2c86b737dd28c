// SPDX-License-Identifier: Apache-2.0
#include "broker/config/topic_config.h"

#include "broker/config/topic_config_table.h"

namespace cms::broker {

namespace {

const std::string* find(const ConfigMap& map, std::string_view name) {
  const auto found = map.find(name);
  return found == map.end() ? nullptr : &found->second;
}

// What the brokers say about `spec`, strongest first, in the units of the options that say it.
template <typename Visit>
void for_each_broker_value(const TopicConfigSpec& spec, const BrokerConfigLayers& brokers, Visit visit) {
  for (const BrokerSynonym& synonym : spec.synonyms) {
    if (const std::string* value = find(brokers.dynamic_broker, synonym.option)) {
      if (visit(synonym, *value, ConfigSource::dynamic_broker)) return;
    }
    if (const std::string* value = find(brokers.dynamic_default, synonym.option)) {
      if (visit(synonym, *value, ConfigSource::dynamic_default_broker)) return;
    }
    if (const std::string* value = find(brokers.static_broker, synonym.option)) {
      if (visit(synonym, *value, ConfigSource::static_broker)) return;
    }
  }
}

std::string default_value(const TopicConfigSpec& spec, const TopicConfigLayers& layers) {
  if (layers.pool != nullptr) {
    if (const std::string* value = find(layers.pool->configs, spec.name)) return *value;
  }
  std::string result = default_of(spec);
  for_each_broker_value(spec, layers.brokers,
                        [&](const BrokerSynonym& synonym, const std::string& value, ConfigSource) {
                          result = scaled(synonym, value);
                          return true;
                        });
  return result;
}

// The value in force, before a topic's fixed durability has its say.
std::string value_of(const TopicConfigSpec& spec, const ConfigMap& topic, const TopicConfigLayers& layers) {
  const std::string* own = find(topic, spec.name);
  return own != nullptr ? *own : default_value(spec, layers);
}

ConfigEntry describe(const TopicConfigSpec& spec, const TopicConfigLayers& layers) {
  ConfigEntry entry;
  entry.name = spec.name;
  entry.type = spec.rule.type;
  entry.documentation = spec.documentation;
  const auto add = [&entry](std::string name, std::string value, ConfigSource source) {
    entry.synonyms.push_back({std::move(name), std::move(value), source});
  };
  if (const std::string* own = find(layers.topic, spec.name)) add(entry.name, *own, ConfigSource::topic);
  if (layers.pool != nullptr) {
    if (const std::string* value = find(layers.pool->configs, spec.name)) {
      add("pool:" + layers.pool->prefix, *value, ConfigSource::static_broker);
    }
  }
  for_each_broker_value(spec, layers.brokers,
                        [&](const BrokerSynonym& synonym, const std::string& value, ConfigSource source) {
                          add(std::string(synonym.option), value, source);
                          return false;
                        });
  // As Apache Kafka shows it: of several options, as of log.retention.ms, .minutes and .hours, the first has no
  // default.
  if (spec.synonyms.size() == 1) {
    add(std::string(spec.synonyms.back().option), std::string(spec.default_text), ConfigSource::default_value);
  }
  entry.value = value_of(spec, layers.topic, layers);
  entry.source = entry.synonyms.empty() ? ConfigSource::default_value : entry.synonyms.front().source;
  return entry;
}

// A topic keeps the durability it was made with when a pool's rule changes; then only the topic itself explains it.
void fix_durability(ConfigEntry& entry, Durability durability) {
  const std::string_view fixed = to_string(durability);
  if (entry.value == fixed) return;
  entry.value = fixed;
  entry.source = ConfigSource::topic;
  entry.synonyms.insert(entry.synonyms.begin(), {entry.name, std::string(fixed), ConfigSource::topic});
}

}  // namespace

std::string_view to_string(Durability durability) {
  switch (durability) {
    case Durability::persistent:
      return "persistent";
    case Durability::volatile_memory:
      return "volatile";
    case Durability::transient:
      return "transient";
  }
  return "unknown";
}

std::optional<Durability> parse_durability(std::string_view text) {
  for (const auto durability : {Durability::persistent, Durability::volatile_memory, Durability::transient}) {
    if (to_string(durability) == text) return durability;
  }
  return std::nullopt;
}

std::string_view to_string(CompressionType type) {
  switch (type) {
    case CompressionType::producer:
      return "producer";
    case CompressionType::uncompressed:
      return "uncompressed";
    case CompressionType::gzip:
      return "gzip";
    case CompressionType::snappy:
      return "snappy";
    case CompressionType::lz4:
      return "lz4";
    case CompressionType::zstd:
      return "zstd";
  }
  return "unknown";
}

std::string_view to_string(TimestampType type) {
  return type == TimestampType::log_append_time ? "LogAppendTime" : "CreateTime";
}

EffectiveTopicConfig effective_topic_config(const TopicConfigLayers& layers) {
  EffectiveTopicConfig config;
  for (const TopicConfigSpec& spec : topic_config_table()) {
    set_topic_config_member(config, spec, value_of(spec, layers.topic, layers));
  }
  if (layers.durability) config.durability = *layers.durability;
  return config;
}

std::vector<ConfigEntry> describe_topic_config(const TopicConfigLayers& layers) {
  std::vector<ConfigEntry> entries;
  for (const TopicConfigSpec& spec : topic_config_table()) {
    entries.push_back(describe(spec, layers));
    if (spec.name == durability_config && layers.durability) fix_durability(entries.back(), *layers.durability);
  }
  return entries;
}

std::string topic_config_value(std::string_view name, const ConfigMap& topic, const TopicConfigLayers& layers) {
  const TopicConfigSpec* spec = find_topic_config(name);
  return spec == nullptr ? std::string() : value_of(*spec, topic, layers);
}

}  // namespace cms::broker
