// SPDX-License-Identifier: Apache-2.0
#include "client/commands/top_screen.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <numeric>
#include <tuple>

#include <nlohmann/json.hpp>

#include "client/commands/table.h"
#include "transport/channel.h"

namespace cms::client {

namespace {

constexpr std::size_t lines_of_heading = 1;
constexpr std::size_t lines_around_table = 2;  // an empty line and its own heading

// Clients call themselves as they like.
constexpr std::size_t client_id_shown_max = 40;

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

// Ports are used again, and so are numbers by a broker that was restarted; seldom both.
std::tuple<std::int64_t, std::string_view> identity_of(const DescribedChannel& channel) {
  return {channel.number, channel.address};
}

std::vector<TopScreen::Channel> channels_of(const Look& before, const Look& now) {
  const double seconds = seconds_between(before, now);
  std::map<std::tuple<std::int64_t, std::string_view>, const DescribedChannel*> earlier;
  for (const DescribedChannel& channel : before.channels.channels) earlier[identity_of(channel)] = &channel;
  std::vector<TopScreen::Channel> channels;
  for (const DescribedChannel& channel : now.channels.channels) {
    TopScreen::Channel& row = channels.emplace_back(TopScreen::Channel{channel, 0, 0, 0});
    const auto found = earlier.find(identity_of(channel));
    if (found == earlier.end()) continue;
    const auto rate = [&](std::int64_t DescribedChannel::*count) {
      return static_cast<double>(std::max<std::int64_t>(channel.*count - found->second->*count, 0)) / seconds;
    };
    row.records_per_second = rate(&DescribedChannel::records);
    row.bytes_per_second = rate(&DescribedChannel::bytes);
    row.puts_per_second = rate(&DescribedChannel::puts);
  }
  std::stable_sort(channels.begin(), channels.end(), [](const auto& left, const auto& right) {
    return std::tie(right.now.lag, left.now.client_id) < std::tie(left.now.lag, right.now.client_id);
  });
  return channels;
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

std::string shown_kind(std::int8_t kind) {
  if (kind < 0 || kind > static_cast<std::int8_t>(transport::ChannelKind::rdma)) return "kind " + std::to_string(kind);
  return std::string(transport::to_string(static_cast<transport::ChannelKind>(kind)));
}

std::string shown_client(std::string id) {
  if (id.size() > client_id_shown_max) {
    std::size_t length = client_id_shown_max;
    while (length > 0 && (static_cast<unsigned char>(id[length]) & 0xc0) == 0x80) --length;
    id.resize(length);
    id += "...";
  }
  // What a terminal would obey.
  std::replace_if(
      id.begin(), id.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  return id.empty() ? "-" : id;
}

// How many lines each gets of `room`: what one does not need is shared by the others.
template <std::size_t tables>
std::array<std::size_t, tables> shared_out(const std::array<std::size_t, tables>& wanted, std::size_t room) {
  std::array<std::size_t, tables> order{};
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return wanted[a] < wanted[b]; });
  std::array<std::size_t, tables> given{};
  std::size_t left = tables;
  for (const std::size_t table : order) {
    given[table] = std::min(wanted[table], room / left--);
    room -= given[table];
  }
  return given;
}

// How many rows of `wanted` there is room for. A line that says how many are left out takes the room of one.
std::size_t fitting(std::size_t wanted, std::size_t room) {
  return wanted <= room ? wanted : std::max<std::size_t>(room, 1) - 1;
}

std::string table_of(std::span<const TopScreen::Channel> channels) {
  constexpr std::int64_t kilobyte = 1'000;
  constexpr double megabyte = 1e6;
  Table table({"CLIENT", "ADDRESS", "KIND", ">STREAMS", ">RECORDS/S", ">MB/S", ">PUTS/S", ">LAG", ">ROOM KB"});
  for (const TopScreen::Channel& channel : channels) {
    table.add({shown_client(channel.now.client_id), channel.now.address, shown_kind(channel.now.kind),
               std::to_string(channel.now.streams), shown(channel.records_per_second),
               shown(channel.bytes_per_second / megabyte), shown(channel.puts_per_second),
               std::to_string(channel.now.lag), std::to_string(channel.now.room_bytes / kilobyte)});
  }
  return table.to_text();
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
  screen.channels = channels_of(before, now);
  screen.channels_total = std::max(now.channels.total, screen.channels.size());
  return screen;
}

std::string TopScreen::to_text(const std::string& broker, std::size_t lines_max) const {
  const auto lines_for = [](std::size_t tables) { return lines_of_heading + tables * lines_around_table; };
  const bool with_channels = channels_total > 0 && (lines_max == 0 || lines_max >= lines_for(3) + 3);
  const std::size_t tables = with_channels ? 3 : 2;
  const std::size_t lines_of_channels = channels.size() + (channels_total > channels.size() ? 1 : 0);
  const std::array wanted{topics.size(), groups.size(), with_channels ? lines_of_channels : 0};
  const std::size_t room = lines_max == 0 ? topics.size() + groups.size() + lines_of_channels
                                          : std::max(lines_max, lines_for(tables) + tables) - lines_for(tables);
  const auto rooms = shared_out(wanted, room);
  const std::size_t topics_shown = fitting(topics.size(), rooms[0]);
  const std::size_t groups_shown = fitting(groups.size(), rooms[1]);
  const std::size_t channels_shown = std::min(fitting(wanted[2], rooms[2]), channels.size());
  std::string text = broker + "  " + shown(time_ms) + "  " + counted(topics.size(), "topic") + ", " +
                     shown(records_per_second) + " records/s  " + counted(groups.size(), "group") + ", lag " +
                     std::to_string(lag) +
                     (channels_total > 0 ? "  " + counted(channels_total, "channel") : std::string()) + "\n\n";
  Table busy({"TOPIC", ">PARTITIONS", ">RECORDS/S"});
  for (const Topic& topic : std::span(topics).first(topics_shown))
    busy.add({topic.name, std::to_string(topic.partitions), shown(topic.records_per_second)});
  text += busy.to_text() + left_out(topics.size() - topics_shown) + "\n";
  Table late({"GROUP", "STATE", ">PARTITIONS", ">LAG", ">COMMITTED/S"});
  for (const Group& group : std::span(groups).first(groups_shown))
    late.add({group.name, group.state, std::to_string(group.partitions), std::to_string(group.lag),
              shown(group.records_per_second)});
  text += late.to_text() + left_out(groups.size() - groups_shown);
  if (!with_channels) return text;
  return text + "\n" + table_of(std::span(channels).first(channels_shown)) + left_out(channels_total - channels_shown);
}

std::string TopScreen::to_json(int indent) const {
  nlohmann::ordered_json shown{{"time_ms", time_ms},
                               {"records_per_second", records_per_second},
                               {"lag", lag},
                               {"topics", nlohmann::ordered_json::array()},
                               {"groups", nlohmann::ordered_json::array()},
                               {"channels_total", channels_total},
                               {"channels", nlohmann::ordered_json::array()}};
  for (const Topic& topic : topics)
    shown["topics"].push_back(
        {{"topic", topic.name}, {"partitions", topic.partitions}, {"records_per_second", topic.records_per_second}});
  for (const Group& group : groups)
    shown["groups"].push_back({{"group", group.name},
                               {"state", group.state},
                               {"partitions", group.partitions},
                               {"lag", group.lag},
                               {"committed_per_second", group.records_per_second}});
  for (const Channel& channel : channels)
    shown["channels"].push_back({{"client", channel.now.client_id},
                                 {"address", channel.now.address},
                                 {"kind", shown_kind(channel.now.kind)},
                                 {"subscriptions", channel.now.subscriptions},
                                 {"streams", channel.now.streams},
                                 {"records_per_second", channel.records_per_second},
                                 {"bytes_per_second", channel.bytes_per_second},
                                 {"puts_per_second", channel.puts_per_second},
                                 {"lag", channel.now.lag},
                                 {"room_bytes", channel.now.room_bytes},
                                 {"ring_bytes", channel.now.ring_bytes}});
  return shown.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace cms::client
