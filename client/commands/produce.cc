// SPDX-License-Identifier: Apache-2.0
#include "client/commands/produce.h"

#include <cstdio>
#include <memory>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "client/commands/escapes.h"
#include "client/commands/line_input.h"
#include "client/producer.h"
#include "records/compress.h"

namespace cms::client {

namespace {

struct ProduceArguments {
  std::string topic;
  std::int32_t partition = -1;
  std::string key_separator;
  std::string key;
  std::string file = "-";
  bool whole = false;
  std::string acks = "all";
  std::string compression = "none";
  std::vector<std::string> headers;
  bool idempotent = false;
  bool quiet = false;
};

using Headers = std::vector<std::pair<std::string, std::string>>;

// Turns input into records and chooses their partitions.
class Source {
 public:
  Source(const ProduceArguments& arguments, const Headers& headers, std::int32_t partition_count)
      : arguments_(arguments), key_separator_(unescape(arguments.key_separator)), partition_count_(partition_count) {
    for (const auto& [key, value] : headers) headers_.push_back({key, base::as_bytes(value)});
  }

  Result<void> add(Producer& producer, std::string_view text) {
    records::NewRecord record;
    record.timestamp = clock_.now_ms();
    record.headers = headers_;
    if (!arguments_.key.empty()) record.key = base::as_bytes(arguments_.key);
    if (!key_separator_.empty()) {
      if (const std::size_t at = text.find(key_separator_); at != std::string_view::npos) {
        record.key = base::as_bytes(text.substr(0, at));
        text.remove_prefix(at + key_separator_.size());
      }
    }
    record.value = base::as_bytes(text);
    return producer.add(partition_of(record), record);
  }

  // Records without keys go to one partition until a batch has been sent, then to the next (KIP-480).
  void batch_sent() { sticky_ = (sticky_ + 1) % partition_count_; }

 private:
  std::int32_t partition_of(const records::NewRecord& record) const {
    if (arguments_.partition >= 0) return arguments_.partition;
    return record.key ? partition_of_key(*record.key, partition_count_) : sticky_;
  }

  const ProduceArguments& arguments_;
  const std::string key_separator_;
  const std::int32_t partition_count_;
  std::int32_t sticky_ = 0;
  std::vector<records::HeaderView> headers_;
  base::SystemClock clock_;
};

// A batch goes out when it is full, and when the input has no more at the moment, so that typed lines leave at once.
Result<void> copy(LineInput& input, Source& source, Producer& producer, bool whole) {
  if (whole) {
    const Result<std::string_view> text = input.rest();
    if (!text) return text.error();
    if (Result<void> added = source.add(producer, *text); !added) return added;
    return producer.flush();
  }
  for (;;) {
    const auto line = input.next_line();
    if (!line && line.error().system_code() == EINTR) return producer.flush();
    if (!line) return line.error();
    if (!line->has_value()) return producer.flush();
    if (Result<void> added = source.add(producer, **line); !added) return added;
    if (input.ready()) continue;
    if (Result<void> sent = producer.send(); !sent) return sent;
    source.batch_sent();
  }
}

void report(const Context& context, const std::string& topic, const Producer& producer) {
  std::int64_t total = 0;
  nlohmann::ordered_json partitions = nlohmann::ordered_json::array();
  for (const auto& [partition, appended] : producer.appended()) {
    total += appended.records;
    nlohmann::ordered_json shown{{"partition", partition}, {"records", appended.records}};
    if (appended.first_offset >= 0) {
      shown["first_offset"] = appended.first_offset;
      shown["last_offset"] = appended.last_offset;
    }
    partitions.push_back(std::move(shown));
    if (context.json()) continue;
    std::printf("%s-%d: %lld record%s", topic.c_str(), partition, static_cast<long long>(appended.records),
                appended.records == 1 ? "" : "s");
    if (appended.first_offset >= 0)
      std::printf(", offsets %lld to %lld", static_cast<long long>(appended.first_offset),
                  static_cast<long long>(appended.last_offset));
    std::printf("\n");
  }
  if (!context.json()) return;
  const nlohmann::ordered_json shown{{"topic", topic}, {"records", total}, {"partitions", std::move(partitions)}};
  std::printf("%s\n", shown.dump(2).c_str());
}

int produce(Context& context, const ProduceArguments& arguments) {
  ProducerOptions options;
  options.acks = arguments.acks == "all" ? std::int16_t{-1} : static_cast<std::int16_t>(std::stoi(arguments.acks));
  options.codec = *records::parse_codec(arguments.compression);
  options.idempotent = arguments.idempotent;
  if (options.idempotent && options.acks != -1) return usage("--idempotent needs --acks all");
  Headers headers;
  for (const std::string& text : arguments.headers) {
    auto header = parse_pair(text, "NAME=VALUE, as trace=7f3a");
    if (!header) return usage(header.error().message());
    headers.push_back(std::move(*header));
  }
  Result<LineInput> input = LineInput::open(arguments.file);
  if (!input) return usage(input.error().message());
  Result<Cluster> cluster = context.connect();
  if (!cluster) return fail(cluster.error());
  const auto topic = cluster->topic(arguments.topic, true);
  if (!topic) return fail(topic.error());
  catch_interrupt();
  Source source(arguments, headers, static_cast<std::int32_t>((*topic)->partitions.size()));
  Producer producer(*cluster, arguments.topic, options);
  const Result<void> copied = copy(*input, source, producer, arguments.whole);
  if (!arguments.quiet) report(context, arguments.topic, producer);
  if (!copied) return fail(copied.error());
  return was_interrupted() ? exit_interrupted : exit_done;
}

}  // namespace

void declare_produce_command(CLI::App& app, Context& context) {
  const auto arguments = std::make_shared<ProduceArguments>();
  CLI::App* command = app.add_subcommand("produce", "Append records to a topic: a line each, or a whole file");
  command->footer(
      "Examples:\n"
      "  echo hello | cms produce greetings\n"
      "  cms produce orders -k : --file orders.txt --compression zstd\n"
      "  cms produce pictures --whole --file cat.jpg --key cat -H type=image/jpeg\n"
      "Without -p a record goes where its key's hash says, as with Kafka's clients; without a key, to one partition\n"
      "after the other, a batch at a time.");
  command->add_option("TOPIC", arguments->topic, "Its name; a broker that creates topics on demand does")->required();
  command->add_option("-p,--partition", arguments->partition, "The partition, instead of the key's")
      ->check(CLI::NonNegativeNumber);
  command->add_option("-k,--key-separator", arguments->key_separator, "What stands between key and value on a line");
  command->add_option("--key", arguments->key, "The key of every record");
  command->add_option("--file", arguments->file, "Read this instead of standard input ('-')");
  command->add_flag("--whole", arguments->whole, "All of the input is one record");
  command
      ->add_option("--acks", arguments->acks, "all: when the topic's promise holds; 1: the leader has it; 0: not told")
      ->check(CLI::IsMember({"all", "-1", "1", "0"}))
      ->capture_default_str();
  command->add_option("--compression", arguments->compression, "none, gzip, snappy, lz4 or zstd")
      ->check(CLI::IsMember({"none", "gzip", "snappy", "lz4", "zstd"}))
      ->capture_default_str();
  command->add_option("-H,--header", arguments->headers, "NAME=VALUE of every record; repeatable")
      ->expected(1)
      ->take_all();
  command->add_flag("--idempotent", arguments->idempotent, "The broker recognizes batches sent twice");
  command->add_flag("-q,--quiet", arguments->quiet, "Do not tell what was appended");
  command->callback(
      [&context, arguments] { context.run = [&context, arguments] { return produce(context, *arguments); }; });
}

}  // namespace cms::client
