// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/config/broker_config.h"
#include "broker/config/group_config.h"
#include "broker/handlers/config_resource.h"
#include "broker/handlers/configs.h"
#include "broker/metadata/topic_name.h"
#include "broker/telemetry/subscription_config.h"

namespace cms::broker {

namespace {

using protocol::ConfigResourceType;

// What one resource's configs become.
struct Change {
  Topics::ConfigChange topic;
  Topics::BrokerConfigChange broker;
  std::function<ConfigOutcome(const ConfigMap&, const ConfigMap& given)> group;
  NamedConfigs::Change client_metrics;
  bool incremental = false;
};

Change change_of(const protocol::AlterConfigsRequest::Resource& resource) {
  std::vector<ConfigSetting> settings;
  settings.reserve(resource.configs.size());
  for (const auto& config : resource.configs) settings.push_back({config.name, config.value});
  return {
      .topic = [settings](const TopicConfigLayers& layers) { return replace_topic_config(settings, layers); },
      .broker = [settings](const ConfigMap&) { return replace_broker_config(settings); },
      .group = [settings](const ConfigMap&, const ConfigMap& given) { return replace_group_config(settings, given); },
      .client_metrics = [settings](const ConfigMap&) { return replace_subscription_config(settings); },
      .incremental = false};
}

Change change_of(const protocol::IncrementalAlterConfigsRequest::Resource& resource) {
  std::vector<ConfigOperation> operations;
  operations.reserve(resource.configs.size());
  for (const auto& config : resource.configs) {
    operations.push_back({config.name, static_cast<ConfigOperation::Kind>(config.config_operation), config.value});
  }
  return {.topic = [operations](const TopicConfigLayers& layers) { return alter_topic_config(operations, layers); },
          .broker = [operations](const ConfigMap& current) { return alter_broker_config(current, operations); },
          .group = [operations](const ConfigMap& current,
                                const ConfigMap& given) { return alter_group_config(current, operations, given); },
          .client_metrics =
              [operations](const ConfigMap& current) { return alter_subscription_config(current, operations); },
          .incremental = true};
}

ConfigVerdict change_topic(Topics& topics, const std::string& name, const Change& change, bool validate_only) {
  if (name.empty()) return {ErrorCode::invalid_request, "Default topic resources are not allowed."};
  if (auto why = why_not_topic_name(name)) return {ErrorCode::invalid_topic_exception, std::move(*why)};
  TopicOutcome outcome = topics.change_config(name, change.topic, validate_only);
  if (outcome.error == ErrorCode::unknown_topic_or_partition) {
    return {outcome.error, "The topic '" + name + "' does not exist."};
  }
  return {outcome.error, std::move(outcome.message)};
}

ConfigVerdict change_broker(Topics& topics, std::int32_t node_id, const std::string& name, const Change& change,
                            bool validate_only) {
  ConfigVerdict verdict = check_broker_name(name, node_id, true);
  if (!verdict.ok()) return verdict;
  const std::optional<std::int32_t> node = name.empty() ? std::nullopt : std::optional(node_id);
  TopicOutcome outcome = topics.change_broker_config(node, change.broker, validate_only);
  return {outcome.error, std::move(outcome.message)};
}

ConfigVerdict verdict_of(const base::Result<NamedConfigs::Refusal>& refusal) {
  if (!refusal) return {ErrorCode::kafka_storage_error, refusal.error().message()};
  if (!*refusal) return {};
  return {static_cast<ErrorCode>((*refusal)->code), (*refusal)->message};
}

ConfigVerdict change_group(const ConfigOwners& owners, const std::string& name, const Change& change,
                           bool validate_only) {
  if (name.empty()) return {ErrorCode::invalid_request, "Default group resources are not allowed."};
  const auto on_group = [&](const ConfigMap& current) { return change.group(current, owners.options.given); };
  return verdict_of(owners.groups.change(name, on_group, validate_only));
}

ConfigVerdict change_client_metrics(const ConfigOwners& owners, const std::string& name, const Change& change,
                                    bool validate_only) {
  if (name.empty()) return {ErrorCode::invalid_request, "Subscription name can't be empty"};
  return verdict_of(owners.subscriptions.change(name, change.client_metrics, validate_only));
}

ConfigVerdict refuse_other(ConfigResourceType type, const std::string& name, const Change& change,
                           std::int32_t node_id) {
  if (type == ConfigResourceType::broker_logger && change.incremental) {
    ConfigVerdict verdict = check_broker_name(name, node_id, false);
    if (!verdict.ok()) return verdict;
    return {ErrorCode::invalid_config, "The levels of loggers are set with the option log.level at start."};
  }
  return check_other_resource(type, name);
}

// The same for both requests and both responses.
template <typename Request, typename Response>
void alter(const ConfigOwners& owners, const Request& request, Response& response) {
  std::map<std::pair<ConfigResourceType, std::string_view>, int> listed;
  for (const auto& resource : request.resources) ++listed[{resource.resource_type, resource.resource_name}];
  for (const auto& resource : request.resources) {
    const auto change = [&]() -> ConfigVerdict {
      if (listed[{resource.resource_type, resource.resource_name}] > 1) {
        return {ErrorCode::invalid_request, "Each resource must appear at most once."};
      }
      const Change wanted = change_of(resource);
      if (resource.resource_type == ConfigResourceType::topic) {
        return change_topic(owners.topics, resource.resource_name, wanted, request.validate_only);
      }
      if (resource.resource_type == ConfigResourceType::broker) {
        return change_broker(owners.topics, owners.node_id, resource.resource_name, wanted, request.validate_only);
      }
      if (resource.resource_type == ConfigResourceType::group) {
        return change_group(owners, resource.resource_name, wanted, request.validate_only);
      }
      if (resource.resource_type == ConfigResourceType::client_metrics) {
        return change_client_metrics(owners, resource.resource_name, wanted, request.validate_only);
      }
      return refuse_other(resource.resource_type, resource.resource_name, wanted, owners.node_id);
    };
    ConfigVerdict verdict = change();
    auto& answer = response.responses.emplace_back();
    answer.resource_type = resource.resource_type;
    answer.resource_name = resource.resource_name;
    answer.error_code = verdict.error;
    if (!verdict.ok()) answer.error_message = std::move(verdict.message);
  }
}

}  // namespace

void alter_configs(const ConfigOwners& owners, const RequestContext&, const protocol::AlterConfigsRequest& request,
                   protocol::AlterConfigsResponse& response) {
  alter(owners, request, response);
}

void incremental_alter_configs(const ConfigOwners& owners, const RequestContext&,
                               const protocol::IncrementalAlterConfigsRequest& request,
                               protocol::IncrementalAlterConfigsResponse& response) {
  alter(owners, request, response);
}

}  // namespace cms::broker
