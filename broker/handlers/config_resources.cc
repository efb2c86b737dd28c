// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/config_resources.h"

#include <algorithm>
#include <string>

namespace cms::broker {

namespace {

using protocol::ConfigResourceType;

// The first version that lists anything but client metrics.
constexpr protocol::Version all_types_since = 1;

constexpr ConfigResourceType known_types[] = {ConfigResourceType::topic, ConfigResourceType::broker,
                                              ConfigResourceType::broker_logger, ConfigResourceType::client_metrics,
                                              ConfigResourceType::group};

bool is_known(ConfigResourceType type) { return std::ranges::find(known_types, type) != std::end(known_types); }

}  // namespace

void list_config_resources(const Topics& topics, const Metadata& node, const GroupConfigs& groups,
                           const Subscriptions& subscriptions, const RequestContext& context,
                           const protocol::ListConfigResourcesRequest& request,
                           protocol::ListConfigResourcesResponse& response) {
  const bool all_types = context.version() >= all_types_since;
  if (!std::ranges::all_of(request.resource_types, is_known)) {
    response.error_code = ErrorCode::unsupported_version;
    return;
  }
  const auto wanted = [&](ConfigResourceType type) {
    if (!all_types) return type == ConfigResourceType::client_metrics;
    return request.resource_types.empty() ||
           std::ranges::find(request.resource_types, type) != request.resource_types.end();
  };
  const auto add = [&](std::string name, ConfigResourceType type) {
    response.config_resources.push_back({.resource_name = std::move(name), .resource_type = type});
  };
  if (wanted(ConfigResourceType::group)) {
    for (std::string& id : groups.group_ids()) add(std::move(id), ConfigResourceType::group);
  }
  if (wanted(ConfigResourceType::client_metrics)) {
    for (std::string& name : subscriptions.names()) add(std::move(name), ConfigResourceType::client_metrics);
  }
  if (wanted(ConfigResourceType::broker)) add(std::to_string(node.node_id()), ConfigResourceType::broker);
  if (wanted(ConfigResourceType::topic)) {
    for (const TopicHandle& topic : topics.all()) add(topic->name(), ConfigResourceType::topic);
  }
}

}  // namespace cms::broker
