// SPDX-License-Identifier: Apache-2.0
// Pool rules: defaults for the topics under a path prefix. Topic T has the path /cms/topics/T.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/config/config_value.h"

namespace cms::broker {

inline constexpr std::string_view topics_root = "/cms/topics/";

std::string topic_path(std::string_view topic);

// One [[pool]] of the configuration file.
struct PoolRule {
  std::string prefix;                      // of the path, "/cms/topics/sensors."
  std::optional<std::int32_t> partitions;  // of topics made without a count
  ConfigMap configs;                       // topic configs by Kafka's names and cms.durability, validated
};

// Immutable after loading; any thread.
class PoolRules {
 public:
  PoolRules() = default;
  explicit PoolRules(std::vector<PoolRule> rules);  // prefixes differ

  // The rule with the longest prefix of `path`, or null. Valid as long as this object.
  const PoolRule* for_path(std::string_view path) const;
  const PoolRule* for_topic(std::string_view topic) const { return for_path(topic_path(topic)); }

  const std::vector<PoolRule>& all() const { return rules_; }

 private:
  std::vector<PoolRule> rules_;  // longest prefix first
};

}  // namespace cms::broker
