// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "client/admin.h"
#include "client/commands/durability.h"
#include "client/commands/table.h"
#include "client/commands/topic.h"

namespace cms::client {

namespace {

// All that is shown of one topic.
struct Description {
  TopicMetadata metadata;
  std::vector<ConfigEntry> configs;
  std::vector<ListedOffset> earliest;  // in the order of the partitions
  std::vector<ListedOffset> latest;
};

Result<Description> describe(Cluster& cluster, const std::string& name) {
  const auto metadata = cluster.topic(name);
  if (!metadata) return metadata.error();
  Description description{**metadata, {}, {}, {}};
  auto& partitions = description.metadata.partitions;
  std::sort(partitions.begin(), partitions.end(), [](const PartitionMetadata& left, const PartitionMetadata& right) {
    return left.partition_index < right.partition_index;
  });
  auto configs = describe_configs(cluster, {protocol::ConfigResourceType::topic, name});
  if (!configs) return configs.error();
  description.configs = std::move(*configs);
  std::vector<std::int32_t> indexes;
  for (const PartitionMetadata& partition : partitions) indexes.push_back(partition.partition_index);
  auto earliest = list_offsets(cluster, name, indexes, earliest_offset);
  if (!earliest) return earliest.error();
  auto latest = list_offsets(cluster, name, indexes, latest_offset);
  if (!latest) return latest.error();
  description.earliest = std::move(*earliest);
  description.latest = std::move(*latest);
  return description;
}

std::string joined(const std::vector<std::int32_t>& nodes) {
  std::string text;
  for (const std::int32_t node : nodes) text += (text.empty() ? "" : ",") + std::to_string(node);
  return text.empty() ? "-" : text;
}

std::string shown_value(const ConfigEntry& config) {
  if (config.is_sensitive) return "(hidden)";
  return config.value && !config.value->empty() ? *config.value : "(empty)";
}

void print_text(const std::string& name, const Description& description, bool all_configs) {
  std::printf("topic       %s\n", name.c_str());
  std::printf("id          %s\n", description.metadata.topic_id.to_string().c_str());
  std::printf("path        %s%s\n", topic_path_prefix, name.c_str());
  std::printf("durability  %s: %s\n", durability_of(description.configs).c_str(),
              promise_of(description.configs).c_str());
  Table partitions({">PARTITION", ">LEADER", ">EPOCH", ">EARLIEST", ">LATEST", "REPLICAS", "IN SYNC"});
  for (std::size_t i = 0; i < description.metadata.partitions.size(); ++i) {
    const PartitionMetadata& partition = description.metadata.partitions[i];
    partitions.add({std::to_string(partition.partition_index), std::to_string(partition.leader_id),
                    std::to_string(partition.leader_epoch), std::to_string(description.earliest[i].offset),
                    std::to_string(description.latest[i].offset), joined(partition.replica_nodes),
                    joined(partition.isr_nodes)});
  }
  std::printf("\n%s", partitions.to_text().c_str());
  Table configs({"CONFIG", "VALUE", "SOURCE"});
  for (const ConfigEntry& config : description.configs) {
    if (all_configs || !is_default(config))
      configs.add({config.name, shown_value(config), std::string(to_string(config.config_source))});
  }
  if (!configs.empty()) std::printf("\n%s", configs.to_text().c_str());
}

void print_json(const std::string& name, const Description& description, bool all_configs) {
  nlohmann::ordered_json partitions = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < description.metadata.partitions.size(); ++i) {
    const PartitionMetadata& partition = description.metadata.partitions[i];
    partitions.push_back({{"partition", partition.partition_index},
                          {"leader", partition.leader_id},
                          {"epoch", partition.leader_epoch},
                          {"earliest", description.earliest[i].offset},
                          {"latest", description.latest[i].offset},
                          {"replicas", partition.replica_nodes},
                          {"in_sync", partition.isr_nodes}});
  }
  nlohmann::ordered_json configs = nlohmann::ordered_json::object();
  for (const ConfigEntry& config : description.configs) {
    if (!all_configs && is_default(config)) continue;
    nlohmann::ordered_json value =
        config.value && !config.is_sensitive ? nlohmann::ordered_json(*config.value) : nlohmann::ordered_json();
    configs[config.name] = {{"value", std::move(value)}, {"source", to_string(config.config_source)}};
  }
  const nlohmann::ordered_json shown{{"topic", name},
                                     {"id", description.metadata.topic_id.to_string()},
                                     {"path", topic_path_prefix + name},
                                     {"durability", durability_of(description.configs)},
                                     {"promise", promise_of(description.configs)},
                                     {"partitions", std::move(partitions)},
                                     {"configs", std::move(configs)}};
  std::printf("%s\n", shown.dump(2).c_str());
}

}  // namespace

int describe_topic(Context& context, const std::string& name, bool all_configs) {
  Result<Cluster> cluster = context.connect();
  if (!cluster) return fail(cluster.error());
  const Result<Description> description = describe(*cluster, name);
  if (!description) return fail(description.error());
  if (context.json()) {
    print_json(name, *description, all_configs);
  } else {
    print_text(name, *description, all_configs);
  }
  return exit_done;
}

}  // namespace cms::client
