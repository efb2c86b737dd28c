// SPDX-License-Identifier: Apache-2.0
#include "client/bench/workload.h"

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>

#include "client/bench/ledger.h"
#include "client/bench/payload.h"
#include "client/commands/suggest.h"
#include "records/compress.h"

namespace cms::client::bench {

namespace {

using base::Error;
using base::ErrorKind;
using base::Result;

// Reads one field; false when its value is not of the kind, or the words, that it takes.
using Setter = std::function<bool(Workload&, const YAML::Node&)>;

template <typename T>
Setter into(T Workload::*member) {
  return
      [member](Workload& workload, const YAML::Node& node) { return YAML::convert<T>::decode(node, workload.*member); };
}

template <typename T, std::size_t n>
Setter one_of(T Workload::*member, const T (&values)[n]) {
  return [member, &values](Workload& workload, const YAML::Node& node) {
    for (const T value : values) {
      if (node.IsScalar() && node.Scalar() == to_string(value)) {
        workload.*member = value;
        return true;
      }
    }
    return false;
  };
}

constexpr KeyDistributor all_distributors[] = {KeyDistributor::none, KeyDistributor::round_robin,
                                               KeyDistributor::random};
constexpr Arrivals all_arrivals[] = {Arrivals::constant, Arrivals::poisson};

bool set_compression(Workload& workload, const YAML::Node& node) {
  const auto codec = node.IsScalar() ? records::parse_codec(node.Scalar()) : std::nullopt;
  workload.compression = codec.value_or(records::Codec::none);
  return codec.has_value();
}

bool set_topic_configs(Workload& workload, const YAML::Node& node) {
  if (!node.IsMap()) return false;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar() || !entry.second.IsScalar()) return false;
    workload.topic_configs.emplace_back(entry.first.Scalar(), entry.second.Scalar());
  }
  return true;
}

struct Field {
  const char* takes;
  Setter set;
};

std::map<std::string, Field> fields() {
  return {
      {"name", {"text", into(&Workload::name)}},
      {"topics", {"a number", into(&Workload::topics)}},
      {"partitionsPerTopic", {"a number", into(&Workload::partitions_per_topic)}},
      {"keyDistributor", {"NO_KEY, KEY_ROUND_ROBIN or RANDOM_NANO", one_of(&Workload::keys, all_distributors)}},
      {"messageSize", {"a number of bytes", into(&Workload::message_size)}},
      {"useRandomizedPayloads", {"true or false", into(&Workload::randomized_payloads)}},
      {"randomBytesRatio", {"a number from 0 to 1", into(&Workload::random_bytes_ratio)}},
      {"randomizedPayloadPoolSize", {"a number", into(&Workload::payload_pool_size)}},
      {"payloadFile", {"a path", into(&Workload::payload_file)}},
      {"subscriptionsPerTopic", {"a number", into(&Workload::subscriptions_per_topic)}},
      {"producersPerTopic", {"a number", into(&Workload::producers_per_topic)}},
      {"consumerPerSubscription", {"a number", into(&Workload::consumers_per_subscription)}},
      {"producerRate", {"a number of records a second", into(&Workload::producer_rate)}},
      {"consumerBacklogSizeGB", {"a number", into(&Workload::backlog_gb)}},
      {"backlogDrainRatio", {"a number from 0 to 1", into(&Workload::backlog_drain_ratio)}},
      {"testDurationMinutes", {"a number", into(&Workload::test_minutes)}},
      {"warmupDurationMinutes", {"a number", into(&Workload::warmup_minutes)}},
      {"arrivals", {"constant or poisson", one_of(&Workload::arrivals, all_arrivals)}},
      {"recordsInFlight", {"a number", into(&Workload::records_in_flight)}},
      {"batchBytes", {"a number of bytes", into(&Workload::batch_bytes)}},
      {"compressionType", {"none, gzip, snappy, lz4 or zstd", set_compression}},
      {"idleConnections", {"a number", into(&Workload::idle_connections)}},
      {"connectsPerSecond", {"a number", into(&Workload::connects_per_second)}},
      {"topicConfigs", {"names with values", set_topic_configs}},
  };
}

Error at_line(const YAML::Mark& mark, const std::string& what) {
  return {ErrorKind::invalid, "line " + std::to_string(mark.line + 1) + ": " + what};
}

Result<void> set_field(Workload& workload, const std::map<std::string, Field>& known, const YAML::Node& name,
                       const YAML::Node& value) {
  if (!name.IsScalar()) return at_line(name.Mark(), "a field's name is not text");
  const auto field = known.find(name.Scalar());
  if (field == known.end()) {
    std::vector<std::string> names;
    for (const auto& [one, unused] : known) names.push_back(one);
    return at_line(name.Mark(), "there is no field '" + name.Scalar() + "'" + did_you_mean(name.Scalar(), names));
  }
  if (!field->second.set(workload, value)) return at_line(name.Mark(), field->first + " takes " + field->second.takes);
  return {};
}

}  // namespace

std::string_view to_string(KeyDistributor keys) {
  switch (keys) {
    case KeyDistributor::none:
      return "NO_KEY";
    case KeyDistributor::round_robin:
      return "KEY_ROUND_ROBIN";
    case KeyDistributor::random:
      return "RANDOM_NANO";
  }
  return "?";
}

std::string_view to_string(Arrivals arrivals) { return arrivals == Arrivals::poisson ? "poisson" : "constant"; }

Result<Workload> parse_workload(const std::string& text) {
  try {  // yaml-cpp tells what is wrong by throwing
    const YAML::Node document = YAML::Load(text);
    if (!document.IsMap()) return Error(ErrorKind::invalid, "a workload is a list of names with values");
    Workload workload;
    const auto known = fields();
    for (const auto& entry : document) {
      if (const auto set = set_field(workload, known, entry.first, entry.second); !set) return set.error();
    }
    if (const auto valid = validate(workload); !valid) return valid.error();
    return workload;
  } catch (const YAML::Exception& error) {
    return at_line(error.mark, error.msg);
  }
}

Result<Workload> read_workload(const std::string& path) {
  std::error_code code;
  const auto size = std::filesystem::file_size(path, code);
  if (code) return Error::from_errno(code.value(), path);
  if (size > workload_file_bytes_max) return Error(ErrorKind::invalid, path + ": too large for a workload");
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  Result<Workload> workload = parse_workload(text);
  if (!workload) return workload.error().while_doing(path);
  const std::filesystem::path here(path);
  if (workload->name == Workload{}.name) workload->name = here.stem().string();
  if (!workload->payload_file.empty()) workload->payload_file = here.parent_path() / workload->payload_file;
  return workload;
}

Result<void> validate(const Workload& workload) {
  const auto wrong = [](const std::string& what) { return Error(ErrorKind::invalid, what); };
  const std::pair<const char*, int> counts[] = {
      {"topics", workload.topics},
      {"partitionsPerTopic", workload.partitions_per_topic},
      {"producersPerTopic", workload.producers_per_topic},
      {"recordsInFlight", workload.records_in_flight},
      {"batchBytes", workload.batch_bytes},
      {"randomizedPayloadPoolSize", workload.payload_pool_size},
  };
  for (const auto& [name, count] : counts) {
    if (count < 1 || count > 100'000'000) return wrong(std::string(name) + " must be 1 at least");
  }
  if (workload.subscriptions_per_topic < 0 || workload.consumers_per_subscription < 1)
    return wrong("subscriptionsPerTopic must not be negative, consumerPerSubscription 1 at least");
  if (workload.message_size < stamp_size || workload.message_size > message_size_max)
    return wrong("messageSize must be from " + std::to_string(stamp_size) + " (what checks a record takes that) to " +
                 std::to_string(message_size_max));
  if (!(workload.producer_rate >= 0) || workload.producer_rate > 1e9)
    return wrong("producerRate must be from 0 to 1,000,000,000");
  if (workload.idle_connections < 0 || workload.idle_connections > 1'000'000 || !(workload.connects_per_second >= 0) ||
      workload.connects_per_second > 1e6)
    return wrong("idleConnections and connectsPerSecond must be from 0 to 1,000,000");
  const double ratios[] = {workload.random_bytes_ratio, workload.backlog_drain_ratio};
  for (const double ratio : ratios) {
    if (!(ratio >= 0 && ratio <= 1)) return wrong("randomBytesRatio and backlogDrainRatio must be from 0 to 1");
  }
  if (!(workload.test_minutes > 0) || !(workload.warmup_minutes >= 0) || !(workload.backlog_gb >= 0))
    return wrong("durations and consumerBacklogSizeGB must not be negative, testDurationMinutes not 0");
  const double streams = static_cast<double>(workload.topics) * workload.producers_per_topic *
                         workload.partitions_per_topic * (1.0 + workload.subscriptions_per_topic);
  if (streams > static_cast<double>(streams_max))
    return wrong("topics x partitions x producers x (1 + subscriptions) must not exceed " +
                 std::to_string(streams_max));
  return {};
}

}  // namespace cms::client::bench
