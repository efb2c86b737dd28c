// SPDX-License-Identifier: Apache-2.0
#include "client/commands/subscribe.h"

#include <cms/subscriber.h>

#include <cerrno>
#include <cstdio>
#include <limits>
#include <memory>

#include "base/clock.h"
#include "client/commands/native_session.h"
#include "client/commands/record_format.h"
#include "client/commands/start_point.h"

namespace cms::client {

namespace {

struct SubscribeArguments {
  std::string topics;
  ChannelArguments channel;
  std::vector<std::int32_t> partitions;
  std::string from = "live";
  std::string group;
  std::int64_t records_max = std::numeric_limits<std::int64_t>::max();
  std::string format = "%s\\n";
};

constexpr milliseconds wait{1'000};  // then a look whether the broker is lost

// A pattern has a word `*` or ends in the word `>`; any other name that ends in `*` is a prefix.
cms::Match match_of(std::string& topics) {
  bool is_pattern = topics == ">" || topics.ends_with(".>");
  for (std::size_t begin = 0; begin <= topics.size();) {
    const std::size_t end = std::min(topics.find('.', begin), topics.size());
    is_pattern |= topics.substr(begin, end - begin) == "*";
    begin = end + 1;
  }
  if (is_pattern) return cms::Match::pattern;
  if (!topics.ends_with('*')) return cms::Match::exact;
  topics.pop_back();
  return cms::Match::prefix;
}

Result<cms::Start> start_of(const SubscribeArguments& arguments) {
  if (!arguments.group.empty()) return cms::Start::committed(arguments.group);
  if (arguments.from == "live") return cms::Start::live();
  if (arguments.from == "earliest") return cms::Start::earliest();
  const Result<StartPoint> point = StartPoint::parse(arguments.from, base::SystemClock().now_ms());
  if (!point) return point.error();
  switch (point->kind) {
    case StartPoint::Kind::start:
      return cms::Start::earliest();
    case StartPoint::Kind::end:
      return cms::Start::live();
    case StartPoint::Kind::offset:
      return cms::Start::offset(point->value);
    case StartPoint::Kind::time:
      return cms::Start::time(point->value);
    case StartPoint::Kind::before_end:
      break;
  }
  return Error(ErrorKind::invalid, "a subscription cannot begin so many before the end; cms consume can");
}

// Prints each record at once.
class Printer {
 public:
  Printer(bool json, RecordFormat format, std::int64_t records_max)
      : json_(json), format_(std::move(format)), left_(records_max) {}

  void print(const cms::ReceivedRecord& received) {
    if (done()) return;
    records::RecordView record{received.offset, received.timestamp_ms, {}, {}, {}};
    if (received.key) record.key = received.key->bytes();
    if (received.value) record.value = received.value->bytes();
    record.headers = {received.headers.encoded(), static_cast<std::int32_t>(received.headers.size())};
    line_.clear();
    if (json_) {
      line_ = json_line(received.topic, received.partition, record) + "\n";
    } else {
      format_.append(line_, received.topic, received.partition, record);
    }
    if (std::fwrite(line_.data(), 1, line_.size(), stdout) < line_.size() || std::fflush(stdout) != 0) failure_ = errno;
    --left_;
  }

  bool done() const { return left_ <= 0 || failure_ != 0; }
  int failure() const { return failure_; }

 private:
  const bool json_;
  const RecordFormat format_;
  std::int64_t left_;
  std::string line_;
  int failure_ = 0;
};

cms::SubscriberOptions options_for(Printer& printer) {
  cms::SubscriberOptions options;
  options.on_record = [&printer](const cms::ReceivedRecord& record) { printer.print(record); };
  options.on_gap = [](const cms::Gap& gap) {
    complain(std::string(gap.topic) + "-" + std::to_string(gap.partition) + ": " + std::to_string(gap.from) + " to " +
             std::to_string(gap.to - 1) + " are gone");
  };
  options.on_closed = [](const cms::PartitionChange& change) {
    if (change.error != nullptr) complain(change.error->message);
  };
  return options;
}

int subscribe(Context& context, const SubscribeArguments& arguments) {
  cms::Subscription wanted;
  wanted.topics = arguments.topics;
  wanted.match = match_of(wanted.topics);
  wanted.partitions = arguments.partitions;
  const Result<cms::Start> start = start_of(arguments);
  if (!start) return usage(start.error().message());
  wanted.start = *start;
  Result<RecordFormat> format = RecordFormat::parse(arguments.format);
  if (!format) return usage(format.error().message());
  catch_interrupt();
  cms::Result<cms::Session> session = open_session(context, arguments.channel);
  if (!session) return fail(session.error());
  Printer printer(context.json(), std::move(*format), arguments.records_max);
  cms::Subscriber subscriber = session->subscriber(options_for(printer));
  if (const auto subscribed = subscriber.subscribe(wanted); !subscribed) return fail(subscribed.error());
  LossTeller teller;
  while (!printer.done() && !was_interrupted()) {
    if (const auto polled = session->poll(wait); !polled) return fail(polled.error());
    teller.look(*session);
  }
  if (printer.failure() != 0) return fail(Error::from_errno(printer.failure(), "printing"));
  if (!arguments.group.empty()) {
    if (const auto committed = subscriber.commit(arguments.group); !committed) return fail(committed.error());
  }
  return was_interrupted() ? exit_interrupted : exit_done;
}

}  // namespace

void declare_subscribe_command(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<SubscribeArguments>();
  CLI::App* command = app.add_subcommand("subscribe", "Print records as the broker pushes them");
  command->footer(
      "Examples:\n"
      "  cms subscribe sensors\n"
      "  cms subscribe 'sensors.*' --from earliest -n 10\n"
      "  cms subscribe 'sensors*' --channel tcp -f '%t %p %o %s\\n'\n"
      "  cms -o json subscribe orders --group audit\n"
      "A name that ends in * means all topics that begin so. Between dots, a word * is any one word, and a last word "
      ">\n"
      "is one or more. Topics made later join. Formats are those of cms consume. This needs a broker of this project;\n"
      "cms consume works with any.");
  command->add_option("TOPICS", arguments->topics, "A topic, a prefix* or a pattern")->required();
  add_channel_options(*command, arguments->channel);
  command->add_option("-p,--partition", arguments->partitions, "Only this one; repeatable")
      ->check(CLI::NonNegativeNumber)
      ->expected(1)
      ->take_all();
  command
      ->add_option("--from", arguments->from,
                   "live, earliest, an offset, or a time as 2026-01-31T12:00 (UTC), @MILLISECONDS or 90s, 15m, 2h, 7d "
                   "(ago)")
      ->capture_default_str();
  command->add_option("-g,--group", arguments->group,
                      "Go on where this group has got to, and commit at the end; the group has no other members");
  command->add_option("-n,--count,--max", arguments->records_max, "Stop after so many records")
      ->check(CLI::NonNegativeNumber);
  command->add_option("-f,--format", arguments->format, "How to print a record")->capture_default_str();
  command->callback(
      [&context, arguments] { context.run = [&context, arguments] { return subscribe(context, *arguments); }; });
}

}  // namespace cms::client
