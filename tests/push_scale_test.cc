// SPDX-License-Identifier: Apache-2.0
// Many subscribers, many subscriptions.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <deque>

#include "tests/metrics.h"
#include "tests/push_test.h"

namespace cms::tests {
namespace {

constexpr std::int32_t patient_heartbeat_ms = 60'000;  // nobody is given up in a case

class PushScaleTest : public PushTest {
 protected:
  static PushClient::Options quiet() { return {.ring_bytes = 65'536, .heartbeat_ms = patient_heartbeat_ms}; }
  static std::string channels() {
    return "cms_push_channels{kind=\"" + std::string(transport::to_string(GetParam())) + "\"}";
  }
};

// Every record from the first on, in order, with the values of `values_of`.
bool has_all(PushClient& client, const std::string& topic, std::size_t count) {
  const PushClient::Stream* const stream = client.find(topic);
  if (stream == nullptr || stream->records.size() != count) return false;
  for (std::size_t i = 0; i < count; ++i) {
    if (stream->records[i].offset != static_cast<Offset>(i) || stream->records[i].value != std::to_string(i))
      return false;
  }
  return client.wrong.empty() && stream->gaps.empty();
}

std::size_t records_of(PushClient& client, const std::string& topic) {
  const PushClient::Stream* const stream = client.find(topic);
  return stream == nullptr ? 0 : stream->records.size();
}

// A process that subscribes, and ends with 0 when it has had `count` records, all of them.
class OtherProcess {
 public:
  template <typename Open>
  OtherProcess(Open open, const std::string& topic, std::size_t count) {
    int ready[2];
    if (::pipe2(ready, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    id_ = ::fork();
    if (id_ == 0) {
      PushClient client = open();
      client.subscribe(topic, protocol::StartAt::earliest);
      const char byte = 1;
      if (::write(ready[1], &byte, 1) != 1) ::_exit(2);
      const bool came = client.await([&] { return records_of(client, topic) >= count; }, 2 * patience);
      ::_exit(came && has_all(client, topic, count) ? 0 : 1);
    }
    ::close(ready[1]);
    char byte;
    const bool subscribed = ::read(ready[0], &byte, 1) == 1;
    ::close(ready[0]);
    if (!subscribed) throw std::runtime_error("a subscriber in another process has not come up");
  }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;
  ~OtherProcess() {
    if (id_ <= 0) return;
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
  }

  void signal(int number) const { ::kill(id_, number); }

  // Its exit code; -1 when a signal ended it.
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(id_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t id_ = 0;
};

TEST_P(PushScaleTest, SixtyFourSubscribersGetAllOfItWhileOneIsStoppedAndOneIsKilled) {
  constexpr std::size_t rounds = 20;
  constexpr std::size_t each = 100;
  ASSERT_TRUE(becomes(broker(), channels(), 0));
  create_topic(wire_, topic(), 1, {{"cms.durability", "volatile"}});
  const auto open_quiet = [] { return open(quiet()); };
  OtherProcess stopped(open_quiet, topic(), rounds * each);
  OtherProcess killed(open_quiet, topic(), rounds * each);
  std::deque<PushClient> clients;
  for (int i = 0; i < 62; ++i) {
    clients.emplace_back(broker(), of_this_kind(quiet()));
    ASSERT_EQ(clients.back().subscribe(topic(), protocol::StartAt::earliest).error_code, ErrorCode::none);
  }
  EXPECT_TRUE(becomes(broker(), channels(), 64));
  std::size_t count = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    if (round == 5) stopped.signal(SIGSTOP);
    if (round == 10) killed.signal(SIGKILL);
    std::vector<std::string> values;
    for (std::size_t i = 0; i < each; ++i) values.push_back(std::to_string(count++));
    append(wire_, topic(), batch_holding(values));
    for (PushClient& client : clients) {
      ASSERT_TRUE(client.await([&] { return records_of(client, topic()) >= count; })) << "round " << round;
    }
  }
  for (PushClient& client : clients) EXPECT_TRUE(has_all(client, topic(), count));
  EXPECT_EQ(killed.wait(), -1);
  stopped.signal(SIGCONT);
  EXPECT_EQ(stopped.wait(), 0) << "who was stopped has had everything once it went on";
  clients.clear();
  EXPECT_TRUE(becomes(broker(), channels(), 0));
}

TEST_P(PushScaleTest, ASlowSubscriberIsToldOfWhatRetentionTookAndTheOthersWaitForNobody) {
  create_topic(wire_, topic(), 1, {{"cms.durability", "volatile"}, {"retention.bytes", "200000"}});
  PushClient slow = open({.ring_bytes = 65'536, .heartbeat_ms = patient_heartbeat_ms, .receive_window = 65'536});
  PushClient quick = open(quiet());
  slow.subscribe(topic());
  quick.subscribe(topic());
  constexpr std::size_t count = 1'000;  // 10 MB, more than sockets hold
  const std::string padding(10'000, 'p');
  for (std::size_t i = 0; i < count; ++i) {
    append(wire_, topic(), batch_of(std::to_string(i) + padding));
    ASSERT_TRUE(quick.await([&] { return records_of(quick, topic()) == i + 1; }));
  }
  EXPECT_TRUE(quick.find(topic())->gaps.empty());
  ASSERT_TRUE(slow.await([&] { return slow.find(topic()) != nullptr && slow.find(topic())->next == count; }));
  const PushClient::Stream& stream = *slow.find(topic());
  std::size_t lost = 0;
  for (const PushClient::Gap& gap : stream.gaps) lost += static_cast<std::size_t>(gap.to - gap.from);
  EXPECT_GT(lost, 0u) << "10 MB were written and 0.2 kept";
  EXPECT_EQ(stream.records.size() + lost, count);
  EXPECT_EQ(slow.wrong, std::vector<std::string>{});
}

// 200 topics, named N.G.T for 20 groups of 10.
class Galaxy {
 public:
  static constexpr int groups = 20;
  static constexpr int topics_each = 10;

  explicit Galaxy(std::string name) : name_(std::move(name)) {}

  std::string group(int group) const { return name_ + "." + std::to_string(group); }
  std::string topic(int group_number, int number) const { return group(group_number) + "." + std::to_string(number); }
  std::string everywhere(int number) const { return name_ + ".*." + std::to_string(number); }

 private:
  const std::string name_;
};

TEST_P(PushScaleTest, AThousandSubscriptionsOverTwoHundredTopicsEachGetWhatTheyMatch) {
  const Galaxy galaxy(topic());
  for (int g = 0; g < Galaxy::groups; ++g) {
    for (int t = 0; t < Galaxy::topics_each; ++t) {
      create_topic(wire_, galaxy.topic(g, t), 1, {{"cms.durability", "volatile"}});
    }
  }
  ASSERT_TRUE(becomes(broker(), "cms_push_subscriptions", 0));
  // Four clients with 250 each: every topic once, 20 groups by prefix, 20 by pattern, 10 patterns across all groups.
  std::deque<PushClient> clients;
  for (int i = 0; i < 4; ++i) {
    PushClient& client = clients.emplace_back(broker(), of_this_kind({.heartbeat_ms = patient_heartbeat_ms}));
    protocol::SubscribeRequest request;
    const auto subscribe = [&](const std::string& topics, protocol::TopicMatch match, std::int32_t streams) {
      ++request.subscription;
      request.topics = topics;
      request.match = match;
      const auto answer = client.subscribe(request);
      ASSERT_EQ(answer.error_code, ErrorCode::none) << answer.error_message.value_or("");
      ASSERT_EQ(answer.streams, streams) << topics;
    };
    for (int g = 0; g < Galaxy::groups; ++g) {
      for (int t = 0; t < Galaxy::topics_each; ++t) subscribe(galaxy.topic(g, t), protocol::TopicMatch::exact, 1);
      subscribe(galaxy.group(g) + ".", protocol::TopicMatch::prefix, Galaxy::topics_each);
      subscribe(galaxy.group(g) + ".>", protocol::TopicMatch::pattern, Galaxy::topics_each);
    }
    for (int t = 0; t < Galaxy::topics_each; ++t) {
      subscribe(galaxy.everywhere(t), protocol::TopicMatch::pattern, Galaxy::groups);
    }
    ASSERT_EQ(request.subscription, 250);
  }
  EXPECT_EQ(metric(broker(), "cms_push_subscriptions"), 1000);
  for (int g = 0; g < Galaxy::groups; ++g) {
    for (int t = 0; t < Galaxy::topics_each; ++t) append(wire_, galaxy.topic(g, t), batch_of(galaxy.topic(g, t)));
  }
  // A topic that is made meanwhile: its group by prefix and by pattern, and 0 across all groups.
  const std::string late = galaxy.topic(Galaxy::groups, 0);
  create_topic(wire_, late, 1, {{"cms.durability", "volatile"}});
  append(wire_, late, batch_of(late));
  constexpr std::size_t streams_each = 200 + 200 + 200 + 200 + 1;
  for (PushClient& client : clients) {
    const auto with_a_record = [&] {
      return static_cast<std::size_t>(
          std::ranges::count_if(client.streams, [](const auto& entry) { return !entry.second.records.empty(); }));
    };
    ASSERT_TRUE(client.await([&] { return with_a_record() == streams_each; })) << with_a_record();
    EXPECT_EQ(client.streams.size(), streams_each);
    for (const auto& [number, stream] : client.streams) {
      ASSERT_EQ(stream.records.size(), 1u) << stream.topic;
      EXPECT_EQ(stream.records.front().value, stream.topic);
    }
    EXPECT_EQ(client.wrong, std::vector<std::string>{});
  }
  clients.clear();
  EXPECT_TRUE(becomes(broker(), "cms_push_subscriptions", 0));
  EXPECT_EQ(metric(broker(), "cms_push_streams"), 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, PushScaleTest, ::testing::Values(ChannelKind::tcp, ChannelKind::shared_memory),
                         kind_name);

}  // namespace
}  // namespace cms::tests
