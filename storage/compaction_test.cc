// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "storage/keyed_records.h"
#include "storage/log_fixture.h"
#include "storage/memory_log.h"
#include "storage/segment_compaction.h"

namespace cms::storage::test {
namespace {

class CompactionTest : public SegmentedLogFixture {
 protected:
  CompactionTest() { options_.segment_bytes = 2000; }

  Offset put(const std::vector<Keyed>& all, const records::BatchOptions& options = {}) {
    const auto bytes = keyed_batch(all, options);
    return log_->append(view_of(bytes), 0, clock_.now_ms()).value();
  }
  Offset put(const std::string& key, const std::optional<std::string>& value) {
    return put({{key, value, clock_.now_ms()}});
  }
  // Ends the segment: everything before the last record can be compacted.
  void roll() {
    put("roll", std::string(1950, 'r'));
    put("roll", std::string(1950, 'r'));
    ASSERT_TRUE(flush().ok());
  }
  CompactionStats compact(CompactOptions options = {}) {
    options.now_ms = clock_.now_ms();
    auto done = compact_all(*log_, options);
    EXPECT_TRUE(done.ok()) << done.error().message();
    return done.ok() ? *done : CompactionStats{};
  }
  std::vector<ReadRecord> all() { return read_records(*log_, log_->first_offset(), log_->next_offset()); }
  std::vector<Offset> offsets_of(const std::string& key) {
    std::vector<Offset> offsets;
    for (const ReadRecord& record : all()) {
      if (record.key == key) offsets.push_back(record.offset);
    }
    return offsets;
  }
  void advance(std::int64_t ms) { clock_.advance(std::chrono::milliseconds(ms)); }
};

TEST_F(CompactionTest, TheLastRecordOfEachKeyStaysAtItsOffset) {
  start();
  for (int i = 0; i < 60; ++i) put("key" + std::to_string(i % 3), "value" + std::to_string(i));
  roll();
  const CompactionStats stats = compact();
  EXPECT_GT(stats.records_removed, 50u);
  EXPECT_EQ(offsets_of("key0"), std::vector<Offset>{57});
  EXPECT_EQ(offsets_of("key1"), std::vector<Offset>{58});
  EXPECT_EQ(offsets_of("key2"), std::vector<Offset>{59});
  const auto records = all();
  EXPECT_EQ(records.front().value, "value57");
  kill_and_start();
  EXPECT_EQ(all(), records);
}

TEST_F(CompactionTest, OffsetsInAGapReadOnBehindIt) {
  start();
  for (int i = 0; i < 60; ++i) put("key", "value" + std::to_string(i));
  roll();
  compact();
  for (const Offset from : {0, 1, 30, 58, 59}) {
    EXPECT_EQ(read_records(*log_, from, log_->next_offset()).front().offset, 59) << from;
  }
}

TEST_F(CompactionTest, TheLastSegmentIsNotTouched) {
  start();
  for (int i = 0; i < 5; ++i) put("key", "value");
  ASSERT_TRUE(flush().ok());
  compact();
  EXPECT_EQ(offsets_of("key"), (std::vector<Offset>{0, 1, 2, 3, 4}));
}

TEST_F(CompactionTest, NothingAtOrBehindTheStableEndIsTouched) {
  start();
  for (int i = 0; i < 90; ++i) put("key", "value" + std::to_string(i));
  roll();
  const DirtyRange whole = log_->dirty_range({.below = log_->durable_end(), .now_ms = clock_.now_ms()});
  const DirtyRange part = log_->dirty_range({.below = 60, .now_ms = clock_.now_ms()});
  EXPECT_GT(whole.end, 60);
  EXPECT_LE(part.end, 60);
  EXPECT_GT(part.end, 0);
}

TEST_F(CompactionTest, ABatchKeepsItsBoundsProducerAndCodecWhenRecordsGo) {
  start();
  for (const auto codec : {records::Codec::none, records::Codec::lz4, records::Codec::zstd, records::Codec::gzip,
                           records::Codec::snappy}) {
    records::BatchOptions options;
    options.codec = codec;
    options.producer_id = 5 + static_cast<int>(codec);
    options.producer_epoch = 2;
    options.base_sequence = 40;
    put({{"a", "1", 5000}, {"keep" + std::to_string(static_cast<int>(codec)), "2", 4000}, {"a", "3", 6000}}, options);
  }
  put("a", "last");
  roll();
  compact();
  const auto batches = read_batches(*log_, 0, 15);
  ASSERT_EQ(batches.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    const auto batch = view_of(batches[i]);
    EXPECT_EQ(batch.base_offset(), static_cast<Offset>(3 * i));
    EXPECT_EQ(batch.last_offset_delta(), 2);
    EXPECT_EQ(batch.record_count(), 1);
    EXPECT_EQ(static_cast<int>(batch.codec()), static_cast<int>(batch.producer_id()) - 5);
    EXPECT_EQ(batch.producer_epoch(), 2);
    EXPECT_EQ(batch.base_sequence(), 40);
    EXPECT_EQ(batch.max_timestamp(), 4000);
    EXPECT_EQ(batch.crc(), base::crc32c(batch.checksummed()));
    const auto records = records_in(batches[i]);
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].offset, static_cast<Offset>(3 * i + 1));
    EXPECT_EQ(records[0].timestamp_ms, 4000);
    EXPECT_EQ(records[0].value, "2");
  }
}

TEST_F(CompactionTest, AProducersLastBatchKeepsItsHeaderWhenItIsEmptied) {
  start();
  records::BatchOptions options;
  options.producer_id = 9;
  options.producer_epoch = 0;
  options.base_sequence = 0;
  put({{"a", "1"}}, options);
  options.base_sequence = 1;
  put({{"a", "2"}, {"a", "3"}}, options);
  put("a", "4");
  roll();
  compact();
  const auto batches = read_batches(*log_, 0, 3);
  ASSERT_EQ(batches.size(), 1u);
  const auto batch = view_of(batches[0]);
  EXPECT_EQ(batch.base_offset(), 1);
  EXPECT_EQ(batch.record_count(), 0);
  EXPECT_EQ(batch.last_sequence(), 2);
  for (const std::string& name : names(".producers")) ASSERT_TRUE(disk_->remove(std::string(directory) + "/" + name));
  kill_and_start();
  options.base_sequence = 1;
  const auto again = keyed_batch({{"a", "2"}, {"a", "3"}}, options);
  EXPECT_TRUE(std::holds_alternative<ProducerStates::Duplicate>(log_->producers().check(view_of(again))));
  options.base_sequence = 4;
  const auto gap = keyed_batch({{"a", "5"}}, options);
  EXPECT_TRUE(std::holds_alternative<ProducerStates::Refused>(log_->producers().check(view_of(gap))));
}

TEST_F(CompactionTest, ATombstoneStaysForDeleteRetentionAfterItWasFirstCleaned) {
  start();
  const base::TimestampMs begin = clock_.now_ms();
  put("gone", "value");
  put("gone", std::nullopt);
  roll();
  advance(5000);
  compact();
  EXPECT_EQ(offsets_of("gone"), std::vector<Offset>{1});
  const auto batches = read_batches(*log_, 0, 2);
  EXPECT_TRUE(view_of(batches.back()).has_delete_horizon());
  EXPECT_EQ(view_of(batches.back()).base_timestamp(), begin + 6000);
  EXPECT_EQ(records_in(batches.back()).back().timestamp_ms, begin);
  advance(999);
  roll();
  compact();
  EXPECT_EQ(offsets_of("gone"), std::vector<Offset>{1});
  advance(2);
  roll();
  compact();
  EXPECT_TRUE(offsets_of("gone").empty());
}

TEST_F(CompactionTest, RecordsWithoutKeyGoAndControlBatchesStay) {
  start();
  put({{std::nullopt, "no key"}});
  records::BatchOptions options;
  options.control = options.transactional = true;
  options.producer_id = 3;
  options.producer_epoch = 0;
  put({{"mark", "marker"}}, options);
  put("a", "1");
  roll();
  compact();
  const auto records = all();
  EXPECT_EQ(records[0].offset, 1);
  EXPECT_EQ(records[0].value, "marker");
}

TEST_F(CompactionTest, SmallSegmentsBecomeOne) {
  options_.segment_bytes = 2000;
  start();
  for (int i = 0; i < 200; ++i) put("key" + std::to_string(i % 4), std::string(200, 'v'));
  roll();
  const std::size_t before = log_->segment_count();
  compact();
  put("key1", "x");
  roll();
  compact();  // those that have shrunk are put together
  EXPECT_LT(log_->segment_count(), before / 3);
  EXPECT_EQ(names(".log").size(), log_->segment_count());
  EXPECT_TRUE(names(".cleaned").empty());
  EXPECT_TRUE(names(".swap").empty());
  const auto records = all();
  const auto end = log_->next_offset();
  lose_power(3);
  EXPECT_EQ(all(), records);
  EXPECT_EQ(log_->next_offset(), end);
}

TEST_F(CompactionTest, MoreKeysThanTheMapHoldsTakeSeveralRuns) {
  start();
  for (int i = 0; i < 300; ++i) put("key" + std::to_string(i % 100), std::to_string(i));
  roll();
  const auto first = compact({.map_bytes_max = 40 * 24});
  EXPECT_LE(first.keys, 40u);
  EXPECT_LT(first.first_dirty, 100);
  for (int run = 0; run < 30; ++run) compact({.map_bytes_max = 40 * 24});
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(offsets_of("key" + std::to_string(i)), std::vector<Offset>{200 + i}) << i;
  }
}

TEST_F(CompactionTest, WhereTheNextRunBeginsOutlivesTheProcess) {
  start();
  for (int i = 0; i < 60; ++i) put("key" + std::to_string(i % 3), "value");
  roll();
  compact();
  const CompactionBounds bounds{.below = log_->durable_end(), .now_ms = clock_.now_ms()};
  const DirtyRange before = log_->dirty_range(bounds);
  EXPECT_TRUE(before.empty());
  kill_and_start();
  const DirtyRange after = log_->dirty_range(bounds);
  EXPECT_EQ(after.first_dirty, before.first_dirty);
  EXPECT_GT(after.first_dirty, 0);
}

TEST_F(CompactionTest, RecordsYoungerThanTheLeastLagStay) {
  start();
  advance(10'000);
  for (int i = 0; i < 60; ++i) put("key", std::string(50, 'v'));
  advance(5000);
  for (int i = 0; i < 60; ++i) put("key", std::string(50, 'v'));
  roll();
  const DirtyRange range =
      log_->dirty_range({.below = log_->durable_end(), .now_ms = clock_.now_ms(), .lag_ms_min = 3000});
  EXPECT_GT(range.end, 0);
  EXPECT_LE(range.end, 60);
}

TEST_F(CompactionTest, ARangeIsOverdueWhenItsFirstBatchIsOlderThanTheGreatestLag) {
  start();
  advance(10'000);
  for (int i = 0; i < 60; ++i) put("key", std::string(50, 'v'));
  roll();
  advance(5000);
  CompactionBounds bounds{.below = log_->durable_end(), .now_ms = clock_.now_ms(), .lag_ms_max = 5001};
  EXPECT_FALSE(log_->dirty_range(bounds).overdue);
  bounds.lag_ms_max = 4999;
  EXPECT_TRUE(log_->dirty_range(bounds).overdue);
  kill_and_start();
  EXPECT_TRUE(log_->dirty_range(bounds).overdue);
}

TEST_F(CompactionTest, AFullDiskLeavesTheLogAsItWas) {
  start();
  for (int i = 0; i < 100; ++i) put("key" + std::to_string(i % 3), std::string(100, 'v'));
  roll();
  const auto before = all();
  disk_->set_capacity(disk_->used_bytes() + 100);
  const auto done = compact_all(*log_, {.now_ms = clock_.now_ms()});
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().kind(), base::ErrorKind::full);
  EXPECT_EQ(all(), before);
  EXPECT_TRUE(names(".cleaned").empty());
  disk_->set_capacity(1u << 30);
  kill_and_start();
  EXPECT_EQ(all(), before);
  compact();
  EXPECT_EQ(offsets_of("key0").size(), 1u);
}

TEST_F(CompactionTest, ADamagedBatchIsNotRewritten) {
  start();
  for (int i = 0; i < 60; ++i) put("key", std::string(100, 'v'));
  roll();
  ASSERT_TRUE(disk_->flip_bit(path(0, ".log"), 150, 3));
  const auto done = compact_all(*log_, {.now_ms = clock_.now_ms()});
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().kind(), base::ErrorKind::corrupt);
  EXPECT_TRUE(names(".cleaned").empty());
}

TEST_F(CompactionTest, ARunThatIsGivenUpLeavesNothingBehind) {
  start();
  for (int i = 0; i < 2000; ++i) put("key" + std::to_string(i % 3), std::string(500, 'v'));
  roll();
  int calls = 0;
  const auto done = compact_all(*log_, {.now_ms = clock_.now_ms(), .pace = [&](std::size_t) { return ++calls < 6; }});
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().kind(), base::ErrorKind::closed);
  EXPECT_TRUE(names(".cleaned").empty());
  compact();
  EXPECT_EQ(offsets_of("key1").size(), 1u);
}

TEST_F(CompactionTest, SegmentsUnderARunStayUntilItsEnd) {
  start();
  for (int i = 0; i < 200; ++i) put("key" + std::to_string(i % 3), std::string(100, 'v'));
  roll();
  const DirtyRange range = log_->dirty_range({.below = log_->durable_end(), .now_ms = clock_.now_ms()});
  auto job = log_->start_compaction(range, 1u << 18, [](const std::function<void()>& work) { work(); });
  ASSERT_NE(job, nullptr);
  EXPECT_EQ(log_->start_compaction(range, 1u << 18, [](const std::function<void()>& work) { work(); }), nullptr);
  ASSERT_TRUE(log_->raise_first_offset(log_->next_offset(), run_alone).ok());
  run_background();
  EXPECT_GT(names(".log").size(), 5u);
  CompactionSettings settings;
  settings.now_ms = clock_.now_ms();
  EXPECT_TRUE(storage::compact(*job, settings).ok());
  job.reset();
  run_background();
  EXPECT_EQ(names(".log").size(), 1u);
  EXPECT_EQ(log_->segment_count(), 1u);
}

TEST_F(CompactionTest, ACleanCloseAfterARunOpensWithoutAScan) {
  start();
  for (int i = 0; i < 100; ++i) put("key" + std::to_string(i % 3), std::string(100, 'v'));
  roll();
  ASSERT_TRUE(log_->close().ok());
  kill_and_start();
  compact();
  const auto records = all();
  kill_and_start();  // the sizes that the close saved are not believed
  EXPECT_EQ(all(), records);
  ASSERT_TRUE(log_->close().ok());
  kill_and_start();
  EXPECT_EQ(log_->recovered_bytes(), 0u);
  EXPECT_EQ(all(), records);
}

TEST_F(CompactionTest, TimesAreFoundInCompactedSegments) {
  start();
  const base::TimestampMs begin = clock_.now_ms();
  for (int i = 0; i < 100; ++i) {
    put("key" + std::to_string(i % 2), std::string(100, 'v'));
    advance(10);
  }
  roll();
  compact();
  const auto found = log_->batch_at_time(begin + 5, 0, log_->next_offset(), run_alone).value();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(records::BatchView::frame(*found)->base_offset(), 98);
  kill_and_start();
  EXPECT_EQ(records::BatchView::frame(*log_->batch_at_time(begin + 985, 0, log_->next_offset(), run_alone).value())
                ->base_offset(),
            99);
}

TEST_F(CompactionTest, AnIndexThatIsLostIsMadeAnewAcrossGaps) {
  start();
  for (int i = 0; i < 100; ++i) put("key" + std::to_string(i % 7), std::string(100, 'v'));
  roll();
  compact();
  const auto records = all();
  for (const std::string& name : names(".cmsindex")) ASSERT_TRUE(disk_->remove(std::string(directory) + "/" + name));
  kill_and_start();
  EXPECT_EQ(all(), records);
}

TEST_F(CompactionTest, AGapWhereNothingWasCompactedIsStillDamage) {
  start();
  for (int i = 0; i < 60; ++i) put("key" + std::to_string(i), std::string(100, 'v'));
  roll();
  ASSERT_TRUE(disk_->remove(path(0, ".cmsindex")));
  const auto whole = content(path(0, ".log"));
  const std::size_t first = view_of(whole).size();
  auto file = disk_->open(path(0, ".log"), OpenMode::write).value();
  ASSERT_TRUE(file->write_at(0, base::ByteSpan(whole).subspan(first)).ok());
  ASSERT_TRUE(file->truncate(whole.size() - first).ok());
  file.reset();
  stop();
  EXPECT_FALSE(try_start().ok());
}

TEST_F(CompactionTest, ADamagedCleanerCheckpointCostsARunAndNoRecords) {
  start();
  for (int i = 0; i < 100; ++i) put("key" + std::to_string(i % 7), std::string(100, 'v'));
  roll();
  compact();
  const auto records = all();
  ASSERT_TRUE(disk_->flip_bit(std::string(directory) + "/cleaner.checkpoint", 5, 1));
  for (const std::string& name : names(".cmsindex")) ASSERT_TRUE(disk_->remove(std::string(directory) + "/" + name));
  kill_and_start();
  EXPECT_EQ(all(), records);
  EXPECT_FALSE(log_->dirty_range({.below = log_->durable_end(), .now_ms = clock_.now_ms()}).empty());
  kill_and_start();
  EXPECT_EQ(all(), records);
}

class MemoryCompactionTest : public testing::Test {
 protected:
  static LogOptions small_parts() {
    LogOptions options;
    options.segment_bytes = 64u << 10;
    options.compact = true;
    return options;
  }
  void put(const std::string& key, const std::optional<std::string>& value) {
    const auto bytes = keyed_batch({{key, value}});
    ASSERT_TRUE(log_.append(view_of(bytes), 0, 0).ok());
  }
  std::vector<ReadRecord> all() { return read_records(log_, log_.first_offset(), log_.next_offset()); }

  Arena arena_{{.budget_bytes = 64u << 20, .pool_bytes_max = 1u << 20}};
  MemoryLog log_{arena_, small_parts(), {.offset = 500}};
};

TEST_F(MemoryCompactionTest, TheLastRecordOfEachKeyStaysAndMemoryIsGivenBack) {
  for (int i = 0; i < 10'000; ++i) put("key" + std::to_string(i % 10), std::string(1000, 'v') + std::to_string(i));
  const std::uint64_t before = log_.memory_bytes();
  const auto stats = compact_all(log_, {});
  ASSERT_TRUE(stats.ok());
  EXPECT_GT(stats->records_removed, 9000u);
  EXPECT_LT(log_.memory_bytes(), before / 10);
  EXPECT_EQ(log_.next_offset(), 10'500);
  std::map<std::string, Offset> last;
  for (const ReadRecord& record : all()) last[*record.key] = record.offset;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(last["key" + std::to_string(i)], 10'490 + i);
  EXPECT_EQ(view_of(read_batches(log_, 500, 10'500).front()).next_offset() > 500, true);
  put("key1", "more");
  EXPECT_EQ(all().back().offset, 10'500);
  EXPECT_EQ(log_.bytes_between(500, 10'501, 1u << 30), log_.size_bytes());
}

TEST_F(MemoryCompactionTest, SlicesThatWereReadStayAsTheyAre) {
  for (int i = 0; i < 1000; ++i) put("key", std::string(1000, static_cast<char>('a' + i % 26)));
  std::vector<base::Bytes> slices;
  ASSERT_TRUE(log_.read(500, 600, 1u << 20, slices).ok());
  const std::vector<std::byte> copy(slices[0].span().begin(), slices[0].span().end());
  ASSERT_TRUE(compact_all(log_, {}).ok());
  for (int i = 0; i < 1000; ++i) put("key", std::string(1000, 'z'));
  EXPECT_TRUE(std::ranges::equal(copy, slices[0].span()));
}

TEST_F(MemoryCompactionTest, AGroupThatHasLeftTheLogIsNotPutBack) {
  for (int i = 0; i < 1000; ++i) put("key" + std::to_string(i % 3), std::string(1000, 'v'));
  const DirtyRange range = log_.dirty_range({.below = log_.next_offset()});
  auto job = log_.start_compaction(range, 1u << 18, [](const std::function<void()>& work) { work(); });
  ASSERT_NE(job, nullptr);
  ASSERT_TRUE(log_.raise_first_offset(900, run_alone).ok());
  CompactionSettings settings;
  EXPECT_TRUE(storage::compact(*job, settings).ok());
  job.reset();
  EXPECT_EQ(log_.first_offset(), 900);
  EXPECT_EQ(all().back().offset, 1499);
}

}  // namespace
}  // namespace cms::storage::test
