// SPDX-License-Identifier: Apache-2.0
// A topic's promise, in the words of the tools.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "client/admin.h"

namespace cms::client {

inline constexpr const char* durability_config = "cms.durability";
inline constexpr const char* topic_path_prefix = "/cms/topics/";

// "volatile", or "-" where the broker does not know the word.
std::string durability_of(const std::vector<ConfigEntry>& configs);

// The promise in a sentence, and whether flush.messages or flush.ms weaken it.
std::string promise_of(const std::vector<ConfigEntry>& configs);

// Of several topics, by name; those that cannot be told are missing.
Result<std::map<std::string, std::string>> durabilities(Cluster& cluster, const std::vector<std::string>& topics);

// "dynamic topic", "static broker" ...
std::string_view to_string(protocol::ConfigSource source);

bool is_default(const ConfigEntry& config);

}  // namespace cms::client
