// SPDX-License-Identifier: Apache-2.0
#include "broker/telemetry/subscription_config.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "broker/config/list_change.h"
#include "broker/telemetry/subscription.h"

namespace cms::broker {

namespace {

using Code = ConfigRefusal::Code;

constexpr std::int32_t interval_ms_least = 100;
constexpr std::int32_t interval_ms_most = 3'600'000;

struct Spec {
  std::string_view name;
  ValueRule rule;
  std::string_view default_text;
  std::string_view documentation;
};

constexpr std::string_view interval_config = "interval.ms";
constexpr std::string_view match_config = "match";
constexpr Spec table[] = {
    {interval_config,
     {.type = ConfigType::integer},
     "300000",
     "How often a client is to send its metrics, in milliseconds."},
    {match_config,
     {.type = ConfigType::list},
     "",
     "Which clients are to send metrics: attribute=expression, all of which must match. Empty: all clients."},
    {"metrics", {.type = ConfigType::list}, "", "The metrics wanted, by the beginning of their names; *: all of them."},
};

const Spec* find_spec(std::string_view name) {
  const auto* const found = std::ranges::find(table, name, &Spec::name);
  return found == std::end(table) ? nullptr : found;
}

ConfigRefusal refused(Code code, std::string message) { return {code, std::move(message)}; }
ConfigRefusal null_value(const std::string& name) {
  return refused(Code::invalid_request, "Null value not supported for : " + name);
}
ConfigRefusal duplicate_keys() { return refused(Code::invalid_request, "Error due to duplicate config keys"); }

// A list's members as they are kept: each once.
std::string without_repetitions(const std::string& list) {
  std::vector<std::string> members;
  for (std::string& member : split_list(list)) {
    if (std::ranges::find(members, member) == members.end()) members.push_back(std::move(member));
  }
  return join_list(members);
}

std::optional<ConfigRefusal> why_not_interval(const std::string& text) {
  const std::int32_t interval = parse_int(text).value_or(0);
  if (interval >= interval_ms_least && interval <= interval_ms_most) return std::nullopt;
  return refused(Code::invalid_request, "Invalid value " + text + " for interval.ms, interval must be between " +
                                            std::to_string(interval_ms_least) + " and " +
                                            std::to_string(interval_ms_most) + " (1 hour)");
}

std::optional<ConfigRefusal> why_not_match(const std::string& list) {
  for (const std::string& selector : split_list(list)) {
    if (!ClientSelector::parse(selector)) {
      return refused(Code::invalid_config, "Illegal client matching pattern: " + selector);
    }
  }
  return std::nullopt;
}

// Names first, then what each value is by its type, then what it means: Kafka's order.
ConfigOutcome checked(ConfigMap subscription) {
  for (const auto& [name, value] : subscription) {
    if (find_spec(name) == nullptr) {
      return refused(Code::invalid_request, "Unknown client metrics configuration: " + name);
    }
  }
  for (auto& [name, value] : subscription) {
    const Spec& spec = *find_spec(name);
    if (auto why = why_not(spec.rule, spec.name, value)) return refused(Code::invalid_config, std::move(*why));
    value = normalized(spec.rule, value);
    if (spec.rule.type == ConfigType::list) value = without_repetitions(value);
  }
  if (const auto interval = subscription.find(interval_config); interval != subscription.end()) {
    if (auto refusal = why_not_interval(interval->second)) return *refusal;
  }
  if (const auto match = subscription.find(match_config); match != subscription.end()) {
    if (auto refusal = why_not_match(match->second)) return *refusal;
  }
  return subscription;
}

std::optional<ConfigRefusal> apply(const ConfigOperation& operation, ConfigMap& subscription) {
  using Kind = ConfigOperation::Kind;
  if (operation.kind == Kind::remove) {
    subscription.erase(operation.name);
    return std::nullopt;
  }
  if (!operation.value) return null_value(operation.name);
  if (operation.kind != Kind::set) return not_a_list(operation);  // lists they are; Kafka does not change them so
  subscription[operation.name] = *operation.value;
  return std::nullopt;
}

ConfigEntry describe(const Spec& spec, const ConfigMap& subscription) {
  ConfigEntry entry;
  entry.name = spec.name;
  entry.type = spec.rule.type;
  entry.documentation = spec.documentation;
  entry.value = spec.default_text;
  if (const auto own = subscription.find(spec.name); own != subscription.end()) {
    entry.value = own->second;
    entry.source = ConfigSource::client_metrics;
    entry.synonyms.push_back({entry.name, own->second, ConfigSource::client_metrics});
  }
  return entry;
}

}  // namespace

std::vector<ConfigEntry> describe_subscription_config(const ConfigMap& subscription) {
  std::vector<ConfigEntry> entries;
  for (const Spec& spec : table) entries.push_back(describe(spec, subscription));
  return entries;
}

ConfigOutcome replace_subscription_config(std::span<const ConfigSetting> settings) {
  ConfigMap subscription;
  for (const ConfigSetting& setting : settings) {
    if (subscription.contains(setting.name)) return duplicate_keys();
    if (!setting.value) return null_value(setting.name);
    subscription[setting.name] = *setting.value;
  }
  return checked(std::move(subscription));
}

ConfigOutcome alter_subscription_config(const ConfigMap& subscription, std::span<const ConfigOperation> operations) {
  ConfigMap changed = subscription;
  std::set<std::string_view> seen;
  for (const ConfigOperation& operation : operations) {
    if (!seen.insert(operation.name).second) return duplicate_keys();
    if (auto refusal = why_not_kind(operation)) return *refusal;
    if (auto refusal = apply(operation, changed)) return *refusal;
  }
  return checked(std::move(changed));
}

}  // namespace cms::broker
