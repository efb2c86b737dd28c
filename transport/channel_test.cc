// SPDX-License-Identifier: Apache-2.0
// What every kind of channel does, in one suite.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "base/random.h"
#include "transport/rdma/test_rdma_channels.h"
#include "transport/test_channels.h"

namespace cms::transport::test {
namespace {

struct ChannelTest : testing::TestWithParam<Kind> {
  static constexpr std::size_t ring_bytes = 16 << 10;
  Ends ends = GetParam().connect(ring_bytes);
  Channel& broker = *ends.broker.channel;
  Channel& client = *ends.client.channel;
  Collected collected;

  // Something that comes by itself, unless it is broken.
  static bool within_reason(auto&& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
    }
    return true;
  }

  // Polls until so many have come.
  void receive(Channel& from, std::size_t messages) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (collected.messages.size() < messages && std::chrono::steady_clock::now() < deadline) {
      const auto polled = from.poll(collected, 7);
      ASSERT_TRUE(polled.ok()) << polled.error().message();
      (&from == &client ? ends.broker : ends.client).keep_sending();
    }
    ASSERT_EQ(collected.messages.size(), messages);
  }
  base::Error error_of(Channel& from) {
    base::Error error(base::ErrorKind::exists, "there is no error");
    within_reason([&] {
      const auto polled = from.poll(collected, 7);
      if (!polled) error = polled.error();
      return !polled;
    });
    return error;
  }
};

TEST_P(ChannelTest, MessagesArriveWholeAndInOrderBothWays) {
  for (const auto& [from, to] : {std::pair(&broker, &client), std::pair(&client, &broker)}) {
    collected.messages.clear();
    for (int i = 0; i < 50; ++i) ASSERT_EQ(offer(*from, numbered(i, 20 + i)), Offered::taken);
    from->flush();
    receive(*to, 50);
    for (int i = 0; i < 50; ++i) EXPECT_EQ(collected.messages[i], numbered(i, 20 + i));
  }
}

TEST_P(ChannelTest, EverySizeArrives) {
  for (std::size_t bytes = 0; bytes <= broker.message_bytes_max(); bytes += bytes < 200 ? 1 : 97) {
    const std::string message = numbered(bytes, bytes);
    collected.messages.clear();
    ASSERT_EQ(offer(broker, message), Offered::taken);
    broker.flush();
    receive(client, 1);
    ASSERT_EQ(collected.messages[0], message);
  }
}

TEST_P(ChannelTest, PollHandsOutNoMoreThanItWasAskedFor) {
  for (int i = 0; i < 5; ++i) offer(broker, "message");
  broker.flush();
  receive(client, 0);
  ASSERT_TRUE(within_reason([&] {
    const auto polled = client.poll(collected, 2);
    EXPECT_TRUE(polled.ok() && *polled <= 2);
    return !collected.messages.empty();
  }));
  EXPECT_EQ(collected.messages.size(), 2u);
  EXPECT_FALSE(client.prepare_to_sleep());
  client.awake();
  receive(client, 5);
}

TEST_P(ChannelTest, AFullRingTakesNothingUntilItsReaderHasRead) {
  std::size_t taken = 0;
  for (; offer(broker, numbered(taken, 1000)) == Offered::taken; ++taken) broker.flush();
  EXPECT_GE(taken, ring_bytes / 1008 - 1);
  receive(client, taken);
  ASSERT_EQ(offer(broker, "again"), Offered::taken);
  broker.flush();
  receive(client, taken + 1);
  EXPECT_EQ(collected.messages.back(), "again");
  for (std::size_t i = 0; i < taken; ++i) ASSERT_EQ(collected.messages[i], numbered(i, 1000));
}

TEST_P(ChannelTest, AClosedPeerIsSeenBehindItsLastMessage) {
  offer(*ends.broker.channel, "last");
  ends.broker.channel->flush();
  ends.broker.channel.reset();
  ends.broker.link.reset();
  receive(client, 1);
  EXPECT_EQ(collected.messages[0], "last");
  EXPECT_EQ(error_of(client).kind(), base::ErrorKind::closed);
  EXPECT_EQ(error_of(client).kind(), base::ErrorKind::closed) << "and stays so";
}

TEST_P(ChannelTest, AClosingPeerWakesASleeper) {
  ASSERT_TRUE(client.prepare_to_sleep());
  ends.broker.channel.reset();
  ends.broker.link.reset();
  pollfd ready{client.wake_descriptor(), POLLIN, 0};
  EXPECT_EQ(::poll(&ready, 1, 5000), 1);
  client.awake();
  EXPECT_EQ(error_of(client).kind(), base::ErrorKind::closed);
}

TEST_P(ChannelTest, ClaimsAreConstructedInPlace) {
  RingWriter& out = ends.client.channel->out();
  RingClaim first, second;
  ASSERT_EQ(out.claim(100, first), Offered::taken);
  ASSERT_EQ(out.claim(100, second), Offered::taken);
  ASSERT_EQ(offer(client, "third"), Offered::taken);
  std::memcpy(second.space.data(), "second", 6);
  out.commit(second, 6);
  client.flush();
  receive(broker, 0);
  std::memcpy(first.space.data(), "first", 5);
  out.commit(first, 5);
  client.flush();
  receive(broker, 3);
  EXPECT_EQ(collected.messages, (std::vector<std::string>{"first", "second", "third"}));
}

TEST_P(ChannelTest, AClaimsSpaceOutlivesTheChannel) {
  RingClaim claim;
  const std::shared_ptr<const void> memory = ends.client.channel->memory();
  ASSERT_EQ(ends.client.channel->out().claim(1000, claim), Offered::taken);
  ends.client.channel.reset();
  std::memset(claim.space.data(), 'x', claim.space.size());
  EXPECT_EQ(claim.space.back(), std::byte{'x'});
}

// Both threads fall asleep at random, the reader also for want of messages and the writer for want of room. Whoever
// sleeps must be rung: a sleep of a second is a lost wake.
struct Numbers final : MessageReceiver {
  std::uint64_t next = 0;
  bool wrong = false;
  void received(base::ByteSpan message) override {
    std::uint64_t number = 0;
    if (message.size() >= sizeof number) std::memcpy(&number, message.data(), sizeof number);
    wrong = wrong || number != next || message.size() != 8 + number % 300;
    ++next;
  }
};

void read_all(End& end, std::uint64_t messages, std::uint64_t seed, Numbers& numbers) {
  base::Random random(seed);
  while (numbers.next < messages) {
    const auto polled = end.channel->poll(numbers, 1 + random.below(64));
    if (!polled) break;
    if (*polled == 0 && random.one_in(4)) end.sleep();
    if (random.one_in(5000)) std::this_thread::yield();
  }
}

void write_all(End& end, std::uint64_t messages, std::uint64_t seed) {
  base::Random random(seed);
  std::string message(308, 'm');
  Collected nothing;
  for (std::uint64_t number = 0; number < messages;) {
    std::memcpy(message.data(), &number, sizeof number);
    const Offered offered = offer(*end.channel, std::string_view(message).substr(0, 8 + number % 300));
    if (offered == Offered::closed) break;
    if (offered == Offered::taken) ++number;
    if (offered == Offered::full || random.one_in(20)) end.channel->flush();
    if (offered == Offered::full) {
      end.sleep();
      if (!end.channel->poll(nothing, 1).ok()) break;
    }
    if (random.one_in(200)) std::this_thread::yield();
  }
  while (end.channel->prepare_to_sleep() && dynamic_cast<StreamChannel*>(end.channel.get()) != nullptr &&
         dynamic_cast<StreamChannel&>(*end.channel).has_pending()) {
    std::this_thread::yield();
  }
  end.channel->awake();
}

TEST_P(ChannelTest, NoWakeIsLostWhenBothSleepAtRandom) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  const std::uint64_t messages = 200'000 / GetParam().slower;
#else
  const std::uint64_t messages = 2'000'000 / GetParam().slower;
#endif
  const std::uint64_t seed = base::Random::system_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Numbers numbers;
  std::thread reader([&] { read_all(ends.client, messages, seed, numbers); });
  write_all(ends.broker, messages, seed + 1);
  reader.join();
  EXPECT_EQ(numbers.next, messages);
  EXPECT_FALSE(numbers.wrong);
  EXPECT_GT(ends.client.sleeps + ends.broker.sleeps, 10u);
  EXPECT_LE(ends.client.timeouts + ends.broker.timeouts, 0u);
}

TEST_P(ChannelTest, PingPongAsleepNeedsNoTimeout) {
  const int rounds = static_cast<int>(20'000 / GetParam().slower);
  std::thread echo([&] {
    Collected got;
    for (int i = 0; i < rounds; ++i) {
      while (got.messages.empty()) {
        if (!ends.client.channel->poll(got, 1).ok()) return;
        if (got.messages.empty()) ends.client.sleep();
      }
      offer(*ends.client.channel, got.messages[0]);
      ends.client.channel->flush();
      got.messages.clear();
    }
  });
  for (int i = 0; i < rounds; ++i) {
    offer(broker, numbered(i, 100));
    broker.flush();
    collected.messages.clear();
    while (collected.messages.empty()) {
      ASSERT_TRUE(broker.poll(collected, 1).ok());
      if (collected.messages.empty()) ends.broker.sleep();
    }
    ASSERT_EQ(collected.messages[0], numbered(i, 100));
  }
  echo.join();
  EXPECT_EQ(ends.broker.timeouts + ends.client.timeouts, 0u);
}

std::vector<Kind> kinds() {
  std::vector<Kind> all{{"shm", shared_memory_ends}, {"stream", stream_ends}};
  if (has_rdma_devices()) all.push_back({"rdma", rdma_ends, 100});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Kinds, ChannelTest, testing::ValuesIn(kinds()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace cms::transport::test
