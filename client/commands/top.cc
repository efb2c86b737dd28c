// SPDX-License-Identifier: Apache-2.0
#include "client/commands/top.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "client/admin.h"
#include "client/commands/top_screen.h"

namespace cms::client {

namespace {

struct TopArguments {
  int interval_ms = 1000;
  bool once = false;
  bool all = false;
};

// What is committed is looked at before the ends of the logs, so that no group seems to be ahead of them.
Result<Look> look(Cluster& cluster, bool internal_too) {
  Look seen;
  auto groups = list_groups(cluster);
  if (!groups && groups.error().kind() != ErrorKind::unsupported) return groups.error();
  if (groups) seen.groups = std::move(*groups);
  std::vector<std::string> names;
  for (const ListedGroup& group : seen.groups) names.push_back(group.id);
  auto committed = committed_offsets(cluster, names);
  if (!committed) return committed.error();
  seen.committed = std::move(*committed);
  const auto metadata = cluster.all_topics();
  if (!metadata) return metadata.error();
  std::set<TopicPartition> partitions;
  for (const TopicMetadata& topic : metadata->topics) {
    if (!topic.name || (topic.is_internal && !internal_too)) continue;
    for (const PartitionMetadata& one : topic.partitions) partitions.insert({*topic.name, one.partition_index});
  }
  auto ends = list_offsets(cluster, partitions, latest_offset);
  if (!ends) return ends.error();
  seen.ends = std::move(*ends);
  auto channels = describe_channels(cluster);
  if (!channels && channels.error().kind() != ErrorKind::denied) return channels.error();
  if (channels) seen.channels = std::move(*channels);
  const base::SystemClock clock;
  seen.at = clock.steady();
  seen.time_ms = clock.now_ms();
  return seen;
}

std::size_t lines_of_terminal() {
  winsize size{};
  constexpr std::size_t usual = 24;
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : usual;
}

// Draws over what is there: clearing first would flicker. The last line has no newline, which would scroll.
std::string drawn(std::string text) {
  std::string screen = "\x1b[H";
  text.pop_back();
  for (const char c : text) {
    if (c == '\n') screen += "\x1b[K";
    screen += c;
  }
  return screen + "\x1b[K\x1b[J";
}

// False when standard output takes no more.
bool print(const Context& context, const TopArguments& arguments, const TopScreen& screen) {
  const bool on_terminal = !arguments.once && ::isatty(STDOUT_FILENO) == 1;
  std::string text;
  if (context.json()) {
    text = screen.to_json(arguments.once ? 2 : -1) + "\n";
  } else if (on_terminal) {
    text = drawn(screen.to_text(context.bootstrap, lines_of_terminal()));
  } else {
    text = screen.to_text(context.bootstrap, 0) + (arguments.once ? "" : "\n");
  }
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

int top(Context& context, const TopArguments& arguments) {
  Result<Cluster> cluster = context.connect();
  if (!cluster) return fail(cluster.error());
  catch_interrupt();
  Result<Look> before = look(*cluster, arguments.all);
  while (before && !was_interrupted()) {
    ::poll(nullptr, 0, arguments.interval_ms);  // an interrupt ends it
    if (was_interrupted()) break;
    Result<Look> now = look(*cluster, arguments.all);
    if (!now) return fail(now.error());
    if (!print(context, arguments, compare(*before, *now))) return fail(Error::from_errno(errno, "printing"));
    if (arguments.once) return exit_done;
    before = std::move(now);
  }
  return before ? exit_interrupted : fail(before.error());
}

}  // namespace

void declare_top_command(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<TopArguments>();
  CLI::App* command = app.add_subcommand("top", "Watch topics by records per second, groups and native clients by lag");
  command->footer(
      "Examples:\n"
      "  cms top\n"
      "  cms top --interval-ms 5000\n"
      "  cms top --once -o json\n"
      "Ctrl-C ends it. COMMITTED/S is how fast the group's committed offsets move. Native clients have channels: LAG "
      "is "
      "what is not sent yet, ROOM KB what it would take now, both as of the last heartbeat. -o json prints a line "
      "for "
      "each look.");
  command->add_option("--interval-ms", arguments->interval_ms, "Between two looks")
      ->check(CLI::Range(100, 3'600'000))
      ->capture_default_str();
  command->add_flag("--once", arguments->once, "Look twice, print once, and end");
  command->add_flag("--all", arguments->all, "Internal topics too");
  command->callback(
      [&context, arguments] { context.run = [&context, arguments] { return top(context, *arguments); }; });
}

}  // namespace cms::client
