// SPDX-License-Identifier: Apache-2.0
// What only the shared-memory channel does: two processes, and a peer who is not what it should be.
#include "transport/shared_memory_channel.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <csignal>

#include <gtest/gtest.h>

#include "base/random.h"
#include "transport/pass_descriptors.h"
#include "transport/test_channels.h"

namespace cms::transport::test {
namespace {

constexpr std::size_t ring_bytes = 64 << 10;

// A client in a process of its own, which gets the channel as a real one does. It must not return.
struct ClientProcess {
  std::unique_ptr<SharedMemoryChannel> broker;
  pid_t process = -1;

  explicit ClientProcess(const std::function<void(End&)>& client) {
    auto made = SharedMemoryChannel::create(ring_bytes);
    CHECK(made.ok());
    broker = std::move(*made);
    int sockets[2];
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    process = ::fork();
    CHECK(process >= 0);
    if (process == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      broker->let_go_of_client_end();
      ::close(broker->wake_descriptor());  // the broker's end is not ours
      ::close(sockets[0]);
      run(sockets[1], client);
    }
    ::close(sockets[1]);
    CHECK(send_descriptors(sockets[0], base::as_bytes("channel"), broker->descriptors()).ok());
    ::close(sockets[0]);
    broker->let_go_of_client_end();
  }
  ~ClientProcess() {
    if (process > 0) kill();
  }
  void kill() {
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
    process = -1;
  }

  [[noreturn]] static void run(int socket, const std::function<void(End&)>& client) {
    std::array<std::byte, 16> payload;
    auto passed = receive_descriptors(socket, payload, SharedMemoryChannel::descriptors_passed);
    CHECK(passed.ok());
    auto channel =
        SharedMemoryChannel::attach({std::move(passed->descriptors[0]), std::move(passed->descriptors[1])}, ring_bytes);
    CHECK(channel.ok());
    End end;
    end.channel = std::move(*channel);
    client(end);
    ::_exit(0);
  }
};

void echo_for_ever(End& end) {
  Collected got;
  for (;;) {
    if (!end.channel->poll(got, 64).ok()) ::_exit(1);
    for (const std::string& message : got.messages) CHECK(offer(*end.channel, message) == Offered::taken);
    end.channel->flush();
    if (got.messages.empty()) end.sleep();
    got.messages.clear();
  }
}

TEST(SharedMemoryChannelTest, TwoProcessesTalkAwakeAndAsleep) {
  ClientProcess client(echo_for_ever);
  End broker;
  broker.channel = std::move(client.broker);
  Collected got;
  for (int i = 0; i < 5000; ++i) {
    got.messages.clear();
    ASSERT_EQ(offer(*broker.channel, numbered(i, i)), Offered::taken);
    broker.channel->flush();
    while (got.messages.empty()) {
      ASSERT_TRUE(broker.channel->poll(got, 1).ok());
      if (got.messages.empty() && i % 2 == 0) broker.sleep();
    }
    ASSERT_EQ(got.messages[0], numbered(i, i));
  }
  EXPECT_EQ(broker.timeouts, 0u);
}

TEST(SharedMemoryChannelTest, AKilledClientIsSeenAfterItsLastMessage) {
  ClientProcess client([](End& end) {
    offer(*end.channel, "before");
    end.channel->flush();
    RingClaim open;
    CHECK(end.channel->out().claim(100, open) == Offered::taken);  // what was never committed does not come
    for (;;) ::pause();
  });
  Collected got;
  while (got.messages.empty()) ASSERT_TRUE(client.broker->poll(got, 1).ok());
  ASSERT_TRUE(client.broker->prepare_to_sleep());
  client.kill();
  pollfd ready{client.broker->wake_descriptor(), POLLIN, 0};
  EXPECT_EQ(::poll(&ready, 1, 5000), 1);
  base::Result<std::size_t> polled = std::size_t{0};
  for (int i = 0; i < 100 && polled.ok(); ++i) {
    client.broker->awake();
    client.broker->prepare_to_sleep();
    polled = client.broker->poll(got, 1);
  }
  ASSERT_FALSE(polled.ok());
  EXPECT_EQ(polled.error().kind(), base::ErrorKind::closed);
  EXPECT_EQ(got.messages, std::vector<std::string>{"before"});
}

TEST(SharedMemoryChannelTest, AClientKilledAnywhereHarmsNobody) {
  base::Random random(base::Random::system_seed());
  for (int round = 0; round < 20; ++round) {
    ClientProcess client([](End& end) {
      Collected got;
      for (std::uint64_t i = 0;; ++i) {
        offer(*end.channel, numbered(i, 8 + i % 5000));
        end.channel->flush();
        if (!end.channel->poll(got, 8).ok()) ::_exit(0);
        got.messages.clear();
      }
    });
    Collected got;
    const std::uint64_t polls = 100 + random.below(20'000);
    std::uint64_t expected = 0;
    base::Result<std::size_t> polled = std::size_t{0};
    for (std::uint64_t i = 0; i < polls + 1000 && polled.ok(); ++i) {
      if (i == polls) client.kill();
      got.messages.clear();
      offer(*client.broker, "down");
      client.broker->flush();
      polled = client.broker->poll(got, 16);
      for (const std::string& message : got.messages) {
        std::uint64_t number;
        std::memcpy(&number, message.data(), sizeof number);
        ASSERT_GE(number, expected);
        ASSERT_EQ(message, numbered(number, 8 + number % 5000)) << "whole or not at all";
        expected = number + 1;
      }
    }
    if (!polled.ok()) {
      EXPECT_EQ(polled.error().kind(), base::ErrorKind::closed);
    }
  }
}

TEST(SharedMemoryChannelTest, SizesAreChecked) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{2048}, std::size_t{5000}, std::size_t{2} << 30}) {
    EXPECT_EQ(SharedMemoryChannel::create(bytes).error().kind(), base::ErrorKind::invalid) << bytes;
  }
  auto channel = SharedMemoryChannel::create(ring_bytes);
  ASSERT_TRUE(channel.ok());
  EXPECT_EQ(SharedMemoryChannel::attach(duplicates(**channel), ring_bytes * 2).error().kind(),
            base::ErrorKind::invalid);
  EXPECT_EQ(SharedMemoryChannel::attach(duplicates(**channel), ring_bytes + 1).error().kind(),
            base::ErrorKind::invalid);
  EXPECT_TRUE(SharedMemoryChannel::attach(duplicates(**channel), ring_bytes).ok());
}

TEST(SharedMemoryChannelTest, MemoryThatIsNotSealedIsRefused) {
  auto channel = SharedMemoryChannel::create(ring_bytes);
  ASSERT_TRUE(channel.ok());
  auto descriptors = duplicates(**channel);
  descriptors[0] = Descriptor(::memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(descriptors[0].get(), 2 * (ring_header_bytes + ring_bytes)), 0);
  const auto attached = SharedMemoryChannel::attach(std::move(descriptors), ring_bytes);
  ASSERT_FALSE(attached.ok());
  EXPECT_NE(attached.error().message().find("sealed"), std::string::npos) << attached.error().message();
}

TEST(SharedMemoryChannelTest, AClientCannotTakeTheMemoryAway) {
  auto channel = SharedMemoryChannel::create(ring_bytes);
  ASSERT_TRUE(channel.ok());
  const int memory = (*channel)->descriptors()[0];
  EXPECT_NE(::ftruncate(memory, 0), 0);
  EXPECT_NE(::ftruncate(memory, 1 << 30), 0);
  EXPECT_NE(::fcntl(memory, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
}

// Whether a file blocks is common to all who hold it, so a client can change it for the broker as well.
TEST(SharedMemoryChannelTest, AClientThatFillsTheBellAndMakesItBlockDoesNotStopTheBroker) {
  Ends ends = shared_memory_ends(ring_bytes);
  const int bell = ends.client.channel->wake_descriptor();
  ::fcntl(bell, F_SETFL, ::fcntl(bell, F_GETFL) & ~O_NONBLOCK);
  char byte = 1;
  while (::send(bell, &byte, 1, MSG_DONTWAIT) == 1) continue;  // the broker's side is full of rings
  Collected got;
  for (int i = 0; i < 1000; ++i) {
    ends.client.channel->prepare_to_sleep();
    offer(*ends.broker.channel, "message");
    ends.broker.channel->flush();  // rings a bell that nobody empties
    ASSERT_TRUE(ends.broker.channel->poll(got, 1).ok());
    ends.broker.channel->prepare_to_sleep();
    ends.broker.channel->awake();
    ends.client.channel->poll(got, 10).ok();
  }
}

TEST(SharedMemoryChannelTest, ARingThatNobodyAskedForIsSwallowedInTheEnd) {
  Ends ends = shared_memory_ends(ring_bytes);
  const char byte = 1;
  for (int i = 0; i < 5; ++i) ASSERT_EQ(::send(ends.client.channel->wake_descriptor(), &byte, 1, 0), 1);
  pollfd ready{ends.broker.channel->wake_descriptor(), POLLIN, 0};
  int turns = 0;
  while (::poll(&ready, 1, 0) == 1 && turns < 1000) {
    ends.broker.channel->prepare_to_sleep();
    ends.broker.channel->awake();
    ++turns;
  }
  EXPECT_LE(turns, 20);
}

// A file that holds its number, and the channel's copy of it.
Descriptor numbered_file(char number) {
  Descriptor file(::memfd_create("numbered", MFD_CLOEXEC));
  CHECK(::pwrite(file.get(), &number, 1, 0) == 1);
  return file;
}
char number_in(int descriptor) {
  char number = 0;
  CHECK(::pread(descriptor, &number, 1, 0) == 1);
  return number;
}

TEST(SharedMemoryChannelTest, DescriptorsComeInOrderAmongTheRings) {
  Ends ends = shared_memory_ends(ring_bytes);
  Collected got;
  EXPECT_EQ(ends.client.channel->take_descriptor(), -1);
  for (char i = 0; i < 100; ++i) {
    if (i % 3 == 0) ends.client.channel->prepare_to_sleep();  // is rung for
    ASSERT_TRUE(ends.broker.channel->hand_over(numbered_file(i).get()));
    offer(*ends.broker.channel, "look");
    ends.broker.channel->flush();
    if (i % 3 == 0) ends.client.channel->awake();
    if (i % 10 != 9) continue;
    for (char expected = static_cast<char>(i - 9); expected <= i; ++expected) {
      const Descriptor taken(ends.client.channel->take_descriptor());
      ASSERT_TRUE(taken.valid());
      EXPECT_EQ(number_in(taken.get()), expected);
    }
    while (ends.client.channel->poll(got, 64).value() > 0) continue;
  }
  EXPECT_EQ(ends.client.channel->take_descriptor(), -1);
  EXPECT_EQ(got.messages.size(), 100u);
}

TEST(SharedMemoryChannelTest, AClientThatTakesNoDescriptorsCostsTheBrokerNothing) {
  Ends ends = shared_memory_ends(ring_bytes);
  const Descriptor file = numbered_file(1);
  int handed_over = 0;
  while (ends.broker.channel->hand_over(file.get())) ASSERT_LT(++handed_over, 10'000);
  Collected got;
  offer(*ends.broker.channel, "goes on");
  ends.broker.channel->flush();
  EXPECT_EQ(ends.client.channel->poll(got, 1).value(), 1u);
  EXPECT_EQ(Descriptor(ends.client.channel->take_descriptor()).valid(), true);
  EXPECT_FALSE(ends.client.channel->hand_over(file.get()));  // the other way there is nothing
  EXPECT_EQ(ends.broker.channel->take_descriptor(), -1);
}

TEST(SharedMemoryChannelTest, GarbageInTheRingEndsTheChannelWithItsReason) {
  auto broker = SharedMemoryChannel::create(ring_bytes);
  ASSERT_TRUE(broker.ok());
  const std::size_t bytes = 2 * (ring_header_bytes + ring_bytes);
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, (*broker)->descriptors()[0], 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::memset(memory, 0xa5, bytes);
  Collected got;
  const auto polled = (*broker)->poll(got, 100);
  ASSERT_FALSE(polled.ok());
  EXPECT_EQ(polled.error().kind(), base::ErrorKind::corrupt);
  EXPECT_FALSE((*broker)->prepare_to_sleep());
  ::munmap(memory, bytes);
}

}  // namespace
}  // namespace cms::transport::test
