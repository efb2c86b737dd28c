// SPDX-License-Identifier: Apache-2.0
#include "storage/partition_check.h"

#include <gtest/gtest.h>

#include "storage/log_fixture.h"

namespace cms::storage {
namespace {

class PartitionCheckTest : public test::SegmentedLogFixture {
 protected:
  // Three segments of 1,000 batches, synced; closed or as a crash leaves them.
  void fill(bool close) {
    options_.segment_bytes = 40'000;
    start();
    for (int i = 0; i < 1000; ++i) append({.records = 2, .payload_bytes = 39, .timestamp_ms = 1000 + i});
    ASSERT_TRUE(flush().ok());
    run_background();
    if (close) {
      ASSERT_TRUE(log_->close().ok());
    }
    stop();
  }

  PartitionReport check() { return check_partition(*disk_, directory).value(); }

  void damage(const std::string& file, std::uint64_t position) {
    const auto opened = disk_->open(file, OpenMode::write).value();
    std::byte byte[1];
    ASSERT_EQ(opened->read_at(position, byte).value(), 1u);
    byte[0] ^= std::byte{0x20};
    ASSERT_TRUE(opened->write_at(position, byte).ok());
  }

  // The one problem there is, as far as it holds `part`.
  static bool is_only_problem(const PartitionReport& report, const std::string& part) {
    return report.problems.size() == 1 && report.problems[0].find(part) != std::string::npos;
  }
};

TEST_F(PartitionCheckTest, ClosedPartitionIsWhole) {
  fill(true);
  const PartitionReport report = check();
  EXPECT_EQ(report.problems, std::vector<std::string>{});
  EXPECT_EQ(report.notes, std::vector<std::string>{});
  EXPECT_EQ(report.segments, 3u);
  EXPECT_EQ(report.batches, 1000u);
  EXPECT_EQ(report.records, 2000u);
  EXPECT_EQ(report.bytes, 100'000u);
  EXPECT_EQ(report.first, 0);
  EXPECT_EQ(report.end, 2000);
  EXPECT_TRUE(report.closed);
}

TEST_F(PartitionCheckTest, ZerosAheadOfALastSegmentInUseAreNoProblem) {
  fill(false);
  const PartitionReport report = check();
  EXPECT_EQ(report.problems, std::vector<std::string>{});
  EXPECT_EQ(report.end, 2000);
  EXPECT_FALSE(report.closed);
}

TEST_F(PartitionCheckTest, DamagedRecordIsToldWithItsPlace) {
  fill(true);
  damage(path(0, ".log"), 100 * 20 + 80);
  const PartitionReport report = check();
  ASSERT_FALSE(report.problems.empty());
  EXPECT_NE(report.problems[0].find("00000000000000000000.log: wrong checksum at position 2000, from offset 40 on"),
            std::string::npos)
      << report.problems[0];
}

TEST_F(PartitionCheckTest, FrameThatStillMakesSenseIsCaughtByTheIndex) {
  fill(true);
  // The leader epoch of a segment's last batch: outside its checksum, and it may rise.
  const std::uint64_t late = 399 * 100;
  damage(path(0, ".log"), late + records::layout::partition_leader_epoch + 3);
  bool caught = false;
  for (const std::string& problem : check().problems) {
    caught |= problem.find("other offsets, lengths or epochs") != std::string::npos;
  }
  EXPECT_TRUE(caught);
}

TEST_F(PartitionCheckTest, MissingSegmentIsToldWithItsOffsets) {
  fill(false);
  ASSERT_TRUE(disk_->remove(path(800, ".log")).ok());
  EXPECT_TRUE(is_only_problem(check(), "offsets 800 to 1599 are missing before it"));
}

TEST_F(PartitionCheckTest, SegmentCutShortIsToldThoughItEndsAtABatch) {
  fill(true);
  const auto opened = disk_->open(path(1600, ".log"), OpenMode::write).value();
  ASSERT_TRUE(opened->truncate(1000).ok());
  EXPECT_TRUE(is_only_problem(check(), "vouches for synced batches up to position 20000, but whole ones end at 1000"));
}

TEST_F(PartitionCheckTest, WhatTheNextStartMendsIsANote) {
  fill(false);
  ASSERT_TRUE(disk_->remove(path(0, ".cmsindex")).ok());
  damage(std::string(directory) + "/partition.checkpoint", 20);
  const PartitionReport report = check();
  EXPECT_EQ(report.problems, std::vector<std::string>{});
  EXPECT_EQ(report.notes.size(), 2u);
}

}  // namespace
}  // namespace cms::storage
