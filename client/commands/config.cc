// SPDX-License-Identifier: Apache-2.0
#include "client/commands/config.h"

#include <algorithm>
#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "client/admin.h"
#include "client/commands/durability.h"
#include "client/commands/suggest.h"
#include "client/commands/table.h"

namespace cms::client {

namespace {

struct ConfigArguments {
  std::string kind;
  std::string name;
  std::vector<std::string> items;  // names, or NAME=VALUE
  bool all = false;
};
using Arguments = std::shared_ptr<ConfigArguments>;

ConfigResource resource_of(const ConfigArguments& arguments) {
  const bool is_topic = arguments.kind == "topic";
  // Kafka's name for the defaults of all brokers is the empty one.
  const std::string name = !is_topic && arguments.name == "default" ? "" : arguments.name;
  return {is_topic ? protocol::ConfigResourceType::topic : protocol::ConfigResourceType::broker, name};
}

std::string subject(const ConfigArguments& arguments) { return arguments.kind + " " + arguments.name; }

// A name asked for that the resource does not have.
int unknown_config(const ConfigArguments& arguments, const std::string& name, const std::vector<ConfigEntry>& configs) {
  std::vector<std::string> names;
  for (const ConfigEntry& config : configs) names.push_back(config.name);
  complain(subject(arguments) + " has no configuration '" + name + "'" + did_you_mean(name, names));
  return exit_refused;
}

void print(const Context& context, const std::vector<ConfigEntry>& configs) {
  Table table({"CONFIG", "VALUE", "SOURCE"});
  nlohmann::ordered_json shown = nlohmann::ordered_json::object();
  for (const ConfigEntry& config : configs) {
    const std::string value = config.is_sensitive ? "(hidden)" : config.value.value_or("");
    table.add(
        {config.name, value, std::string(to_string(config.config_source)) + (config.read_only ? ", read only" : "")});
    shown[config.name] = {{"value", config.value ? nlohmann::ordered_json(*config.value) : nlohmann::ordered_json()},
                          {"source", to_string(config.config_source)},
                          {"read_only", config.read_only}};
  }
  if (context.json()) {
    std::printf("%s\n", shown.dump(2).c_str());
  } else if (table.empty()) {
    std::printf("everything is at its default; --all shows it\n");
  } else {
    std::fputs(table.to_text().c_str(), stdout);
  }
}

int get(Context& context, const ConfigArguments& arguments) {
  Result<Cluster> cluster = context.connect();
  if (!cluster) return fail(cluster.error());
  auto configs = describe_configs(*cluster, resource_of(arguments));
  if (!configs) return fail(configs.error().while_doing(subject(arguments)));
  for (const std::string& name : arguments.items) {
    const auto named = [&](const ConfigEntry& config) { return config.name == name; };
    if (std::none_of(configs->begin(), configs->end(), named)) return unknown_config(arguments, name, *configs);
  }
  std::erase_if(*configs, [&](const ConfigEntry& config) {
    if (arguments.items.empty()) return !arguments.all && is_default(config);
    return std::find(arguments.items.begin(), arguments.items.end(), config.name) == arguments.items.end();
  });
  print(context, *configs);
  return exit_done;
}

int change(Context& context, const ConfigArguments& arguments, protocol::ConfigOperation operation) {
  std::vector<ConfigChange> changes;
  for (const std::string& item : arguments.items) {
    if (operation == protocol::ConfigOperation::remove) {
      changes.push_back({item, operation, std::nullopt});
      continue;
    }
    const auto config = parse_pair(item, "NAME=VALUE, as retention.ms=60000");
    if (!config) return usage(config.error().message());
    changes.push_back({config->first, operation, config->second});
  }
  Result<Cluster> cluster = context.connect();
  if (!cluster) return fail(cluster.error());
  const auto altered = alter_configs(*cluster, resource_of(arguments), std::move(changes));
  if (!altered) return fail(altered.error().while_doing("configuring " + subject(arguments)));
  if (!context.json()) std::printf("configured %s\n", subject(arguments).c_str());
  return exit_done;
}

CLI::App* declare(CLI::App& config, const Arguments& arguments, const char* name, const char* about,
                  const char* examples) {
  CLI::App* command = config.add_subcommand(name, about);
  command->footer(std::string("Examples:\n") + examples);
  command->add_option("KIND", arguments->kind, "topic or broker")
      ->required()
      ->check(CLI::IsMember({"topic", "broker"}));
  command->add_option("NAME", arguments->name, "The topic, or the broker's id ('default': all brokers)")->required();
  return command;
}

}  // namespace

void declare_config_commands(CLI::App& app, Context& context) {
  CLI::App* config = app.add_subcommand("config", "Show and change configurations of topics and brokers");
  config->footer("Examples:\n  cms config get topic orders\n  cms config set topic orders retention.ms=60000");
  config->require_subcommand(1);
  const auto arguments = std::make_shared<ConfigArguments>();
  CLI::App* command = declare(*config, arguments, "get", "Show what differs from the defaults, or what is named",
                              "  cms config get topic orders retention.ms\n  cms config get broker 1 --all");
  command->add_option("CONFIG", arguments->items, "Names (default: what differs from the defaults)");
  command->add_flag("--all", arguments->all, "Those at their default too");
  command->callback(
      [&context, arguments] { context.run = [&context, arguments] { return get(context, *arguments); }; });
  command = declare(*config, arguments, "set", "Set configurations",
                    "  cms config set topic orders retention.ms=60000 flush.messages=1\n"
                    "  cms config set broker default log.retention.ms=86400000");
  command->add_option("NAME=VALUE", arguments->items, "What to set")->required();
  command->callback([&context, arguments] {
    context.run = [&context, arguments] { return change(context, *arguments, protocol::ConfigOperation::set); };
  });
  command = declare(*config, arguments, "delete", "Set configurations back to their defaults",
                    "  cms config delete topic orders retention.ms");
  command->add_option("CONFIG", arguments->items, "Names")->required();
  command->callback([&context, arguments] {
    context.run = [&context, arguments] { return change(context, *arguments, protocol::ConfigOperation::remove); };
  });
}

}  // namespace cms::client
