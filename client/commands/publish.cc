// SPDX-License-Identifier: Apache-2.0
#include "client/commands/publish.h"

#include <cms/publisher.h>

#include <cstdio>
#include <map>
#include <memory>

#include <nlohmann/json.hpp>

#include "client/commands/escapes.h"
#include "client/commands/line_input.h"
#include "client/commands/native_session.h"

namespace cms::client {

namespace {

struct PublishArguments {
  std::string topic;
  ChannelArguments channel;
  std::int32_t partition = -1;
  std::string key_separator;
  std::string key;
  std::string file = "-";
  std::vector<std::string> headers;
  bool quiet = false;
};

constexpr milliseconds patience{30'000};

struct Stored {
  std::int64_t records = 0;
  std::int64_t first_offset = -1;
  std::int64_t last_offset = -1;
};

// Counts what was acknowledged.
class Tally {
 public:
  void count(const cms::Acknowledgement& acknowledged) {
    if (acknowledged.error != nullptr) return;
    Stored& stored = partitions_[acknowledged.partition];
    ++stored.records;
    if (stored.first_offset < 0) stored.first_offset = acknowledged.offset;
    if (acknowledged.offset >= 0) stored.last_offset = acknowledged.offset;
  }

  void report(const Context& context, const std::string& topic) const {
    std::int64_t total = 0;
    nlohmann::ordered_json shown = nlohmann::ordered_json::array();
    for (const auto& [partition, stored] : partitions_) {
      total += stored.records;
      shown.push_back({{"partition", partition},
                       {"records", stored.records},
                       {"first_offset", stored.first_offset},
                       {"last_offset", stored.last_offset}});
      if (context.json()) continue;
      std::printf("%s-%d: %lld record%s, offsets %lld to %lld\n", topic.c_str(), partition,
                  static_cast<long long>(stored.records), stored.records == 1 ? "" : "s",
                  static_cast<long long>(stored.first_offset), static_cast<long long>(stored.last_offset));
    }
    if (!context.json()) return;
    const nlohmann::ordered_json all{{"topic", topic}, {"records", total}, {"partitions", std::move(shown)}};
    std::printf("%s\n", all.dump(2).c_str());
  }

 private:
  std::map<std::int32_t, Stored> partitions_;
};

// Each line as a record, to the end of the input.
cms::Result<void> copy(LineInput& input, cms::Publisher& publisher, const PublishArguments& arguments,
                       cms::Record record) {
  const std::string separator = unescape(arguments.key_separator);
  for (;;) {
    const auto line = input.next_line();
    if (!line && line.error().system_code() == EINTR) return {};
    if (!line) return cms::Error{Code::invalid, line.error().message(), 0};
    if (!line->has_value()) return {};
    std::string_view text = **line;
    if (!arguments.key.empty()) record.key = arguments.key;
    if (const std::size_t at = separator.empty() ? std::string_view::npos : text.find(separator);
        at != std::string_view::npos) {
      record.key = text.substr(0, at);
      text.remove_prefix(at + separator.size());
    }
    record.value = text;
    if (const auto published = publisher.publish(arguments.topic, record); !published) return published.error();
    if (input.ready()) continue;
    // The next line may be long in coming.
    if (const cms::Result<void> flushed = publisher.flush(patience); !flushed) return flushed;
  }
}

int publish(Context& context, const PublishArguments& arguments) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& text : arguments.headers) {
    auto header = parse_pair(text, "NAME=VALUE, as trace=7f3a");
    if (!header) return usage(header.error().message());
    pairs.push_back(std::move(*header));
  }
  std::vector<cms::Header> headers;
  for (const auto& [name, value] : pairs) headers.push_back({name, cms::View(std::string_view(value))});
  Result<LineInput> input = LineInput::open(arguments.file);
  if (!input) return usage(input.error().message());
  catch_interrupt();
  cms::Result<cms::Session> session = open_session(context, arguments.channel);
  if (!session) return fail(session.error());
  Tally tally;
  cms::PublisherOptions options;
  options.wait = patience;
  options.on_acknowledged = [&tally](const cms::Acknowledgement& acknowledged) { tally.count(acknowledged); };
  cms::Publisher publisher = session->publisher(std::move(options));
  cms::Record record;
  record.headers = headers;
  if (arguments.partition >= 0) record.partition = arguments.partition;
  cms::Result<void> copied = copy(*input, publisher, arguments, record);
  const cms::Result<void> flushed = publisher.flush(patience);
  if (!arguments.quiet) tally.report(context, arguments.topic);
  if (!copied) return fail(copied.error());
  if (!flushed) return fail(flushed.error());
  return was_interrupted() ? exit_interrupted : exit_done;
}

}  // namespace

void declare_publish_command(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<PublishArguments>();
  CLI::App* command = app.add_subcommand("publish", "Put lines into a topic over a native channel");
  command->footer(
      "Examples:\n"
      "  echo hello | cms publish greetings\n"
      "  cms publish orders -k : --file orders.txt --channel shm\n"
      "Each line is a record. It leaves at once, and is sent again, but never stored twice, if the broker is lost "
      "before\n"
      "it has answered. This needs a broker of this project; cms produce works with any, and compresses.");
  command->add_option("TOPIC", arguments->topic, "Its name; a broker that creates topics on demand does")->required();
  add_channel_options(*command, arguments->channel);
  command->add_option("-p,--partition", arguments->partition, "The partition, instead of the key's")
      ->check(CLI::NonNegativeNumber);
  command->add_option("-k,--key-separator", arguments->key_separator, "What stands between key and value on a line");
  command->add_option("--key", arguments->key, "The key of every record");
  command->add_option("--file", arguments->file, "Read this instead of standard input ('-')");
  command->add_option("-H,--header", arguments->headers, "NAME=VALUE of every record; repeatable")
      ->expected(1)
      ->take_all();
  command->add_flag("-q,--quiet", arguments->quiet, "Do not tell what was stored");
  command->callback(
      [&context, arguments] { context.run = [&context, arguments] { return publish(context, *arguments); }; });
}

}  // namespace cms::client
