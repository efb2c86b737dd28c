// SPDX-License-Identifier: Apache-2.0
// The one place that lists the topic configs.
#pragma once

#include <span>
#include <string_view>
#include <variant>

#include "broker/config/config_value.h"
#include "broker/config/topic_config.h"

namespace cms::broker {

// A broker option that gives a topic config its default. Kafka has several for one config, in other units.
struct BrokerSynonym {
  std::string_view option;
  std::int64_t scale = 1;  // the option's value times this is the topic config's value
};

struct TopicConfigSpec {
  using Set = void (*)(EffectiveTopicConfig& config, std::string_view text);
  using Member = std::variant<std::monostate, bool EffectiveTopicConfig::*, std::int32_t EffectiveTopicConfig::*,
                              std::int64_t EffectiveTopicConfig::*, double EffectiveTopicConfig::*, Set>;

  std::string_view name;
  std::span<const BrokerSynonym> synonyms;  // strongest first; the last one holds the default
  ValueRule rule;
  std::string_view default_text;  // in the unit of the last synonym
  Member member;                  // monostate: accepted and shown, without effect
  std::string_view documentation;
};

// Sorted by name.
std::span<const TopicConfigSpec> topic_config_table();

const TopicConfigSpec* find_topic_config(std::string_view name);

// Sets the member that `spec` describes; `text` has passed the rule.
void set_topic_config_member(EffectiveTopicConfig& config, const TopicConfigSpec& spec, std::string_view text);

// `text`, a value of the option `synonym`, in the unit of the topic config.
std::string scaled(const BrokerSynonym& synonym, std::string_view text);

// The value in force for a topic whose own configs are `topic` instead of those in `layers`; empty for an unknown name.
std::string topic_config_value(std::string_view name, const ConfigMap& topic, const TopicConfigLayers& layers);

// The default in the unit of the topic config.
std::string default_of(const TopicConfigSpec& spec);

}  // namespace cms::broker
