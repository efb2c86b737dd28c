// SPDX-License-Identifier: Apache-2.0
// Native clients that lie: in the memory that they share with the broker, and in what they say over a channel. Whatever
// they do ends their own channel at worst.
//
// What is random comes from a seed that is named when a case fails.
#include <cstring>

#include "base/random.h"
#include "tests/metrics.h"
#include "tests/push_test.h"
#include "transport/ring.h"
#include "transport/shared_memory_channel.h"

namespace cms::tests {
namespace {

namespace messages = protocol::push;

constexpr std::int32_t ring_bytes = 65'536;

class PushHostileTest : public PushTest {
 protected:
  void SetUp() override {
    create_topic(wire_, topic(), 1, {{"cms.durability", "volatile"}});
    victim_.emplace(broker(), of_this_kind());
    ASSERT_EQ(victim_->subscribe(topic()).error_code, ErrorCode::none);
  }

  // Everybody else goes on.
  void expect_no_harm() {
    expected_.push_back(std::to_string(expected_.size()));
    append(wire_, topic(), batch_of(expected_.back()));
    ASSERT_TRUE(victim_->await_values(topic(), expected_));
    EXPECT_EQ(victim_->wrong, std::vector<std::string>{});
  }

  struct Liar : PushClient {
    Liar() : PushClient(broker(), of_this_kind({.ring_bytes = ring_bytes})) {
      subscribe(topic());
      publish_to(1, topic() + "-lies");
    }
  };

 private:
  std::optional<PushClient> victim_;
  std::vector<std::string> expected_;
};

std::vector<std::byte> noise(base::Random& random, std::size_t bytes) {
  std::vector<std::byte> all(bytes);
  for (std::byte& each : all) each = static_cast<std::byte>(random.next());
  return all;
}

TEST_P(PushHostileTest, MessagesOfNoiseEndTheirOwnChannelOnly) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    base::Random random(seed);
    try {
      Liar client;
      for (int i = 0; i < 20; ++i) {
        std::vector<std::byte> message = noise(random, random.next() % 200);
        // Most of them with a type that there is.
        constexpr messages::MessageType types[] = {messages::MessageType::put, messages::MessageType::credit,
                                                   messages::MessageType::heartbeat, messages::MessageType::deliver};
        const auto type = static_cast<std::uint16_t>(types[random.next() % 4]);
        if (message.size() >= sizeof type && random.next() % 8 != 0) std::memcpy(message.data(), &type, sizeof type);
        client.send({message});
      }
      client.listen(milliseconds(5));
    } catch (const std::exception&) {  // its connection was closed, which is what it gets
    }
    expect_no_harm();
  }
}

TEST_P(PushHostileTest, PutsThatAreNotWhatTheySayEndTheirOwnChannelOnly) {
  const Batch batch = batch_of("value");
  const auto lie = [&](const char* what, auto change) {
    SCOPED_TRACE(what);
    Liar client;
    messages::Put put;
    put.publication = 1;
    put.put_id = 1;
    put.batch_bytes = static_cast<std::uint32_t>(batch.size());
    change(put);
    client.send({messages::bytes_of(put), batch});
    EXPECT_TRUE(client.is_closed());
    expect_no_harm();
  };
  lie("fewer bytes than there are", [](messages::Put& put) { put.batch_bytes = 10; });
  lie("a piece that does not begin at the beginning", [](messages::Put& put) { put.piece_offset = 10; });
  lie("a publication that is not open", [](messages::Put& put) { put.publication = 7; });
  lie("an empty batch", [](messages::Put& put) { put.batch_bytes = 0; });
}

TEST_P(PushHostileTest, APutOfFourGigabytesIsSkippedNotKept) {
  const Batch batch = batch_of("value");
  Liar client;
  messages::Put put;
  put.publication = 1;
  put.put_id = 1;
  put.batch_bytes = 0xffff'ffff;
  for (int i = 0; i < 1000; ++i) {
    client.send({messages::bytes_of(put), batch});
    put.piece_offset += static_cast<std::uint32_t>(batch.size());
  }
  expect_no_harm();
  put.put_id = 2;  // in the middle of the other
  put.piece_offset = 0;
  client.send({messages::bytes_of(put), batch});
  EXPECT_TRUE(client.is_closed());
  expect_no_harm();
}

TEST_P(PushHostileTest, CreditThatLiesEndsItsOwnChannelOnly) {
  PushClient client = open({.ring_bytes = ring_bytes});
  protocol::SubscribeRequest request;
  request.topics = topic();
  request.subscription = 1;
  request.bytes_in_flight_max = 1000;
  ASSERT_EQ(client.subscribe(request).error_code, ErrorCode::none);
  client.give_credit(1, 1);  // nothing was sent yet
  EXPECT_TRUE(client.is_closed());
  expect_no_harm();
}

INSTANTIATE_TEST_SUITE_P(Kinds, PushHostileTest, ::testing::Values(ChannelKind::tcp, ChannelKind::shared_memory),
                         kind_name);

class PushHostileMemoryTest : public PushHostileTest {};

TEST_P(PushHostileMemoryTest, NoiseInTheSharedRingsEndsItsOwnChannelOnly) {
  constexpr std::size_t region_bytes = transport::ring_header_bytes + ring_bytes;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE(seed);
    base::Random random(seed);
    try {
      Liar client;
      const std::shared_ptr<const void> memory =
          static_cast<transport::SharedMemoryChannel*>(client.channel())->memory();
      auto* const bytes = static_cast<std::byte*>(const_cast<void*>(memory.get()));
      client.put(1, batch_of("value"));
      for (int i = 0; i < 50; ++i) {
        // In the positions and flags of either ring, near what was written, or anywhere.
        const std::size_t region = random.next() % 2 * region_bytes;
        constexpr std::size_t words[] = {offsetof(transport::RingHeader, tail), offsetof(transport::RingHeader, closed),
                                         offsetof(transport::RingHeader, head),
                                         offsetof(transport::RingHeader, reader_sleeps),
                                         offsetof(transport::RingHeader, room_wanted_at)};
        std::size_t at = words[random.next() % std::size(words)];
        if (random.next() % 2 == 0) at = transport::ring_header_bytes + random.next() % 64 * 8;
        if (random.next() % 8 == 0) at = random.next() % (region_bytes / 8) * 8;
        // Small numbers are the more likely lies.
        std::uint64_t word = random.next();
        if (random.next() % 2 == 0) word &= 0x1'ffff;
        if (random.next() % 4 == 0) word &= ~std::uint64_t{7};
        __atomic_store_n(reinterpret_cast<std::uint64_t*>(bytes + region + at), word, __ATOMIC_SEQ_CST);
        if (random.next() % 8 == 0) client.beat();
      }
      client.listen(milliseconds(2));
    } catch (const std::exception&) {  // its own channel has ended
    }
    expect_no_harm();
  }
  EXPECT_TRUE(becomes(broker(), "cms_push_channels{kind=\"shm\"}", 1)) << "the victim's is left";
}

INSTANTIATE_TEST_SUITE_P(Kinds, PushHostileMemoryTest, ::testing::Values(ChannelKind::shared_memory), kind_name);

}  // namespace
}  // namespace cms::tests
