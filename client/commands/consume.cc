// SPDX-License-Identifier: Apache-2.0
#include "client/commands/consume.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>

#include "base/clock.h"
#include "client/admin.h"
#include "client/commands/consume_group.h"
#include "client/commands/record_printer.h"
#include "client/commands/start_point.h"
#include "client/consumer.h"

namespace cms::client {

namespace {

using Offsets = std::map<std::int32_t, records::Offset>;

Result<std::vector<std::int32_t>> chosen_partitions(Cluster& cluster, const ConsumeArguments& arguments) {
  if (!arguments.partitions.empty()) return arguments.partitions;
  const auto topic = cluster.topic(arguments.topic);
  if (!topic) return topic.error();
  std::vector<std::int32_t> all;
  for (const PartitionMetadata& partition : (*topic)->partitions) all.push_back(partition.partition_index);
  return all;
}

Error not_there(const std::string& topic, const ListedOffset& first, const ListedOffset& end, std::int64_t wanted) {
  const std::string has = first.offset == end.offset
                              ? "it is empty and goes on at " + std::to_string(end.offset)
                              : "it has " + std::to_string(first.offset) + " to " + std::to_string(end.offset - 1);
  return {ErrorKind::not_found,
          topic + "-" + std::to_string(first.partition) + " has no offset " + std::to_string(wanted) + ": " + has};
}

// The place in a partition that `from` means; `by_time` is what was found for a time.
Result<records::Offset> start_in(const std::string& topic, const ListedOffset& first, const ListedOffset& end,
                                 const StartPoint& from, const ListedOffset* by_time) {
  switch (from.kind) {
    case StartPoint::Kind::start:
      return first.offset;
    case StartPoint::Kind::end:
      return end.offset;
    case StartPoint::Kind::before_end:
      return std::max(first.offset, end.offset - from.value);
    case StartPoint::Kind::time:
      return by_time->offset < 0 ? end.offset : by_time->offset;
    case StartPoint::Kind::offset:
      break;
  }
  if (from.value < first.offset || from.value > end.offset) return not_there(topic, first, end, from.value);
  return from.value;
}

void drop_finished(Consumer& consumer, const Offsets& ends) {
  std::vector<std::int32_t> finished;
  for (const auto& [partition, position] : consumer.positions()) {
    if (position >= ends.at(partition)) finished.push_back(partition);
  }
  for (const std::int32_t partition : finished) consumer.unassign(partition);
}

// Without --follow, up to where the partitions ended when it began.
int read(Consumer& consumer, RecordPrinter& printer, const Offsets& ends, bool follow) {
  while (!printer.done() && !was_interrupted()) {
    if (!follow) drop_finished(consumer, ends);
    if (consumer.positions().empty()) return exit_done;
    const Result<void> polled = consumer.poll([&](std::int32_t partition, const records::RecordView& record) {
      if (!follow && record.offset >= ends.at(partition)) return true;
      return printer.print(partition, record);
    });
    if (!printer.flush()) return fail(Error::from_errno(printer.failure(), "printing"));
    if (!polled) return fail(polled.error());
  }
  return was_interrupted() ? exit_interrupted : exit_done;
}

int consume(Context& context, const ConsumeArguments& arguments) {
  const Result<StartPoint> from = StartPoint::parse(arguments.from, base::SystemClock().now_ms());
  if (!from) return usage(from.error().message());
  Result<RecordFormat> format = RecordFormat::parse(arguments.format);
  if (!format) return usage(format.error().message());
  if (!arguments.group.empty()) return consume_in_group(context, arguments, *from, std::move(*format));
  Result<Cluster> cluster = context.connect();
  if (!cluster) return fail(cluster.error());
  const auto partitions = chosen_partitions(*cluster, arguments);
  if (!partitions) return fail(partitions.error());
  const Result<ReadRange> range = read_range(*cluster, arguments.topic, *partitions, *from);
  if (!range) return fail(range.error());
  Consumer consumer(*cluster, arguments.topic);
  for (const auto& [partition, offset] : range->starts) consumer.assign(partition, offset);
  RecordPrinter printer(arguments.topic, context.json(), std::move(*format), arguments.count);
  catch_interrupt();
  return read(consumer, printer, range->ends, arguments.follow);
}

}  // namespace

Result<ReadRange> read_range(Cluster& cluster, const std::string& topic, const std::vector<std::int32_t>& partitions,
                             const StartPoint& from) {
  const auto first = list_offsets(cluster, topic, partitions, earliest_offset);
  if (!first) return first.error();
  const auto end = list_offsets(cluster, topic, partitions, latest_offset);
  if (!end) return end.error();
  const bool is_time = from.kind == StartPoint::Kind::time;
  const auto by_time =
      is_time ? list_offsets(cluster, topic, partitions, from.value) : Result(std::vector<ListedOffset>{});
  if (!by_time) return by_time.error();
  ReadRange range;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    const auto start = start_in(topic, (*first)[i], (*end)[i], from, is_time ? &(*by_time)[i] : nullptr);
    if (!start) return start.error();
    range.starts[partitions[i]] = *start;
    range.ends[partitions[i]] = (*end)[i].offset;
  }
  return range;
}

void declare_consume_command(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<ConsumeArguments>();
  CLI::App* command = app.add_subcommand("consume", "Print the records of a topic");
  command->footer(
      "Examples:\n"
      "  cms consume orders\n"
      "  cms consume orders --from -10 --follow\n"
      "  cms consume orders --group billing --follow\n"
      "  cms consume orders -p 0 --from 2026-01-31T12:00 -n 5 -f '%p %o %k: %s\\n'\n"
      "Formats have %o offset, %k key, %s value, %t topic, %p partition, %h headers, %T timestamp in ms, %K and %S\n"
      "length of key and value, %%, and \\n \\t \\r \\0 \\\\ \\xHH. -o json prints a line of JSON for each record.");
  command->add_option("TOPIC", arguments->topic, "Its name")->required();
  CLI::Option* group =
      command->add_option("-g,--group", arguments->group,
                          "As a member of this group: go on where it has got to, and commit what is printed");
  command->add_option("-p,--partition", arguments->partitions, "Only this one; repeatable")
      ->check(CLI::NonNegativeNumber)
      ->expected(1)
      ->take_all()
      ->excludes(group);
  command
      ->add_option("--from", arguments->from,
                   "start, end, an offset, -N (before the end), a time as 2026-01-31T12:00 (UTC) or @MILLISECONDS, or "
                   "90s, 15m, 2h, 7d (ago); in a group, where it has committed nothing")
      ->capture_default_str();
  command->add_option("-n,--count", arguments->count, "Stop after so many records")->check(CLI::NonNegativeNumber);
  command->add_flag("--follow", arguments->follow, "Wait for more at the end, until interrupted");
  command->add_option("-f,--format", arguments->format, "How to print a record")->capture_default_str();
  command->callback(
      [&context, arguments] { context.run = [&context, arguments] { return consume(context, *arguments); }; });
}

}  // namespace cms::client
