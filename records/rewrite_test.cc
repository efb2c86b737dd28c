// SPDX-License-Identifier: Apache-2.0
#include "records/rewrite.h"

#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "records/iterate.h"
#include "records/test_batches.h"

namespace cms::records {
namespace {

using namespace testing;

auto recompress(const BatchView& batch, Codec target, std::size_t bytes_max = uncompressed_bytes_max_default) {
  return records::recompress(batch, target, std::nullopt, bytes_max);
}

TEST(Rewrite, AppendTimeIsSetWhereTheBatchLiesAndTheChecksumFollows) {
  for (const Codec codec : all_codecs) {
    std::vector<std::byte> bytes = sample_batch({.codec = codec, .transactional = true});
    set_timestamps(bytes, TimestampType::log_append_time, 123456);
    const BatchView batch = *BatchView::frame(bytes);
    EXPECT_EQ(batch.timestamp_type(), TimestampType::log_append_time);
    EXPECT_EQ(batch.max_timestamp(), 123456);
    EXPECT_EQ(batch.base_timestamp(), sample_time_ms);
    EXPECT_EQ(batch.codec(), codec);
    EXPECT_TRUE(batch.is_transactional());
    EXPECT_EQ(batch.crc(), base::crc32c(batch.checksummed()));
    RecordReader reader(batch);
    EXPECT_EQ(reader.next()->timestamp, 123456);
  }
}

TEST(Rewrite, SettingWhatIsSetChangesNothing) {
  const std::vector<std::byte> before = sample_batch();
  std::vector<std::byte> after = before;
  set_timestamps(after, TimestampType::create_time, sample_time_ms + 2);
  EXPECT_EQ(after, before);
}

TEST(Rewrite, EveryCodecBecomesEveryOtherAndNothingElseChanges) {
  const BatchOptions options{
      .base_offset = 50, .leader_epoch = 3, .producer_id = 9, .producer_epoch = 1, .base_sequence = 4};
  const std::vector<std::byte> plain = sample_batch(options, 100);
  Recompressor recompressor;
  for (const Codec from : all_codecs) {
    BatchOptions compressed = options;
    compressed.codec = from;
    const std::vector<std::byte> bytes = sample_batch(compressed, 100);
    for (const Codec to : all_codecs) {
      const auto changed = recompressor.recompress(*BatchView::frame(bytes), to, std::nullopt);
      ASSERT_TRUE(changed);
      EXPECT_EQ(BatchView::frame(*changed)->codec(), to);
      const auto back = recompress(*BatchView::frame(*changed), Codec::none);
      ASSERT_TRUE(back);
      EXPECT_EQ(*back, plain) << to_string(from) << " to " << to_string(to);
    }
  }
}

TEST(Rewrite, RecompressionIsBounded) {
  for (const Codec codec : compressing_codecs) {
    const std::vector<std::byte> bytes = batch_around(compressed_zeros(codec, std::size_t{4} << 20), 1, codec);
    const auto result = recompress(*BatchView::frame(bytes), Codec::none, std::size_t{1} << 20);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind(), base::ErrorKind::full);
  }
}

TEST(Rewrite, RecompressingGarbageIsAnError) {
  const std::vector<std::byte> bytes = batch_around(base::as_bytes("no frame"), 1, Codec::lz4);
  EXPECT_FALSE(recompress(*BatchView::frame(bytes), Codec::none));
  EXPECT_FALSE(recompress(*BatchView::frame(with_field<std::int16_t>(bytes, layout::attributes, 7)), Codec::none));
}

}  // namespace
}  // namespace cms::records
