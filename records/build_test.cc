// SPDX-License-Identifier: Apache-2.0
#include "records/build.h"

#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "records/test_batches.h"

namespace cms::records {
namespace {

using namespace testing;

TEST(Build, TheHeaderSaysWhatTheOptionsSay) {
  const std::vector<std::byte> bytes = sample_batch({.codec = Codec::lz4,
                                                     .base_offset = 1000,
                                                     .leader_epoch = 4,
                                                     .producer_id = 77,
                                                     .producer_epoch = 2,
                                                     .base_sequence = 2147483646,
                                                     .transactional = true},
                                                    5);
  const BatchView batch = *BatchView::frame(bytes);
  EXPECT_EQ(batch.size(), bytes.size());
  EXPECT_EQ(batch.codec(), Codec::lz4);
  EXPECT_EQ(batch.next_offset(), 1005);
  EXPECT_EQ(batch.leader_epoch(), 4);
  EXPECT_EQ(batch.producer_id(), 77);
  EXPECT_EQ(batch.producer_epoch(), 2);
  EXPECT_EQ(batch.last_sequence(), 2);
  EXPECT_TRUE(batch.is_transactional());
  EXPECT_FALSE(batch.is_control());
  EXPECT_EQ(batch.record_count(), 5);
  EXPECT_EQ(batch.base_timestamp(), sample_time_ms);
  EXPECT_EQ(batch.max_timestamp(), sample_time_ms + 4);
  EXPECT_EQ(batch.crc(), base::crc32c(batch.checksummed()));
}

TEST(Build, TheSizeToldIsTheSizeMadeWithoutCompression) {
  BatchBuilder builder;
  builder.add({.timestamp = 10, .key = base::as_bytes("k"), .value = base::as_bytes("v")});
  builder.add({.timestamp = -10});
  const std::size_t told = builder.size();
  EXPECT_EQ(builder.finish().size(), told);
}

TEST(Build, AFinishedBuilderBeginsTheNextBatch) {
  BatchBuilder builder({.codec = Codec::zstd});
  builder.add({.timestamp = 10, .value = base::as_bytes("v")});
  const std::vector<std::byte> first = builder.finish();
  EXPECT_EQ(builder.record_count(), 0);
  builder.add({.timestamp = 10, .value = base::as_bytes("v")});
  EXPECT_EQ(builder.finish(), first);
}

TEST(Build, TimestampsMayComeInAnyOrder) {
  BatchBuilder builder;
  for (const TimestampMs timestamp : {50, 10, 90, 20}) builder.add({.timestamp = timestamp});
  const std::vector<std::byte> bytes = builder.finish();
  EXPECT_EQ(BatchView::frame(bytes)->base_timestamp(), 50);
  EXPECT_EQ(BatchView::frame(bytes)->max_timestamp(), 90);
}

TEST(Build, TheBytesAreKafkasForTheSameRecords) {
  BatchBuilder builder({.producer_id = 7001, .producer_epoch = 3, .base_sequence = 40});
  const HeaderView headers[] = {{"h1", base::as_bytes("a")}, {"h2", std::nullopt}};
  builder.add({sample_time_ms, base::as_bytes("key-0"), base::as_bytes("value zero"), headers});
  builder.add({.timestamp = sample_time_ms + 5, .value = base::as_bytes("")});
  builder.add({.timestamp = sample_time_ms + 3, .key = base::as_bytes("k2")});
  EXPECT_EQ(builder.finish(), read_test_file("java-none-3.batch"));
}

}  // namespace
}  // namespace cms::records
