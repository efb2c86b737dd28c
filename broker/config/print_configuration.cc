// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "broker/config/configuration.h"
#include "broker/config/option_table.h"
#include "broker/config/topic_config_table.h"

namespace cms::broker {

namespace {

constexpr std::size_t column_limit = 110;

constexpr std::string_view head =
    "# Configuration of cmsd: every option, with its default where it is commented out. Printed by cmsd "
    "--print-config.\n"
    "# Where Kafka has an option, its name is Kafka's. Each can also be given as --set NAME=VALUE, which wins, or in "
    "the\n"
    "# environment: CMS_NUM__PARTITIONS=4 is num.partitions = 4. Sizes are in bytes unless the name says otherwise.\n";

constexpr std::string_view pool_example =
    "#[[pool]]\n"
    "#prefix = \"/cms/topics/sensors.\"\n"
    "#durability = \"volatile\"\n"
    "#partitions = 4\n"
    "#retention.ms = 3600000\n";

void append_comment(std::string& output, std::string_view text) {
  while (!text.empty()) {
    std::size_t end = text.size();
    if (end > column_limit) {
      end = text.rfind(' ', column_limit);
      if (end == std::string_view::npos) end = text.size();
    }
    output.append("# ").append(text.substr(0, end)).append("\n");
    text.remove_prefix(std::min(text.size(), end + 1));
  }
}

// A basic string of TOML.
std::string quoted(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result.append("\\").append(1, c);
    } else if (byte < 0x20 || byte == 0x7f) {
      result.append("\\u00").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string toml_value(const ValueRule& rule, std::string_view text) {
  switch (rule.type) {
    case ConfigType::boolean:
    case ConfigType::integer:
    case ConfigType::short_integer:
    case ConfigType::long_integer:
      return std::string(text);
    case ConfigType::real:
      return std::string(text) + (text.find_first_of(".en") == std::string_view::npos ? ".0" : "");
    case ConfigType::list: {
      std::string list = "[";
      for (const std::string& member : split_list(text)) list += (list.size() > 1 ? ", " : "") + quoted(member);
      return list + "]";
    }
    default:
      return quoted(text);
  }
}

void append_option(std::string& output, const Options& options, const OptionSpec& option) {
  output += "\n";
  append_comment(output, option.documentation);
  const auto given = options.given.find(option.name);
  if (given != options.given.end()) {
    output.append(option.name).append(" = ").append(toml_value(option.rule, given->second)).append("\n");
    return;
  }
  const std::string shown = option.example.empty() ? option.default_text.value_or("") : option.example;
  output.append("#").append(option.name).append(" = ").append(toml_value(option.rule, shown));
  if (!option.example.empty()) output += "  # an example; not set by default";
  output += "\n";
}

void append_pool(std::string& output, const PoolRule& rule) {
  output.append("\n[[pool]]\nprefix = ").append(quoted(rule.prefix)).append("\n");
  if (rule.partitions) output.append("partitions = ").append(std::to_string(*rule.partitions)).append("\n");
  for (const auto& [name, value] : rule.configs) {
    const TopicConfigSpec* topic = find_topic_config(name);
    const std::string_view shown = name == durability_config ? "durability" : std::string_view(name);
    output.append(shown).append(" = ").append(toml_value(topic->rule, value)).append("\n");
  }
}

}  // namespace

std::string print_configuration(const Options& options) {
  std::string output(head);
  std::string_view section;
  const OptionTable table;
  for (const OptionSpec& option : table.all()) {
    if (option.section != section) output += "\n\n# --- " + option.section + " ---\n";
    section = option.section;
    append_option(output, options, option);
  }
  output +=
      "\n\n# --- Pools ---\n\n"
      "# Defaults of the topics under a path prefix: any topic config, durability for cms.durability, and partitions. "
      "The\n"
      "# longest prefix wins; topic T has the path /cms/topics/T. Also for topics that are made by being asked for.\n";
  if (options.pools.all().empty()) output += pool_example;
  for (const PoolRule& rule : options.pools.all()) append_pool(output, rule);
  return output;
}

}  // namespace cms::broker
