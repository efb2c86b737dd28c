// SPDX-License-Identifier: Apache-2.0
#include "broker/config/group_config.h"

#include <set>

#include "broker/config/group_config_table.h"
#include "broker/config/list_change.h"

namespace cms::broker {

namespace {

using Code = ConfigRefusal::Code;

const std::string* find(const ConfigMap& map, std::string_view name) {
  const auto found = map.find(name);
  return found == map.end() ? nullptr : &found->second;
}

std::string text_of(const GroupOption& option, const ConfigMap& given) {
  const std::string* const value = find(given, option.name);
  return value != nullptr ? *value : std::string(option.default_text);
}

std::string value_of(const GroupConfigSpec& spec, const ConfigMap& group, const ConfigMap& given) {
  const std::string* const own = find(group, spec.name);
  return own != nullptr ? *own : text_of(spec.preset, given);
}

ConfigEntry describe(const GroupConfigSpec& spec, const ConfigMap& group, const ConfigMap& given) {
  ConfigEntry entry;
  entry.name = spec.name;
  entry.type = spec.rule.type;
  entry.documentation = spec.documentation;
  const std::string option(spec.preset.name);
  if (const std::string* own = find(group, spec.name)) {
    entry.synonyms.push_back({entry.name, *own, ConfigSource::group});
  }
  if (const std::string* value = find(given, option)) {
    entry.synonyms.push_back({option, *value, ConfigSource::static_broker});
  }
  entry.synonyms.push_back({option, std::string(spec.preset.default_text), ConfigSource::default_value});
  entry.value = entry.synonyms.front().value;
  entry.source = entry.synonyms.front().source;
  return entry;
}

ConfigRefusal invalid(std::string message) { return {Code::invalid_config, std::move(message)}; }
ConfigRefusal duplicate_keys() { return {Code::invalid_request, "Error due to duplicate config keys"}; }
ConfigRefusal null_value(const std::string& name) {
  return {Code::invalid_request, "Null value not supported for : " + name};
}

std::optional<ConfigRefusal> why_not_value(const GroupConfigSpec& spec, const std::string& value) {
  if (auto why = why_not(spec.rule, spec.name, value)) return invalid(std::move(*why));
  if (spec.name != offset_reset_config || is_offset_reset(trimmed(value))) return std::nullopt;
  const std::string name(spec.name);
  return invalid("Invalid value " + value + " for configuration " + name + ": Invalid value `" + value +
                 "` for configuration " + name +
                 ". The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.");
}

std::optional<ConfigRefusal> why_out_of_bounds(const GroupConfigSpec& spec, std::int32_t value,
                                               const ConfigMap& given) {
  const auto bound = [&](const GroupOption& option) { return parse_int(text_of(option, given)).value_or(value); };
  const std::string name(spec.name);
  if (value < bound(spec.least)) {
    return invalid(name + " must be greater than or equal to " + std::string(spec.least.name));
  }
  if (value > bound(spec.most)) return invalid(name + " must be less than or equal to " + std::string(spec.most.name));
  return std::nullopt;
}

// A member that is on time must not be taken for dead.
std::optional<ConfigRefusal> why_not_together(const ConfigMap& group, const ConfigMap& given) {
  for (const std::string kind : {"consumer", "share", "streams"}) {
    const std::string session = kind + ".session.timeout.ms";
    const std::string heartbeat = kind + ".heartbeat.interval.ms";
    if (!group.contains(session) && !group.contains(heartbeat)) continue;
    const auto number = [&](const std::string& name) {
      return parse_int(value_of(*find_group_config(name), group, given)).value_or(0);
    };
    if (number(session) <= number(heartbeat)) return invalid(session + " must be greater than " + heartbeat);
  }
  return std::nullopt;
}

// The whole of a group's configs: names first, then each value, then what the broker allows.
ConfigOutcome checked(ConfigMap group, const ConfigMap& given) {
  for (const auto& [name, value] : group) {
    if (find_group_config(name) == nullptr) return invalid("Unknown group config name: " + name);
  }
  for (auto& [name, value] : group) {
    const GroupConfigSpec& spec = *find_group_config(name);
    if (auto refusal = why_not_value(spec, value)) return *refusal;
    value = normalized(spec.rule, value);
  }
  for (const auto& [name, value] : group) {
    const auto number = parse_int(value);
    if (!number) continue;
    if (auto refusal = why_out_of_bounds(*find_group_config(name), *number, given)) return *refusal;
  }
  if (auto refusal = why_not_together(group, given)) return *refusal;
  return group;
}

std::optional<ConfigRefusal> apply(const ConfigOperation& operation, ConfigMap& group) {
  using Kind = ConfigOperation::Kind;
  if (operation.kind == Kind::remove) {
    group.erase(operation.name);
    return std::nullopt;
  }
  if (!operation.value) return null_value(operation.name);
  if (operation.kind != Kind::set) return not_a_list(operation);  // no group config is one
  group[operation.name] = *operation.value;
  return std::nullopt;
}

}  // namespace

std::vector<ConfigEntry> describe_group_config(const ConfigMap& group, const ConfigMap& given) {
  std::vector<ConfigEntry> entries;
  for (const GroupConfigSpec& spec : group_config_table()) entries.push_back(describe(spec, group, given));
  return entries;
}

ConfigOutcome replace_group_config(std::span<const ConfigSetting> settings, const ConfigMap& given) {
  ConfigMap group;
  for (const ConfigSetting& setting : settings) {
    if (group.contains(setting.name)) return duplicate_keys();
    if (!setting.value) return null_value(setting.name);
    group[setting.name] = *setting.value;
  }
  return checked(std::move(group), given);
}

ConfigOutcome alter_group_config(const ConfigMap& group, std::span<const ConfigOperation> operations,
                                 const ConfigMap& given) {
  ConfigMap changed = group;
  std::set<std::string_view> seen;
  for (const ConfigOperation& operation : operations) {
    if (!seen.insert(operation.name).second) return duplicate_keys();
    if (auto refusal = why_not_kind(operation)) return *refusal;
    if (auto refusal = apply(operation, changed)) return *refusal;
  }
  return checked(std::move(changed), given);
}

}  // namespace cms::broker
