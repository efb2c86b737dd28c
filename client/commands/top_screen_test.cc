// SPDX-License-Identifier: Apache-2.0
// Native clients' channels on the screen of `cms top`.
#include "client/commands/top_screen.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace cms::client {
namespace {

DescribedChannel channel(std::int64_t number, const std::string& client_id, std::int64_t lag) {
  DescribedChannel made;
  made.number = number;
  made.client_id = client_id;
  made.address = "127.0.0.1:" + std::to_string(40'000 + number);
  made.kind = 1;
  made.ring_bytes = 4'000'000;
  made.room_bytes = 1'000'000;
  made.subscriptions = 2;
  made.streams = 3;
  made.lag = lag;
  return made;
}

Look look_at(int seconds, std::vector<DescribedChannel> channels, std::size_t total = 0) {
  Look look;
  look.at = std::chrono::seconds(seconds);
  look.time_ms = 1'800'000'000'000;
  look.channels.total = std::max(total, channels.size());
  look.channels.channels = std::move(channels);
  return look;
}

std::int64_t lines_of(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

TEST(TopChannelsTest, RatesComeFromTwoLooksAndTheOneThatLagsMostIsFirst) {
  DescribedChannel was = channel(1, "late", 10);
  was.records = 1'000;
  was.bytes = 10'000'000;
  was.puts = 7;
  DescribedChannel is = channel(1, "late", 500);
  is.records = 1'300;
  is.bytes = 15'000'000;
  is.puts = 9;
  const TopScreen screen = compare(look_at(10, {was}), look_at(12, {channel(2, "prompt", 0), is}));
  ASSERT_EQ(screen.channels.size(), 2u);
  EXPECT_EQ(screen.channels_total, 2u);
  EXPECT_EQ(screen.channels[0].now.client_id, "late");
  EXPECT_DOUBLE_EQ(screen.channels[0].records_per_second, 150);
  EXPECT_DOUBLE_EQ(screen.channels[0].bytes_per_second, 2'500'000);
  EXPECT_DOUBLE_EQ(screen.channels[0].puts_per_second, 1);
  EXPECT_EQ(screen.channels[1].now.client_id, "prompt");
  EXPECT_EQ(screen.to_text("broker:9092", 0),
            "broker:9092  08:00:00 UTC  0 topics, 0 records/s  0 groups, lag 0  2 channels\n\n"
            "TOPIC  PARTITIONS  RECORDS/S\n\n"
            "GROUP  STATE  PARTITIONS  LAG  COMMITTED/S\n\n"
            "CLIENT  ADDRESS          KIND  STREAMS  RECORDS/S  MB/S  PUTS/S  LAG  ROOM KB\n"
            "late    127.0.0.1:40001  shm         3        150   2.5     1.0  500     1000\n"
            "prompt  127.0.0.1:40002  shm         3          0     0       0    0     1000\n");
  const auto json = nlohmann::json::parse(screen.to_json(-1));
  EXPECT_EQ(json["channels_total"], 2);
  EXPECT_EQ(json["channels"][0],
            nlohmann::json::parse(R"({"client": "late", "address": "127.0.0.1:40001", "kind": "shm", "subscriptions": 2,
              "streams": 3, "records_per_second": 150.0, "bytes_per_second": 2500000.0, "puts_per_second": 1.0,
              "lag": 500, "room_bytes": 1000000, "ring_bytes": 4000000})"));
}

// A broker that was restarted counts its channels from one on.
TEST(TopChannelsTest, AnotherChannelOfTheSameNumberIsNotTakenForTheEarlierOne) {
  DescribedChannel was = channel(1, "a", 0);
  DescribedChannel is = channel(1, "b", 0);
  is.address = "127.0.0.1:50000";
  is.records = 1'000;
  EXPECT_DOUBLE_EQ(compare(look_at(0, {was}), look_at(1, {is})).channels[0].records_per_second, 0);
  was.records = 5'000;  // all the same but begun anew
  is.address = was.address;
  EXPECT_DOUBLE_EQ(compare(look_at(0, {was}), look_at(1, {is})).channels[0].records_per_second, 0);
}

TEST(TopChannelsTest, NamesOfClientsCannotSteerTheTerminal) {
  DescribedChannel odd = channel(1, "\x1b[2J\n" + std::string(100, 'x'), 0);
  odd.kind = 9;
  const TopScreen screen = compare(look_at(0, {odd}), look_at(1, {odd}));
  const std::string text = screen.to_text("b", 0);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(lines_of(text), 8);
  EXPECT_NE(text.find("?[2J?" + std::string(35, 'x') + "...  "), std::string::npos) << text;
  EXPECT_NE(text.find("kind 9"), std::string::npos) << text;
  EXPECT_EQ(nlohmann::json::parse(screen.to_json(-1))["channels"][0]["client"], odd.client_id);
}

TEST(TopChannelsTest, WithoutChannelsThereIsNoTableOfThem) {
  const std::string text = compare(look_at(0, {}), look_at(1, {})).to_text("b", 0);
  EXPECT_EQ(text.find("channel"), std::string::npos) << text;
  EXPECT_EQ(lines_of(text), 5);
}

TEST(TopChannelsTest, ScreenOfThreeTablesIsNeverLongerThanTheTerminal) {
  for (const int topics : {0, 2, 40}) {
    for (const int groups : {0, 2, 40}) {
      for (const int channels : {1, 2, 40}) {
        Look look = look_at(0, {}, static_cast<std::size_t>(channels) + 5);  // five are not told
        for (int i = 0; i < topics; ++i) look.ends[{"topic" + std::to_string(i), 0}] = 1;
        for (int i = 0; i < groups; ++i) look.groups.push_back({"group" + std::to_string(i), "classic", "Empty", ""});
        for (int i = 0; i < channels; ++i) look.channels.channels.push_back(channel(i, "c", 0));
        const TopScreen screen = compare(look, look);
        const std::string all = screen.to_text("b", 0);
        EXPECT_EQ(lines_of(all), 7 + topics + groups + channels + 1);
        EXPECT_NE(all.find("and 5 more\n"), std::string::npos);
        for (const int height : {7, 9, 10, 11, 24, 50}) {
          const std::string text = screen.to_text("b", static_cast<std::size_t>(height));
          EXPECT_LE(lines_of(text), height) << topics << ", " << groups << ", " << channels;
          EXPECT_EQ(text.find("CLIENT") != std::string::npos, height >= 10);
        }
        EXPECT_EQ(lines_of(screen.to_text("b", 24)), std::min(24, 8 + topics + groups + channels));
      }
    }
  }
}

}  // namespace
}  // namespace cms::client
