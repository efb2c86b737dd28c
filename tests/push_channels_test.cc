// SPDX-License-Identifier: Apache-2.0
// Channels as such: how they are opened, bounded, and what is left when a client goes.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "tests/metrics.h"
#include "tests/push_test.h"

namespace cms::tests {
namespace {

class PushChannelTest : public PushTest {
 protected:
  static std::string channels() {
    return "cms_push_channels{kind=\"" + std::string(transport::to_string(GetParam())) + "\"}";
  }
};

TEST_P(PushChannelTest, EverythingOfAClientIsGoneWithItsConnection) {
  ASSERT_TRUE(becomes(broker(), channels(), 0));
  create_topic(wire_, topic(), 3);
  {
    PushClient client = open();
    ASSERT_EQ(client.subscribe(topic()).streams, 3);
    ASSERT_EQ(client.publish_to(1, topic()).error_code, ErrorCode::none);
    EXPECT_TRUE(becomes(broker(), channels(), 1));
    EXPECT_EQ(metric(broker(), "cms_push_subscriptions"), 1);
    EXPECT_EQ(metric(broker(), "cms_push_streams"), 3);
    EXPECT_EQ(metric(broker(), "cms_push_publications"), 1);
  }
  EXPECT_TRUE(becomes(broker(), channels(), 0));
  EXPECT_EQ(metric(broker(), "cms_push_subscriptions"), 0);
  EXPECT_EQ(metric(broker(), "cms_push_streams"), 0);
  EXPECT_EQ(metric(broker(), "cms_push_publications"), 0);
}

TEST_P(PushChannelTest, AKilledClientLeavesNothingBehind) {
  create_topic(wire_, topic(), 1, {{"cms.durability", "volatile"}});
  int ready[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    PushClient client = open();
    client.subscribe(topic());
    const char byte = 1;
    if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
    while (true) ::pause();
  }
  char byte;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_TRUE(becomes(broker(), channels(), 1));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  EXPECT_TRUE(becomes(broker(), channels(), 0));
  EXPECT_EQ(metric(broker(), "cms_push_streams"), 0);
}

TEST_P(PushChannelTest, AStoppedSubscriberHoldsNobodyUpAndIsGivenUp) {
  create_topic(wire_, topic(), 1, {{"cms.durability", "volatile"}});
  int ready[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    PushClient client = open({.ring_bytes = 65'536, .heartbeat_ms = 200});
    client.subscribe(topic());
    const char byte = 1;
    if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
    while (true) {
      client.beat();
      client.listen(milliseconds(20));
    }
  }
  char byte;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ::kill(child, SIGSTOP);
  PushClient other = open();
  other.subscribe(topic());
  std::vector<std::string> expected;
  for (int i = 0; i < 100; ++i) {
    expected.push_back(std::to_string(i) + std::string(5000, 's'));
    append(wire_, topic(), batch_of(expected.back()));
  }
  EXPECT_TRUE(other.await_values(topic(), expected));
  EXPECT_TRUE(becomes(broker(), channels(), 1)) << "the stopped one is given up";
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_P(PushChannelTest, TheBrokerStopsWithChannelsOpen) {
  BrokerProcess own;
  PushClient client(own, {.kind = GetParam()});
  Wire wire(own.port());
  create_topic(wire, topic());
  client.subscribe(topic());
  client.publish_to(1, topic());
  client.put(1, batch_of("value"));
  EXPECT_TRUE(client.await_values(topic(), {"value"}));
  EXPECT_EQ(own.stop(), 0);
  EXPECT_TRUE(client.is_closed());
}

TEST_P(PushChannelTest, AfterARestartASubscriberGoesOnWhereItWasAndAPutIsNotTakenTwice) {
  BrokerProcess own;
  std::optional<PushClient> client(std::in_place, own, PushClient::Options{.kind = GetParam()});
  base::Uuid id;
  std::int64_t producer = 0;
  {
    Wire wire(own.port());
    id = create_topic(wire, topic());
    producer = new_producer_id(wire);
  }
  client->subscribe(topic());
  client->publish_to(1, topic());
  ASSERT_TRUE(client->await_result(client->put(1, numbered(producer, 0, 0))));
  ASSERT_TRUE(client->await_values(topic(), {"0"}));
  own.kill();
  EXPECT_TRUE(client->is_closed());
  own.start();
  client.emplace(own, PushClient::Options{.kind = GetParam()});
  protocol::SubscribeRequest request;
  request.topics = topic();
  request.resume = {{.topic_id = id, .partition = 0, .next_offset = 1}};
  client->subscribe(request);
  client->publish_to(1, topic());
  ASSERT_TRUE(client->await_result(client->put(1, numbered(producer, 0, 0))));
  EXPECT_EQ(client->results.back().base_offset, 0);
  ASSERT_TRUE(client->await_result(client->put(1, numbered(producer, 0, 1))));
  EXPECT_EQ(client->results.back().base_offset, 1);
  ASSERT_TRUE(client->await([&] { return client->find(topic()) != nullptr && client->find(topic())->next == 2; }));
  EXPECT_EQ(client->find(topic())->records.size(), 1u);
  EXPECT_EQ(client->wrong, std::vector<std::string>{});
}

TEST_P(PushChannelTest, ChannelsAndWhatTheyHoldAreBounded) {
  BrokerProcess own(
      {.settings = {"push.channels.max=2", "push.subscriptions.per.channel.max=1", "push.streams.per.channel.max=2",
                    "push.publications.per.channel.max=1", "push.ring.max.bytes=1048576"}});
  PushClient client(own, {.kind = GetParam()});
  Wire wire(own.port());
  create_topic(wire, "narrow", 2);
  create_topic(wire, "wide", 3);
  EXPECT_EQ(client.subscribe("wide").error_code, ErrorCode::policy_violation);
  EXPECT_EQ(client.subscribe("narrow").error_code, ErrorCode::none);
  protocol::SubscribeRequest second;
  second.subscription = 2;
  second.topics = "narrow";
  EXPECT_EQ(client.subscribe(second).error_code, ErrorCode::policy_violation);
  EXPECT_EQ(client.publish_to(1, "narrow").error_code, ErrorCode::none);
  EXPECT_EQ(client.publish_to(2, "narrow").error_code, ErrorCode::policy_violation);
  EXPECT_EQ(PushClient(own, {.kind = GetParam(), .ring_bytes = 2 << 20}).opened().error_code,
            ErrorCode::invalid_request);
  PushClient other(own, {.kind = GetParam()});
  EXPECT_EQ(other.opened().error_code, ErrorCode::none);
  EXPECT_EQ(PushClient(own, {.kind = GetParam()}).opened().error_code, ErrorCode::policy_violation);
}

TEST_P(PushChannelTest, APublisherThatIsNeverAnsweredIsNotReadBeyondItsBound) {
  BrokerProcess own({.settings = {"push.puts.in.flight.max=4"}});
  PushClient client(own, {.kind = GetParam()});
  Wire wire(own.port());
  create_topic(wire, topic());
  client.publish_to(1, topic());
  for (int i = 0; i < 300; ++i) client.put(1, batch_of(std::to_string(i)));
  ASSERT_TRUE(client.await([&] { return client.results.size() == 300; }));
  for (std::size_t i = 0; i < 300; ++i) EXPECT_EQ(client.results[i].base_offset, static_cast<Offset>(i));
}

INSTANTIATE_TEST_SUITE_P(Kinds, PushChannelTest, ::testing::Values(ChannelKind::tcp, ChannelKind::shared_memory),
                         kind_name);

// --- The token of a channel over shared memory.

using RingsTest = BrokerTest;

protocol::OpenChannelResponse ask_for_rings(Wire& wire) {
  return wire.call(protocol::OpenChannelRequest{.kind = static_cast<std::int8_t>(ChannelKind::shared_memory),
                                                .layout_version = protocol::push::layout_version});
}

// Whether the socket closes without having given anything.
bool is_turned_away(const std::string& endpoint, ByteSpan token) {
  Wire meeting(endpoint);
  meeting.send_bytes(token);
  return meeting.is_closed();
}

TEST_F(RingsTest, AWrongAShortAndAUsedTokenGetNothing) {
  Wire wire = connect();
  const auto opened = ask_for_rings(wire);
  ASSERT_EQ(opened.error_code, ErrorCode::none);
  EXPECT_EQ(opened.endpoint, broker().data() + "/channels.sock");
  base::Uuid wrong = opened.token;
  wrong.bytes[7] ^= std::byte{1};
  EXPECT_TRUE(is_turned_away(opened.endpoint, wrong.bytes));
  EXPECT_TRUE(is_turned_away(opened.endpoint, ByteSpan(opened.token.bytes).first(8)));  // after a second
  Wire meeting(opened.endpoint);
  meeting.send_bytes(ByteSpan(opened.token.bytes));
  EXPECT_EQ(meeting.receive_some(1).size(), 1u);
  EXPECT_TRUE(is_turned_away(opened.endpoint, opened.token.bytes));
}

TEST_F(RingsTest, ATokenIsWorthNothingOnceItsConnectionIsClosed) {
  std::optional<Wire> wire(connect());
  const auto opened = ask_for_rings(*wire);
  wire.reset();
  ASSERT_TRUE(becomes(broker(), "cms_push_channels{kind=\"shm\"}", 0));
  EXPECT_TRUE(is_turned_away(opened.endpoint, opened.token.bytes));
}

TEST_F(RingsTest, AClientThatDoesNotFetchItsRingsInTimeIsGivenUp) {
  BrokerProcess own({.settings = {"push.token.ms=100"}});
  Wire wire(own.port());
  const auto opened = ask_for_rings(wire);
  EXPECT_EQ(opened.token_valid_ms, 100);
  EXPECT_TRUE(wire.is_closed());
  EXPECT_TRUE(is_turned_away(opened.endpoint, opened.token.bytes));
}

// Seconds of processor time the broker has used.
double cpu_seconds(BrokerProcess& broker) {
  clockid_t clock;
  timespec used{};
  if (::clock_getcpuclockid(broker.pid(), &clock) != 0 || ::clock_gettime(clock, &used) != 0) return -1;
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

// Its ring is full of answers, the bound of unanswered puts is reached, and more of them wait in the other ring.
TEST_F(RingsTest, AClientThatTakesNoAnswersCostsTheBrokerNothing) {
  constexpr std::uint64_t puts = 2000;  // a ring of 64 KiB holds about 1600 answers, the other one 500 puts
  BrokerProcess own({.settings = {"push.puts.in.flight.max=1"}});
  Wire wire(own.port());
  create_topic(wire, "stuck", 1, {{"cms.durability", "volatile"}});
  PushClient client(own, {.kind = ChannelKind::shared_memory, .ring_bytes = 64 << 10});
  ASSERT_EQ(client.publish_to(1, "stuck").error_code, ErrorCode::none);
  for (std::uint64_t i = 0; i < puts; ++i) {
    client.put(1, batch_of("value"));
    ::usleep(100);
  }
  ::usleep(100'000);
  ASSERT_TRUE(client.results.empty()) << "the rings hold more or less than this test thinks";
  const double before = cpu_seconds(own);
  ::usleep(500'000);
  EXPECT_LT(cpu_seconds(own) - before, 0.1);
  EXPECT_TRUE(client.await([&] { return client.results.size() == puts; }));
}

}  // namespace
}  // namespace cms::tests
