// SPDX-License-Identifier: Apache-2.0
#include "client/commands/consume.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <map>
#include <memory>

#include "base/clock.h"
#include "client/admin.h"
#include "client/commands/record_format.h"
#include "client/commands/start_point.h"
#include "client/consumer.h"

namespace cms::client {

namespace {

struct ConsumeArguments {
  std::string topic;
  std::vector<std::int32_t> partitions;
  std::string from = "start";
  std::int64_t count = std::numeric_limits<std::int64_t>::max();
  bool follow = false;
  std::string format = "%s\\n";
};

using Offsets = std::map<std::int32_t, records::Offset>;

constexpr std::size_t output_bytes_max = 64 << 10;  // held back while an answer is being printed

Result<std::vector<std::int32_t>> chosen_partitions(Cluster& cluster, const ConsumeArguments& arguments) {
  if (!arguments.partitions.empty()) return arguments.partitions;
  const auto topic = cluster.topic(arguments.topic);
  if (!topic) return topic.error();
  std::vector<std::int32_t> all;
  for (const PartitionMetadata& partition : (*topic)->partitions) all.push_back(partition.partition_index);
  return all;
}

// Where each partition begins and ends now.
struct Range {
  std::vector<ListedOffset> first;
  std::vector<ListedOffset> end;
};

Result<Range> range_of(Cluster& cluster, const std::string& topic, const std::vector<std::int32_t>& partitions) {
  auto first = list_offsets(cluster, topic, partitions, earliest_offset);
  if (!first) return first.error();
  auto end = list_offsets(cluster, topic, partitions, latest_offset);
  if (!end) return end.error();
  return Range{std::move(*first), std::move(*end)};
}

Error not_there(const std::string& topic, const ListedOffset& first, const ListedOffset& end, std::int64_t wanted) {
  const std::string has = first.offset == end.offset
                              ? "it is empty and goes on at " + std::to_string(end.offset)
                              : "it has " + std::to_string(first.offset) + " to " + std::to_string(end.offset - 1);
  return {ErrorKind::not_found,
          topic + "-" + std::to_string(first.partition) + " has no offset " + std::to_string(wanted) + ": " + has};
}

Result<Offsets> start_offsets(Cluster& cluster, const std::string& topic, const std::vector<std::int32_t>& partitions,
                              const Range& range, const StartPoint& from) {
  std::vector<ListedOffset> by_time;
  if (from.kind == StartPoint::Kind::time) {
    auto found = list_offsets(cluster, topic, partitions, from.value);
    if (!found) return found.error();
    by_time = std::move(*found);
  }
  Offsets offsets;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    const std::int64_t first = range.first[i].offset;
    const std::int64_t end = range.end[i].offset;
    std::int64_t& offset = offsets[partitions[i]];
    switch (from.kind) {
      case StartPoint::Kind::start:
        offset = first;
        break;
      case StartPoint::Kind::end:
        offset = end;
        break;
      case StartPoint::Kind::before_end:
        offset = std::max(first, end - from.value);
        break;
      case StartPoint::Kind::time:
        offset = by_time[i].offset < 0 ? end : by_time[i].offset;
        break;
      case StartPoint::Kind::offset:
        if (from.value < first || from.value > end) return not_there(topic, range.first[i], range.end[i], from.value);
        offset = from.value;
    }
  }
  return offsets;
}

// Prints records until there is nothing more to wait for.
class Printer {
 public:
  Printer(const Context& context, const ConsumeArguments& arguments, RecordFormat format)
      : arguments_(arguments), json_(context.json()), format_(std::move(format)), left_(arguments.count) {}

  // Whether to go on.
  bool print(std::int32_t partition, const records::RecordView& record) {
    if (json_) {
      output_ += json_line(arguments_.topic, partition, record) + "\n";
    } else {
      format_.append(output_, arguments_.topic, partition, record);
    }
    --left_;
    return (output_.size() < output_bytes_max || flush()) && left_ > 0;
  }

  bool done() const { return left_ <= 0; }

  // False when standard output takes no more.
  bool flush() {
    if (std::fwrite(output_.data(), 1, output_.size(), stdout) < output_.size() || std::fflush(stdout) != 0) {
      failure_ = errno;
      return false;
    }
    output_.clear();
    return true;
  }
  int failure() const { return failure_; }

 private:
  const ConsumeArguments& arguments_;
  const bool json_;
  const RecordFormat format_;
  std::int64_t left_;
  std::string output_;
  int failure_ = 0;
};

void drop_finished(Consumer& consumer, const Offsets& ends) {
  std::vector<std::int32_t> finished;
  for (const auto& [partition, position] : consumer.positions()) {
    if (position >= ends.at(partition)) finished.push_back(partition);
  }
  for (const std::int32_t partition : finished) consumer.unassign(partition);
}

// Without --follow, up to where the partitions ended when it began.
int read(Consumer& consumer, Printer& printer, const Offsets& ends, bool follow) {
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
  Result<Cluster> cluster = context.connect();
  if (!cluster) return fail(cluster.error());
  const auto partitions = chosen_partitions(*cluster, arguments);
  if (!partitions) return fail(partitions.error());
  const Result<Range> range = range_of(*cluster, arguments.topic, *partitions);
  if (!range) return fail(range.error());
  const Result<Offsets> starts = start_offsets(*cluster, arguments.topic, *partitions, *range, *from);
  if (!starts) return fail(starts.error());
  Offsets ends;
  for (const ListedOffset& end : range->end) ends[end.partition] = end.offset;
  Consumer consumer(*cluster, arguments.topic);
  for (const auto& [partition, offset] : *starts) consumer.assign(partition, offset);
  Printer printer(context, arguments, std::move(*format));
  catch_interrupt();
  return read(consumer, printer, ends, arguments.follow);
}

}  // namespace

void declare_consume_command(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<ConsumeArguments>();
  CLI::App* command = app.add_subcommand("consume", "Print the records of a topic");
  command->footer(
      "Examples:\n"
      "  cms consume orders\n"
      "  cms consume orders --from -10 --follow\n"
      "  cms consume orders -p 0 --from 2026-01-31T12:00 -n 5 -f '%p %o %k: %s\\n'\n"
      "Formats have %o offset, %k key, %s value, %t topic, %p partition, %h headers, %T timestamp in ms, %K and %S\n"
      "length of key and value, %%, and \\n \\t \\r \\0 \\\\ \\xHH. -o json prints a line of JSON for each record.");
  command->add_option("TOPIC", arguments->topic, "Its name")->required();
  command->add_option("-p,--partition", arguments->partitions, "Only this one; repeatable")
      ->check(CLI::NonNegativeNumber)
      ->expected(1)
      ->take_all();
  command
      ->add_option("--from", arguments->from,
                   "start, end, an offset, -N (before the end), a time as 2026-01-31T12:00 (UTC) or @MILLISECONDS, or "
                   "90s, 15m, 2h, 7d (ago)")
      ->capture_default_str();
  command->add_option("-n,--count", arguments->count, "Stop after so many records")->check(CLI::NonNegativeNumber);
  command->add_flag("--follow", arguments->follow, "Wait for more at the end, until interrupted");
  command->add_option("-f,--format", arguments->format, "How to print a record")->capture_default_str();
  command->callback(
      [&context, arguments] { context.run = [&context, arguments] { return consume(context, *arguments); }; });
}

}  // namespace cms::client
