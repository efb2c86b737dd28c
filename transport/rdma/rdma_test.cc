// SPDX-License-Identifier: Apache-2.0
// What only RDMA channels do, between two devices: tokens, messages gathered from others' memory, and a broker whose
// client does with its queue pair whatever the hardware lets it do.
#include <arpa/inet.h>

#include <thread>

#include <gtest/gtest.h>

#include "base/random.h"
#include "transport/rdma/rdma_channel.h"
#include "transport/rdma/test_rdma_channels.h"

namespace cms::transport::test {
namespace {

using rdma::RdmaChannel;

struct RdmaTest : testing::Test {
  static constexpr std::size_t ring_bytes = 64 << 10;
  Collected collected;

  void SetUp() override {
    if (!has_rdma_devices()) GTEST_SKIP() << "RDMA_VM does not say that there are two RDMA devices";
  }
  static bool has_immediates() { return variable("RDMA_VM", "") != std::string("siw"); }
  static bool within_seconds(int seconds, auto&& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }
  bool receive(Channel& from, std::size_t messages) {
    return within_seconds(20, [&] {
      EXPECT_TRUE(from.poll(collected, 16).ok());
      return collected.messages.size() >= messages;
    });
  }
  std::optional<base::Error> end_of(Channel& channel, int seconds = 20) {
    std::optional<base::Error> error;
    within_seconds(seconds, [&] {
      const auto polled = channel.poll(collected, 16);
      if (!polled) error = polled.error();
      return error.has_value();
    });
    return error;
  }
  // A pair that is well, whatever happens elsewhere.
  void expect_to_work(Ends& ends) {
    for (const auto& [from, to] : {std::pair(&ends.broker, &ends.client), std::pair(&ends.client, &ends.broker)}) {
      collected.messages.clear();
      ASSERT_EQ(offer(*from->channel, "still here"), Offered::taken);
      from->channel->flush();
      ASSERT_TRUE(receive(*to->channel, 1));
      EXPECT_EQ(collected.messages.back(), "still here");
    }
  }
};

// --- The handshake.

TEST_F(RdmaTest, AConnectionWithoutTheTokenIsRefused) {
  RdmaBroker broker(rdma_options(ring_bytes));
  RdmaTarget target = broker.target();
  target.token[3] = std::byte{9};
  target.timeout = std::chrono::milliseconds(3000);
  auto connecting = broker.connect_later(target, rdma_options(ring_bytes));
  ASSERT_TRUE(broker.serve_until([&] { return is_ready(connecting); }));
  const auto refused = connecting.get();
  ASSERT_FALSE(refused.ok());
  // The kernel's software iWARP does not deliver refusals: there the client waits in vain.
  if (has_immediates()) {
    EXPECT_EQ(refused.error().kind(), base::ErrorKind::denied) << refused.error().message();
  }
  EXPECT_TRUE(broker.channels.empty());
  EXPECT_EQ(broker.listener->handshakes(), 0u);
}

TEST_F(RdmaTest, RingsOfAnotherSizeThanWasSaidAreRefused) {
  RdmaBroker broker(rdma_options(ring_bytes));
  auto connecting = broker.connect_later(broker.target(), rdma_options(ring_bytes * 2));
  ASSERT_TRUE(broker.serve_until([&] { return is_ready(connecting); }));
  EXPECT_FALSE(connecting.get().ok());
  EXPECT_TRUE(broker.serve_until([&] { return !broker.failures.empty(); }));
  EXPECT_TRUE(broker.channels.empty());
}

TEST_F(RdmaTest, WhereNobodyListensTheClientIsToldSo) {
  RdmaTarget target;
  target.endpoint = {broker_address(), 1, {}};
  target.source = client_address();
  EXPECT_FALSE(connect_rdma(target, rdma_options(ring_bytes)).ok());
}

// --- Gathering.

struct Chunk {
  explicit Chunk(std::size_t size) : bytes(size) {}
  std::vector<std::byte> bytes;
};

struct RdmaGatherTest : RdmaTest {
  std::shared_ptr<Chunk> chunk = std::make_shared<Chunk>(256 << 10);
  Ends ends;

  void SetUp() override {
    RdmaTest::SetUp();
    if (IsSkipped()) return;
    base::Random random(5);
    for (std::byte& byte : chunk->bytes) byte = static_cast<std::byte>(random.next());
    RdmaChannelOptions broker = rdma_options(ring_bytes);
    broker.region_of = [this](const base::Bytes& part) {
      return part.owner() == chunk ? base::ByteSpan(chunk->bytes) : base::ByteSpan();
    };
    ends = rdma_ends_with(broker, rdma_options(ring_bytes));
  }
  base::Bytes slice(std::size_t from, std::size_t size) const {
    return {chunk, base::ByteSpan(chunk->bytes).subspan(from, size)};
  }
  RdmaChannel& broker() { return dynamic_cast<RdmaChannel&>(*ends.broker.channel); }
};

TEST_F(RdmaGatherTest, PartsOfAChunkComeFromWhereTheyAreAndArriveBetweenTheirNeighbours) {
  base::Random random(6);
  std::vector<std::string> expected;
  collected.messages.clear();
  for (int i = 0; i < 400; ++i) {
    std::vector<base::Bytes> parts;
    std::string whole;
    const std::string header = numbered(static_cast<std::uint64_t>(i), 1 + random.below(40));
    parts.emplace_back(nullptr, base::as_bytes(header));
    for (std::uint64_t n = random.below(3); n > 0; --n) {
      const std::size_t size = random.below(7000);
      parts.push_back(slice(random.below(chunk->bytes.size() - size), size));
    }
    for (const base::Bytes& part : parts) whole += base::as_text(part);
    while (broker().offer(parts) != Offered::taken) {
      broker().flush();
      ASSERT_TRUE(ends.client.channel->poll(collected, 16).ok());
    }
    expected.push_back(whole);
    if (random.one_in(3)) broker().flush();
  }
  broker().flush();
  ASSERT_TRUE(receive(*ends.client.channel, expected.size()));
  EXPECT_EQ(collected.messages, expected);
  EXPECT_GT(broker().parts_gathered(), 50u);
}

TEST_F(RdmaGatherTest, AnOwnerIsHeldUntilItsMessageHasLeftAndNotLonger) {
  const base::Bytes part = slice(100, 10'000);
  ASSERT_EQ(broker().offer(std::span(&part, 1)), Offered::taken);
  EXPECT_EQ(broker().parts_gathered(), 1u);
  EXPECT_GT(chunk.use_count(), 2);
  broker().flush();
  EXPECT_TRUE(within_seconds(20, [&] { return broker().poll(collected, 1).ok() && chunk.use_count() == 2; }));
  ASSERT_TRUE(receive(*ends.client.channel, 1));
  EXPECT_EQ(collected.messages[0], base::as_text(part));
}

TEST_F(RdmaGatherTest, MemoryThatIsTakenAnewIsRegisteredAnew) {
  for (int life = 0; life < 40; ++life) {
    chunk = std::make_shared<Chunk>(64 << 10);
    std::memset(chunk->bytes.data(), 'a' + life % 26, chunk->bytes.size());
    const base::Bytes part = slice(0, 8192);
    collected.messages.clear();
    ASSERT_EQ(broker().offer(std::span(&part, 1)), Offered::taken);
    broker().flush();
    ASSERT_TRUE(receive(*ends.client.channel, 1));
    ASSERT_EQ(collected.messages[0], std::string(8192, static_cast<char>('a' + life % 26)));
    ASSERT_TRUE(within_seconds(20, [&] { return broker().poll(collected, 1).ok() && chunk.use_count() == 2; }));
  }
  EXPECT_EQ(broker().parts_gathered(), 40u);
}

TEST_F(RdmaGatherTest, MessagesBehindAnOpenClaimKeepTheirParts) {
  RingClaim claim;
  ASSERT_EQ(broker().out().claim(3000, claim), Offered::taken);
  base::Bytes part = slice(5000, 9000);
  ASSERT_EQ(broker().offer(std::span(&part, 1)), Offered::taken);
  broker().flush();
  std::memset(claim.space.data(), 'c', 2000);
  broker().out().commit(claim, 2000);
  broker().flush();
  ASSERT_TRUE(receive(*ends.client.channel, 2));
  EXPECT_EQ(collected.messages[0], std::string(2000, 'c'));
  EXPECT_EQ(collected.messages[1], base::as_text(part));
}

// --- A client that does what it likes.

// A client's end whose queue pair is used past the channel.
struct Attacker {
  explicit Attacker(Ends& ends) : channel(dynamic_cast<RdmaChannel&>(*ends.client.channel)) {}

  // One send of our own, of bytes from the ring out; how it was completed.
  ibv_wc_status send(ibv_wr_opcode opcode, std::uint64_t address, std::uint32_t key, std::size_t bytes,
                     std::uint32_t immediate = 0) {
    const rdma::Connection& own = channel.connection();
    ibv_sge piece{reinterpret_cast<std::uint64_t>(own.out.data().data()), static_cast<std::uint32_t>(bytes),
                  own.out_region->lkey};
    ibv_send_wr request{};
    request.wr_id = 4711;
    request.sg_list = &piece;
    request.num_sge = bytes == 0 ? 0 : 1;
    request.opcode = opcode;
    request.send_flags = IBV_SEND_SIGNALED;
    request.imm_data = htonl(immediate);
    request.wr.rdma = {address, key};
    ibv_send_wr* refused = nullptr;
    if (ibv_post_send(own.queue_pair(), &request, &refused) != 0) return IBV_WC_GENERAL_ERR;
    // A read that was not agreed on is never begun, nor completed.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(3);
    ibv_wc completion{};
    while (std::chrono::steady_clock::now() < deadline) {
      if (ibv_poll_cq(own.sent.get(), 1, &completion) == 1 &&
          (completion.wr_id == 4711 || completion.status != IBV_WC_SUCCESS)) {
        return completion.status;
      }
    }
    return IBV_WC_RESP_TIMEOUT_ERR;
  }
  const rdma::RemoteRing& target() const { return channel.connection().remote; }

  RdmaChannel& channel;
};

struct RdmaAttackTest : RdmaTest {
  // What the write says of itself; below iWARP, where it is completed when TCP has it, that the channel ends by it.
  void expect_refused(Ends& attacked, std::uint64_t address, std::uint32_t key, std::size_t bytes) {
    const ibv_wc_status status = Attacker(attacked).send(IBV_WR_RDMA_WRITE, address, key, bytes);
    if (has_immediates()) {
      EXPECT_NE(status, IBV_WC_SUCCESS);
    } else if (attacked.broker.channel) {
      EXPECT_TRUE(end_of(*attacked.broker.channel));
    }
  }

  std::string ring_in_of(Ends& ends) {
    const rdma::Connection& broker = dynamic_cast<RdmaChannel&>(*ends.broker.channel).connection();
    return std::string(base::as_text(broker.in.data()));
  }
};

TEST_F(RdmaAttackTest, AWritePastTheRingIsRefusedAndEndsOnlyThatChannel) {
  Ends attacked = rdma_ends(ring_bytes), bystander = rdma_ends(ring_bytes);
  expect_to_work(bystander);
  const std::string before = ring_in_of(bystander);
  Attacker attacker(attacked);
  const rdma::RemoteRing target = attacker.target();
  expect_refused(attacked, target.address + ring_bytes - 32, target.key, 64);
  EXPECT_TRUE(end_of(*attacked.client.channel));
  EXPECT_EQ(ring_in_of(bystander), before);
  expect_to_work(bystander);
}

TEST_F(RdmaAttackTest, AWriteBeforeTheRingDoesNotReachItsPositions) {
  Ends attacked = rdma_ends(ring_bytes);
  Attacker attacker(attacked);
  const rdma::RemoteRing target = attacker.target();
  expect_refused(attacked, target.address - ring_header_bytes, target.key, 64);
}

TEST_F(RdmaAttackTest, TheKeyOfAnotherPeerIsOfNoUse) {
  Ends attacked = rdma_ends(ring_bytes), victim = rdma_ends(ring_bytes);
  expect_to_work(victim);
  const std::string before = ring_in_of(victim);
  Attacker attacker(attacked);
  const rdma::RemoteRing stolen = dynamic_cast<RdmaChannel&>(*victim.client.channel).connection().remote;
  expect_refused(attacked, stolen.address, stolen.key, 4096);
  EXPECT_EQ(ring_in_of(victim), before);
  expect_to_work(victim);
}

TEST_F(RdmaAttackTest, AKeyIsVoidWhenItsChannelHasEnded) {
  Ends ended = rdma_ends(ring_bytes), other = rdma_ends(ring_bytes), next = rdma_ends(ring_bytes);
  const rdma::RemoteRing stale = Attacker(ended).target();
  ended.broker.channel.reset();
  expect_refused(ended, stale.address, stale.key, 64);
  expect_refused(other, stale.address, stale.key, 64);
  expect_to_work(next);
}

TEST_F(RdmaAttackTest, NothingCanBeRead) {
  Ends attacked = rdma_ends(ring_bytes);
  const rdma::Connection& broker = dynamic_cast<RdmaChannel&>(*attacked.broker.channel).connection();
  std::memset(broker.in.data().data(), 's', 64);
  Attacker attacker(attacked);
  EXPECT_NE(attacker.send(IBV_WR_RDMA_READ, attacker.target().address, attacker.target().key, 64), IBV_WC_SUCCESS);
  EXPECT_NE(attacker.channel.connection().out.data()[0], std::byte{'s'});
}

TEST_F(RdmaAttackTest, TheMemoryThatMessagesAreGatheredFromCannotBeReached) {
  const auto chunk = std::make_shared<Chunk>(64 << 10);
  RdmaChannelOptions options = rdma_options(ring_bytes);
  options.region_of = [chunk](const base::Bytes&) { return base::ByteSpan(chunk->bytes); };
  Ends attacked = rdma_ends_with(options, rdma_options(ring_bytes));
  const base::Bytes part(chunk, base::ByteSpan(chunk->bytes).first(8192));
  ASSERT_EQ(attacked.broker.channel->offer(std::span(&part, 1)), Offered::taken);
  attacked.broker.channel->flush();
  ASSERT_TRUE(receive(*attacked.client.channel, 1));
  ASSERT_EQ(dynamic_cast<RdmaChannel&>(*attacked.broker.channel).parts_gathered(), 1u);
  Attacker attacker(attacked);
  const auto address = reinterpret_cast<std::uint64_t>(chunk->bytes.data());
  expect_refused(attacked, address, attacker.target().key, 64);
  EXPECT_EQ(chunk->bytes[0], std::byte{0});
}

TEST_F(RdmaAttackTest, DoorbellsThatLieEndTheChannel) {
  if (!has_immediates()) GTEST_SKIP() << "iWARP has no immediates";
  using rdma::Doorbell;
  using rdma::DoorbellKind;
  const std::vector<Doorbell> lies{
      Doorbell::of(DoorbellKind::tail, 0),                       // nothing new
      Doorbell::of(DoorbellKind::tail, ring_bytes + 8),          // more than there is room for
      Doorbell::of(DoorbellKind::tail, std::uint64_t{1} << 32),  // far more
      Doorbell::of(DoorbellKind::head, 8),                       // read what was not written
      Doorbell::of(DoorbellKind::unknown, 0),
  };
  for (const Doorbell& lie : lies) {
    SCOPED_TRACE("word " + std::to_string(lie.word()));
    Ends attacked = rdma_ends(ring_bytes);
    Attacker attacker(attacked);
    attacker.send(IBV_WR_RDMA_WRITE_WITH_IMM, attacker.target().address, attacker.target().key, 0, lie.word());
    const auto error = end_of(*attacked.broker.channel);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), base::ErrorKind::corrupt) << error->message();
    EXPECT_EQ(offer(*attacked.broker.channel, "more"), Offered::closed);
  }
}

TEST_F(RdmaAttackTest, FramesThatLieEndTheChannel) {
  if (!has_immediates()) GTEST_SKIP() << "iWARP has no immediates";
  base::Random random(77);
  for (int round = 0; round < 10; ++round) {
    Ends attacked = rdma_ends(ring_bytes);
    Attacker attacker(attacked);
    // Not initialised by anybody: a frame of no kind.
    for (std::byte& byte : attacker.channel.connection().out.data().first(4096)) {
      byte = static_cast<std::byte>(random.next() | 4);
    }
    const auto tail = rdma::Doorbell::of(rdma::DoorbellKind::tail, 8 + random.below(4096) / 8 * 8);
    attacker.send(IBV_WR_RDMA_WRITE_WITH_IMM, attacker.target().address, attacker.target().key, 4096, tail.word());
    const auto error = end_of(*attacked.broker.channel);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), base::ErrorKind::corrupt) << error->message();
  }
}

TEST_F(RdmaAttackTest, MoreDoorbellsThanAgreedEndTheChannel) {
  if (!has_immediates()) GTEST_SKIP() << "iWARP has no immediates";
  Ends attacked = rdma_ends(ring_bytes), bystander = rdma_ends(ring_bytes);
  Attacker attacker(attacked);
  for (std::uint64_t n = 1; n <= rdma::doorbells_unread_max + 100; ++n) {
    const auto word = rdma::Doorbell::of(rdma::DoorbellKind::tail, n * 8).word();
    if (attacker.send(IBV_WR_RDMA_WRITE_WITH_IMM, attacker.target().address, attacker.target().key, 0, word) !=
        IBV_WC_SUCCESS) {
      break;
    }
  }
  EXPECT_TRUE(end_of(*attacked.broker.channel));
  expect_to_work(bystander);
}

}  // namespace
}  // namespace cms::transport::test
