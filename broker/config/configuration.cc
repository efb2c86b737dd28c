// SPDX-License-Identifier: Apache-2.0
#include "broker/config/configuration.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>
#include <set>

#include "broker/config/option_table.h"
#include "broker/config/settings.h"
#include "broker/config/topic_config_table.h"

namespace cms::broker {

namespace {

using base::Error;
using base::ErrorKind;
using base::Result;

constexpr std::string_view security_protocols[] = {"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"};
constexpr std::string_view served_protocol = "PLAINTEXT";

// Whether leaving `name` out makes the broker less guarded than its file says.
bool guards(std::string_view name) {
  return name.starts_with("sasl.") || name.starts_with("ssl.") || name == "authorizer.class.name" ||
         name == "super.users";
}

// Collects what is wrong, so that one run shows all of it.
class Loader {
 public:
  explicit Loader(const ConfigMap& environment) {
    for (const OptionSpec& option : table_.all()) option_names_.push_back(option.name);
    for (const TopicConfigSpec& topic : topic_config_table()) topic_names_.emplace_back(topic.name);
    topic_names_.insert(topic_names_.end(), {"prefix", "durability", "partitions"});
    Options& options = result_.options;
    options.data_directory = default_data_directory(environment, ::geteuid() == 0);
    options.core_count = default_core_count();
  }

  const std::vector<std::string>& option_names() const { return option_names_; }

  void take(const std::vector<Setting>& settings);
  void take_pools(const std::vector<std::vector<Setting>>& pools);
  void finish();

  Result<Configuration> result() && {
    if (errors_.empty()) return std::move(result_);
    std::string message;
    for (const std::string& error : errors_) message += (message.empty() ? "" : "\n") + error;
    return Error(ErrorKind::invalid, std::move(message));
  }

  void error(std::string line) { errors_.push_back(std::move(line)); }
  void set_file(const std::string& file) { result_.file = file; }

 private:
  void take(const Setting& setting);
  void unknown(const Setting& setting);
  void take_pool(const std::vector<Setting>& settings, std::set<std::string>& prefixes);
  std::string set_pool_value(PoolRule& rule, const Setting& setting) const;
  void drop_controller_listeners();
  void give_protocols();
  void check_advertised();

  const OptionTable table_;
  std::vector<std::string> option_names_;
  std::vector<std::string> topic_names_;
  Configuration result_;
  std::vector<std::string> errors_;
  std::map<std::string, std::string> kafka_only_;  // options of Kafka without effect here, and their values
  std::map<std::string, std::string> where_;       // of each option that was given
};

void Loader::take(const std::vector<Setting>& settings) {
  // An alias never overrides the option's own name in the same source.
  for (const Setting& setting : settings) {
    if (canonical_option(setting.name) != setting.name) take(setting);
  }
  for (const Setting& setting : settings) {
    if (canonical_option(setting.name) == setting.name) take(setting);
  }
}

void Loader::take(const Setting& setting) {
  const std::string_view name = canonical_option(setting.name);
  const OptionSpec* option = table_.find(name);
  if (option == nullptr) return unknown(setting);
  const ConfigMap& given = result_.options.given;
  const auto before = setting.adds ? given.find(option->name) : given.end();
  const bool any_before = before != given.end() && !before->second.empty();
  const std::string value = any_before ? setting.value + "," + before->second : setting.value;
  const std::string why = set_option(result_.options, *option, value);
  if (!why.empty()) error(setting.where + ": " + setting.name + ": " + why);
  where_[option->name] = setting.where;
}

void Loader::unknown(const Setting& setting) {
  if (is_kafka_option(setting.name)) {
    kafka_only_[setting.name] = setting.value;
    return;
  }
  std::string line = setting.where + ": unknown option '" + setting.name + "'";
  if (find_topic_config(setting.name) != nullptr) {
    line += "; it is a topic config: set it on a topic, in a [[pool]]";
    const auto synonyms = find_topic_config(setting.name)->synonyms;
    if (!synonyms.empty()) line += ", or for all topics as " + std::string(synonyms.front().option);
  } else if (const std::string near = nearest_name(setting.name, option_names_); !near.empty()) {
    line += "; did you mean '" + near + "'?";
  } else {
    line += "; --print-config lists all options";
  }
  if (setting.strict) return error(std::move(line));
  result_.warnings.push_back(line + " (ignored)");
}

std::string Loader::set_pool_value(PoolRule& rule, const Setting& setting) const {
  if (setting.name == "prefix") {
    rule.prefix = setting.value;
    if (rule.prefix.starts_with(topics_root)) return {};
    return "must begin with " + std::string(topics_root) + ", the path of all topics";
  }
  if (setting.name == "partitions") {
    const ValueRule count{.type = ConfigType::integer, .least = 1};
    if (auto why = why_not(count, "partitions", setting.value)) return *why;
    rule.partitions = parse_int(setting.value);
    return {};
  }
  const std::string name = setting.name == "durability" ? std::string(durability_config) : setting.name;
  const TopicConfigSpec* topic = find_topic_config(name);
  if (topic == nullptr) {
    const std::string near = nearest_name(setting.name, topic_names_);
    return "unknown topic config" + (near.empty() ? std::string() : "; did you mean '" + near + "'?");
  }
  if (auto why = why_not(topic->rule, name, setting.value)) return *why;
  rule.configs[name] = normalized(topic->rule, setting.value);
  return {};
}

void Loader::take_pool(const std::vector<Setting>& settings, std::set<std::string>& prefixes) {
  PoolRule rule;
  for (const Setting& setting : settings) {
    const std::string why = set_pool_value(rule, setting);
    if (!why.empty()) error(setting.where + ": [[pool]] " + setting.name + ": " + why);
  }
  const std::string& where = settings.front().where;
  if (rule.prefix.empty()) return error(where + ": [[pool]] has no prefix; write prefix = \"/cms/topics/NAME\"");
  if (!prefixes.insert(rule.prefix).second) return error(where + ": another [[pool]] has the prefix " + rule.prefix);
  std::vector<PoolRule> rules = result_.options.pools.all();
  rules.push_back(std::move(rule));
  result_.options.pools = PoolRules(std::move(rules));
}

void Loader::take_pools(const std::vector<std::vector<Setting>>& pools) {
  std::set<std::string> prefixes;
  for (const auto& settings : pools) take_pool(settings, prefixes);
}

// A server.properties of KRaft lists the controller's listener beside the broker's.
void Loader::drop_controller_listeners() {
  const auto names = kafka_only_.find("controller.listener.names");
  if (names == kafka_only_.end()) return;
  const std::vector<std::string> dropped = split_list(names->second);
  const auto is_dropped = [&dropped](const Listener& listener) {
    return std::ranges::find(dropped, listener.name) != dropped.end();
  };
  Options& options = result_.options;
  // What was given is kept in step: --print-config shows it, without the option that made the difference.
  const auto drop = [&](std::vector<Listener>& listeners, const std::string& option) {
    if (std::erase_if(listeners, is_dropped) == 0) return;
    options.given.erase(option);
    if (!listeners.empty()) options.given[option] = print_listeners(listeners);
  };
  drop(options.listeners, "listeners");
  drop(options.advertised_listeners, "advertised.listeners");
  if (options.listeners.empty()) error(where_["listeners"] + ": listeners: only a controller's listener is left");
}

void Loader::give_protocols() {
  std::map<std::string, std::string> protocols;
  const auto given = result_.options.given.find("listener.security.protocol.map");
  for (const std::string& entry : split_list(given == result_.options.given.end() ? "" : given->second)) {
    const std::size_t colon = entry.find(':');
    const std::string protocol = colon == std::string::npos ? "" : entry.substr(colon + 1);
    if (std::ranges::find(security_protocols, protocol) == std::end(security_protocols)) {
      return error(where_["listener.security.protocol.map"] + ": listener.security.protocol.map: '" + entry +
                   "' is not NAME:PROTOCOL with PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL");
    }
    protocols[entry.substr(0, colon)] = protocol;
  }
  for (Listener& listener : result_.options.listeners) {
    const auto mapped = protocols.find(listener.name);
    if (mapped != protocols.end()) {
      listener.security_protocol = mapped->second;
    } else if (std::ranges::find(security_protocols, listener.name) != std::end(security_protocols)) {
      listener.security_protocol = listener.name;
    } else if (listener.security_protocol.empty()) {
      error(where_["listeners"] + ": listener " + listener.name + " has no security protocol; add " + listener.name +
            ":PLAINTEXT to listener.security.protocol.map");
      continue;
    }
    if (listener.security_protocol != served_protocol) {
      error(where_["listeners"] + ": listener " + listener.name + " asks for " + listener.security_protocol +
            ", which this version does not serve; it serves PLAINTEXT");
    }
  }
}

void Loader::check_advertised() {
  for (Listener& advertised : result_.options.advertised_listeners) {
    const auto found = std::ranges::find(result_.options.listeners, advertised.name, &Listener::name);
    const std::string where = where_["advertised.listeners"] + ": advertised.listeners: ";
    if (found == result_.options.listeners.end()) {
      error(where + "there is no listener named " + advertised.name);
    } else if (advertised.is_unix() || advertised.host.empty() || advertised.host == "0.0.0.0" ||
               advertised.host == "::") {
      error(where + advertised.to_string() + " is no address a client could connect to");
    } else {
      advertised.security_protocol = found->security_protocol;
    }
  }
}

void Loader::finish() {
  drop_controller_listeners();
  give_protocols();
  check_advertised();
  if (kafka_only_.empty()) return;
  std::string names;
  bool guarding = false;
  for (const auto& [name, value] : kafka_only_) {
    names.append(names.empty() ? "" : ", ").append(name);
    guarding = guarding || guards(name);
  }
  result_.warnings.push_back("options of Kafka that have no effect here: " + names +
                             (guarding ? "; among them are security settings, which are NOT in force" : ""));
}

Result<std::string> read_text(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return Error::from_errno(errno, "reading the configuration file " + path);
  std::string text;
  char buffer[16 * 1024];
  while (text.size() <= configuration_bytes_max) {
    const std::size_t size = std::fread(buffer, 1, sizeof buffer, file);
    if (size == 0) break;
    text.append(buffer, size);
  }
  const bool failed = std::ferror(file) != 0;
  const int code = errno;
  std::fclose(file);
  if (failed) return Error::from_errno(code, "reading the configuration file " + path);
  return text;
}

Result<FileSettings> read_file(const std::string& path) {
  auto text = read_text(path);
  if (!text) return text.error();
  return looks_like_properties(*text, path) ? read_properties(*text, path) : read_toml(*text, path);
}

}  // namespace

Result<Configuration> make_configuration(const std::string& name, const FileSettings& file,
                                         const ConfigMap& environment, std::span<const Setting> flags) {
  Loader loader(environment);
  loader.set_file(name);
  loader.take(file.settings);
  loader.take_pools(file.pools);
  loader.take(read_environment(environment, loader.option_names()));
  loader.take({flags.begin(), flags.end()});
  loader.finish();
  return std::move(loader).result();
}

Result<Configuration> load_configuration(const std::string& file, const ConfigMap& environment,
                                         std::span<const Setting> flags) {
  if (file.empty()) return make_configuration(file, {}, environment, flags);
  const auto settings = read_file(file);
  if (!settings) return settings.error();
  return make_configuration(file, *settings, environment, flags);
}

}  // namespace cms::broker
