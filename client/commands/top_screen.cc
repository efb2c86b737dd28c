// SPDX-License-Identifier: Apache-2.0
#include "client/commands/top_screen.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <tuple>

#include <nlohmann/json.hpp>

#include "client/commands/table.h"

namespace cms::client {

namespace {

constexpr std::size_t lines_around = 5;  // the heading, two empty lines, the headings of two tables

double seconds_between(const Look& before, const Look& now) {
  return std::max(std::chrono::duration<double>(now.at - before.at).count(), 1e-3);
}

std::vector<TopScreen::Topic> topics_of(const Look& before, const Look& now) {
  const double seconds = seconds_between(before, now);
  std::vector<TopScreen::Topic> topics;
  for (const auto& [at, end] : now.ends) {
    if (topics.empty() || topics.back().name != at.topic) topics.push_back({at.topic, 0, 0});
    ++topics.back().partitions;
    if (const auto was = before.ends.find(at); was != before.ends.end() && end > was->second)
      topics.back().records_per_second += static_cast<double>(end - was->second) / seconds;
  }
  std::sort(topics.begin(), topics.end(), [](const auto& left, const auto& right) {
    return std::tie(right.records_per_second, left.name) < std::tie(left.records_per_second, right.name);
  });
  return topics;
}

TopScreen::Group group_of(const ListedGroup& group, const Look& before, const Look& now) {
  TopScreen::Group row{group.id, group.state, 0, 0, 0};
  const auto offsets = now.committed.find(group.id);
  if (offsets == now.committed.end()) return row;
  const auto earlier = before.committed.find(group.id);
  for (const auto& [at, committed] : offsets->second) {
    ++row.partitions;
    if (const auto end = now.ends.find(at); end != now.ends.end())
      row.lag += std::max<std::int64_t>(end->second - committed.offset, 0);
    if (earlier == before.committed.end()) continue;
    if (const auto was = earlier->second.find(at); was != earlier->second.end())
      row.records_per_second += static_cast<double>(std::max<std::int64_t>(committed.offset - was->second.offset, 0));
  }
  row.records_per_second /= seconds_between(before, now);
  return row;
}

std::string shown(double rate) {
  char text[32];
  std::snprintf(text, sizeof text, rate < 10 && rate > 0 ? "%.1f" : "%.0f", rate);
  return text;
}

std::string shown(base::TimestampMs time_ms) {
  const std::time_t seconds = static_cast<std::time_t>(time_ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%H:%M:%S UTC", &parts);
  return text;
}

std::string counted(std::size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// How many rows of `wanted` there is room for. A line that says how many are left out takes the room of one.
std::size_t fitting(std::size_t wanted, std::size_t room) {
  return wanted <= room ? wanted : std::max<std::size_t>(room, 1) - 1;
}

std::string left_out(std::size_t count) { return count == 0 ? "" : "and " + std::to_string(count) + " more\n"; }

}  // namespace

TopScreen compare(const Look& before, const Look& now) {
  TopScreen screen;
  screen.time_ms = now.time_ms;
  screen.topics = topics_of(before, now);
  for (const TopScreen::Topic& topic : screen.topics) screen.records_per_second += topic.records_per_second;
  for (const ListedGroup& group : now.groups) screen.groups.push_back(group_of(group, before, now));
  for (const TopScreen::Group& group : screen.groups) screen.lag += group.lag;
  std::sort(screen.groups.begin(), screen.groups.end(), [](const auto& left, const auto& right) {
    return std::tie(right.lag, left.name) < std::tie(left.lag, right.name);
  });
  return screen;
}

std::string TopScreen::to_text(const std::string& broker, std::size_t lines_max) const {
  const std::size_t room =
      lines_max == 0 ? topics.size() + groups.size() : std::max(lines_max, lines_around + 2) - lines_around;
  // Half for each, and what one does not need for the other.
  const std::size_t groups_room = std::max(room / 2, room - std::min(room, topics.size()));
  const std::size_t groups_shown = fitting(groups.size(), groups_room);
  const std::size_t topics_shown = fitting(topics.size(), room - std::min(groups.size(), groups_room));
  std::string text = broker + "  " + shown(time_ms) + "  " + counted(topics.size(), "topic") + ", " +
                     shown(records_per_second) + " records/s  " + counted(groups.size(), "group") + ", lag " +
                     std::to_string(lag) + "\n\n";
  Table busy({"TOPIC", ">PARTITIONS", ">RECORDS/S"});
  for (const Topic& topic : std::span(topics).first(topics_shown))
    busy.add({topic.name, std::to_string(topic.partitions), shown(topic.records_per_second)});
  text += busy.to_text() + left_out(topics.size() - topics_shown) + "\n";
  Table late({"GROUP", "STATE", ">PARTITIONS", ">LAG", ">COMMITTED/S"});
  for (const Group& group : std::span(groups).first(groups_shown))
    late.add({group.name, group.state, std::to_string(group.partitions), std::to_string(group.lag),
              shown(group.records_per_second)});
  return text + late.to_text() + left_out(groups.size() - groups_shown);
}

std::string TopScreen::to_json(int indent) const {
  nlohmann::ordered_json shown{{"time_ms", time_ms},
                               {"records_per_second", records_per_second},
                               {"lag", lag},
                               {"topics", nlohmann::ordered_json::array()},
                               {"groups", nlohmann::ordered_json::array()}};
  for (const Topic& topic : topics)
    shown["topics"].push_back(
        {{"topic", topic.name}, {"partitions", topic.partitions}, {"records_per_second", topic.records_per_second}});
  for (const Group& group : groups)
    shown["groups"].push_back({{"group", group.name},
                               {"state", group.state},
                               {"partitions", group.partitions},
                               {"lag", group.lag},
                               {"committed_per_second", group.records_per_second}});
  return shown.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace cms::client
