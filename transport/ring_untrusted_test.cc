// SPDX-License-Identifier: Apache-2.0
// A peer that writes what it likes. Memory around the ring is checked by the address sanitizer: the data is a heap
// allocation of exactly its size.
#include <array>
#include <cstring>
#include <memory>

#include <gtest/gtest.h>

#include "base/random.h"
#include "transport/ring.h"

namespace cms::transport {
namespace {

constexpr std::size_t size = 4096;

struct UntrustedRingTest : testing::Test {
  RingHeader header{};
  std::unique_ptr<std::uint64_t[]> words = std::make_unique<std::uint64_t[]>(size / 8);
  base::MutableByteSpan data{reinterpret_cast<std::byte*>(words.get()), size};
  RingWriter writer{header, data};
  RingReader reader{header, data};

  static constexpr std::uint64_t frame(std::uint64_t kind, std::uint64_t length) { return kind | length << 32; }
  std::size_t read() {
    return reader.read(1000, [](base::ByteSpan message) {
      std::uint8_t sum = 0;
      for (const std::byte each : message) sum ^= static_cast<std::uint8_t>(each);
      volatile std::uint8_t seen = sum;
      static_cast<void>(seen);
    });
  }
  void expect_violation(std::string_view what) {
    EXPECT_EQ(read(), 0u);
    EXPECT_NE(reader.violation().find(what), std::string_view::npos) << reader.violation();
    header.tail = 16;
    words[0] = frame(FrameHeader::message, 8);
    EXPECT_EQ(read(), 0u) << "the ring has ended";
    EXPECT_FALSE(reader.prepare_to_sleep());
  }
  void offer_one() {
    const std::array<std::byte, 100> bytes{};
    const base::ByteSpan part(bytes);
    EXPECT_EQ(writer.offer(std::span(&part, 1)), Offered::taken);
  }
  void expect_refused(std::uint64_t head) {
    header.head = head;
    const std::vector<std::byte> bytes(writer.message_bytes_max());
    const base::ByteSpan part(bytes);
    Offered offered = Offered::taken;
    for (int i = 0; i < 10 && offered == Offered::taken; ++i) offered = writer.offer(std::span(&part, 1));
    EXPECT_EQ(offered, Offered::closed);
    EXPECT_NE(writer.violation(), "");
    EXPECT_EQ(writer.room_bytes(), 0u);
    header.head = 0;
    EXPECT_EQ(writer.offer(std::span(&part, 1)), Offered::closed) << "for good";
  }
};

TEST_F(UntrustedRingTest, ATailBeyondTheRing) {
  header.tail = size + 8;
  expect_violation("position of the writer");
}

TEST_F(UntrustedRingTest, ATailThatIsNoBoundary) {
  header.tail = 12;
  expect_violation("position of the writer");
}

TEST_F(UntrustedRingTest, ATailThatFalls) {
  words[0] = words[2] = frame(FrameHeader::message, 8);
  header.tail = 32;
  EXPECT_EQ(read(), 2u);
  header.tail = 16;
  expect_violation("position of the writer");
}

TEST_F(UntrustedRingTest, AFrameBeyondTheTail) {
  words[0] = frame(FrameHeader::message, 9);
  header.tail = 16;
  expect_violation("ends behind its tail");
}

TEST_F(UntrustedRingTest, AFrameOfFourGigabytes) {
  words[0] = frame(FrameHeader::message, 0xffffffff);
  header.tail = size;
  expect_violation("ends behind its tail");
}

TEST_F(UntrustedRingTest, AFrameThatWraps) {
  for (std::size_t i = 0; i < size / 8; ++i) words[i] = frame(FrameHeader::padding, 0);
  header.tail = size - 8;
  while (reader.has_more()) {
    EXPECT_EQ(read(), 0u);
    reader.give_back_room();
  }
  words[size / 8 - 1] = frame(FrameHeader::message, 8);
  header.tail = size + 8;
  expect_violation("ends behind its tail");
}

TEST_F(UntrustedRingTest, AMessageLargerThanAQuarter) {
  words[0] = frame(FrameHeader::message, size / 4);
  header.tail = size / 2;
  expect_violation("larger than a quarter");
}

TEST_F(UntrustedRingTest, AKindThatNobodyKnows) {
  words[0] = frame(0, 8);
  header.tail = 16;
  expect_violation("unknown kind");
}

TEST_F(UntrustedRingTest, AHeadBeyondWhatWasWritten) { expect_refused(8); }

TEST_F(UntrustedRingTest, AHeadBeyondWhatWasPublished) {
  offer_one();
  writer.publish();
  offer_one();
  expect_refused(frame_bytes(100) * 2);
}

TEST_F(UntrustedRingTest, AHeadThatIsNoBoundary) {
  offer_one();
  writer.publish();
  expect_refused(4);
}

TEST_F(UntrustedRingTest, AHeadThatFalls) {
  while (writer.violation().empty() && header.head == 0) {
    offer_one();
    writer.publish();
    read();
    if (writer.room_bytes() < 200) header.head = size / 2;
  }
  for (int i = 0; i < 5; ++i) offer_one();  // has seen the new head
  expect_refused(size / 2 - 8);
}

// Both ends go on working on a ring into which garbage is written all the time, at any word. What they do is bounded,
// stays in the ring, and ends in order.
TEST_F(UntrustedRingTest, GarbageInAnyWordNeverHurts) {
  const std::uint64_t seed = base::Random::system_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  base::Random random(seed);
  std::size_t violations = 0;
  for (int round = 0; round < 3000; ++round) {
    RingHeader shared{};
    RingWriter out(shared, data);
    RingReader in(shared, data);
    std::vector<RingClaim> claims;
    const auto garbage = [&]() -> std::uint64_t {
      const std::uint64_t near = random.below(3 * size);
      switch (random.below(5)) {
        case 0:
          return random.next();
        case 1:
          return near;
        case 2:
          return near & ~7ull;
        case 3:
          return frame(random.below(4), random.below(2 * size));
        default:
          return shared.tail + 8 * random.below(4);
      }
    };
    for (int step = 0; step < 200; ++step) {
      const std::vector<std::byte> message(random.below(out.message_bytes_max() + 1));
      const base::ByteSpan part(message);
      RingClaim claim;
      if (random.one_in(2))
        out.offer(std::span(&part, 1));
      else if (out.claim(message.size(), claim) == Offered::taken)
        claims.push_back(claim);
      if (!claims.empty() && random.one_in(2)) {
        std::memset(claims.back().space.data(), 1, claims.back().space.size());
        if (random.one_in(2))
          out.commit(claims.back(), random.below(claims.back().space.size() + 1));
        else
          out.abandon(claims.back());
        claims.pop_back();
      }
      out.publish();
      if (random.one_in(10)) words[random.below(size / 8)] = garbage();
      if (random.one_in(30)) shared.tail = garbage();
      if (random.one_in(30)) shared.head = garbage();
      if (random.one_in(30)) shared.room_wanted_at = garbage();
      if (random.one_in(30)) shared.reader_sleeps = static_cast<std::uint32_t>(garbage());
      in.read(random.below(20), [](base::ByteSpan bytes) {
        volatile std::byte last = bytes.empty() ? std::byte{} : bytes.back();
        static_cast<void>(last);
      });
      in.give_back_room();
      if (random.one_in(5)) out.prepare_to_sleep(), out.awake(), in.prepare_to_sleep(), in.awake();
      ASSERT_LE(out.room_bytes(), out.message_bytes_max());
    }
    violations += !out.violation().empty() || !in.violation().empty();
  }
  EXPECT_GT(violations, 1000u);
}

}  // namespace
}  // namespace cms::transport
