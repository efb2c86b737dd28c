// SPDX-License-Identifier: Apache-2.0
#include "broker/metadata/record_text.h"

#include <charconv>

namespace cms::broker {

namespace {

constexpr std::string_view config_prefix = "config.";

void append_escaped(std::string& text, std::string_view part, bool is_name) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : part) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '%' || byte < 0x20 || (is_name && byte == 0x20)) {
      text.append(1, '%').append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    } else {
      text += c;
    }
  }
}

std::optional<std::string> unescaped(std::string_view part) {
  std::string text;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] != '%') {
      text += part[i];
      continue;
    }
    unsigned byte = 0;
    const std::string_view digits = part.substr(i + 1, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() != 2 || error != std::errc{} || end != digits.data() + 2) return std::nullopt;
    text += static_cast<char>(byte);
    i += 2;
  }
  return text;
}

// The members that topics and deleted topics share. Returns whether `line` was one; `ok` falls when it is malformed.
bool read_common(const RecordLine& line, base::Uuid* id, std::int32_t& partition_count, Durability& durability,
                 bool& ok) {
  const auto& [name, value] = line;
  if (name == "id" && id != nullptr) {
    const auto parsed = base::Uuid::parse(value);
    ok = ok && parsed && !parsed->is_zero();
    if (parsed) *id = *parsed;
  } else if (name == "partitions") {
    const auto count = parse_int(value);
    ok = ok && count && *count > 0;
    partition_count = count.value_or(0);
  } else if (name == "durability") {
    const auto parsed = parse_durability(value);
    ok = ok && parsed;
    durability = parsed.value_or(Durability::persistent);
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::string write_lines(const std::vector<RecordLine>& lines) {
  std::string text;
  for (const auto& [name, value] : lines) {
    append_escaped(text, name, true);
    text += ' ';
    append_escaped(text, value, false);
    text += '\n';
  }
  return text;
}

std::optional<std::vector<RecordLine>> read_lines(std::string_view text) {
  std::vector<RecordLine> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const std::size_t space = line.find(' ');
    if (end == std::string_view::npos || space == std::string_view::npos) return std::nullopt;
    auto name = unescaped(line.substr(0, space));
    auto value = unescaped(line.substr(space + 1));
    if (!name || !value) return std::nullopt;
    lines.emplace_back(std::move(*name), std::move(*value));
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::string write_topic(const TopicRecord& topic) {
  std::vector<RecordLine> lines = {{"id", topic.id.to_string()},
                                   {"partitions", std::to_string(topic.partition_count)},
                                   {"durability", std::string(to_string(topic.durability))},
                                   {"created.boot", std::to_string(topic.created_boot)}};
  for (const auto& [name, value] : topic.configs) lines.emplace_back(std::string(config_prefix) + name, value);
  return write_lines(lines);
}

std::optional<TopicRecord> read_topic(std::string name, std::string_view text) {
  const auto lines = read_lines(text);
  if (!lines) return std::nullopt;
  TopicRecord topic;
  topic.name = std::move(name);
  bool ok = true;
  for (const RecordLine& line : *lines) {
    if (read_common(line, &topic.id, topic.partition_count, topic.durability, ok)) continue;
    if (line.first == "created.boot") {
      const auto boot = parse_long(line.second);
      ok = ok && boot && *boot > 0;
      topic.created_boot = boot.value_or(0);
    } else if (line.first.starts_with(config_prefix)) {
      topic.configs[line.first.substr(config_prefix.size())] = line.second;
    }
  }
  if (!ok || topic.id.is_zero() || topic.created_boot == 0) return std::nullopt;
  return topic;
}

std::string write_deleted(const DeletedTopic& topic) {
  return write_lines({{"name", topic.name},
                      {"partitions", std::to_string(topic.partition_count)},
                      {"durability", std::string(to_string(topic.durability))}});
}

std::optional<DeletedTopic> read_deleted(const base::Uuid& id, std::string_view text) {
  const auto lines = read_lines(text);
  if (!lines) return std::nullopt;
  DeletedTopic topic;
  topic.id = id;
  bool ok = true;
  for (const RecordLine& line : *lines) {
    if (!read_common(line, nullptr, topic.partition_count, topic.durability, ok) && line.first == "name") {
      topic.name = line.second;
    }
  }
  if (!ok || topic.name.empty() || topic.partition_count == 0) return std::nullopt;
  return topic;
}

std::string write_configs(const ConfigMap& configs) { return write_lines({configs.begin(), configs.end()}); }

std::optional<ConfigMap> read_configs(std::string_view text) {
  const auto lines = read_lines(text);
  if (!lines) return std::nullopt;
  return ConfigMap(lines->begin(), lines->end());
}

}  // namespace cms::broker
