// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "storage/log_fixture.h"

namespace cms::storage::test {
namespace {

class RetentionTest : public SegmentedLogFixture {
 protected:
  // Ten batches of 1,000 bytes a segment, a millisecond apart.
  void fill(int batches) {
    for (int i = 0; i < batches; ++i) {
      append({.payload_bytes = 939, .timestamp_ms = clock_.now_ms()});
      clock_.advance(std::chrono::milliseconds(1));
    }
    ASSERT_TRUE(flush().ok());
  }
  void retain() {
    log_->apply_retention(clock_.now_ms());
    run_background();
  }
};

TEST_F(RetentionTest, SegmentsGoBySizeWhileThatMuchStays) {
  options_.segment_bytes = 10'000;
  options_.retention.bytes = 35'000;
  start();
  fill(100);
  EXPECT_EQ(log_->apply_retention(clock_.now_ms()), 60'000u);
  EXPECT_EQ(log_->first_offset(), 0);  // not before it is durable
  run_background();
  EXPECT_EQ(log_->first_offset(), 60);
  EXPECT_EQ(names(".log").size(), 4u);
  EXPECT_EQ(names(".cmsindex").size(), 3u);  // the last segment's entries are not worth a write yet
  EXPECT_EQ(offsets(60, 100), range(60, 100));
  EXPECT_EQ(log_->size_bytes(), 100'000u);
  retain();
  EXPECT_EQ(log_->size_bytes(), 40'000u);
}

TEST_F(RetentionTest, SegmentsGoByTimeAndTheLastOneOnlyAfterItIsRolled) {
  options_.segment_bytes = 10'000;
  options_.retention.time_ms = 25;
  start();
  fill(60);
  retain();
  EXPECT_EQ(log_->first_offset(), 30);
  clock_.advance(std::chrono::seconds(1));
  retain();
  EXPECT_EQ(log_->first_offset(), 60);
  EXPECT_EQ(log_->next_offset(), 60);
  EXPECT_TRUE(names(".log").empty());
  kill_and_start();
  EXPECT_EQ(log_->first_offset(), 60);
  EXPECT_EQ(append(), 60);
  ASSERT_TRUE(flush().ok());
  EXPECT_EQ(names(".log"), std::vector<std::string>{formats::offset_name(60, ".log")});
}

TEST_F(RetentionTest, NoLimitKeepsAll) {
  options_.segment_bytes = 10'000;
  start();
  fill(100);
  clock_.advance(std::chrono::hours(1000));
  retain();
  EXPECT_EQ(log_->first_offset(), 0);
}

TEST_F(RetentionTest, AnOldLastSegmentIsClosedByAge) {
  options_.segment_ms = 1000;
  start();
  fill(5);
  clock_.advance(std::chrono::milliseconds(2000));
  retain();
  EXPECT_EQ(log_->segment_count(), 2u);
}

TEST_F(RetentionTest, ARaisedStartSurvivesAndFreesWholeSegments) {
  options_.segment_bytes = 10'000;
  start();
  fill(100);
  ASSERT_TRUE(log_->raise_first_offset(47, run_alone).ok());
  EXPECT_EQ(log_->first_offset(), 47);
  run_background();
  EXPECT_EQ(names(".log").size(), 6u);
  lose_power(3);
  EXPECT_EQ(log_->first_offset(), 47);
  EXPECT_EQ(log_->next_offset(), 100);
  EXPECT_EQ(offsets(47, 100), range(47, 100));
  ASSERT_TRUE(log_->raise_first_offset(100, run_alone).ok());
  lose_power(4);
  EXPECT_EQ(log_->first_offset(), 100);
  EXPECT_EQ(append(), 100);
}

TEST_F(RetentionTest, AStartRaisedBeyondWhatReachedTheDiskIsKept) {
  start();
  fill(10);
  for (int i = 0; i < 10; ++i) append();
  ASSERT_TRUE(log_->raise_first_offset(20, run_alone).ok());
  lose_power(1);
  EXPECT_EQ(log_->first_offset(), 20);
  EXPECT_EQ(log_->next_offset(), 20);
  EXPECT_EQ(append(), 20);
  ASSERT_TRUE(flush().ok());
  run_background();
  EXPECT_EQ(names(".log"), std::vector<std::string>{formats::offset_name(20, ".log")});
}

TEST_F(RetentionTest, WorkThatHasFailedIsDoneByTheNextRun) {
  options_.segment_bytes = 10'000;
  options_.retention.bytes = 35'000;
  start();
  fill(100);
  run_background();
  log_->apply_retention(clock_.now_ms());
  disk_->fail_write(1);
  for (const auto& work : log_->take_background_work()) static_cast<void>(work().ok());
  EXPECT_EQ(log_->first_offset(), 0);
  retain();
  EXPECT_EQ(log_->first_offset(), 60);
}

TEST_F(RetentionTest, AnExpiredSegmentThatWasNeverSyncedDoesNotKeepThePartitionClosed) {
  options_.retention.time_ms = 1000;
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    disk_ = std::make_unique<SimulatedDisk>();
    start();
    fill(10);
    for (int i = 0; i < 10; ++i) append({.payload_bytes = 939, .timestamp_ms = clock_.now_ms()});
    ASSERT_TRUE(flush(false).ok());
    clock_.advance(std::chrono::seconds(10));
    log_->apply_retention(clock_.now_ms());  // its background work comes too late
    fill(10);
    lose_power(seed);
    EXPECT_EQ(log_->first_offset(), 20);
    EXPECT_EQ(log_->next_offset(), 30);
    stop();
  }
}

TEST_F(RetentionTest, ACrashWhileFilesAreRemovedBringsNothingBack) {
  options_.segment_bytes = 10'000;
  options_.retention.bytes = 20'000;
  for (std::uint64_t seed = 1; seed < 50; ++seed) {
    disk_ = std::make_unique<SimulatedDisk>();
    start();
    fill(100);
    log_->apply_retention(clock_.now_ms());
    auto work = log_->take_background_work();
    std::unique_ptr<SimulatedDisk> crashed;
    std::uint64_t left = seed;
    Offset first = 0;
    disk_->on_step([&] {
      if (--left != 0) return;
      first = log_->first_offset();
      crashed = disk_->after_power_loss(seed);
    });
    for (const auto& one : work) EXPECT_TRUE(one().ok());
    disk_->on_step(nullptr);
    work.clear();
    stop();
    if (!crashed) break;
    disk_ = std::move(crashed);
    start();
    EXPECT_GE(log_->first_offset(), first) << seed;
    EXPECT_EQ(log_->next_offset(), 100) << seed;
    EXPECT_EQ(offsets(log_->first_offset(), 100), range(log_->first_offset(), 100)) << seed;
    stop();
  }
}

}  // namespace
}  // namespace cms::storage::test
