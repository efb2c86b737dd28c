// SPDX-License-Identifier: Apache-2.0
#include "broker/config/broker_config.h"

#include <algorithm>
#include <set>

#include "broker/config/list_change.h"
#include "broker/config/option_table.h"
#include "broker/config/topic_config_table.h"

namespace cms::broker {

namespace {

using Code = ConfigRefusal::Code;

// The options that stand behind the same topic config as `name`, strongest first; `name` alone if there is none.
std::vector<std::string_view> family_of(std::string_view name) {
  for (const TopicConfigSpec& topic : topic_config_table()) {
    const auto is_name = [name](const BrokerSynonym& synonym) { return synonym.option == name; };
    const auto found = std::ranges::find_if(topic.synonyms, is_name);
    if (found == topic.synonyms.end()) continue;
    std::vector<std::string_view> family;
    for (auto synonym = found; synonym != topic.synonyms.end(); ++synonym) family.push_back(synonym->option);
    return family;
  }
  return {name};
}

void add_layer(ConfigEntry& entry, const ConfigMap& layer, std::string_view name, ConfigSource source) {
  const auto found = layer.find(name);
  if (found != layer.end()) entry.synonyms.push_back({std::string(name), found->second, source});
}

ConfigEntry describe(const OptionTable& table, const OptionSpec& option, const Options& options,
                     const BrokerConfigLayers& layers) {
  ConfigEntry entry;
  entry.name = option.name;
  entry.type = option.rule.type;
  entry.read_only = !option.dynamic;
  entry.documentation = option.documentation;
  for (const std::string_view name : family_of(option.name)) {
    add_layer(entry, layers.dynamic_broker, name, ConfigSource::dynamic_broker);
    add_layer(entry, layers.dynamic_default, name, ConfigSource::dynamic_default_broker);
    add_layer(entry, layers.static_broker, name, ConfigSource::static_broker);
    const OptionSpec* member = table.find(name);
    if (member != nullptr && member->default_text) {
      entry.synonyms.push_back({std::string(name), member->default_text, ConfigSource::default_value});
    }
  }
  // A weaker synonym is in another unit: it is shown as a synonym and is not this option's value.
  if (!entry.synonyms.empty() && entry.synonyms.front().name == option.name) {
    entry.value = entry.synonyms.front().value;
    entry.source = entry.synonyms.front().source;
  } else {
    entry.value = option_text(options, option);
  }
  return entry;
}

// An option that Kafka's tools have set and nobody here knows: it may be anything, so its value is not shown.
ConfigEntry describe_unknown(const std::string& name, ConfigSource source) {
  ConfigEntry entry;
  entry.name = name;
  entry.source = source;
  entry.type = ConfigType::unknown;
  entry.sensitive = true;
  entry.synonyms.push_back({name, std::nullopt, source});
  return entry;
}

std::optional<ConfigRefusal> why_not_dynamic(const OptionTable& table, std::string_view name, std::string_view value) {
  const OptionSpec* option = table.find(canonical_option(name));
  if (option == nullptr) return std::nullopt;
  if (!option->dynamic) {
    return ConfigRefusal{Code::invalid_request, "Cannot update these configs dynamically: [" + std::string(name) + "]"};
  }
  if (auto why = why_not(option->rule, name, value)) return ConfigRefusal{Code::invalid_request, std::move(*why)};
  return std::nullopt;
}

std::optional<ConfigRefusal> set(const OptionTable& table, ConfigMap& configs, const std::string& name,
                                 const std::optional<std::string>& value) {
  if (!value) return ConfigRefusal{Code::invalid_request, "Null value not supported for : " + name};
  if (auto refusal = why_not_dynamic(table, name, *value)) return refusal;
  const OptionSpec* option = table.find(name);
  configs[name] = option == nullptr ? *value : normalized(option->rule, *value);
  return std::nullopt;
}

ConfigRefusal duplicate_keys() { return {Code::invalid_request, "Error due to duplicate config keys"}; }

// The list an append or subtract starts from.
std::string current_list(const OptionTable& table, const ConfigMap& configs, const std::string& name) {
  if (const auto found = configs.find(name); found != configs.end()) return found->second;
  const OptionSpec* option = table.find(name);
  return option == nullptr ? std::string() : option->default_text.value_or("");
}

ConfigRefusal not_a_list_of_the_broker(const ConfigOperation& operation) {
  const std::string verb = operation.kind == ConfigOperation::Kind::append ? "append" : "subtract";
  return {Code::invalid_config, "Config value " + verb + " is not allowed for config key: " + operation.name};
}

std::optional<ConfigRefusal> apply(const OptionTable& table, const ConfigOperation& operation, ConfigMap& configs) {
  using Kind = ConfigOperation::Kind;
  if (operation.kind == Kind::remove) {
    configs.erase(operation.name);
    return std::nullopt;
  }
  if (operation.kind == Kind::set || !operation.value) return set(table, configs, operation.name, operation.value);
  const OptionSpec* option = table.find(operation.name);
  if (option == nullptr) return ConfigRefusal{Code::invalid_config, "Unknown config name: " + operation.name};
  if (option->rule.type != ConfigType::list) return not_a_list_of_the_broker(operation);
  return set(table, configs, operation.name, changed_list(current_list(table, configs, operation.name), operation));
}

}  // namespace

std::vector<ConfigEntry> describe_broker_config(const Options& options, const BrokerConfigLayers& layers) {
  const OptionTable table;
  std::vector<ConfigEntry> entries;
  for (const OptionSpec& option : table.all()) entries.push_back(describe(table, option, options, layers));
  for (const auto& [name, value] : layers.dynamic_broker) {
    if (table.find(name) == nullptr) entries.push_back(describe_unknown(name, ConfigSource::dynamic_broker));
  }
  std::ranges::sort(entries, {}, &ConfigEntry::name);
  return entries;
}

std::vector<ConfigEntry> describe_broker_defaults(const BrokerConfigLayers& layers) {
  const OptionTable table;
  std::vector<ConfigEntry> entries;
  for (const auto& [name, value] : layers.dynamic_default) {
    const OptionSpec* option = table.find(name);
    ConfigEntry entry = describe_unknown(name, ConfigSource::dynamic_default_broker);
    if (option != nullptr) {
      entry.type = option->rule.type;
      entry.sensitive = false;
      entry.value = value;
      entry.synonyms.front().value = value;
      entry.documentation = option->documentation;
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

ConfigOutcome replace_broker_config(std::span<const ConfigSetting> settings) {
  const OptionTable table;
  ConfigMap configs;
  for (const ConfigSetting& setting : settings) {
    if (configs.contains(setting.name)) return duplicate_keys();
    if (auto refusal = set(table, configs, setting.name, setting.value)) return *refusal;
  }
  return configs;
}

ConfigOutcome alter_broker_config(const ConfigMap& current, std::span<const ConfigOperation> operations) {
  const OptionTable table;
  ConfigMap configs = current;
  std::set<std::string_view> seen;
  for (const ConfigOperation& operation : operations) {
    if (!seen.insert(operation.name).second) return duplicate_keys();
    if (auto refusal = why_not_kind(operation)) return *refusal;
    if (auto refusal = apply(table, operation, configs)) return *refusal;
  }
  return configs;
}

Options with_dynamic_config(const Options& options, const BrokerConfigLayers& layers) {
  const OptionTable table;
  Options changed = options;
  for (const ConfigMap* layer : {&layers.dynamic_default, &layers.dynamic_broker}) {
    for (const auto& [name, value] : *layer) {
      const OptionSpec* option = table.find(name);
      const bool usable =
          option != nullptr && option->dynamic && !std::holds_alternative<std::monostate>(option->member);
      if (usable) (void)set_option(changed, *option, value);  // leaves the member as it was when it refuses
    }
  }
  changed.given = options.given;
  return changed;
}

}  // namespace cms::broker
