// SPDX-License-Identifier: Apache-2.0
#include "broker/config/config_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace cms::broker {

namespace {

std::string invalid_value(std::string_view name, std::string_view value, std::string_view why) {
  std::string message = "Invalid value ";
  message.append(value).append(" for configuration ").append(name).append(": ").append(why);
  return message;
}

std::string print_bound(double bound) { return std::to_string(static_cast<std::int64_t>(bound)); }

// Empty when `value` is in the rule's range. NaN compares false with every bound and passes, as it does in Kafka.
std::string why_out_of_range(const ValueRule& rule, double value) {
  if (rule.also && value == static_cast<double>(*rule.also)) return {};
  if (!(value < rule.least) && !(value > rule.most)) return {};
  if (rule.also) {
    return "Value must be between " + print_bound(rule.least) + " and " + print_bound(rule.most) + " or equal to " +
           std::to_string(*rule.also);
  }
  if (value < rule.least) return "Value must be at least " + print_bound(rule.least);
  return "Value must be no more than " + print_bound(rule.most);
}

std::optional<std::string> why_not_whole(const ValueRule& rule, std::string_view name, std::string_view text) {
  std::optional<std::int64_t> value = parse_long(text);
  if (value && rule.type == ConfigType::integer && !parse_int(text)) value.reset();
  if (value && rule.type == ConfigType::short_integer && *value != static_cast<std::int16_t>(*value)) value.reset();
  if (!value) return invalid_value(name, text, "Not a number of type " + std::string(to_string(rule.type)));
  const std::string why = why_out_of_range(rule, static_cast<double>(*value));
  if (why.empty()) return std::nullopt;
  return invalid_value(name, std::to_string(*value), why);
}

std::optional<std::string> why_not_real(const ValueRule& rule, std::string_view name, std::string_view text) {
  const std::optional<double> value = parse_real(text);
  if (!value) return invalid_value(name, text, "Not a number of type DOUBLE");
  const std::string why = why_out_of_range(rule, *value);
  if (why.empty()) return std::nullopt;
  return invalid_value(name, print_real(*value), why);
}

std::optional<std::string> why_not_word(const ValueRule& rule, std::string_view name, std::string_view word) {
  if (rule.one_of.empty() || std::ranges::find(rule.one_of, word) != rule.one_of.end()) return std::nullopt;
  std::string why = "String must be one of: ";
  for (const std::string_view allowed : rule.one_of) {
    if (allowed != rule.one_of.front()) why += ", ";
    why += allowed;
  }
  return invalid_value(name, word, why);
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_replica(std::string_view member) {
  const std::size_t colon = member.find(':');
  return colon != std::string_view::npos && is_digits(member.substr(0, colon)) && is_digits(member.substr(colon + 1));
}

std::optional<std::string> why_not_list(const ValueRule& rule, std::string_view name, std::string_view text) {
  const std::vector<std::string> members = split_list(text);
  if (rule.replica_list) {
    const bool all = members.size() == 1 && members.front() == "*";
    if (all || std::ranges::all_of(members, is_replica)) return std::nullopt;
    std::string shown = "[";
    for (const std::string& member : members) shown.append(shown.size() > 1 ? ", " : "").append(member);
    return invalid_value(name, shown + "]",
                         std::string(name) +
                             " must be the literal '*' or a list of replicas in the following format: "
                             "[partitionId]:[brokerId],[partitionId]:[brokerId],...");
  }
  for (const std::string& member : members) {
    if (member.empty()) return "Configuration '" + std::string(name) + "' values must not be empty.";
    if (auto why = why_not_word(rule, name, member)) return why;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> why_not(const ValueRule& rule, std::string_view name, std::string_view text) {
  const std::string_view value = trimmed(text);
  switch (rule.type) {
    case ConfigType::boolean:
      if (parse_boolean(value)) return std::nullopt;
      return invalid_value(name, value, "Expected value to be either true or false");
    case ConfigType::integer:
    case ConfigType::short_integer:
    case ConfigType::long_integer:
      return why_not_whole(rule, name, value);
    case ConfigType::real:
      return why_not_real(rule, name, value);
    case ConfigType::list:
      return why_not_list(rule, name, value);
    default:
      return why_not_word(rule, name, value);
  }
}

std::string normalized(const ValueRule& rule, std::string_view text) {
  if (rule.type == ConfigType::boolean) return parse_boolean(text).value_or(false) ? "true" : "false";
  if (rule.type == ConfigType::list) return join_list(split_list(text));
  if (rule.type == ConfigType::integer || rule.type == ConfigType::long_integer ||
      rule.type == ConfigType::short_integer) {
    if (const auto value = parse_long(text)) return std::to_string(*value);
  }
  return std::string(trimmed(text));
}

std::optional<std::int64_t> parse_long(std::string_view text) {
  text = trimmed(text);
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::int32_t> parse_int(std::string_view text) {
  const std::optional<std::int64_t> value = parse_long(text);
  if (!value || *value != static_cast<std::int32_t>(*value)) return std::nullopt;
  return static_cast<std::int32_t>(*value);
}

std::string print_real(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  std::string printed(text, end);
  if (printed.find_first_of(".en") == std::string::npos) printed += ".0";
  return printed;
}

std::optional<double> parse_real(std::string_view text) {
  text = trimmed(text);
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<bool> parse_boolean(std::string_view text) {
  std::string lower(trimmed(text));
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  if (lower == "true") return true;
  if (lower == "false") return false;
  return std::nullopt;
}

bool is_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead == 0 || (lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || size > text.size() - i) return false;
    std::uint32_t point = size == 1 ? lead : lead & (0x7fu >> size);
    for (std::size_t j = 1; j < size; ++j) {
      const auto next = static_cast<unsigned char>(text[i + j]);
      if ((next & 0xc0) != 0x80) return false;
      point = (point << 6) | (next & 0x3fu);
    }
    constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < least[size] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return false;
    i += size;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n\f\v");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n\f\v") - first + 1);
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> members;
  text = trimmed(text);
  if (text.empty()) return members;
  while (true) {
    const std::size_t comma = text.find(',');
    members.emplace_back(trimmed(text.substr(0, comma)));
    if (comma == std::string_view::npos) return members;
    text.remove_prefix(comma + 1);
  }
}

std::string join_list(const std::vector<std::string>& members) {
  std::string joined;
  for (std::size_t i = 0; i < members.size(); ++i) joined.append(i == 0 ? "" : ",").append(members[i]);
  return joined;
}

std::string_view to_string(ConfigType type) {
  switch (type) {
    case ConfigType::boolean:
      return "BOOLEAN";
    case ConfigType::string:
      return "STRING";
    case ConfigType::integer:
      return "INT";
    case ConfigType::short_integer:
      return "SHORT";
    case ConfigType::long_integer:
      return "LONG";
    case ConfigType::real:
      return "DOUBLE";
    case ConfigType::list:
      return "LIST";
    case ConfigType::class_name:
      return "CLASS";
    case ConfigType::password:
      return "PASSWORD";
    case ConfigType::unknown:
      break;
  }
  return "UNKNOWN";
}

std::string_view to_string(ConfigSource source) {
  switch (source) {
    case ConfigSource::topic:
      return "topic";
    case ConfigSource::dynamic_broker:
      return "dynamic broker";
    case ConfigSource::dynamic_default_broker:
      return "dynamic default of all brokers";
    case ConfigSource::static_broker:
      return "broker's file, environment or flags";
    case ConfigSource::default_value:
      return "default";
    case ConfigSource::client_metrics:
      return "client metrics";
    case ConfigSource::group:
      return "group";
    case ConfigSource::unknown:
      break;
  }
  return "unknown";
}

}  // namespace cms::broker
