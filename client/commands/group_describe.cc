// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "client/admin.h"
#include "client/commands/group.h"
#include "client/commands/table.h"
#include "client/commands/topic_selection.h"
#include "client/group_offsets.h"

namespace cms::client {

namespace {

using nlohmann::ordered_json;

struct DescribeArguments {
  std::string group;
  bool state = false;
  bool members = false;
  bool offsets = false;
};

// A partition that the group has an offset for, or that a member owns.
struct Progress {
  std::optional<CommittedOffset> committed;
  std::optional<std::int64_t> log_end;
  const DescribedMember* member = nullptr;

  // Below zero never: a log may have been cut since.
  std::optional<std::int64_t> lag() const {
    if (!committed || !log_end) return std::nullopt;
    return std::max<std::int64_t>(*log_end - committed->offset, 0);
  }
};

struct Described {
  GroupDescription group;
  std::map<TopicPartition, Progress> partitions;

  std::int64_t lag() const {
    std::int64_t sum = 0;
    for (const auto& [at, progress] : partitions) sum += progress.lag().value_or(0);
    return sum;
  }

  // Of these nobody can say how far behind the group is.
  std::size_t without_offset() const {
    return static_cast<std::size_t>(
        std::count_if(partitions.begin(), partitions.end(), [](const auto& one) { return !one.second.committed; }));
  }
};

Result<Described> describe(Cluster& cluster, const DescribeArguments& arguments) {
  auto group = describe_group(cluster, arguments.group);
  if (!group) return group.error();
  Described described{std::move(*group), {}};
  if (!arguments.offsets) return described;
  auto committed = committed_offsets(cluster, arguments.group);
  if (!committed) return committed.error();
  for (auto& [at, offset] : *committed) described.partitions[at].committed = std::move(offset);
  for (const DescribedMember& member : described.group.members) {
    for (const TopicPartition& at : member.assignment.value_or(std::vector<TopicPartition>{}))
      described.partitions[at].member = &member;
  }
  std::set<TopicPartition> all;
  for (const auto& [at, progress] : described.partitions) all.insert(at);
  const auto ends = list_offsets(cluster, all, latest_offset);
  if (!ends) return ends.error();
  for (const auto& [at, end] : *ends) described.partitions[at].log_end = end;
  return described;
}

template <typename Number>
std::string or_dash(const std::optional<Number>& number) {
  return number ? std::to_string(*number) : "-";
}

std::string shown_assignment(const DescribedMember& member) {
  if (!member.assignment) return "(" + std::to_string(member.assignment_bytes) + " bytes of its own protocol)";
  const std::string owned = shown(*member.assignment);
  if (!member.target || *member.target == *member.assignment) return owned;
  return owned + " (to be " + shown(*member.target) + ")";
}

void print_state(const Described& described, bool with_lag) {
  const GroupDescription& group = described.group;
  const std::string_view meaning = meaning_of_state(group.state);
  std::printf("group        %s\n", group.id.c_str());
  std::printf("type         %s%s\n", group.type.c_str(), group.epoch ? ", the broker assigns (KIP-848)" : "");
  std::printf("state        %s%s%.*s\n", group.state.c_str(), meaning.empty() ? "" : ": ",
              static_cast<int>(meaning.size()), meaning.data());
  if (group.protocol_type.empty()) {
    std::printf("protocol     none: it only commits offsets\n");
  } else if (group.protocol_type != "consumer") {
    std::printf("protocol     %s\n", group.protocol_type.c_str());
  }
  if (!group.assignor.empty()) std::printf("assignor     %s\n", group.assignor.c_str());
  if (group.epoch) std::printf("epoch        %d\n", *group.epoch);
  std::printf("coordinator  %s\n", group.coordinator.to_string().c_str());
  std::printf("members      %zu\n", group.members.size());
  if (!with_lag) return;
  std::printf("lag          %lld", static_cast<long long>(described.lag()));
  if (const std::size_t count = described.without_offset(); count > 0)
    std::printf(", and %zu partition%s without a committed offset", count, count == 1 ? "" : "s");
  std::printf("\n");
}

void print_members(const GroupDescription& group) {
  if (group.members.empty()) return;
  Table table({"MEMBER", "CLIENT", "HOST", ">PARTITIONS", "ASSIGNMENT"});
  for (const DescribedMember& member : group.members) {
    const std::string name = member.instance_id ? member.id + " (" + *member.instance_id + ")" : member.id;
    const std::string count = member.assignment ? std::to_string(member.assignment->size()) : "-";
    table.add({name, member.client_id, member.host, count, shown_assignment(member)});
  }
  std::printf("\n%s", table.to_text().c_str());
}

void print_offsets(const Described& described) {
  if (described.partitions.empty()) {
    std::printf("\nno offsets are committed, and nothing is assigned\n");
    return;
  }
  Table table({"TOPIC", ">PARTITION", ">COMMITTED", ">LOG END", ">LAG", "MEMBER"});
  for (const auto& [at, progress] : described.partitions) {
    const auto committed = progress.committed ? std::optional(progress.committed->offset) : std::nullopt;
    table.add({at.topic, std::to_string(at.partition), or_dash(committed), or_dash(progress.log_end),
               or_dash(progress.lag()), progress.member == nullptr ? "-" : progress.member->id});
  }
  std::printf("\n%s", table.to_text().c_str());
}

template <typename T>
ordered_json or_null(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json();
}

ordered_json json_of(const std::vector<TopicPartition>& partitions) {
  ordered_json shown = ordered_json::array();
  for (const TopicPartition& at : partitions) {
    if (shown.empty() || shown.back()["topic"] != at.topic)
      shown.push_back({{"topic", at.topic}, {"partitions", ordered_json::array()}});
    shown.back()["partitions"].push_back(at.partition);
  }
  return shown;
}

ordered_json json_of(const DescribedMember& member) {
  ordered_json shown{{"member", member.id},        {"instance_id", or_null(member.instance_id)},
                     {"client", member.client_id}, {"host", member.host},
                     {"topics", member.topics},    {"assignment", nullptr}};
  if (member.topic_regex) shown["topic_regex"] = *member.topic_regex;
  if (member.assignment) shown["assignment"] = json_of(*member.assignment);
  if (!member.assignment) shown["assignment_bytes"] = member.assignment_bytes;
  if (member.target) shown["target"] = json_of(*member.target);
  if (member.epoch) shown["epoch"] = *member.epoch;
  shown["protocol"] = member.is_classic ? "classic" : "consumer";
  return shown;
}

ordered_json json_of(const TopicPartition& at, const Progress& progress) {
  ordered_json shown{{"topic", at.topic}, {"partition", at.partition}, {"committed", nullptr}};
  if (progress.committed) {
    shown["committed"] = progress.committed->offset;
    shown["leader_epoch"] = progress.committed->leader_epoch;
    shown["metadata"] = progress.committed->metadata;
  }
  shown["log_end"] = or_null(progress.log_end);
  shown["lag"] = or_null(progress.lag());
  shown["member"] = progress.member == nullptr ? ordered_json() : ordered_json(progress.member->id);
  return shown;
}

void print_json(const Described& described, const DescribeArguments& arguments) {
  const GroupDescription& group = described.group;
  ordered_json shown{{"group", group.id},
                     {"type", group.type},
                     {"state", group.state},
                     {"rebalancing", group.is_rebalancing()},
                     {"protocol_type", group.protocol_type},
                     {"assignor", group.assignor},
                     {"epoch", or_null(group.epoch)},
                     {"coordinator", group.coordinator.to_string()}};
  if (arguments.members) {
    shown["members"] = ordered_json::array();
    for (const DescribedMember& member : group.members) shown["members"].push_back(json_of(member));
  }
  if (arguments.offsets) {
    shown["lag"] = described.lag();
    shown["offsets"] = ordered_json::array();
    for (const auto& [at, progress] : described.partitions) shown["offsets"].push_back(json_of(at, progress));
  }
  // Metadata of offsets and user names may be any bytes.
  std::printf("%s\n", shown.dump(2, ' ', false, ordered_json::error_handler_t::replace).c_str());
}

int describe(Context& context, DescribeArguments arguments) {
  if (!arguments.state && !arguments.members && !arguments.offsets)
    arguments.state = arguments.members = arguments.offsets = true;
  Result<Cluster> cluster = context.connect();
  if (!cluster) return fail(cluster.error());
  const auto described = describe(*cluster, arguments);
  if (!described) return fail_on_group(*cluster, arguments.group, described.error());
  if (context.json()) {
    print_json(*described, arguments);
    return exit_done;
  }
  print_state(*described, arguments.offsets);
  if (arguments.members) print_members(described->group);
  if (arguments.offsets) print_offsets(*described);
  return exit_done;
}

}  // namespace

void declare_group_describe(CLI::App& group, Context& context) {
  const auto arguments = std::make_shared<DescribeArguments>();
  CLI::App* command = group.add_subcommand("describe", "Show a group's members, what they own, and how far it has got");
  command->footer(
      "Examples:\n"
      "  cms group describe billing\n"
      "  cms group describe billing --offsets -o json\n"
      "LAG is what is in the log and not yet committed: LOG END - COMMITTED.");
  command->add_option("GROUP", arguments->group, "Its name")->required();
  command->add_flag("--state", arguments->state, "Only its state");
  command->add_flag("--members", arguments->members, "Only its state and members");
  command->add_flag("--offsets", arguments->offsets, "Only its state and offsets");
  command->callback(
      [&context, arguments] { context.run = [&context, arguments] { return describe(context, *arguments); }; });
}

}  // namespace cms::client
