// SPDX-License-Identifier: Apache-2.0
// Appending, flushing, reading, rolling, closing. Recovery: recovery_test.cc. Retention:
// segmented_log_retention_test.cc.
#include "storage/segmented_log.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "storage/log_fixture.h"

namespace cms::storage::test {
namespace {

using SegmentedLogTest = SegmentedLogFixture;

TEST_F(SegmentedLogTest, NothingIsOnTheDiskBeforeTheFirstFlush) {
  start();
  append();
  EXPECT_FALSE(disk_->exists(directory));
  EXPECT_EQ(log_->durable_end(), 0);
  EXPECT_TRUE(log_->wants_flush());
  ASSERT_TRUE(flush().ok());
  EXPECT_EQ(log_->durable_end(), 1);
  EXPECT_FALSE(log_->wants_flush());
  EXPECT_EQ(content(path(0, ".log")).size() % disk_block_bytes, 0u);
}

TEST_F(SegmentedLogTest, AnEmptyLogClosesWithoutATraceAndOwnsLittle) {
  start();
  EXPECT_LE(log_->memory_bytes(), 2048u);
  ASSERT_TRUE(log_->close().ok());
  EXPECT_FALSE(disk_->exists("data"));
}

TEST_F(SegmentedLogTest, TheFileHoldsTheBatchesBackToBackThenZeros) {
  start();
  std::vector<std::byte> expected;
  for (int i = 0; i < 50; ++i) {
    auto bytes = make_batch({.records = 2, .payload_bytes = static_cast<std::size_t>(i * 37)});
    append({.records = 2, .payload_bytes = static_cast<std::size_t>(i * 37)}, 4);
    records::set_base_offset(bytes, i * 2);
    records::set_leader_epoch(bytes, 4);
    expected.insert(expected.end(), bytes.begin(), bytes.end());
    if (i % 7 == 0) {
      ASSERT_TRUE(flush().ok());
    }
  }
  ASSERT_TRUE(flush().ok());
  const auto file = content(path(0, ".log"));
  ASSERT_GE(file.size(), expected.size());
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), file.begin()));
  EXPECT_TRUE(std::all_of(file.begin() + static_cast<std::ptrdiff_t>(expected.size()), file.end(),
                          [](std::byte b) { return b == std::byte{0}; }));
  ASSERT_TRUE(log_->close().ok());
  EXPECT_EQ(content(path(0, ".log")), expected);
}

TEST_F(SegmentedLogTest, AFlushTakesEverythingAppendedUntilItBegan) {
  start();
  append();
  append();
  Told told;
  log_->start_flush(queue_, true, told);
  append();
  EXPECT_FALSE(log_->wants_flush());
  queue_.reap();
  ASSERT_TRUE(log_->finish_flush(*told.result).ok());
  EXPECT_EQ(log_->durable_end(), 2);
  EXPECT_TRUE(log_->wants_flush());
  ASSERT_TRUE(flush().ok());
  EXPECT_EQ(log_->durable_end(), 3);
}

TEST_F(SegmentedLogTest, AFlushWithoutSyncIsNotDurableUntilOneWithIt) {
  start();
  append();
  ASSERT_TRUE(flush(false).ok());
  EXPECT_EQ(log_->durable_end(), 0);
  EXPECT_EQ(log_->unflushed_bytes(), 0u);
  ASSERT_TRUE(flush(true).ok());  // nothing to write: it syncs
  EXPECT_EQ(log_->durable_end(), 1);
}

TEST_F(SegmentedLogTest, SegmentsRollBySizeAndOneFlushCrossesThem) {
  options_.segment_bytes = 10'000;
  start();
  for (int i = 0; i < 100; ++i) append({.payload_bytes = 939});
  EXPECT_EQ(log_->segment_count(), 10u);
  ASSERT_TRUE(flush().ok());
  EXPECT_EQ(log_->durable_end(), 100);
  EXPECT_EQ(names(".log").size(), 10u);
  EXPECT_EQ(content(path(0, ".log")).size(), 10'000u);
  EXPECT_EQ(offsets(0, 100), range(0, 100));
}

TEST_F(SegmentedLogTest, SegmentsRollByAge) {
  options_.segment_ms = 1000;
  start();
  append();
  clock_.advance(std::chrono::milliseconds(1001));
  append();
  EXPECT_EQ(log_->segment_count(), 2u);
}

TEST_F(SegmentedLogTest, ABatchLargerThanASegmentHasOneOfItsOwn) {
  options_.segment_bytes = 1000;
  start();
  append({.payload_bytes = 5000});
  append({.payload_bytes = 20 << 20});
  append();
  ASSERT_TRUE(flush().ok());
  EXPECT_EQ(log_->segment_count(), 3u);
  kill_and_start();
  EXPECT_EQ(offsets(0, 3), range(0, 3));
}

TEST_F(SegmentedLogTest, WhatLeftMemoryIsReadFromTheFile) {
  open_options_.tail_bytes_max = 64 << 10;
  options_.segment_bytes = 300'000;
  start();
  for (int i = 0; i < 1000; ++i) {
    append({.payload_bytes = 939, .timestamp_ms = 1000 + i});
    if (i % 10 == 0) {
      ASSERT_TRUE(flush(false).ok());
    }
  }
  EXPECT_LE(log_->memory_bytes(), 400u << 10);
  std::vector<base::Bytes> slices;
  EXPECT_TRUE(log_->read(0, 1000, 1000, slices).value().cold.has_value());
  EXPECT_TRUE(slices.empty());
  EXPECT_EQ(offsets(0, 1000), range(0, 1000));
  EXPECT_EQ(offsets(555, 777), range(555, 777));
}

TEST_F(SegmentedLogTest, WhatHasJustBeenFlushedIsInMemoryHoweverMuchWaits) {
  open_options_.tail_bytes_max = 256 << 10;
  start();
  for (int i = 0; i < 100; ++i) append({.payload_bytes = 939});
  Told told;
  log_->start_flush(queue_, true, told);
  for (int i = 0; i < 2000; ++i) append({.payload_bytes = 939});
  queue_.reap();
  ASSERT_TRUE(log_->finish_flush(told.result.value()).ok());
  EXPECT_EQ(log_->durable_end(), 100);
  std::vector<base::Bytes> slices;
  EXPECT_FALSE(log_->read(0, 100, 1000, slices).value().cold.has_value());
  ASSERT_TRUE(flush().ok());
  slices.clear();
  EXPECT_TRUE(log_->read(0, 100, 1000, slices).value().cold.has_value());
}

TEST_F(SegmentedLogTest, AColdRangeHoldsTheBatchAskedForWholeAndBeginsAtABatch) {
  open_options_.tail_bytes_max = 0;
  start();
  std::vector<std::size_t> sizes;
  for (int i = 0; i < 40; ++i) append({.payload_bytes = i % 5 == 3 ? 200'000u : 700u});
  ASSERT_TRUE(flush().ok());
  ASSERT_TRUE(log_->close().ok());
  kill_and_start();
  for (Offset offset = 0; offset < 40; ++offset) {
    std::vector<base::Bytes> slices;
    const LogRead got = log_->read(offset, 40, 1, slices).value();
    ASSERT_TRUE(got.cold.has_value());
    std::vector<std::byte> bytes(got.cold->bytes);
    ASSERT_EQ(got.cold->file->read_at(got.cold->position, bytes).value(), bytes.size());
    bool found = false;
    for (base::ByteSpan rest = bytes; !rest.empty() && !found;) {
      const auto batch = records::BatchView::frame(rest);
      ASSERT_TRUE(batch.has_value()) << offset;
      found = batch->base_offset() == offset;
      rest = rest.subspan(batch->size());
    }
    EXPECT_TRUE(found);
  }
}

TEST_F(SegmentedLogTest, MemoryThatWasLetGoWhenIdleDoesNotCostTheBlockItEndedIn) {
  start();
  for (int i = 0; i < 5; ++i) append({.payload_bytes = 939});
  ASSERT_TRUE(flush().ok());
  log_->apply_retention(clock_.now_ms());
  log_->apply_retention(clock_.now_ms());  // nothing was appended in between
  EXPECT_EQ(arena_.counters().held_bytes, 0u);
  EXPECT_LE(log_->memory_bytes(), 4096u);
  EXPECT_EQ(files_->size(), 0u);
  append({.payload_bytes = 100});
  append({.payload_bytes = 80'000});  // another chunk, beginning in the same block
  ASSERT_TRUE(flush().ok());
  kill_and_start();
  EXPECT_EQ(offsets(0, 7), range(0, 7));
  EXPECT_EQ(log_->put_aside_bytes(), 0u);
}

TEST_F(SegmentedLogTest, ZerosAreWrittenAheadOfSmallFlushesAndNeverOverRecords) {
  options_.segment_bytes = 1 << 20;
  start();
  for (int i = 0; i < 3000; ++i) {
    append({.payload_bytes = 500});
    if (i % 3 == 0) {
      ASSERT_TRUE(flush().ok());
    }
    if (i % 17 == 0) run_background();
  }
  ASSERT_TRUE(flush().ok());
  run_background();
  kill_and_start();
  EXPECT_EQ(log_->next_offset(), 3000);
  EXPECT_EQ(log_->put_aside_bytes(), 0u);
  EXPECT_EQ(offsets(0, 3000), range(0, 3000));
}

TEST_F(SegmentedLogTest, AFileThatCannotBeWrittenDirectlyIsWrittenAnyway) {
  disk_ = std::make_unique<SimulatedDisk>(SimulatedDisk::Options{.has_direct = false});
  options_.segment_bytes = 50'000;
  start();
  for (int i = 0; i < 200; ++i) {
    append({.payload_bytes = 777});
    if (i % 3 == 0) {
      ASSERT_TRUE(flush(i % 2 == 0).ok());
    }
    run_background();
  }
  ASSERT_TRUE(flush().ok());
  kill_and_start();
  EXPECT_EQ(offsets(0, 200), range(0, 200));
}

TEST_F(SegmentedLogTest, TimesAreFoundInMemoryAndInFiles) {
  options_.segment_bytes = 100'000;
  for (const bool cold : {false, true}) {
    SCOPED_TRACE(cold ? "cold" : "hot");
    disk_ = std::make_unique<SimulatedDisk>();
    start();
    for (int i = 0; i < 1000; ++i) append({.payload_bytes = 300, .timestamp_ms = 1000 + (i == 500 ? 5000 : i)});
    ASSERT_TRUE(flush().ok());
    if (cold) kill_and_start();
    const auto offset_of = [](const base::Result<std::optional<base::Bytes>>& batch) {
      return batch.value() ? records::BatchView::frame(**batch)->base_offset() : -1;
    };
    for (const Offset at : {0, 1, 250, 499})
      EXPECT_EQ(offset_of(log_->batch_at_time(1000 + at, 0, 1000, run_alone)), at);
    EXPECT_EQ(offset_of(log_->batch_at_time(1501, 0, 1000, run_alone)), 500);
    EXPECT_EQ(offset_of(log_->batch_at_time(6001, 0, 1000, run_alone)), -1);
    EXPECT_EQ(offset_of(log_->batch_at_time(1400, 0, 400, run_alone)), -1);
    EXPECT_EQ(offset_of(log_->batch_at_time(1250, 501, 1000, run_alone)), 501);
    EXPECT_EQ(offset_of(log_->batch_at_time(1250, 400, 400, run_alone)), -1);
    EXPECT_EQ(offset_of(log_->batch_with_largest_timestamp(0, 1000, run_alone)), 500);
    EXPECT_EQ(offset_of(log_->batch_with_largest_timestamp(0, 450, run_alone)), 449);
    ASSERT_TRUE(log_->raise_first_offset(601, run_alone).ok());
    EXPECT_EQ(offset_of(log_->batch_with_largest_timestamp(0, 1000, run_alone)), 999);
    EXPECT_EQ(offset_of(log_->batch_at_time(1000, 0, 1000, run_alone)), 601);
    stop();
  }
}

TEST_F(SegmentedLogTest, TimesAreFoundAlsoWhenTheLogChangesWhileFilesAreRead) {
  options_.segment_bytes = 100'000;
  start();
  for (int i = 0; i < 1000; ++i) append({.payload_bytes = 300, .timestamp_ms = 1000 + i});
  ASSERT_TRUE(flush().ok());
  kill_and_start();
  // As soon as the search lets go of the lock, what it is about to find is deleted, and more is appended.
  int moments = 0;
  const RunLocked with_others = [&](const std::function<void()>& work) {
    work();
    if (++moments > 1) return;
    EXPECT_EQ(append({.payload_bytes = 300, .timestamp_ms = 5000}), 1000);
    EXPECT_TRUE(log_->raise_first_offset(601, run_alone).ok());
    run_background();
  };
  const auto found = log_->batch_at_time(1000, 0, 1000, with_others).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(records::BatchView::frame(*found)->base_offset(), 601);
  EXPECT_GT(moments, 1);
  moments = 1;
  const auto largest = log_->batch_with_largest_timestamp(0, 1001, with_others).value();
  ASSERT_TRUE(largest);
  EXPECT_EQ(records::BatchView::frame(*largest)->base_offset(), 1000);
}

TEST_F(SegmentedLogTest, AFailedWriteSealsTheLogAndLeavesWhatWasDurable) {
  start();
  append();
  ASSERT_TRUE(flush().ok());
  append();
  disk_->fail_write(1);
  EXPECT_FALSE(flush().ok());
  const auto bytes = make_batch({});
  const auto refused = log_->append(view_of(bytes), 0, clock_.now_ms());
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find(directory), std::string::npos);
  EXPECT_FALSE(log_->wants_flush());
  EXPECT_EQ(log_->durable_end(), 1);
  EXPECT_EQ(offsets(0, 1), range(0, 1));
  EXPECT_TRUE(log_->close().ok());
  kill_and_start();
  const Offset next = log_->next_offset();
  EXPECT_GE(next, 1);
  EXPECT_EQ(append(), next);
}

TEST_F(SegmentedLogTest, AFailedSyncSealsTheLogAndIsNotTriedAgain) {
  start();
  append();
  ASSERT_TRUE(flush().ok());
  append();
  disk_->fail_sync(1);
  EXPECT_FALSE(flush().ok());
  EXPECT_EQ(log_->durable_end(), 1);
  const std::uint64_t steps = disk_->steps();
  EXPECT_TRUE(log_->close().ok());
  EXPECT_EQ(disk_->steps(), steps);
  lose_power(1);
  EXPECT_GE(log_->next_offset(), 1);
  EXPECT_EQ(offsets(0, 1), range(0, 1));
}

TEST_F(SegmentedLogTest, AFullDiskSealsTheLogAndItGoesOnOnceThereIsRoomAndItIsOpenedAgain) {
  start();
  append();
  ASSERT_TRUE(flush().ok());
  disk_->set_capacity(disk_->used_bytes());
  append({.payload_bytes = 200'000});
  const auto flushed = flush();
  ASSERT_FALSE(flushed.ok());
  EXPECT_EQ(flushed.error().kind(), base::ErrorKind::full);
  EXPECT_EQ(offsets(0, 1), range(0, 1));
  disk_->set_capacity(1 << 30);
  kill_and_start();
  const Offset next = log_->next_offset();
  EXPECT_GE(next, 1);
  EXPECT_EQ(append(), next);
  ASSERT_TRUE(flush().ok());
}

TEST_F(SegmentedLogTest, AnArenaThatIsFullOfUnflushedRecordsRefusesMore) {
  Arena small({.budget_bytes = 128 << 10, .pool_bytes_max = 0});
  files_ = std::make_unique<OpenFiles>(*disk_, 10);
  log_ = SegmentedLog::open({*files_, small, clock_}, directory, options_, open_options_).value();
  const auto bytes = make_batch({.payload_bytes = 20'000});
  base::Result<Offset> appended = Offset{0};
  while ((appended = log_->append(view_of(bytes), 0, 0)).ok()) {
  }
  EXPECT_EQ(appended.error().kind(), base::ErrorKind::full);
  const Offset next = log_->next_offset();
  ASSERT_TRUE(flush().ok());
  EXPECT_EQ(log_->append(view_of(bytes), 0, 0).value(), next);  // flushed memory makes room
  ASSERT_TRUE(flush().ok());
  stop();
}

TEST_F(SegmentedLogTest, TheNumberOfOpenFilesIsBounded) {
  start();
  files_ = nullptr;
  log_.reset();
  files_ = std::make_unique<OpenFiles>(*disk_, 4);
  std::vector<std::unique_ptr<SegmentedLog>> logs;
  for (int i = 0; i < 20; ++i) {
    logs.push_back(
        SegmentedLog::open({*files_, arena_, clock_}, "data/many-" + std::to_string(i), options_, {}).value());
  }
  for (int round = 0; round < 3; ++round) {
    for (auto& log : logs) {
      const auto bytes = make_batch({});
      ASSERT_TRUE(log->append(view_of(bytes), 0, 0).ok());
      Told told;
      log->start_flush(queue_, true, told);
      queue_.reap();
      ASSERT_TRUE(log->finish_flush(*told.result).ok());
    }
    EXPECT_LE(files_->size(), 4u);
  }
  for (auto& log : logs) EXPECT_EQ(log->durable_end(), 3);
}

TEST_F(SegmentedLogTest, TruncationDropsWholeBatchesOnDiskAndInMemory) {
  options_.segment_bytes = 20'000;
  start();
  for (int i = 0; i < 100; ++i) append({.records = 2, .payload_bytes = 939}, i < 50 ? 1 : 2);
  ASSERT_TRUE(flush().ok());
  ASSERT_TRUE(log_->truncate_from(101).ok());
  EXPECT_EQ(log_->next_offset(), 100);
  EXPECT_EQ(log_->epochs().latest(), 1);
  EXPECT_EQ(append({.payload_bytes = 10}, 5), 100);
  ASSERT_TRUE(flush().ok());
  kill_and_start();
  EXPECT_EQ(log_->next_offset(), 101);
  EXPECT_EQ(log_->put_aside_bytes(), 0u);
  EXPECT_EQ(log_->epochs().at(100), 5);
  EXPECT_EQ(offsets(90, 101), (std::vector<Offset>{90, 92, 94, 96, 98, 100}));
}

}  // namespace
}  // namespace cms::storage::test
