// SPDX-License-Identifier: Apache-2.0
#include "client/commands/reset_target.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>

namespace cms::client {

namespace {

using Kind = ResetTarget::Kind;

constexpr std::int64_t second_ms = 1000;

struct Unit {
  char letter;
  bool is_time;  // behind the T
  std::int64_t ms;
};

// In the order in which they are written.
constexpr Unit units[] = {
    {'D', false, 24 * 3600 * second_ms},
    {'H', true, 3600 * second_ms},
    {'M', true, 60 * second_ms},
    {'S', true, second_ms},
};

// Takes a number off the front, and for seconds a fraction, whose first three digits count.
std::optional<std::int64_t> take_number(std::string_view& text, std::int64_t& fraction_ms) {
  std::int64_t value = 0;
  const auto [after, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(after - text.data()));
  fraction_ms = -1;
  if (!text.starts_with('.')) return value;
  text.remove_prefix(1);
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || digits > 9) return std::nullopt;
  fraction_ms = std::stoll((std::string(text.substr(0, digits)) + "00").substr(0, 3));
  text.remove_prefix(digits);
  return value;
}

std::optional<std::int64_t> duration_ms(std::string_view text) {
  if (!text.starts_with('P') || text.size() < 3 || text.ends_with('T')) return std::nullopt;
  text.remove_prefix(1);
  std::int64_t total = 0;
  bool in_time = false;
  for (const Unit* next = units; !text.empty();) {
    if (!in_time && text.starts_with('T')) {
      in_time = true;
      text.remove_prefix(1);
    }
    std::int64_t fraction_ms = -1;
    const auto number = take_number(text, fraction_ms);
    if (!number || text.empty()) return std::nullopt;
    next = std::find_if(next, std::end(units),
                        [&](const Unit& unit) { return unit.letter == text.front() && unit.is_time == in_time; });
    if (next == std::end(units) || (fraction_ms >= 0 && next->ms != second_ms)) return std::nullopt;
    if (*number > (std::numeric_limits<std::int64_t>::max() - total) / next->ms - 1) return std::nullopt;
    total += *number * next->ms + std::max<std::int64_t>(fraction_ms, 0);
    text.remove_prefix(1);
    ++next;
  }
  return total;
}

std::int64_t within(const ResetFrom& from, std::int64_t offset) {
  return std::max(from.earliest, std::min(offset, from.latest));
}

// Without overflow, whatever a person writes.
std::int64_t shifted(std::int64_t offset, std::int64_t by) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(offset, by, &sum)) return sum;
  return by < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
}

}  // namespace

base::Result<std::int64_t> new_offset(const ResetTarget& target, const ResetFrom& from) {
  switch (target.kind) {
    case Kind::earliest:
      return from.earliest;
    case Kind::latest:
      return from.latest;
    case Kind::offset:
      return within(from, target.value);
    case Kind::time:
      return from.at_time.value_or(from.latest);
    case Kind::shift:
      if (!from.committed) return base::Error(base::ErrorKind::not_found, "nothing is committed that could be shifted");
      return within(from, shifted(*from.committed, target.value));
    case Kind::current:
      break;
  }
  return from.committed.value_or(from.latest);
}

base::Result<std::int64_t> parse_duration_ms(std::string_view text) {
  const auto duration = duration_ms(text);
  if (!duration)
    return base::Error(base::ErrorKind::invalid,
                       "'" + std::string(text) + "' is no duration: PnDTnHnMnS, as P7D, PT90M or P1DT2H30M");
  return *duration;
}

}  // namespace cms::client
