// SPDX-License-Identifier: Apache-2.0
// One line per event on standard error: time, level, what happened, key=value pairs. Nothing per request.
//
//   log_info("topic created", "topic", name, "partitions", count);
//   2026-01-02T03:04:05.678Z info topic created topic=orders partitions=4
//
// Values with spaces or quotes are quoted. Any thread.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace cms::base {

enum class LogLevel { debug, info, warning, error };

void set_log_level(LogLevel level);
bool log_enabled(LogLevel level);
void write_log_line(LogLevel level, std::string_view event, std::string_view pairs);
void append_log_value(std::string& line, std::string_view value);

inline void append_log_pairs(std::string&) {}

template <typename Value, typename... Rest>
void append_log_pairs(std::string& line, std::string_view key, const Value& value, const Rest&... rest) {
  line += ' ';
  line += key;
  line += '=';
  if constexpr (std::same_as<Value, bool>) {
    line += value ? "true" : "false";
  } else if constexpr (std::integral<Value> || std::floating_point<Value>) {
    line += std::to_string(value);
  } else {
    append_log_value(line, value);
  }
  append_log_pairs(line, rest...);
}

template <typename... Pairs>
void log_event(LogLevel level, std::string_view event, const Pairs&... pairs) {
  static_assert(sizeof...(Pairs) % 2 == 0, "keys and values come in pairs");
  if (!log_enabled(level)) return;
  std::string line;
  append_log_pairs(line, pairs...);
  write_log_line(level, event, line);
}

template <typename... Pairs>
void log_debug(std::string_view event, const Pairs&... pairs) {
  log_event(LogLevel::debug, event, pairs...);
}
template <typename... Pairs>
void log_info(std::string_view event, const Pairs&... pairs) {
  log_event(LogLevel::info, event, pairs...);
}
template <typename... Pairs>
void log_warning(std::string_view event, const Pairs&... pairs) {
  log_event(LogLevel::warning, event, pairs...);
}
template <typename... Pairs>
void log_error(std::string_view event, const Pairs&... pairs) {
  log_event(LogLevel::error, event, pairs...);
}

}  // namespace cms::base
