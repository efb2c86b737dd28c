// SPDX-License-Identifier: Apache-2.0
#include "client/commands/group.h"

#include <algorithm>
#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "client/commands/suggest.h"
#include "client/commands/table.h"
#include "client/commands/topic_selection.h"
#include "client/group_offsets.h"

namespace cms::client {

namespace {

struct GroupArguments {
  std::vector<std::string> names;
  std::vector<std::string> states;
  std::vector<std::string> types;
  std::vector<std::string> topics;
  bool if_exists = false;
};
using Arguments = std::shared_ptr<GroupArguments>;

struct State {
  std::string_view name;
  std::string_view meaning;
};

constexpr State known_states[] = {
    {"Stable", "every member has its partitions"},
    {"Empty", "no members; its offsets are kept"},
    {"PreparingRebalance", "rebalancing: waiting for its members to join"},
    {"CompletingRebalance", "rebalancing: the leader is assigning the partitions"},
    {"Assigning", "rebalancing: the broker is assigning the partitions"},
    {"Reconciling", "rebalancing: partitions are going from one member to another"},
    {"NotReady", "waiting for its topics"},
    {"Dead", "being removed"},
};

const std::vector<std::string>& known_types() {
  static const std::vector<std::string> types{"classic", "consumer", "share", "streams"};
  return types;
}

std::vector<std::string> state_names() {
  std::vector<std::string> names;
  for (const State& state : known_states) names.emplace_back(state.name);
  return names;
}

// Brings the words to the broker's spelling; an error names one that is close.
Result<void> spell(std::vector<std::string>& words, const std::vector<std::string>& known, const char* what) {
  for (std::string& word : words) {
    const std::string written = CLI::detail::to_lower(word);
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const std::string& name) { return CLI::detail::to_lower(name) == written; });
    if (found == known.end()) {
      std::string all;
      for (const std::string& name : known) all += (all.empty() ? "" : ", ") + name;
      return Error(ErrorKind::invalid,
                   "'" + word + "' is no " + what + " of a group" + did_you_mean(word, known) + ": " + all);
    }
    word = *found;
  }
  return {};
}

const std::string& or_dash(const std::string& text) {
  static const std::string dash = "-";
  return text.empty() ? dash : text;
}

int list(Context& context, GroupArguments arguments) {
  if (const auto spelled = spell(arguments.states, state_names(), "state"); !spelled)
    return usage(spelled.error().message());
  if (const auto spelled = spell(arguments.types, known_types(), "type"); !spelled)
    return usage(spelled.error().message());
  Result<Cluster> cluster = context.connect();
  if (!cluster) return fail(cluster.error());
  const auto groups = list_groups(*cluster, arguments.states, arguments.types);
  if (!groups) return fail(groups.error().while_doing("listing groups"));
  Table table({"GROUP", "TYPE", "STATE", "PROTOCOL"});
  nlohmann::ordered_json shown = nlohmann::ordered_json::array();
  for (const ListedGroup& group : *groups) {
    table.add({group.id, or_dash(group.type), or_dash(group.state), or_dash(group.protocol_type)});
    shown.push_back(
        {{"group", group.id}, {"type", group.type}, {"state", group.state}, {"protocol_type", group.protocol_type}});
  }
  if (context.json()) {
    std::printf("%s\n", shown.dump(2).c_str());
  } else if (table.empty()) {
    std::printf("no groups%s\n", arguments.states.empty() && arguments.types.empty() ? "" : " of that kind");
  } else {
    std::fputs(table.to_text().c_str(), stdout);
  }
  return exit_done;
}

int remove(Context& context, const GroupArguments& arguments) {
  Result<Cluster> cluster = context.connect();
  if (!cluster) return fail(cluster.error());
  int result = exit_done;
  for (const std::string& name : arguments.names) {
    const Result<void> deleted = delete_group(*cluster, name);
    if (!deleted && deleted.error().kind() == ErrorKind::not_found && arguments.if_exists) continue;
    if (!deleted) {
      result = fail_on_group(*cluster, name, deleted.error());
    } else if (!context.json()) {
      std::printf("deleted group %s\n", name.c_str());
    }
  }
  return result;
}

int remove_offsets(Context& context, const GroupArguments& arguments) {
  const auto selections = parse_selections(arguments.topics);
  if (!selections) return usage(selections.error().message());
  Result<Cluster> cluster = context.connect();
  if (!cluster) return fail(cluster.error());
  const std::string& group = arguments.names.front();
  const auto committed = committed_offsets(*cluster, group);
  if (!committed) return fail_on_group(*cluster, group, committed.error());
  std::set<TopicPartition> partitions;  // also of topics that are there no more
  for (const TopicSelection& selection : *selections) {
    for (const std::int32_t partition : selection.partitions) partitions.insert({selection.topic, partition});
    for (const auto& [at, offset] : *committed) {
      if (selection.partitions.empty() && at.topic == selection.topic) partitions.insert(at);
    }
  }
  std::erase_if(partitions, [&](const TopicPartition& at) { return !committed->contains(at); });
  if (partitions.empty() && committed->empty()) {
    if (const auto there = describe_group(*cluster, group); !there)
      return fail_on_group(*cluster, group, there.error());
  }
  if (!partitions.empty()) {
    const Result<void> deleted = delete_offsets(*cluster, group, partitions);
    if (!deleted) return fail_on_group(*cluster, group, deleted.error().while_doing("deleting offsets"));
  }
  const std::vector<TopicPartition> gone(partitions.begin(), partitions.end());
  if (context.json()) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const TopicPartition& at : gone) list.push_back({{"topic", at.topic}, {"partition", at.partition}});
    std::printf("%s\n", nlohmann::ordered_json{{"group", group}, {"deleted", list}}.dump(2).c_str());
  } else if (gone.empty()) {
    std::printf("group %s has no offsets there\n", group.c_str());
  } else {
    std::printf("deleted the offsets of group %s for %s\n", group.c_str(), shown(gone).c_str());
  }
  return exit_done;
}

CLI::App* add_command(CLI::App& app, const char* name, const char* about, const char* examples) {
  CLI::App* command = app.add_subcommand(name, about);
  command->footer(std::string("Examples:\n") + examples);
  return command;
}

}  // namespace

std::string_view meaning_of_state(std::string_view state) {
  const auto found = std::find_if(std::begin(known_states), std::end(known_states),
                                  [&](const State& one) { return one.name == state; });
  return found == std::end(known_states) ? std::string_view{} : found->meaning;
}

int fail_on_group(Cluster& cluster, const std::string& group, const Error& error) {
  if (error.kind() != ErrorKind::not_found) return fail(error);
  std::vector<std::string> names;
  if (const auto groups = list_groups(cluster)) {
    for (const ListedGroup& one : *groups) names.push_back(one.id);
  }
  return fail(Error(ErrorKind::not_found, error.message() + did_you_mean(group, names)));
}

void declare_group_commands(CLI::App& app, Context& context) {
  CLI::App* group = add_command(app, "group", "List, describe, reset and delete consumer groups",
                                "  cms group list\n  cms group describe billing");
  group->require_subcommand(1);
  const auto arguments = std::make_shared<GroupArguments>();
  CLI::App* command = add_command(*group, "list", "List groups, of every type",
                                  "  cms group list\n  cms group list --state Empty --type consumer -o json");
  command->add_option("--state", arguments->states, "Only in this state, as Stable or Empty; several with commas")
      ->delimiter(',');
  command->add_option("--type", arguments->types, "Only of this type, classic or consumer; several with commas")
      ->delimiter(',');
  command->callback(
      [&context, arguments] { context.run = [&context, arguments] { return list(context, *arguments); }; });
  declare_group_describe(*group, context);
  declare_group_reset(*group, context);
  command = add_command(*group, "delete", "Delete groups without members, with their offsets",
                        "  cms group delete billing\n  cms group delete a b c --if-exists");
  command->add_option("GROUP", arguments->names, "Their names")->required();
  command->add_flag("--if-exists", arguments->if_exists, "Succeed when one is not there");
  command->callback(
      [&context, arguments] { context.run = [&context, arguments] { return remove(context, *arguments); }; });
  command = add_command(*group, "delete-offsets", "Forget how far a group has consumed topics it is not subscribed to",
                        "  cms group delete-offsets billing --topic orders\n"
                        "  cms group delete-offsets billing --topic orders:0,3 --topic ticks");
  command->add_option("GROUP", arguments->names, "Its name")->required()->expected(1);
  command->add_option("--topic", arguments->topics, "TOPIC, or TOPIC:PARTITION,...; repeatable")
      ->required()
      ->expected(1)
      ->take_all();
  command->callback(
      [&context, arguments] { context.run = [&context, arguments] { return remove_offsets(context, *arguments); }; });
}

}  // namespace cms::client
