// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "base/endian.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/result.h"
#include "base/uuid.h"

namespace cms::base {
namespace {

TEST(Crc32c, KnownVectorsOfRfc3720) {
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283u);
  EXPECT_EQ(crc32c(ByteSpan(std::vector<std::byte>(32, std::byte{0}))), 0x8a9136aau);
  EXPECT_EQ(crc32c(ByteSpan(std::vector<std::byte>(32, std::byte{0xff}))), 0x62a8ab43u);
  EXPECT_EQ(crc32c({}), 0u);
}

TEST(Crc32c, ShortAndLongPathsAgreeAtEverySplit) {
  Random random(1);
  std::vector<std::byte> bytes(3000);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random.next());
  const std::uint32_t whole = crc32c(bytes);
  for (std::size_t split = 0; split <= bytes.size(); split += 37) {
    EXPECT_EQ(crc32c(ByteSpan(bytes).subspan(split), crc32c(ByteSpan(bytes).first(split))), whole) << split;
  }
}

TEST(Endian, LoadsWhatItStoredAndPutsTheHighByteFirst) {
  std::byte memory[9]{};
  store_big<std::int32_t>(memory + 1, 0x01020304);
  EXPECT_EQ(memory[1], std::byte{1});
  EXPECT_EQ(load_big<std::int32_t>(memory + 1), 0x01020304);
  store_big<std::int64_t>(memory + 1, -2);
  EXPECT_EQ(load_big<std::int64_t>(memory + 1), -2);
}

TEST(Uuid, TextRoundTripsAndNeverBeginsWithADash) {
  Random random(7);
  for (int i = 0; i < 2000; ++i) {
    const Uuid id = Uuid::random(random);
    EXPECT_NE(id.to_string().front(), '-');
    EXPECT_EQ(Uuid::parse(id.to_string()), id);
  }
  EXPECT_EQ(Uuid{}.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
  EXPECT_EQ(Uuid::parse("too short"), std::nullopt);
  EXPECT_EQ(Uuid::parse("AAAAAAAAAAAAAAAAAAAAA!"), std::nullopt);
}

TEST(Random, TheSameSeedGivesTheSameChoices) {
  Random a(42), b(42), c(43);
  EXPECT_EQ(a.next(), b.next());
  EXPECT_NE(a.next(), c.next());
  for (int i = 0; i < 1000; ++i) EXPECT_LT(a.below(7), 7u);
}

TEST(Result, AnErrorReadsFromTheOutermostActionInwards) {
  const Result<int> failed = Error::from_errno(2, "opening x").while_doing("starting");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind(), ErrorKind::not_found);
  EXPECT_EQ(failed.error().message(), "starting: opening x: No such file or directory");
  EXPECT_EQ(failed.error().system_code(), 2);
}

TEST(ResultDeathTest, TakingTheValueOfAnErrorStopsTheProgram) {
  const Result<int> failed = Error(ErrorKind::invalid, "no");
  EXPECT_DEATH((void)failed.value(), "CHECK failed");
}

TEST(Bytes, ASliceKeepsItsMemoryAlive) {
  Bytes slice;
  {
    const Bytes whole = Bytes::copy_of("hello world");
    slice = whole.slice(6, 5);
  }
  EXPECT_EQ(as_text(slice), "world");
}

TEST(Metrics, PrometheusTextHasHelpOncePerNameAndCumulativeBuckets) {
  Registry registry;
  registry.counter("requests_total", "Requests served.", "api=\"Fetch\"").add(2);
  registry.counter("requests_total", "Requests served.", "api=\"Produce\"").add(3);
  auto& histogram = registry.histogram("latency_seconds", "Time.");
  histogram.record_ns(1'000);
  histogram.record_ns(3'000);
  const std::string text = registry.to_prometheus();
  EXPECT_EQ(text.find("# HELP requests_total"), text.rfind("# HELP requests_total"));
  EXPECT_NE(text.find("requests_total{api=\"Produce\"} 3\n"), std::string::npos);
  EXPECT_NE(text.find("latency_seconds_bucket{le=\"1e-06\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("latency_seconds_bucket{le=\"4e-06\"} 2\n"), std::string::npos);
  EXPECT_NE(text.find("latency_seconds_count 2\n"), std::string::npos);
}

TEST(ManualClock, MovesOnlyWhenTold) {
  ManualClock clock(1000);
  EXPECT_EQ(clock.now_ms(), 1000);
  clock.advance(std::chrono::milliseconds(5));
  EXPECT_EQ(clock.now_ms(), 1005);
  EXPECT_EQ(clock.steady(), std::chrono::milliseconds(5));
}

}  // namespace
}  // namespace cms::base
