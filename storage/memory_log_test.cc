// SPDX-License-Identifier: Apache-2.0
#include "storage/memory_log.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "storage/test_batches.h"

namespace cms::storage {
namespace {

using test::make_batch;
using test::offsets_in;
using test::view_of;

class MemoryLogTest : public ::testing::Test {
 protected:
  Offset append(MemoryLog& log, test::BatchSpec spec = {}, LeaderEpoch epoch = 0) {
    const auto bytes = make_batch(spec);
    return log.append(view_of(bytes), epoch, now_ms_).value();
  }
  std::vector<Offset> read(MemoryLog& log, Offset from, Offset below, std::size_t bytes_max = 1 << 30) {
    std::vector<base::Bytes> slices;
    const LogRead got = log.read(from, below, bytes_max, slices).value();
    EXPECT_FALSE(got.cold.has_value());
    std::size_t bytes = 0;
    for (const auto& slice : slices) bytes += slice.size();
    EXPECT_EQ(bytes, got.bytes);
    return offsets_in(slices);
  }

  Arena arena_{{.budget_bytes = 64 << 20, .pool_bytes_max = 1 << 20}};
  base::TimestampMs now_ms_ = 5000;
};

TEST_F(MemoryLogTest, OffsetsBeginWhereTheLogWasToldAndCountRecords) {
  MemoryLog log(arena_, {}, {.offset = 700});
  EXPECT_EQ(log.first_offset(), 700);
  EXPECT_EQ(append(log, {.records = 3}), 700);
  EXPECT_EQ(append(log, {.records = 1}), 703);
  EXPECT_EQ(log.next_offset(), 704);
  EXPECT_EQ(log.durable_end(), 704);
  EXPECT_FALSE(log.wants_flush());
}

TEST_F(MemoryLogTest, ABatchThatWasMadeInReservedRoomStaysWhereItIs) {
  MemoryLog log(arena_, {}, {.offset = 5});
  const auto bytes = make_batch({.records = 2, .payload_bytes = 100});
  const base::MutableByteSpan room = log.reserve(bytes.size(), now_ms_);
  ASSERT_EQ(room.size(), bytes.size());
  std::ranges::copy(bytes, room.begin());
  EXPECT_EQ(log.append(*records::BatchView::frame(room), 0, now_ms_).value(), 5);
  std::vector<base::Bytes> slices;
  ASSERT_TRUE(log.read(5, 7, 1 << 20, slices).ok());
  EXPECT_EQ(slices.at(0).data(), room.data());
  EXPECT_EQ(append(log, {.records = 1}), 7);
  EXPECT_EQ(read(log, 5, 8), (std::vector<Offset>{5, 7}));
}

TEST_F(MemoryLogTest, ReservedRoomThatIsNotUsedIsTheNextOnes) {
  MemoryLog log(arena_, {}, {});
  EXPECT_EQ(append(log, {.records = 1}), 0);
  const base::MutableByteSpan unused = log.reserve(20 << 10, now_ms_);
  std::ranges::fill(unused, std::byte{0xff});
  EXPECT_EQ(read(log, 0, 1), (std::vector<Offset>{0}));
  EXPECT_EQ(log.reserve(100, now_ms_).data(), unused.data());
  EXPECT_EQ(append(log, {.records = 1, .payload_bytes = 100 << 10}), 1);  // and if another chunk has to be taken
  EXPECT_EQ(read(log, 0, 2), (std::vector<Offset>{0, 1}));
}

TEST_F(MemoryLogTest, AnEmptyLogWithReservedRoomIsEmpty) {
  MemoryLog log(arena_, {.retention = {.time_ms = 10}}, {.offset = 3});
  ASSERT_FALSE(log.reserve(1000, now_ms_).empty());
  EXPECT_TRUE(read(log, 3, 10).empty());
  EXPECT_EQ(log.size_bytes(), 0u);
  log.apply_retention(now_ms_ + 1000);
  EXPECT_EQ(log.first_offset(), 3);
  EXPECT_EQ(append(log), 3);
}

TEST_F(MemoryLogTest, WhatWasWrittenIntoUnusedRoomIsNotSeenByTheChunksNextOwner) {
  {
    MemoryLog log(arena_, {}, {});
    std::ranges::fill(log.reserve(1000, now_ms_), std::byte{0xff});
  }
  const auto chunk = arena_.take(1000, 0).value();
  EXPECT_TRUE(std::all_of(chunk->data(), chunk->data() + 1000, [](std::byte byte) { return byte == std::byte{0}; }));
}

TEST_F(MemoryLogTest, AnEmptyLogOwnsNoChunk) {
  MemoryLog log(arena_, {}, {});
  EXPECT_EQ(arena_.counters().held_bytes, 0u);
  EXPECT_LE(log.memory_bytes(), 1024u);
  EXPECT_TRUE(read(log, 0, 10).empty());
}

TEST_F(MemoryLogTest, TheStoredBatchCarriesOffsetAndEpochAndIsOtherwiseUnchanged) {
  MemoryLog log(arena_, {}, {.offset = 5});
  const auto bytes = make_batch({.records = 2, .payload_bytes = 100});
  ASSERT_TRUE(log.append(view_of(bytes), 9, now_ms_).ok());
  std::vector<base::Bytes> slices;
  ASSERT_TRUE(log.read(6, 7, 1, slices).ok());
  const auto stored = records::BatchView::frame(slices.at(0));
  EXPECT_EQ(stored->base_offset(), 5);
  EXPECT_EQ(stored->leader_epoch(), 9);
  EXPECT_EQ(stored->crc(), base::crc32c(stored->checksummed()));
  EXPECT_EQ(log.epochs().at(5), 9);
}

TEST_F(MemoryLogTest, ReadGivesWholeBatchesFromTheOneThatHoldsTheOffset) {
  MemoryLog log(arena_, {}, {});
  for (int i = 0; i < 2000; ++i) append(log, {.records = 3, .payload_bytes = 200});
  for (const Offset from : {0, 1, 2, 3, 2999, 3000, 3001, 5997, 5999}) {
    EXPECT_EQ(read(log, from, log.next_offset(), 1).front(), from / 3 * 3) << from;
  }
  EXPECT_TRUE(read(log, 6000, 6000).empty());
}

TEST_F(MemoryLogTest, ReadStopsAtWholeBatchesBelowTheLimitOfOffsetsAndBytes) {
  MemoryLog log(arena_, {}, {});
  for (int i = 0; i < 1000; ++i) append(log, {.records = 2, .payload_bytes = 139});  // 200 bytes each
  EXPECT_EQ(read(log, 10, 20), (std::vector<Offset>{10, 12, 14, 16, 18}));
  EXPECT_EQ(read(log, 10, 19), (std::vector<Offset>{10, 12, 14, 16}));
  EXPECT_TRUE(read(log, 10, 11).empty());
  EXPECT_EQ(read(log, 10, 2000, 599).size(), 2u);
  EXPECT_EQ(read(log, 10, 2000, 600).size(), 3u);
  EXPECT_EQ(read(log, 10, 2000, 1).size(), 1u);
  EXPECT_EQ(read(log, 0, 2000, 150'000).size(), 750u);  // across chunks
  EXPECT_EQ(log.bytes_between(10, 20, 1 << 20), 1000u);
  EXPECT_EQ(log.bytes_between(0, 2000, 1 << 20), 200'000u);
  EXPECT_EQ(log.bytes_between(0, 2000, 5), 5u);
}

TEST_F(MemoryLogTest, EveryReadLimitGivesAPrefixThatFits) {
  MemoryLog log(arena_, {}, {});
  std::vector<std::size_t> sizes;
  for (int i = 0; i < 300; ++i) {
    const std::size_t payload = static_cast<std::size_t>(i * 7919 % 3000);
    append(log, {.payload_bytes = payload});
    sizes.push_back(payload + records::header_size);
  }
  for (std::size_t limit = 1; limit < 200'000; limit = limit * 5 / 4 + 1) {
    for (Offset from = 0; from < 300; from += 37) {
      std::size_t count = 0, bytes = 0;
      for (auto i = static_cast<std::size_t>(from); i < 300; ++i) {
        if (count > 0 && bytes + sizes[i] > limit) break;
        bytes += sizes[i];
        ++count;
      }
      const auto got = read(log, from, 300, limit);
      // A batch that would fit the limit may be left for the next read only at the end of a chunk, never the first.
      ASSERT_LE(got.size(), count);
      ASSERT_GE(got.size(), 1u);
      ASSERT_EQ(got.front(), from);
      if (from + static_cast<Offset>(count) < 30) {  // all in the first chunk
        ASSERT_EQ(got.size(), count);
      }
    }
  }
}

TEST_F(MemoryLogTest, TheOldestChunksGoWhenRetentionBytesAreReached) {
  LogOptions options;
  options.retention.bytes = 1 << 20;
  MemoryLog log(arena_, options, {});
  for (int i = 0; i < 5000; ++i) append(log, {.payload_bytes = 939});  // 1000 bytes each
  EXPECT_GT(log.first_offset(), 3900);
  EXPECT_LE(log.size_bytes(), 1u << 20);
  EXPECT_GE(log.size_bytes(), 700'000u);
  EXPECT_EQ(read(log, log.first_offset(), 5000).front(), log.first_offset());
  EXPECT_EQ(log.epochs().at(log.first_offset()), 0);
}

TEST_F(MemoryLogTest, ATransientTailIsSmall) {
  MemoryLog log(arena_, {}, {.offset = 0, .tail_bytes_max = MemoryLog::transient_tail_bytes});
  for (int i = 0; i < 20'000; ++i) append(log, {.payload_bytes = 939});
  EXPECT_LE(log.memory_bytes(), (1u << 20) + 100'000);
  EXPECT_EQ(log.next_offset(), 20'000);
}

TEST_F(MemoryLogTest, WhatIsOlderThanRetentionGoesWithItsChunkAndTheOffsetsGoOn) {
  LogOptions options;
  options.retention.time_ms = 1000;
  MemoryLog log(arena_, options, {});
  for (int i = 0; i < 100; ++i) append(log, {.payload_bytes = 2000, .timestamp_ms = 1000 + i});
  EXPECT_EQ(log.apply_retention(2000), 0u);
  EXPECT_GT(log.apply_retention(2050), 0u);
  EXPECT_GT(log.first_offset(), 0);
  log.apply_retention(10'000);
  EXPECT_EQ(log.first_offset(), 100);
  EXPECT_EQ(log.next_offset(), 100);
  EXPECT_EQ(arena_.counters().held_bytes, 0u);
  EXPECT_EQ(append(log), 100);
}

TEST_F(MemoryLogTest, AFullArenaCostsTheLogItsOldestRecordsNotTheNewOnes) {
  Arena small({.budget_bytes = 4 << 20, .pool_bytes_max = 0});
  MemoryLog log(small, {}, {});
  for (int i = 0; i < 20'000; ++i) append(log, {.payload_bytes = 939});
  EXPECT_EQ(log.next_offset(), 20'000);
  EXPECT_GT(log.first_offset(), 10'000);
  EXPECT_LE(small.counters().held_bytes, 4u << 20);
}

TEST_F(MemoryLogTest, ALogWithNothingToGiveIsRefusedWhenTheArenaIsFull) {
  Arena small({.budget_bytes = 64 << 10, .pool_bytes_max = 0});
  MemoryLog holder(small, {}, {});
  append(holder);
  MemoryLog log(small, {}, {});
  const auto bytes = make_batch({});
  const auto refused = log.append(view_of(bytes), 0, now_ms_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), base::ErrorKind::full);
  EXPECT_EQ(log.next_offset(), 0);
}

TEST_F(MemoryLogTest, SlicesStayAsTheyWereWhenTheirChunkIsEvicted) {
  LogOptions options;
  options.retention.bytes = 64 << 10;
  MemoryLog log(arena_, options, {});
  append(log, {.payload_bytes = 500, .fill = 'a'});
  std::vector<base::Bytes> slices;
  ASSERT_TRUE(log.read(0, 1, 1 << 20, slices).ok());
  for (int i = 0; i < 5000; ++i) append(log, {.payload_bytes = 500, .fill = 'b'});
  EXPECT_GT(log.first_offset(), 0);
  const auto batch = records::BatchView::frame(slices.at(0));
  EXPECT_EQ(batch->payload()[0], std::byte{'a'});
  EXPECT_EQ(batch->crc(), base::crc32c(batch->checksummed()));
}

TEST_F(MemoryLogTest, ABatchLargerThanAnyChunkIsStoredWhole) {
  MemoryLog log(arena_, {}, {});
  append(log);
  EXPECT_EQ(append(log, {.payload_bytes = 9 << 20}), 1);
  EXPECT_EQ(append(log), 2);
  EXPECT_EQ(read(log, 0, 3), (std::vector<Offset>{0, 1, 2}));
}

TEST_F(MemoryLogTest, TimesFindTheFirstBatchAtOrAfterThem) {
  MemoryLog log(arena_, {}, {});
  for (int i = 0; i < 1000; ++i) append(log, {.payload_bytes = 300, .timestamp_ms = 1000 + (i == 500 ? 5000 : i)});
  const auto offset_at = [&](base::TimestampMs time, Offset below, Offset from = 0) {
    const auto batch = log.batch_at_time(time, from, below, run_alone).value();
    return batch ? records::BatchView::frame(*batch)->base_offset() : -1;
  };
  EXPECT_EQ(offset_at(0, 1000), 0);
  EXPECT_EQ(offset_at(1250, 1000), 250);
  EXPECT_EQ(offset_at(1501, 1000), 500);  // the first with a time at or after, not the nearest
  EXPECT_EQ(offset_at(6001, 1000), -1);
  EXPECT_EQ(offset_at(1400, 400), -1);
  EXPECT_EQ(offset_at(1250, 1000, 501), 501);
  EXPECT_EQ(offset_at(1250, 400, 400), -1);
  const auto largest = [&](Offset below) {
    const auto batch = log.batch_with_largest_timestamp(0, below, run_alone).value();
    return batch ? records::BatchView::frame(*batch)->base_offset() : -1;
  };
  EXPECT_EQ(largest(1000), 500);
  EXPECT_EQ(largest(400), 399);
  EXPECT_EQ(largest(0), -1);
}

TEST_F(MemoryLogTest, RaisingTheFirstOffsetHidesAndFreesWhatIsBelow) {
  MemoryLog log(arena_, {}, {});
  for (int i = 0; i < 1000; ++i) append(log, {.records = 2, .payload_bytes = 939});
  ASSERT_TRUE(log.raise_first_offset(1001, run_alone).ok());
  EXPECT_EQ(log.first_offset(), 1001);
  EXPECT_EQ(read(log, 1001, 2000).front(), 1000);
  ASSERT_TRUE(log.raise_first_offset(10, run_alone).ok());
  EXPECT_EQ(log.first_offset(), 1001);
  ASSERT_TRUE(log.raise_first_offset(2000, run_alone).ok());
  EXPECT_EQ(arena_.counters().held_bytes, 0u);
  EXPECT_EQ(append(log), 2000);
}

TEST_F(MemoryLogTest, TruncatingDropsWholeBatchesAndLeavesReadersTheirBytes) {
  MemoryLog log(arena_, {}, {});
  for (int i = 0; i < 200; ++i) append(log, {.records = 2, .payload_bytes = 939, .fill = 'a'}, i < 100 ? 1 : 2);
  std::vector<base::Bytes> slices;
  ASSERT_TRUE(log.read(300, 302, 1 << 20, slices).ok());
  ASSERT_TRUE(log.truncate_from(301).ok());
  EXPECT_EQ(log.next_offset(), 300);
  EXPECT_EQ(append(log, {.payload_bytes = 939, .fill = 'b'}, 3), 300);
  EXPECT_EQ(records::BatchView::frame(slices.at(0))->payload()[0], std::byte{'a'});
  EXPECT_EQ(read(log, 298, 301), (std::vector<Offset>{298, 300}));
  ASSERT_TRUE(log.truncate_from(0).ok());
  EXPECT_EQ(log.next_offset(), 0);
}

TEST_F(MemoryLogTest, ProducersAreRememberedWithTheOffsetOfTheirBatch) {
  MemoryLog log(arena_, {}, {.offset = 10});
  const test::BatchSpec spec{.records = 5, .producer_id = 7, .producer_epoch = 0, .base_sequence = 0};
  append(log, spec);
  const auto again = make_batch(spec);
  const auto verdict = log.producers().check(view_of(again));
  ASSERT_TRUE(std::holds_alternative<ProducerStates::Duplicate>(verdict));
  EXPECT_EQ(std::get<ProducerStates::Duplicate>(verdict).base_offset, 10);
}

}  // namespace
}  // namespace cms::storage
