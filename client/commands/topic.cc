// SPDX-License-Identifier: Apache-2.0
#include "client/commands/topic.h"

#include <algorithm>
#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "client/admin.h"
#include "client/commands/durability.h"
#include "client/commands/table.h"

namespace cms::client {

namespace {

constexpr const char* config_form = "NAME=VALUE, as retention.ms=60000";

struct TopicArguments {
  std::vector<std::string> names;
  std::int32_t partitions = -1;
  std::int16_t replication = -1;
  std::string durability;
  std::vector<std::string> configs;
  std::vector<std::string> unset;
  bool if_not_exists = false;
  bool if_exists = false;
  bool validate_only = false;
  bool all = false;
};
using Arguments = std::shared_ptr<TopicArguments>;

CLI::App* add_command(CLI::App& app, const char* name, const char* about, const char* examples) {
  CLI::App* command = app.add_subcommand(name, about);
  command->footer(std::string("Examples:\n") + examples);
  return command;
}

int create(Context& context, const TopicArguments& arguments) {
  NewTopic topic;
  topic.name = arguments.names.front();
  topic.partitions = arguments.partitions;
  topic.replication = arguments.replication;
  topic.validate_only = arguments.validate_only;
  if (!arguments.durability.empty()) topic.configs.emplace_back(durability_config, arguments.durability);
  for (const std::string& text : arguments.configs) {
    auto config = parse_pair(text, config_form);
    if (!config) return usage(config.error().message());
    topic.configs.push_back(std::move(*config));
  }
  Result<Cluster> cluster = context.connect();
  if (!cluster) return fail(cluster.error());
  const auto created = create_topic(*cluster, topic);
  if (!created && created.error().kind() == ErrorKind::exists && arguments.if_not_exists) return exit_done;
  if (!created) return fail(created.error().while_doing("creating topic " + topic.name));
  const char* const done = topic.validate_only ? "could create" : "created";
  if (context.json()) {
    const nlohmann::ordered_json shown{{"topic", topic.name},
                                       {"id", created->topic_id.to_string()},
                                       {"partitions", created->num_partitions},
                                       {"path", topic_path_prefix + topic.name}};
    std::printf("%s\n", shown.dump(2).c_str());
  } else {
    std::printf("%s topic %s: %d partition%s, path %s%s\n", done, topic.name.c_str(), created->num_partitions,
                created->num_partitions == 1 ? "" : "s", topic_path_prefix, topic.name.c_str());
  }
  return exit_done;
}

int list(Context& context, const TopicArguments& arguments) {
  Result<Cluster> cluster = context.connect();
  if (!cluster) return fail(cluster.error());
  auto metadata = cluster->all_topics();
  if (!metadata) return fail(metadata.error().while_doing("listing topics"));
  auto& topics = metadata->topics;
  std::erase_if(topics,
                [&](const TopicMetadata& topic) { return !topic.name || (topic.is_internal && !arguments.all); });
  std::sort(topics.begin(), topics.end(), [](const auto& left, const auto& right) { return *left.name < *right.name; });
  std::vector<std::string> names;
  for (const TopicMetadata& topic : topics) names.push_back(*topic.name);
  auto known = durabilities(*cluster, names);
  if (!known) return fail(known.error().while_doing("listing topics"));
  Table table({"TOPIC", ">PARTITIONS", "DURABILITY", "ID"});
  nlohmann::ordered_json shown = nlohmann::ordered_json::array();
  for (const TopicMetadata& topic : topics) {
    const std::string durability = known->contains(*topic.name) ? known->at(*topic.name) : "-";
    const std::string id = topic.topic_id.to_string();
    table.add({*topic.name, std::to_string(topic.partitions.size()), durability, id});
    shown.push_back(
        {{"topic", *topic.name}, {"partitions", topic.partitions.size()}, {"durability", durability}, {"id", id}});
  }
  if (context.json()) {
    std::printf("%s\n", shown.dump(2).c_str());
  } else if (table.empty()) {
    std::printf("no topics; make one: cms topic create NAME\n");
  } else {
    std::fputs(table.to_text().c_str(), stdout);
  }
  return exit_done;
}

int alter(Context& context, const TopicArguments& arguments) {
  const std::string& name = arguments.names.front();
  std::vector<ConfigChange> changes;
  for (const std::string& text : arguments.configs) {
    const auto config = parse_pair(text, config_form);
    if (!config) return usage(config.error().message());
    changes.push_back({config->first, protocol::ConfigOperation::set, config->second});
  }
  for (const std::string& unset : arguments.unset)
    changes.push_back({unset, protocol::ConfigOperation::remove, std::nullopt});
  if (changes.empty() && arguments.partitions < 0)
    return usage("nothing to alter: give --partitions, --config or --unset");
  Result<Cluster> cluster = context.connect();
  if (!cluster) return fail(cluster.error());
  if (!changes.empty()) {
    const auto altered = alter_configs(*cluster, {protocol::ConfigResourceType::topic, name}, std::move(changes));
    if (!altered) return fail(altered.error().while_doing("configuring topic " + name));
  }
  if (arguments.partitions >= 0) {
    const auto added = add_partitions(*cluster, name, arguments.partitions);
    if (!added) return fail(added.error().while_doing("adding partitions to topic " + name));
  }
  if (!context.json()) std::printf("altered topic %s\n", name.c_str());
  return exit_done;
}

int remove(Context& context, const TopicArguments& arguments) {
  Result<Cluster> cluster = context.connect();
  if (!cluster) return fail(cluster.error());
  int result = exit_done;
  for (const std::string& name : arguments.names) {
    const Result<void> deleted = delete_topic(*cluster, name);
    if (!deleted && deleted.error().kind() == ErrorKind::not_found && arguments.if_exists) continue;
    if (!deleted) {
      result = fail(deleted.error().while_doing("deleting topic " + name));
    } else if (!context.json()) {
      std::printf("deleted topic %s\n", name.c_str());
    }
  }
  return result;
}

void declare_create(CLI::App& topic, Context& context, const Arguments& arguments) {
  CLI::App* command = add_command(topic, "create", "Make a topic",
                                  "  cms topic create orders -p 4\n"
                                  "  cms topic create ticks -p 4 --durability volatile -c retention.ms=60000");
  command->add_option("TOPIC", arguments->names, "Its name")->required()->expected(1);
  command->add_option("-p,--partitions", arguments->partitions, "How many (default: the broker's num.partitions)")
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("-r,--replication-factor", arguments->replication, "Copies (default: the broker's)");
  command->add_option("--durability", arguments->durability, "persistent, volatile or transient")
      ->check(CLI::IsMember({"persistent", "volatile", "transient"}));
  command->add_option("-c,--config", arguments->configs, "A topic configuration, NAME=VALUE; repeatable")
      ->expected(1)
      ->take_all();
  command->add_flag("--if-not-exists", arguments->if_not_exists, "Succeed when it is there already");
  command->add_flag("--validate-only", arguments->validate_only, "Only say whether it could be made");
  command->callback(
      [&context, arguments] { context.run = [&context, arguments] { return create(context, *arguments); }; });
}

void declare_alter(CLI::App& topic, Context& context, const Arguments& arguments) {
  CLI::App* command = add_command(topic, "alter", "Change a topic's configuration, or add partitions",
                                  "  cms topic alter orders -p 8\n"
                                  "  cms topic alter orders -c retention.ms=3600000 --unset retention.bytes");
  command->add_option("TOPIC", arguments->names, "Its name")->required()->expected(1);
  command->add_option("-p,--partitions", arguments->partitions, "The new total; it can only grow")
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("-c,--config", arguments->configs, "Set NAME=VALUE; repeatable")->expected(1)->take_all();
  command->add_option("--unset", arguments->unset, "Set NAME back to its default; repeatable")->expected(1)->take_all();
  command->callback(
      [&context, arguments] { context.run = [&context, arguments] { return alter(context, *arguments); }; });
}

}  // namespace

void declare_topic_commands(CLI::App& app, Context& context) {
  CLI::App* topic = add_command(app, "topic", "Create, list, describe, alter and delete topics",
                                "  cms topic list\n  cms topic describe orders");
  topic->require_subcommand(1);
  const auto arguments = std::make_shared<TopicArguments>();
  declare_create(*topic, context, arguments);
  CLI::App* command = add_command(*topic, "list", "List topics", "  cms topic list\n  cms topic list -o json");
  command->add_flag("--all", arguments->all, "Internal topics too");
  command->callback(
      [&context, arguments] { context.run = [&context, arguments] { return list(context, *arguments); }; });
  command = add_command(*topic, "describe", "Show a topic's durability, partitions and configuration",
                        "  cms topic describe orders\n  cms topic describe orders --all -o json");
  command->add_option("TOPIC", arguments->names, "Its name")->required()->expected(1);
  command->add_flag("--all", arguments->all, "Configurations at their default too");
  command->callback([&context, arguments] {
    context.run = [&context, arguments] { return describe_topic(context, arguments->names.front(), arguments->all); };
  });
  declare_alter(*topic, context, arguments);
  command = add_command(*topic, "delete", "Delete topics with all their records",
                        "  cms topic delete orders\n  cms topic delete a b c --if-exists");
  command->add_option("TOPIC", arguments->names, "Their names")->required();
  command->add_flag("--if-exists", arguments->if_exists, "Succeed when one is not there");
  command->callback(
      [&context, arguments] { context.run = [&context, arguments] { return remove(context, *arguments); }; });
}

}  // namespace cms::client
