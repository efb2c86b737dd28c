// SPDX-License-Identifier: Apache-2.0
#include "records/lookup.h"

#include <gtest/gtest.h>

#include "records/iterate.h"
#include "records/rewrite.h"
#include "records/test_batches.h"

namespace cms::records {
namespace {

using namespace testing;

// Offsets 100 to 104 at 50, 10, 90, 20, 90.
std::vector<std::byte> unordered_batch(Codec codec) {
  BatchBuilder builder({.codec = codec, .base_offset = 100});
  for (const TimestampMs timestamp : {50, 10, 90, 20, 90}) builder.add({.timestamp = timestamp});
  return builder.finish();
}

std::optional<TimedOffset> found(ByteSpan bytes, TimestampMs wanted, OffsetRange range = {}) {
  RecordReader reader;
  return *find_time(*BatchView::frame(bytes), wanted, range, reader);
}
std::optional<TimedOffset> found_max(ByteSpan bytes, OffsetRange range = {}) {
  RecordReader reader;
  return *find_max_time(*BatchView::frame(bytes), range, reader);
}

TEST(Lookup, TheFirstRecordAtOrAfterTheTimeIsFoundInsideEveryCodec) {
  for (const Codec codec : all_codecs) {
    const std::vector<std::byte> bytes = unordered_batch(codec);
    EXPECT_EQ(found(bytes, 0), (TimedOffset{100, 50}));
    EXPECT_EQ(found(bytes, 50), (TimedOffset{100, 50}));
    EXPECT_EQ(found(bytes, 51), (TimedOffset{102, 90}));
    EXPECT_EQ(found(bytes, 90), (TimedOffset{102, 90}));
    EXPECT_EQ(found(bytes, 91), std::nullopt);
  }
}

TEST(Lookup, RecordsOutsideTheRangeDoNotCount) {
  const std::vector<std::byte> bytes = unordered_batch(Codec::gzip);
  EXPECT_EQ(found(bytes, 51, {.first = 0, .end = 102}), std::nullopt);
  EXPECT_EQ(found(bytes, 51, {.first = 0, .end = 103}), (TimedOffset{102, 90}));
  EXPECT_EQ(found(bytes, 51, {.first = 103}), (TimedOffset{104, 90}));
  EXPECT_EQ(found(bytes, 0, {.first = 105}), std::nullopt);
  EXPECT_EQ(found(bytes, 0, {.first = 0, .end = 100}), std::nullopt);
}

TEST(Lookup, TheGreatestTimeIsTheFirstRecordThatHasIt) {
  for (const Codec codec : all_codecs) {
    const std::vector<std::byte> bytes = unordered_batch(codec);
    EXPECT_EQ(found_max(bytes), (TimedOffset{102, 90}));
    EXPECT_EQ(found_max(bytes, {.first = 0, .end = 102}), (TimedOffset{100, 50}));
    EXPECT_EQ(found_max(bytes, {.first = 103, .end = 104}), (TimedOffset{103, 20}));
  }
}

TEST(Lookup, WithAppendTimeTheFirstRecordIsTheAnswer) {
  std::vector<std::byte> bytes = unordered_batch(Codec::lz4);
  set_timestamps(bytes, TimestampType::log_append_time, 1000);
  EXPECT_EQ(found(bytes, 1000), (TimedOffset{100, 1000}));
  EXPECT_EQ(found(bytes, 1001), std::nullopt);
  EXPECT_EQ(found_max(bytes), (TimedOffset{100, 1000}));
}

TEST(Lookup, RecordsWithoutATimestampAreNeverTheGreatest) {
  BatchBuilder builder;
  builder.add({});
  EXPECT_EQ(found_max(builder.finish()), std::nullopt);
}

TEST(Lookup, AGarbledBatchIsAnError) {
  const std::vector<std::byte> bytes = batch_around(base::as_bytes("no frame"), 1, Codec::zstd);
  RecordReader reader;
  EXPECT_FALSE(find_time(*BatchView::frame(bytes), 0, {}, reader));
  EXPECT_FALSE(find_max_time(*BatchView::frame(bytes), {}, reader));
}

}  // namespace
}  // namespace cms::records
