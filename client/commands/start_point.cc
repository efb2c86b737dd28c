// SPDX-License-Identifier: Apache-2.0
#include "client/commands/start_point.h"

#include <charconv>
#include <chrono>
#include <optional>
#include <string>

namespace cms::client {

namespace {

using Kind = StartPoint::Kind;

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<std::int64_t> unit_ms(char unit) {
  switch (unit) {
    case 's':
      return 1000;
    case 'm':
      return 60 * 1000;
    case 'h':
      return 3600 * 1000;
    case 'd':
      return 24 * 3600 * 1000;
    default:
      return std::nullopt;
  }
}

// Reads `digits` digits and then `separator`, unless that is 0, off the front.
std::optional<unsigned> field(std::string_view& text, std::size_t digits, char separator) {
  if (text.size() < digits) return std::nullopt;
  const auto value = number(text.substr(0, digits));
  text.remove_prefix(digits);
  if (!value) return std::nullopt;
  if (separator == 0) return static_cast<unsigned>(*value);
  if (!text.starts_with(separator)) return std::nullopt;
  text.remove_prefix(1);
  return static_cast<unsigned>(*value);
}

// 2026-01-31, 2026-01-31T12:00, 2026-01-31T12:00:30, each with or without Z.
std::optional<std::int64_t> date_ms(std::string_view text) {
  if (text.ends_with('Z')) text.remove_suffix(1);
  const auto year = field(text, 4, '-');
  const auto month = year ? field(text, 2, '-') : std::nullopt;
  const auto day = month ? field(text, 2, 0) : std::nullopt;
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month),
                                         std::chrono::day(*day)};
  if (!date.ok()) return std::nullopt;
  std::int64_t seconds = std::chrono::sys_days(date).time_since_epoch().count() * std::int64_t{86400};
  if (text.empty()) return seconds * 1000;
  if (!text.starts_with('T') && !text.starts_with(' ')) return std::nullopt;
  text.remove_prefix(1);
  const auto hour = field(text, 2, ':');
  const auto minute = hour ? field(text, 2, 0) : std::nullopt;
  if (!minute || *hour > 23 || *minute > 59) return std::nullopt;
  seconds += *hour * 3600 + *minute * 60;
  if (text.empty()) return seconds * 1000;
  if (!text.starts_with(':')) return std::nullopt;
  text.remove_prefix(1);
  const auto second = field(text, 2, 0);
  if (!second || *second > 59 || !text.empty()) return std::nullopt;
  return (seconds + *second) * 1000;
}

}  // namespace

base::Result<StartPoint> StartPoint::parse(std::string_view text, base::TimestampMs now_ms) {
  if (text == "start" || text == "beginning") return StartPoint{Kind::start, 0};
  if (text == "end") return StartPoint{Kind::end, 0};
  if (const auto offset = number(text)) return StartPoint{Kind::offset, *offset};
  if (text.starts_with('-')) {
    if (const auto count = number(text.substr(1))) return StartPoint{Kind::before_end, *count};
  }
  if (text.starts_with('@')) {
    if (const auto time = number(text.substr(1))) return StartPoint{Kind::time, *time};
  }
  if (!text.empty()) {
    const auto amount = number(text.substr(0, text.size() - 1));
    const auto unit = unit_ms(text.back());
    if (amount && unit && *amount <= now_ms / *unit) return StartPoint{Kind::time, now_ms - *amount * *unit};
  }
  if (const auto time = date_ms(text)) return StartPoint{Kind::time, *time};
  return base::Error(base::ErrorKind::invalid,
                     "'" + std::string(text) +
                         "' is no place to begin: start, end, an offset, -N (before the end), a time such as "
                         "2026-01-31T12:00 (UTC) or @MILLISECONDS, or 90s, 15m, 2h, 7d ago");
}

}  // namespace cms::client
