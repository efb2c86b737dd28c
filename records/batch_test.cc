// SPDX-License-Identifier: Apache-2.0
#include "records/batch.h"

#include <vector>

#include <gtest/gtest.h>

namespace cms::records {
namespace {

std::vector<std::byte> empty_batch() {
  std::vector<std::byte> bytes(header_size);
  base::store_big<std::int32_t>(bytes.data() + layout::batch_length, header_size - layout::counted_from);
  base::store_big<std::int8_t>(bytes.data() + layout::magic, current_magic);
  return bytes;
}

TEST(BatchView, FramesTheBatchAtTheStartAndIgnoresWhatFollows) {
  std::vector<std::byte> bytes = empty_batch();
  bytes.resize(bytes.size() + 10);
  const std::optional<BatchView> batch = BatchView::frame(bytes);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->size(), header_size);
  EXPECT_TRUE(batch->payload().empty());
}

TEST(BatchView, EveryTruncationIsNoBatch) {
  const std::vector<std::byte> bytes = empty_batch();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(BatchView::frame(base::ByteSpan(bytes).first(size)));
}

TEST(BatchView, ALengthBelowTheHeaderOrNegativeIsNoBatch) {
  for (const std::int32_t length : {48, 0, -1, std::numeric_limits<std::int32_t>::min()}) {
    std::vector<std::byte> bytes = empty_batch();
    base::store_big(bytes.data() + layout::batch_length, length);
    EXPECT_FALSE(BatchView::frame(bytes)) << length;
  }
}

TEST(BatchView, TheGreatestLengthNeedsThatManyBytes) {
  std::vector<std::byte> bytes = empty_batch();
  base::store_big(bytes.data() + layout::batch_length, std::numeric_limits<std::int32_t>::max());
  EXPECT_FALSE(BatchView::frame(bytes));
  EXPECT_EQ(BatchView::declared_size(bytes), std::size_t{2147483647} + layout::counted_from);
}

TEST(BatchView, OlderMagicsAreNoBatch) {
  for (const std::int8_t magic : {0, 1, 3, -1}) {
    std::vector<std::byte> bytes = empty_batch();
    base::store_big(bytes.data() + layout::magic, magic);
    EXPECT_FALSE(BatchView::frame(bytes));
  }
}

TEST(BatchView, SequencesWrapToZero) {
  EXPECT_EQ(advance_sequence(0, 4), 4);
  EXPECT_EQ(advance_sequence(2147483647, 1), 0);
  EXPECT_EQ(advance_sequence(2147483645, 5), 2);
}

TEST(BatchView, LastSequenceIsNoneWithoutABaseSequence) {
  std::vector<std::byte> bytes = empty_batch();
  base::store_big<std::int32_t>(bytes.data() + layout::base_sequence, -1);
  base::store_big<std::int32_t>(bytes.data() + layout::last_offset_delta, 7);
  EXPECT_EQ(BatchView::frame(bytes)->last_sequence(), no_sequence);
  base::store_big<std::int32_t>(bytes.data() + layout::base_sequence, 2147483647);
  EXPECT_EQ(BatchView::frame(bytes)->last_sequence(), 6);
}

TEST(BatchView, OffsetAndEpochAreSetWhereTheBatchLies) {
  std::vector<std::byte> bytes = empty_batch();
  base::store_big<std::int32_t>(bytes.data() + layout::last_offset_delta, 2);
  set_base_offset(bytes, 40);
  set_leader_epoch(bytes, 9);
  const BatchView batch = *BatchView::frame(bytes);
  EXPECT_EQ(batch.base_offset(), 40);
  EXPECT_EQ(batch.last_offset(), 42);
  EXPECT_EQ(batch.next_offset(), 43);
  EXPECT_EQ(batch.leader_epoch(), 9);
}

TEST(BatchView, AttributesAreReadBitByBit) {
  std::vector<std::byte> bytes = empty_batch();
  base::store_big<std::int16_t>(bytes.data() + layout::attributes, 0x08 | 0x10 | 4);
  const BatchView batch = *BatchView::frame(bytes);
  EXPECT_EQ(batch.codec(), Codec::zstd);
  EXPECT_EQ(batch.timestamp_type(), TimestampType::log_append_time);
  EXPECT_TRUE(batch.is_transactional());
  EXPECT_FALSE(batch.is_control());
  EXPECT_FALSE(batch.has_delete_horizon());
  EXPECT_FALSE(is_known(static_cast<Codec>(5)));
}

}  // namespace
}  // namespace cms::records
