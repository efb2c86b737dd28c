// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/config_resource.h"

#include "broker/config/config_value.h"

namespace cms::broker {

namespace {

ConfigVerdict refuse(std::string message) { return {ErrorCode::invalid_request, std::move(message)}; }

}  // namespace

ConfigVerdict check_broker_name(const std::string& name, std::int32_t node_id, bool or_default) {
  if (name.empty()) return or_default ? ConfigVerdict{} : refuse("Broker id must not be empty");
  const auto id = parse_int(name);
  if (!id) return refuse("Broker id must be an integer, but it is: " + name);
  if (*id == node_id) return {};
  return refuse("Unexpected broker id, expected " + std::to_string(node_id) + (or_default ? " or empty string" : "") +
                ", but received " + name);
}

ConfigVerdict check_other_resource(protocol::ConfigResourceType type, const std::string& name) {
  if (type == protocol::ConfigResourceType::client_metrics) {
    return name.empty() ? refuse("Client metrics subscription name must not be empty") : ConfigVerdict{};
  }
  if (type == protocol::ConfigResourceType::group) {
    return name.empty() ? refuse("Group name must not be empty") : ConfigVerdict{};
  }
  return refuse("Unknown resource type " + std::to_string(static_cast<int>(type)));
}

}  // namespace cms::broker
