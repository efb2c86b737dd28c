// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "client/admin.h"
#include "client/commands/group.h"
#include "client/commands/reset_target.h"
#include "client/commands/start_point.h"
#include "client/commands/table.h"
#include "client/commands/topic_selection.h"
#include "client/group_offsets.h"

namespace cms::client {

namespace {

using Kind = ResetTarget::Kind;

struct ResetArguments {
  std::string group;
  std::vector<std::string> topics;
  bool all_topics = false;
  bool earliest = false;
  bool latest = false;
  bool current = false;
  std::optional<std::int64_t> offset;
  std::optional<std::int64_t> shift;
  std::string time;
  std::string duration;
  bool dry_run = false;
};

struct Change {
  TopicPartition at;
  std::optional<std::int64_t> from;
  std::int64_t to = 0;
};

int targets_given(const ResetArguments& arguments) {
  return arguments.earliest + arguments.latest + arguments.current + arguments.offset.has_value() +
         arguments.shift.has_value() + !arguments.time.empty() + !arguments.duration.empty();
}

Result<ResetTarget> target_of(const ResetArguments& arguments) {
  if (targets_given(arguments) != 1)
    return Error(ErrorKind::invalid,
                 "where to? give one of --to-earliest, --to-latest, --to-current, --to-offset, --to-time, "
                 "--by-duration, --shift-by");
  const base::TimestampMs now_ms = base::SystemClock().now_ms();
  if (arguments.earliest) return ResetTarget{Kind::earliest, 0};
  if (arguments.latest) return ResetTarget{Kind::latest, 0};
  if (arguments.current) return ResetTarget{Kind::current, 0};
  if (arguments.offset) return ResetTarget{Kind::offset, *arguments.offset};
  if (arguments.shift) return ResetTarget{Kind::shift, *arguments.shift};
  if (!arguments.duration.empty()) {
    const auto duration_ms = parse_duration_ms(arguments.duration);
    if (!duration_ms) return duration_ms.error();
    return ResetTarget{Kind::time, std::max<std::int64_t>(now_ms - *duration_ms, 0)};
  }
  const auto time = StartPoint::parse(arguments.time, now_ms);
  if (!time || time->kind != StartPoint::Kind::time)
    return Error(ErrorKind::invalid, "'" + arguments.time +
                                         "' is no time: 2026-01-31, 2026-01-31T12:00[:30] (UTC), @MILLISECONDS, or "
                                         "90s, 15m, 2h, 7d (ago)");
  return ResetTarget{Kind::time, time->value};
}

// None of its members would take notice of an offset set from outside, and their next commit would overwrite it.
Result<void> check_without_members(Cluster& cluster, const std::string& group) {
  const auto described = describe_group(cluster, group);
  if (!described && described.error().kind() == ErrorKind::not_found) return {};  // committing makes it
  if (!described) return described.error();
  const std::size_t count = described->members.size();
  if (count == 0 && !described->is_rebalancing()) return {};
  return Error(ErrorKind::invalid, "group " + group + " has " + std::to_string(count) + " member" +
                                       (count == 1 ? "" : "s") + " (" + described->state +
                                       "); stop its consumers, then reset it");
}

std::optional<std::int64_t> find(const PartitionOffsets& offsets, const TopicPartition& at) {
  const auto found = offsets.find(at);
  return found == offsets.end() ? std::nullopt : std::optional(found->second);
}

Result<std::vector<Change>> plan(Cluster& cluster, const std::set<TopicPartition>& partitions,
                                 const CommittedOffsets& committed, const ResetTarget& target) {
  const auto earliest = list_offsets(cluster, partitions, earliest_offset);
  if (!earliest) return earliest.error();
  const auto latest = list_offsets(cluster, partitions, latest_offset);
  if (!latest) return latest.error();
  PartitionOffsets at_time;
  if (target.kind == Kind::time) {
    auto found = list_offsets(cluster, partitions, target.value);
    if (!found) return found.error();
    at_time = std::move(*found);
  }
  std::vector<Change> changes;
  for (const TopicPartition& at : partitions) {
    const std::string name = at.topic + "-" + std::to_string(at.partition);
    const auto first = find(*earliest, at);
    const auto end = find(*latest, at);
    if (!first || !end) return Error(ErrorKind::not_found, name + ": its offsets cannot be had; is the topic there?");
    const auto before = committed.find(at);
    const auto from = before == committed.end() ? std::nullopt : std::optional(before->second.offset);
    const auto to = new_offset(target, {*first, *end, from, find(at_time, at)});
    if (!to) return to.error().while_doing(name);
    changes.push_back({at, from, *to});
  }
  return changes;
}

Result<std::set<TopicPartition>> chosen(Cluster& cluster, const ResetArguments& arguments,
                                        const std::vector<TopicSelection>& selections,
                                        const CommittedOffsets& committed) {
  if (!arguments.all_topics) return resolve(cluster, selections);
  std::vector<TopicSelection> all;
  for (const auto& [at, offset] : committed) {
    if (all.empty() || all.back().topic != at.topic) all.push_back({at.topic, {}});
  }
  if (all.empty())
    return Error(ErrorKind::not_found, "group " + arguments.group + " has no offsets; name its topics with --topic");
  return resolve(cluster, all);
}

void print(const Context& context, const ResetArguments& arguments, const std::vector<Change>& changes) {
  Table table({"TOPIC", ">PARTITION", ">FROM", ">TO", ">CHANGE"});
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Change& change : changes) {
    const std::int64_t by = change.from ? change.to - *change.from : 0;
    table.add({change.at.topic, std::to_string(change.at.partition), change.from ? std::to_string(*change.from) : "-",
               std::to_string(change.to), change.from ? (by > 0 ? "+" : "") + std::to_string(by) : "-"});
    list.push_back({{"topic", change.at.topic},
                    {"partition", change.at.partition},
                    {"from", change.from ? nlohmann::ordered_json(*change.from) : nlohmann::ordered_json()},
                    {"to", change.to}});
  }
  if (context.json()) {
    const nlohmann::ordered_json shown{
        {"group", arguments.group}, {"dry_run", arguments.dry_run}, {"offsets", std::move(list)}};
    std::printf("%s\n", shown.dump(2).c_str());
    return;
  }
  std::fputs(table.to_text().c_str(), stdout);
  std::printf(arguments.dry_run ? "dry run: group %s is as it was\n" : "reset group %s\n", arguments.group.c_str());
}

int reset(Context& context, const ResetArguments& arguments) {
  const auto target = target_of(arguments);
  if (!target) return usage(target.error().message());
  const auto selections = parse_selections(arguments.topics);
  if (!selections) return usage(selections.error().message());
  if (arguments.all_topics == !selections->empty()) return usage("which topics? give --topic, or --all-topics");
  Result<Cluster> cluster = context.connect();
  if (!cluster) return fail(cluster.error());
  const auto refuse = [&](const Error& error) { return fail(error.while_doing("resetting group " + arguments.group)); };
  if (const auto free = check_without_members(*cluster, arguments.group); !free) return fail(free.error());
  const auto committed = committed_offsets(*cluster, arguments.group);
  if (!committed) return refuse(committed.error());
  const auto partitions = chosen(*cluster, arguments, *selections, *committed);
  if (!partitions) return refuse(partitions.error());
  const auto changes = plan(*cluster, *partitions, *committed, *target);
  if (!changes) return refuse(changes.error());
  if (!arguments.dry_run) {
    PartitionOffsets offsets;
    for (const Change& change : *changes) offsets[change.at] = change.to;
    if (const auto done = commit_offsets(*cluster, arguments.group, offsets); !done) return refuse(done.error());
  }
  print(context, arguments, *changes);
  return exit_done;
}

void declare_targets(CLI::App& command, ResetArguments& arguments) {
  CLI::Option_group* target = command.add_option_group("Where to");
  target->add_flag("--to-earliest", arguments.earliest, "The first record there is");
  target->add_flag("--to-latest", arguments.latest, "The end: only what is produced from now on");
  target->add_flag("--to-current", arguments.current, "What is committed already; the end where nothing is");
  target->add_option("--to-offset", arguments.offset, "This one, or the nearest there is")
      ->check(CLI::NonNegativeNumber);
  target->add_option("--to-time", arguments.time,
                     "The first record not older: 2026-01-31T12:00 (UTC), @MILLISECONDS, or 90s, 15m, 2h, 7d (ago)");
  target->add_option("--by-duration", arguments.duration, "So long ago, in ISO 8601: P7D, PT90M, P1DT2H30M");
  target->add_option("--shift-by", arguments.shift, "So many records on; back when negative");
}

}  // namespace

void declare_group_reset(CLI::App& group, Context& context) {
  const auto arguments = std::make_shared<ResetArguments>();
  CLI::App* command = group.add_subcommand("reset", "Set how far a group without members has consumed");
  command->footer(
      "Examples:\n"
      "  cms group reset billing --topic orders --to-earliest --dry-run\n"
      "  cms group reset billing --topic orders:0,3 --to-time 2026-01-31T12:00\n"
      "  cms group reset billing --all-topics --shift-by -100\n"
      "Offsets that a partition does not have become the nearest it has. A group that is not there is made.");
  command->add_option("GROUP", arguments->group, "Its name")->required();
  command->add_option("--topic", arguments->topics, "TOPIC, or TOPIC:PARTITION,...; repeatable")
      ->expected(1)
      ->take_all();
  command->add_flag("--all-topics", arguments->all_topics, "Every topic that the group has offsets for");
  declare_targets(*command, *arguments);
  command->add_flag("--dry-run", arguments->dry_run, "Only show what would be done");
  command->callback(
      [&context, arguments] { context.run = [&context, arguments] { return reset(context, *arguments); }; });
}

}  // namespace cms::client
