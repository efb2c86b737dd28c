// SPDX-License-Identifier: Apache-2.0
#include "transport/ring.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace cms::transport {
namespace {

struct RingTest : testing::Test {
  static constexpr std::size_t size = 4096;
  RingHeader header{};
  alignas(8) std::array<std::byte, size> data{};
  RingWriter writer{header, data};
  RingReader reader{header, data};

  Offered offer(std::string_view text) {
    const base::ByteSpan part = base::as_bytes(text);
    return writer.offer(std::span(&part, 1));
  }
  RingClaim claim(std::size_t bytes) {
    RingClaim claim;
    EXPECT_EQ(writer.claim(bytes, claim), Offered::taken);
    EXPECT_EQ(claim.space.size(), bytes);
    return claim;
  }
  void fill(const RingClaim& claim, std::string_view text) {
    std::memcpy(claim.space.data(), text.data(), text.size());
    writer.commit(claim, text.size());
  }
  std::vector<std::string> read_all() {
    writer.publish();
    std::vector<std::string> messages;
    while (reader.look() || reader.has_more()) {
      reader.read(1000, [&](base::ByteSpan message) { messages.emplace_back(base::as_text(message)); });
      reader.give_back_room();
    }
    EXPECT_EQ(reader.violation(), "");
    return messages;
  }
};

using Texts = std::vector<std::string>;

TEST_F(RingTest, NothingIsSeenBeforeItIsPublished) {
  ASSERT_EQ(offer("one"), Offered::taken);
  EXPECT_EQ(reader.read(1, [](base::ByteSpan) { FAIL(); }), 0u);
  EXPECT_EQ(read_all(), Texts{"one"});
}

TEST_F(RingTest, PartsAreOneMessage) {
  const base::ByteSpan parts[] = {base::as_bytes("head"), base::as_bytes(""), base::as_bytes("er+body")};
  ASSERT_EQ(writer.offer(std::span<const base::ByteSpan>(parts)), Offered::taken);
  EXPECT_EQ(read_all(), Texts{"header+body"});
}

TEST_F(RingTest, EverySizeComesThroughAtEveryPlace) {
  const std::string text(writer.message_bytes_max(), 'x');
  for (std::size_t bytes = 0; bytes <= text.size(); ++bytes) {
    const std::string message = text.substr(0, bytes);
    ASSERT_EQ(offer(message), Offered::taken) << bytes;
    ASSERT_EQ(read_all(), Texts{message});
  }
}

TEST_F(RingTest, AHalfEmptyRingTakesAnyMessage) {
  const std::string largest(writer.message_bytes_max(), 'x');
  for (std::size_t start = 0; start < size; start += 8) {
    ASSERT_EQ(offer(""), Offered::taken);  // moves the place where the others begin
    read_all();
    ASSERT_EQ(offer(largest), Offered::taken);
    ASSERT_EQ(offer(largest), Offered::taken) << "beginning at " << start;
    ASSERT_EQ(read_all().size(), 2u);
  }
}

TEST_F(RingTest, AFullRingTakesNothingAndLosesNothing) {
  std::size_t taken = 0;
  while (offer(std::to_string(taken)) == Offered::taken) ++taken;
  EXPECT_EQ(taken, size / 16);
  EXPECT_EQ(writer.room_bytes(), 0u);
  const Texts messages = read_all();
  ASSERT_EQ(messages.size(), taken);
  for (std::size_t i = 0; i < taken; ++i) EXPECT_EQ(messages[i], std::to_string(i));
  EXPECT_EQ(offer("again"), Offered::taken);
}

TEST_F(RingTest, RoomIsNeverPromisedInVain) {
  base::Random random(7);
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t room = writer.room_bytes();
    const std::string message(room, 'x');
    if (room > 0) {
      ASSERT_EQ(offer(message.substr(0, random.below(room + 1))), Offered::taken);
    }
    writer.publish();
    reader.read(random.below(3), [](base::ByteSpan) {});
    reader.give_back_room();
  }
}

TEST_F(RingTest, ClaimsLeaveInTheOrderTheyWereTaken) {
  const RingClaim first = claim(100), second = claim(8), third = claim(1000);
  ASSERT_EQ(offer("fourth"), Offered::taken);
  fill(third, "third");
  fill(second, "second");
  EXPECT_EQ(read_all(), Texts{});  // the first is open
  fill(first, "first");
  EXPECT_EQ(read_all(), (Texts{"first", "second", "third", "fourth"}));
}

TEST_F(RingTest, AnAbandonedClaimIsNotAMessage) {
  const RingClaim first = claim(100), second = claim(100), third = claim(3);
  fill(third, "3");
  writer.abandon(first);
  writer.abandon(second);
  EXPECT_EQ(writer.claims_open(), 0u);
  EXPECT_EQ(read_all(), Texts{"3"});
}

TEST_F(RingTest, AClaimMayTurnOutSmaller) {
  for (std::size_t used : {0u, 1u, 92u, 93u, 99u, 100u}) {
    const std::string text(used, 'u');
    fill(claim(100), text);
    EXPECT_EQ(read_all(), Texts{text});
  }
}

TEST_F(RingTest, TheRoomOfAnOpenClaimIsNotUsedAgain) {
  const RingClaim held = claim(900);
  std::memset(held.space.data(), 'h', held.space.size());
  std::size_t behind = 0;
  while (offer(std::string(100, 'b')) == Offered::taken) ++behind;
  EXPECT_GT(behind, 20u);
  EXPECT_EQ(read_all(), Texts{});
  EXPECT_EQ(offer("x"), Offered::taken);   // what is left at the end of the ring
  EXPECT_TRUE(writer.prepare_to_sleep());  // nobody but the holder of the claim can make room
  EXPECT_FALSE(writer.awake());
  writer.commit(held, 900);
  const Texts messages = read_all();
  ASSERT_EQ(messages.size(), behind + 2);
  EXPECT_EQ(messages[0], std::string(900, 'h'));
}

TEST_F(RingTest, ClaimsAreBounded) {
  std::vector<RingClaim> claims;
  RingClaim next;
  while (writer.claim(0, next) == Offered::taken) claims.push_back(next);
  EXPECT_EQ(claims.size(), std::min(size / 8, RingWriter::claims_open_max));
  for (const RingClaim& each : claims) writer.abandon(each);
  EXPECT_EQ(read_all(), Texts{});
  EXPECT_EQ(offer("after 512 paddings"), Offered::taken);
  EXPECT_EQ(read_all(), Texts{"after 512 paddings"});
}

// Each message says its number and is of one letter behind that.
std::string message_of(std::uint64_t number, std::size_t bytes) {
  std::string text(bytes, static_cast<char>('a' + number % 26));
  std::memcpy(text.data(), &number, sizeof number);
  return text;
}

TEST_F(RingTest, RandomClaimsAndOffersComeInOrder) {
  base::Random random(11);
  std::vector<std::pair<RingClaim, std::string>> open;
  std::uint64_t number = 0, sent = 0, received = 0;
  std::int64_t last = -1;
  for (int step = 0; step < 200'000; ++step) {
    const std::string text = message_of(number, 8 + random.below(400));
    RingClaim taken;
    if (random.one_in(3)) {
      if (offer(text) == Offered::taken) ++number, ++sent;
    } else if (open.size() < 6 && writer.claim(text.size() + random.below(50), taken) == Offered::taken) {
      open.emplace_back(taken, text);
      ++number;
    }
    if (!open.empty() && random.one_in(2)) {
      const auto which = open.begin() + static_cast<std::ptrdiff_t>(random.below(open.size()));
      if (random.one_in(8)) {
        writer.abandon(which->first);
      } else {
        fill(which->first, which->second);
        ++sent;
      }
      open.erase(which);
    }
    writer.publish();
    received += reader.read(random.below(4), [&](base::ByteSpan message) {
      std::int64_t got;
      std::memcpy(&got, message.data(), sizeof got);
      ASSERT_GT(got, last);
      ASSERT_EQ(base::as_text(message), message_of(static_cast<std::uint64_t>(got), message.size()));
      last = got;
    });
    reader.give_back_room();
    ASSERT_EQ(reader.violation(), "");
    ASSERT_EQ(writer.violation(), "");
  }
  for (const auto& [claim, text] : open) fill(claim, text);
  sent += open.size();
  received += read_all().size();
  EXPECT_EQ(received, sent);
  EXPECT_GT(received, 50'000u);
}

TEST_F(RingTest, ARunEndsWhereRoomIsToBeGivenBack) {
  while (offer(std::string(56, 'x')) == Offered::taken) continue;
  writer.publish();
  const auto read = [&] { return reader.read(1000, [](base::ByteSpan) {}); };
  EXPECT_EQ(read(), size / 8 / 64);
  EXPECT_EQ(read(), 0u);
  EXPECT_FALSE(reader.give_back_much_room());  // nobody waits for it, but it is given
  EXPECT_EQ(writer.room_bytes(), size / 8 - sizeof(FrameHeader));
  EXPECT_EQ(read(), size / 8 / 64);
}

TEST_F(RingTest, ASleepingReaderIsRungOnce) {
  EXPECT_TRUE(reader.prepare_to_sleep());
  offer("one");
  EXPECT_TRUE(writer.publish());
  offer("two");
  EXPECT_FALSE(writer.publish());
  EXPECT_TRUE(reader.awake());
  offer("three");
  EXPECT_FALSE(writer.publish());
  EXPECT_FALSE(reader.prepare_to_sleep());
  EXPECT_FALSE(reader.awake());
}

TEST_F(RingTest, AWriterIsRungForRoomWhenTheRingIsHalfEmpty) {
  while (offer(std::string(120, 'x')) == Offered::taken) continue;
  writer.publish();
  ASSERT_TRUE(writer.prepare_to_sleep());
  std::size_t read = 0;
  while (!reader.give_back_room()) read += reader.read(1, [](base::ByteSpan) {});
  EXPECT_EQ(read, size / 128 / 2);
  EXPECT_TRUE(writer.awake());
  EXPECT_EQ(offer(std::string(writer.message_bytes_max(), 'y')), Offered::taken);
}

TEST_F(RingTest, AWriterThatFoundRoomAgainIsToldOnce) {
  while (offer(std::string(120, 'x')) == Offered::taken) continue;
  read_all();
  EXPECT_FALSE(writer.prepare_to_sleep());
  EXPECT_FALSE(writer.awake());
  EXPECT_TRUE(writer.prepare_to_sleep());
}

TEST_F(RingTest, ClosedIsSeenBehindTheLastMessage) {
  offer("last");
  writer.publish();
  writer.close();
  EXPECT_FALSE(reader.ended());
  EXPECT_EQ(read_all(), Texts{"last"});
  EXPECT_TRUE(reader.ended());
  EXPECT_FALSE(reader.prepare_to_sleep());
}

}  // namespace
}  // namespace cms::transport
