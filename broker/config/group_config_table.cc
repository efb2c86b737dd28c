// SPDX-License-Identifier: Apache-2.0
#include "broker/config/group_config_table.h"

#include <algorithm>
#include <cctype>

namespace cms::broker {

namespace {

constexpr ValueRule int_from(double least) { return {.type = ConfigType::integer, .least = least}; }
constexpr ValueRule boolean{.type = ConfigType::boolean};
constexpr ValueRule text{.type = ConfigType::string};
constexpr std::string_view isolation_levels[] = {"read_committed", "read_uncommitted"};
constexpr GroupOption none{};

constexpr GroupConfigSpec table[] = {
    {"consumer.assignment.interval.ms",
     {"group.consumer.assignment.interval.ms", "1000"},
     int_from(0),
     {"group.consumer.min.assignment.interval.ms", "0"},
     {"group.consumer.max.assignment.interval.ms", "15000"},
     "The least time between two assignments of a consumer group."},
    {"consumer.heartbeat.interval.ms",
     {"group.consumer.heartbeat.interval.ms", "5000"},
     int_from(1),
     {"group.consumer.min.heartbeat.interval.ms", "5000"},
     {"group.consumer.max.heartbeat.interval.ms", "15000"},
     "How often members of a consumer group are told to send a heartbeat."},
    {"consumer.session.timeout.ms",
     {"group.consumer.session.timeout.ms", "45000"},
     int_from(1),
     {"group.consumer.min.session.timeout.ms", "45000"},
     {"group.consumer.max.session.timeout.ms", "60000"},
     "A member of a consumer group that is silent for so many milliseconds is removed."},
    {"share.assignment.interval.ms",
     {"group.share.assignment.interval.ms", "1000"},
     int_from(0),
     {"group.share.min.assignment.interval.ms", "0"},
     {"group.share.max.assignment.interval.ms", "15000"},
     "The least time between two assignments of a share group."},
    {offset_reset_config,
     {offset_reset_config, "latest"},
     text,
     none,
     none,
     "Where a share group begins in a partition: earliest, latest, or by_duration:<PnDTnHnMn.nS> ago."},
    {"share.delivery.count.limit",
     {"group.share.delivery.count.limit", "5"},
     int_from(2),
     {"group.share.min.delivery.count.limit", "2"},
     {"group.share.max.delivery.count.limit", "10"},
     "How often a record is delivered to a share group at most."},
    {"share.heartbeat.interval.ms",
     {"group.share.heartbeat.interval.ms", "5000"},
     int_from(1),
     {"group.share.min.heartbeat.interval.ms", "5000"},
     {"group.share.max.heartbeat.interval.ms", "15000"},
     "How often members of a share group are told to send a heartbeat."},
    {"share.isolation.level",
     {"share.isolation.level", "read_uncommitted"},
     {.type = ConfigType::string, .one_of = isolation_levels},
     none,
     none,
     "Whether a share group is given records of transactions that are not committed."},
    {"share.partition.max.record.locks",
     {"group.share.partition.max.record.locks", "2000"},
     int_from(100),
     {"group.share.min.partition.max.record.locks", "100"},
     {"group.share.max.partition.max.record.locks", "4000"},
     "Records of one partition that a share group may have under way."},
    {"share.record.lock.duration.ms",
     {"group.share.record.lock.duration.ms", "30000"},
     int_from(1000),
     {"group.share.min.record.lock.duration.ms", "15000"},
     {"group.share.max.record.lock.duration.ms", "60000"},
     "How long a record is kept for the member of a share group that has it."},
    {"share.renew.acknowledge.enable",
     {"share.renew.acknowledge.enable", "true"},
     boolean,
     none,
     none,
     "Whether members of a share group may ask for more time with a record."},
    {"share.session.timeout.ms",
     {"group.share.session.timeout.ms", "45000"},
     int_from(1),
     {"group.share.min.session.timeout.ms", "45000"},
     {"group.share.max.session.timeout.ms", "60000"},
     "A member of a share group that is silent for so many milliseconds is removed."},
    {"streams.assignment.interval.ms",
     {"group.streams.assignment.interval.ms", "1000"},
     int_from(0),
     {"group.streams.min.assignment.interval.ms", "0"},
     {"group.streams.max.assignment.interval.ms", "15000"},
     "The least time between two assignments of a streams group."},
    {"streams.heartbeat.interval.ms",
     {"group.streams.heartbeat.interval.ms", "5000"},
     int_from(1),
     {"group.streams.min.heartbeat.interval.ms", "5000"},
     {"group.streams.max.heartbeat.interval.ms", "15000"},
     "How often members of a streams group are told to send a heartbeat."},
    {"streams.initial.rebalance.delay.ms",
     {"group.streams.initial.rebalance.delay.ms", "3000"},
     int_from(0),
     none,
     none,
     "How long a new streams group waits for more members before its first assignment."},
    {"streams.num.standby.replicas",
     {"group.streams.num.standby.replicas", "0"},
     int_from(0),
     none,
     {"group.streams.max.standby.replicas", "2"},
     "Copies of each task of a streams group that stand by."},
    {"streams.session.timeout.ms",
     {"group.streams.session.timeout.ms", "45000"},
     int_from(1),
     {"group.streams.min.session.timeout.ms", "45000"},
     {"group.streams.max.session.timeout.ms", "60000"},
     "A member of a streams group that is silent for so many milliseconds is removed."},
};

constexpr bool is_sorted_by_name() { return std::ranges::is_sorted(table, {}, &GroupConfigSpec::name); }
static_assert(is_sorted_by_name());

// PnDTnHnMn.nS: at least one number, each unit at most once and in this order.
bool is_duration(std::string_view rest) {
  const auto upper = [](char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); };
  if (rest.empty() || upper(rest.front()) != 'P') return false;
  rest.remove_prefix(1);
  std::string_view units = "DTHMS";
  bool counted = false;
  bool after_t = false;
  while (!rest.empty()) {
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    std::size_t end = digits;
    if (end < rest.size() && rest[end] == '.') {
      end = std::min(rest.find_first_not_of("0123456789", end + 1), rest.size());
    }
    const char unit = end == rest.size() ? '\0' : upper(rest[end]);
    const std::size_t place = units.find(unit);
    const bool is_t = unit == 'T';
    if (place == std::string_view::npos || digits > 9 || end - digits > 10) return false;
    if (is_t ? end != 0 : digits == 0 || after_t != (unit != 'D') || (end != digits && unit != 'S')) return false;
    counted = !is_t;  // a T is followed by something
    after_t = after_t || is_t;
    units.remove_prefix(place + 1);
    rest.remove_prefix(end + 1);
  }
  return counted;
}

}  // namespace

std::span<const GroupConfigSpec> group_config_table() { return table; }

const GroupConfigSpec* find_group_config(std::string_view name) {
  const auto* const found = std::ranges::find(table, name, &GroupConfigSpec::name);
  return found == std::end(table) ? nullptr : found;
}

bool is_offset_reset(std::string_view value) {
  constexpr std::string_view by_duration = "by_duration:";
  if (value == "earliest" || value == "latest") return true;
  return value.starts_with(by_duration) && is_duration(value.substr(by_duration.size()));
}

}  // namespace cms::broker
