// SPDX-License-Identifier: Apache-2.0
// What is told of native clients' channels, by DescribeChannels and by `cms top`.
#include <poll.h>

#include <future>

#include <nlohmann/json.hpp>

#include "tests/native_test.h"
#include "tests/push_test.h"

namespace cms::tests {
namespace {

using nlohmann::json;
using protocol::DescribeChannelsRequest;
using protocol::DescribeChannelsResponse;

class NativeTopTest : public NativeTest {
 protected:
  static cms::Session open_as(const std::string& client_id) {
    return open({.heartbeat = milliseconds(500), .client_id = client_id});
  }

  std::optional<DescribeChannelsResponse::Channel> told_of(const std::string& client_id) {
    const auto answer = wire_.call(DescribeChannelsRequest{});
    EXPECT_EQ(answer.error_code, ErrorCode::none);
    EXPECT_GE(answer.total, static_cast<std::int32_t>(answer.channels.size()));
    for (const auto& channel : answer.channels) {
      if (channel.client_id == client_id) return channel;
    }
    return std::nullopt;
  }
};
INSTANTIATE_TEST_SUITE_P(Native, NativeTopTest, native_kinds, name_of_kind);

TEST_P(NativeTopTest, TopShowsALiveSubscriberAndHowFastItIs) {
  create_topic(wire_, topic(), 2);
  cms::Session session = open_as("watched " + topic());
  Received received;
  cms::Subscriber subscriber = session.subscriber(received.options());
  ASSERT_TRUE(subscriber.subscribe({.topics = topic()}));
  ASSERT_TRUE(poll_until(session, [&] { return received.opened.size() == 2; }));
  const auto is_told = [&] {
    const auto channel = told_of("watched " + topic());
    return channel && channel->streams == 2;
  };
  ASSERT_TRUE(poll_until(session, is_told));
  auto top = std::async(std::launch::async, [&] {
    return run_program(
        {program_path("cms"), "-b", broker().address(), "top", "--once", "--interval-ms", "500", "-o", "json"});
  });
  const auto is_done = [&] {
    append(wire_, topic(), batch_of("x"));
    return top.wait_for(milliseconds(0)) == std::future_status::ready;
  };
  ASSERT_TRUE(poll_until(session, is_done));
  const Finished finished = top.get();
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const json seen = json::parse(finished.out);
  const auto row =
      std::ranges::find_if(seen["channels"], [](const json& one) { return one["client"] == "watched " + topic(); });
  ASSERT_NE(row, seen["channels"].end()) << seen;
  EXPECT_EQ((*row)["kind"], to_string(GetParam()));
  EXPECT_EQ((*row)["subscriptions"], 1);
  EXPECT_EQ((*row)["streams"], 2);
  EXPECT_GT((*row)["records_per_second"], 0);
  EXPECT_GT((*row)["bytes_per_second"], (*row)["records_per_second"]);
  EXPECT_GT((*row)["ring_bytes"], 0);
  EXPECT_GT((*row)["room_bytes"], 0);
  EXPECT_LE((*row)["room_bytes"], (*row)["ring_bytes"]);
  EXPECT_GE(seen["channels_total"], 1);
}

TEST_P(NativeTopTest, ChannelIsNotToldOfOnceItHasEnded) {
  const std::string name(300, 'n');
  const std::string told = name.substr(0, 128);
  {
    cms::Session session = open_as(name);
    const auto has_room = [&] {  // over shared memory from when the channel was fetched
      const auto channel = told_of(told);
      return channel && channel->room_bytes > 0;
    };
    ASSERT_TRUE(poll_until(session, has_room));
    const auto channel = told_of(told);
    EXPECT_EQ(channel->streams, 0);
    EXPECT_EQ(channel->lag, 0);
  }
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (told_of(told) && std::chrono::steady_clock::now() < deadline) ::poll(nullptr, 0, 10);
  EXPECT_FALSE(told_of(told));
  EXPECT_EQ(wire_.call(DescribeChannelsRequest{.channels_max = -1}).error_code, ErrorCode::invalid_request);
}

class DescribeChannelsTest : public PushTest {};
INSTANTIATE_TEST_SUITE_P(Kinds, DescribeChannelsTest, ::testing::Values(ChannelKind::tcp, ChannelKind::shared_memory),
                         kind_name);

TEST_P(DescribeChannelsTest, WhoGivesNoCreditLagsAndComesFirst) {
  create_topic(wire_, topic());
  PushClient client = open({.heartbeat_ms = 1000});
  const PushClient idle = open();
  protocol::SubscribeRequest request;
  request.subscription = 7;
  request.topics = topic();
  request.bytes_in_flight_max = 1000;
  ASSERT_EQ(client.subscribe(request).streams, 1);
  std::vector<std::string> expected;
  for (int i = 0; i < 10; ++i) {
    expected.push_back(std::to_string(i) + std::string(400, 'c'));
    append(wire_, topic(), batch_of(expected.back()));
    client.beat();
  }
  const auto first = [&] {
    client.beat();
    const auto answer = wire_.call(DescribeChannelsRequest{.channels_max = 1});
    EXPECT_GE(answer.total, 2);
    return answer.channels.size() == 1 ? answer.channels[0] : DescribeChannelsResponse::Channel{};
  };
  const auto becomes = [&](auto is_so) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!is_so(first())) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      client.listen(milliseconds(20));
    }
    return true;
  };
  EXPECT_TRUE(becomes([](const auto& channel) { return channel.lag >= 7 && channel.records + channel.lag == 10; }));
  const auto late = first();
  EXPECT_EQ(late.kind, static_cast<std::int8_t>(GetParam()));
  EXPECT_EQ(late.subscriptions, 1);
  EXPECT_EQ(late.streams, 1);
  EXPECT_GT(late.bytes, 0);
  for (int i = 0; i < 100 && client.values(topic()) != expected; ++i) {
    client.give_credit(7, client.find(topic())->bytes);
    client.listen(milliseconds(20));
  }
  EXPECT_EQ(client.values(topic()), expected);
  EXPECT_TRUE(becomes([](const auto& channel) { return channel.lag == 0; }));
}

}  // namespace
}  // namespace cms::tests
