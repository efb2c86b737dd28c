// SPDX-License-Identifier: Apache-2.0
#include "client/commands/durability.h"

#include <algorithm>

namespace cms::client {

namespace {

using protocol::ConfigSource;

constexpr const char* no_limit = "9223372036854775807";  // the default of flush.ms: never
constexpr std::size_t topics_per_request = 500;

std::string value_of(const std::vector<ConfigEntry>& configs, std::string_view name) {
  const auto found = std::find_if(configs.begin(), configs.end(), [&](const ConfigEntry& c) { return c.name == name; });
  return found == configs.end() ? std::string{} : found->value.value_or("");
}

// flush.messages=1, our default, syncs before every acknowledgement whatever flush.ms says.
std::string persistent_promise(const std::vector<ConfigEntry>& configs) {
  const std::string messages = value_of(configs, "flush.messages");
  if (messages.empty() || messages == "1") return "acks=all is answered after the sync to disk";
  const std::string time = value_of(configs, "flush.ms");
  const std::string both =
      "flush.messages=" + messages + (time.empty() || time == no_limit ? "" : ", flush.ms=" + time);
  return "RELAXED by " + both + ": acks=all does not wait for every sync, a power cut can lose what was acknowledged";
}

}  // namespace

std::string durability_of(const std::vector<ConfigEntry>& configs) {
  const std::string value = value_of(configs, durability_config);
  return value.empty() ? "-" : value;
}

std::string promise_of(const std::vector<ConfigEntry>& configs) {
  const std::string durability = durability_of(configs);
  if (durability == "persistent") return persistent_promise(configs);
  if (durability == "volatile") return "in memory only; a restart keeps the topic and its offsets, not its records";
  if (durability == "transient") return "handed to whoever is reading now; only a short tail stays, in memory";
  return "the broker does not tell";
}

Result<std::map<std::string, std::string>> durabilities(Cluster& cluster, const std::vector<std::string>& topics) {
  std::map<std::string, std::string> found;
  for (std::size_t begin = 0; begin < topics.size(); begin += topics_per_request) {
    const std::size_t end = std::min(begin + topics_per_request, topics.size());
    protocol::DescribeConfigsRequest request;
    for (std::size_t i = begin; i < end; ++i) {
      request.resources.push_back(
          {protocol::ConfigResourceType::topic, topics[i], std::vector<std::string>{durability_config}});
    }
    const auto answer = cluster.bootstrap().call(request);
    if (!answer) return answer.error();
    for (const auto& result : answer->results) {
      if (result.error_code == protocol::ErrorCode::none) found[result.resource_name] = durability_of(result.configs);
    }
  }
  return found;
}

std::string_view to_string(ConfigSource source) {
  switch (source) {
    case ConfigSource::dynamic_topic:
      return "dynamic topic";
    case ConfigSource::dynamic_broker:
      return "dynamic broker";
    case ConfigSource::dynamic_default_broker:
      return "dynamic default broker";
    case ConfigSource::static_broker:
      return "static broker";
    case ConfigSource::default_value:
      return "default";
    case ConfigSource::dynamic_broker_logger:
      return "dynamic broker logger";
    case ConfigSource::client_metrics:
      return "client metrics";
    case ConfigSource::group:
      return "group";
    case ConfigSource::none:
    case ConfigSource::unknown:
      break;
  }
  return "unknown";
}

bool is_default(const ConfigEntry& config) { return config.config_source == ConfigSource::default_value; }

}  // namespace cms::client
