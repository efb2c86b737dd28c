// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "broker/config/settings.h"

namespace cms::broker {

namespace {

constexpr std::string_view prefix = "CMS_";

// NUM__PARTITIONS -> num.partitions
std::string option_name(std::string_view variable) {
  std::string name;
  for (std::size_t i = 0; i < variable.size(); ++i) {
    if (variable.substr(i, 2) == "__") {
      name += '.';
      ++i;
    } else {
      const char c = variable[i];
      name += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    }
  }
  return name;
}

}  // namespace

std::vector<Setting> read_environment(const ConfigMap& environment, const std::vector<std::string>& option_names) {
  std::vector<Setting> settings;
  for (const auto& [variable, value] : environment) {
    if (!variable.starts_with(prefix)) continue;
    std::string name = option_name(std::string_view(variable).substr(prefix.size()));
    const bool known = std::ranges::find(option_names, name) != option_names.end();
    if (!known && variable.find("__") == std::string::npos) {
      // One underscore where two are needed is a slip when it names an option, and somebody else's variable when not.
      std::string dotted = name;
      std::ranges::replace(dotted, '_', '.');
      if (std::ranges::find(option_names, dotted) == option_names.end()) continue;
    }
    settings.push_back({std::move(name), value, "environment " + variable, true});
  }
  return settings;
}

ConfigMap environment_of_process(const char* const* environment) {
  ConfigMap map;
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    const std::size_t equals = entry.find('=');
    if (equals != std::string_view::npos) map.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return map;
}

}  // namespace cms::broker
