// SPDX-License-Identifier: Apache-2.0
// Two processes, and what can happen to them and to the link between them.
#include <signal.h>
#include <sys/wait.h>

#include <thread>

#include <gtest/gtest.h>

#include "base/random.h"
#include "transport/rdma/test_rdma_channels.h"

namespace cms::transport::test {
namespace {

constexpr std::size_t ring_bytes = 64 << 10;

// A client in a process of its own, forked before this one has anything of RDMA.
class ClientProcess {
 public:
  explicit ClientProcess(std::function<int(RdmaTarget)> body) {
    CHECK(::pipe(pipe_) == 0);
    child_ = ::fork();
    if (child_ == 0) {
      RdmaTarget target;
      ::close(pipe_[1]);
      std::uint16_t port = 0;
      if (::read(pipe_[0], &port, sizeof port) != sizeof port) ::_exit(3);
      target.endpoint = {broker_address(), port, {}};
      target.token = RdmaToken{std::byte{7}, std::byte{1}};
      target.source = client_address();
      target.timeout = std::chrono::milliseconds(10'000);
      ::_exit(body(target));
    }
    ::close(pipe_[0]);
  }
  ~ClientProcess() {
    ::close(pipe_[1]);
    if (child_ > 0) {
      kill();
      ::waitpid(child_, nullptr, 0);
    }
  }

  std::unique_ptr<RingChannel> accept() {
    RdmaBroker broker(rdma_options(ring_bytes));
    const std::uint16_t port = broker.listener->endpoint().port;
    CHECK(::write(pipe_[1], &port, sizeof port) == sizeof port);
    broker.serve_until([&] { return !broker.channels.empty(); });
    return broker.channels.empty() ? nullptr : std::move(broker.channels[0]);
  }
  void kill() { ::kill(child_, SIGKILL); }
  int status() {
    int status = 0;
    ::waitpid(child_, &status, 0);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  int pipe_[2];
  pid_t child_;
};

// Sends back what it gets, asleep when there is nothing, until the peer closes.
int echo(RdmaTarget target) {
  auto channel = connect_rdma(target, rdma_options(ring_bytes));
  if (!channel.ok()) return 10;
  End end{nullptr, std::move(*channel)};
  end.patience_ms = 20'000;
  Collected got;
  for (;;) {
    got.messages.clear();
    const auto polled = end.channel->poll(got, 32);
    if (!polled) return polled.error().kind() == base::ErrorKind::closed ? 0 : 11;
    for (const std::string& message : got.messages) {
      while (offer(*end.channel, message) == Offered::full) {
        end.channel->flush();
        end.sleep();
      }
    }
    end.channel->flush();
    if (got.messages.empty()) end.sleep();
  }
}

int keep_silent(RdmaTarget target) {
  auto channel = connect_rdma(target, rdma_options(ring_bytes));
  if (!channel.ok()) return 10;
  std::this_thread::sleep_for(std::chrono::seconds(60));
  return 0;
}

int command(const std::string& line) { return std::system((line + " >/dev/null 2>&1").c_str()); }
std::string client_interface() { return variable("RDMA_VM_INTERFACE_A", "veth-a"); }

struct RdmaFaultsTest : testing::Test {
  void SetUp() override {
    if (!has_rdma_devices()) GTEST_SKIP() << "RDMA_VM does not say that there are two RDMA devices";
  }

  // Offers `messages` and takes them back from an echo.
  static void expect_echo(RingChannel& channel, std::uint64_t messages) {
    base::Random random(3);
    Collected collected;
    std::uint64_t sent = 0, back = 0;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (back < messages && std::chrono::steady_clock::now() < deadline) {
      for (int i = 0; i < 20 && sent < messages && sent - back < 200; ++i) {
        if (offer(channel, numbered(sent, 8 + sent * 37 % 3000)) != Offered::taken) break;
        ++sent;
      }
      channel.flush();
      collected.messages.clear();
      const auto polled = channel.poll(collected, 32);
      ASSERT_TRUE(polled.ok()) << polled.error().message();
      for (const std::string& message : collected.messages) {
        ASSERT_EQ(message, numbered(back, 8 + back * 37 % 3000));
        ++back;
      }
    }
    EXPECT_EQ(back, messages);
  }

  // How the channel ends, and after how long.
  static std::optional<base::Error> end_of(RingChannel& channel, int seconds, bool sends) {
    Collected collected;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (std::chrono::steady_clock::now() < deadline) {
      const auto polled = channel.poll(collected, 32);
      if (!polled) return polled.error();
      if (sends) offer(channel, "are you there?");
      channel.flush();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return std::nullopt;
  }
};

TEST_F(RdmaFaultsTest, TwoProcessesTalk) {
  ClientProcess client(echo);
  auto channel = client.accept();
  ASSERT_TRUE(channel);
  expect_echo(*channel, 5000);
  channel.reset();
  EXPECT_EQ(client.status(), 0);
}

TEST_F(RdmaFaultsTest, AKilledPeerEndsTheChannelAndWakesItsSleeper) {
  for (const auto& body : {echo, keep_silent}) {
    ClientProcess client(body);
    auto channel = client.accept();
    ASSERT_TRUE(channel);
    Collected collected;
    ASSERT_TRUE(channel->poll(collected, 1).ok());
    while (!channel->prepare_to_sleep()) {
      channel->awake();
      ASSERT_TRUE(channel->poll(collected, 1).ok());
    }
    client.kill();
    pollfd ready{channel->wake_descriptor(), POLLIN, 0};
    EXPECT_EQ(::poll(&ready, 1, 20'000), 1);
    channel->awake();
    EXPECT_TRUE(end_of(*channel, 20, false));
  }
}

TEST_F(RdmaFaultsTest, LossOnTheLinkLosesNoMessage) {
  ClientProcess client(echo);
  auto channel = client.accept();
  ASSERT_TRUE(channel);
  if (command("/usr/sbin/tc qdisc add dev " + client_interface() + " root netem loss 2%") != 0)
    GTEST_SKIP() << "tc failed";
  expect_echo(*channel, 300);
  EXPECT_EQ(command("/usr/sbin/tc qdisc del dev " + client_interface() + " root"), 0);
  channel.reset();
  EXPECT_EQ(client.status(), 0);
}

// The last one: what becomes of the devices afterwards is the driver's business.
TEST_F(RdmaFaultsTest, WhenTheLinkGoesDownWhoSendsIsToldWithinSeconds) {
  ClientProcess client(keep_silent);
  auto channel = client.accept();
  ASSERT_TRUE(channel);
  if (command("ip link set " + client_interface() + " down") != 0) GTEST_SKIP() << "ip failed";
  const auto begin = std::chrono::steady_clock::now();
  const auto error = end_of(*channel, 30, true);
  const auto took = std::chrono::steady_clock::now() - begin;
  command("ip link set " + client_interface() + " up");
  ASSERT_TRUE(error);
  EXPECT_LT(took, std::chrono::seconds(15));
  RecordProperty("milliseconds", static_cast<int>(took / std::chrono::milliseconds(1)));
  channel.reset();
}

}  // namespace
}  // namespace cms::transport::test
