// SPDX-License-Identifier: Apache-2.0
#include "broker/config/pool_rules.h"

#include <algorithm>

namespace cms::broker {

std::string topic_path(std::string_view topic) { return std::string(topics_root).append(topic); }

PoolRules::PoolRules(std::vector<PoolRule> rules) : rules_(std::move(rules)) {
  std::ranges::stable_sort(rules_, std::ranges::greater{}, [](const PoolRule& rule) { return rule.prefix.size(); });
}

const PoolRule* PoolRules::for_path(std::string_view path) const {
  const auto found =
      std::ranges::find_if(rules_, [path](const PoolRule& rule) { return path.starts_with(rule.prefix); });
  return found == rules_.end() ? nullptr : &*found;
}

}  // namespace cms::broker
