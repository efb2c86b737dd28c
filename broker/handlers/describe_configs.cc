// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <set>
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
using protocol::DescribeConfigsRequest;
using protocol::DescribeConfigsResponse;

static_assert(static_cast<int>(ConfigSource::default_value) == static_cast<int>(protocol::ConfigSource::default_value));
static_assert(static_cast<int>(ConfigSource::client_metrics) ==
              static_cast<int>(protocol::ConfigSource::client_metrics));
static_assert(static_cast<int>(ConfigSource::group) == static_cast<int>(protocol::ConfigSource::group));
static_assert(static_cast<int>(ConfigType::password) == static_cast<int>(protocol::ConfigType::password));

protocol::ConfigSource on_wire(ConfigSource source) { return static_cast<protocol::ConfigSource>(source); }

DescribeConfigsResponse::Config shown(const ConfigEntry& entry, const DescribeConfigsRequest& request) {
  DescribeConfigsResponse::Config config;
  config.name = entry.name;
  config.value = entry.value;
  config.read_only = entry.read_only;
  config.config_source = on_wire(entry.source);
  config.is_sensitive = entry.sensitive;
  config.config_type = static_cast<protocol::ConfigType>(entry.type);
  if (request.include_documentation) config.documentation = entry.documentation;
  if (request.include_synonyms) {
    for (const ConfigSynonym& synonym : entry.synonyms) {
      config.synonyms.push_back({.name = synonym.name, .value = synonym.value, .source = on_wire(synonym.source)});
    }
  }
  return config;
}

bool is_wanted(const DescribeConfigsRequest::Resource& resource, const std::string& name) {
  const auto& keys = resource.configuration_keys;
  return !keys || keys->empty() || std::ranges::find(*keys, name) != keys->end();
}

// The one logger that there is. Its level is an option of the broker.
DescribeConfigsResponse::Config root_logger(const Options& options) {
  DescribeConfigsResponse::Config config;
  config.name = "root";
  config.value = options.log_level;
  std::ranges::transform(*config.value, config.value->begin(),
                         [](char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); });
  config.read_only = true;
  config.config_source = protocol::ConfigSource::dynamic_broker_logger;
  return config;
}

class Describer {
 public:
  Describer(const Topics& topics, const GroupConfigs& groups, const Subscriptions& subscriptions, const Metadata& node,
            const Options& options, const DescribeConfigsRequest& request)
      : topics_(topics),
        groups_(groups),
        subscriptions_(subscriptions),
        node_(node),
        options_(options),
        request_(request) {}

  ConfigVerdict describe(const DescribeConfigsRequest::Resource& resource, DescribeConfigsResponse::Result& result) {
    if (!seen_.emplace(resource.resource_type, resource.resource_name).second) {
      return {ErrorCode::invalid_request, "Each resource must appear at most once."};
    }
    switch (resource.resource_type) {
      case ConfigResourceType::topic:
        return topic(resource, result);
      case ConfigResourceType::broker:
        return broker(resource, result);
      case ConfigResourceType::broker_logger:
        return logger(resource, result);
      case ConfigResourceType::group:
        return group(resource, result);
      case ConfigResourceType::client_metrics:
        return client_metrics(resource, result);
      default:
        return check_other_resource(resource.resource_type, resource.resource_name);
    }
  }

 private:
  void add(const std::vector<ConfigEntry>& entries, const DescribeConfigsRequest::Resource& resource,
           DescribeConfigsResponse::Result& result) {
    for (const ConfigEntry& entry : entries) {
      if (is_wanted(resource, entry.name)) result.configs.push_back(shown(entry, request_));
    }
  }

  ConfigVerdict topic(const DescribeConfigsRequest::Resource& resource, DescribeConfigsResponse::Result& result) {
    if (auto why = why_not_topic_name(resource.resource_name)) {
      return {ErrorCode::invalid_topic_exception, std::move(*why)};
    }
    const TopicHandle topic = topics_.find(resource.resource_name);
    if (topic == nullptr) return {ErrorCode::unknown_topic_or_partition, ""};
    add(topics_.describe_config(*topic), resource, result);
    return {};
  }

  ConfigVerdict broker(const DescribeConfigsRequest::Resource& resource, DescribeConfigsResponse::Result& result) {
    ConfigVerdict verdict = check_broker_name(resource.resource_name, node_.node_id(), true);
    if (!verdict.ok()) return verdict;
    const BrokerConfigLayers layers = topics_.broker_layers();
    add(resource.resource_name.empty() ? describe_broker_defaults(layers) : describe_broker_config(options_, layers),
        resource, result);
    return {};
  }

  ConfigVerdict logger(const DescribeConfigsRequest::Resource& resource, DescribeConfigsResponse::Result& result) {
    ConfigVerdict verdict = check_broker_name(resource.resource_name, node_.node_id(), false);
    if (verdict.ok() && is_wanted(resource, "root")) result.configs.push_back(root_logger(options_));
    return verdict;
  }

  ConfigVerdict group(const DescribeConfigsRequest::Resource& resource, DescribeConfigsResponse::Result& result) {
    ConfigVerdict verdict = check_other_resource(resource.resource_type, resource.resource_name);
    if (!verdict.ok()) return verdict;
    add(describe_group_config(groups_.of(resource.resource_name), options_.given), resource, result);
    return verdict;
  }

  ConfigVerdict client_metrics(const DescribeConfigsRequest::Resource& resource,
                               DescribeConfigsResponse::Result& result) {
    ConfigVerdict verdict = check_other_resource(resource.resource_type, resource.resource_name);
    if (!verdict.ok()) return verdict;
    add(describe_subscription_config(subscriptions_.configs_of(resource.resource_name)), resource, result);
    return verdict;
  }

  const Topics& topics_;
  const GroupConfigs& groups_;
  const Subscriptions& subscriptions_;
  const Metadata& node_;
  const Options& options_;
  const DescribeConfigsRequest& request_;
  std::set<std::pair<ConfigResourceType, std::string>> seen_;
};

}  // namespace

void describe_configs(const Topics& topics, const GroupConfigs& groups, const Subscriptions& subscriptions,
                      const Metadata& node, const Options& options, const RequestContext&,
                      const DescribeConfigsRequest& request, DescribeConfigsResponse& response) {
  Describer describer(topics, groups, subscriptions, node, options, request);
  for (const auto& resource : request.resources) {
    DescribeConfigsResponse::Result& result = response.results.emplace_back();
    result.resource_type = resource.resource_type;
    result.resource_name = resource.resource_name;
    ConfigVerdict verdict = describer.describe(resource, result);
    result.error_code = verdict.error;
    result.error_message = std::move(verdict.message);  // empty, not null, without an error
  }
}

}  // namespace cms::broker
