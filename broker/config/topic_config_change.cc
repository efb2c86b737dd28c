// SPDX-License-Identifier: Apache-2.0
// Changes of topic configs, refused in Kafka's words.
#include <algorithm>
#include <set>

#include "broker/config/list_change.h"
#include "broker/config/topic_config.h"
#include "broker/config/topic_config_table.h"

namespace cms::broker {

namespace {

using Code = ConfigRefusal::Code;

std::optional<ConfigRefusal> why_not_value(std::string_view name, std::string_view text) {
  const TopicConfigSpec* spec = find_topic_config(name);
  if (spec == nullptr) return ConfigRefusal{Code::invalid_config, "Unknown topic config name: " + std::string(name)};
  if (auto why = why_not(spec->rule, name, text)) return ConfigRefusal{Code::invalid_config, std::move(*why)};
  if (name == "remote.storage.enable" && parse_boolean(text) == true) {
    return ConfigRefusal{
        Code::invalid_config,
        "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote "
        "log storage."};
  }
  return std::nullopt;
}

// What no single value can break.
std::optional<ConfigRefusal> why_not_together(const ConfigMap& topic, const TopicConfigLayers& layers) {
  const TopicConfigLayers after{topic, layers.pool, layers.brokers, layers.durability};
  const EffectiveTopicConfig config = effective_topic_config(after);
  if (config.min_compaction_lag_ms > config.max_compaction_lag_ms) {
    return ConfigRefusal{Code::invalid_config, "conflict topic config setting min.compaction.lag.ms (" +
                                                   std::to_string(config.min_compaction_lag_ms) +
                                                   ") > max.compaction.lag.ms (" +
                                                   std::to_string(config.max_compaction_lag_ms) + ")"};
  }
  return std::nullopt;
}

ConfigRefusal null_value(std::string_view name) {
  return {Code::invalid_request, "Null value not supported for : " + std::string(name)};
}

ConfigRefusal duplicate_keys() { return {Code::invalid_request, "Error due to duplicate config keys"}; }

// `settings` on top of `kept`.
ConfigOutcome from_settings(std::span<const ConfigSetting> settings, const TopicConfigLayers& layers, ConfigMap kept,
                            bool creating) {
  std::set<std::string_view> seen;
  for (const ConfigSetting& setting : settings) {
    if (!seen.insert(setting.name).second) return duplicate_keys();
    if (!setting.value && creating) {
      return ConfigRefusal{Code::invalid_config, "Null value not supported for topic configs: " + setting.name};
    }
    if (!setting.value) return null_value(setting.name);
    if (auto refusal = why_not_value(setting.name, *setting.value)) return *refusal;
    kept[setting.name] = normalized(find_topic_config(setting.name)->rule, *setting.value);
  }
  if (auto refusal = why_not_together(kept, layers)) return *refusal;
  return kept;
}

// One incremental operation on `topic`.
std::optional<ConfigRefusal> apply(const ConfigOperation& operation, const TopicConfigLayers& layers,
                                   ConfigMap& topic) {
  using Kind = ConfigOperation::Kind;
  const TopicConfigSpec* spec = find_topic_config(operation.name);
  if (operation.kind == Kind::remove) {
    // The topic keeps its durability all the same: removing the words would only hide it.
    if (operation.name != durability_config) topic.erase(operation.name);
    return std::nullopt;
  }
  if (!operation.value) return null_value(operation.name);
  std::string value = *operation.value;
  if (operation.kind == Kind::append || operation.kind == Kind::subtract) {
    if (spec == nullptr || spec->rule.type != ConfigType::list) return not_a_list(operation);
    value = changed_list(topic_config_value(operation.name, topic, layers), operation);
  }
  if (auto refusal = why_not_value(operation.name, value)) return refusal;
  topic[operation.name] = normalized(spec->rule, value);
  return std::nullopt;
}

}  // namespace

ConfigOutcome create_topic_config(std::span<const ConfigSetting> settings, const TopicConfigLayers& layers) {
  return from_settings(settings, layers, {}, true);
}

ConfigOutcome replace_topic_config(std::span<const ConfigSetting> settings, const TopicConfigLayers& layers) {
  ConfigMap kept;
  if (const auto durability = layers.topic.find(durability_config); durability != layers.topic.end()) {
    kept.insert(*durability);
  }
  return from_settings(settings, layers, std::move(kept), false);
}

ConfigOutcome alter_topic_config(std::span<const ConfigOperation> operations, const TopicConfigLayers& layers) {
  ConfigMap topic = layers.topic;
  std::set<std::string_view> seen;
  for (const ConfigOperation& operation : operations) {
    if (!seen.insert(operation.name).second) return duplicate_keys();
    if (auto refusal = why_not_kind(operation)) return *refusal;
    if (auto refusal = apply(operation, layers, topic)) return *refusal;
  }
  if (auto refusal = why_not_together(topic, layers)) return *refusal;
  return topic;
}

}  // namespace cms::broker
