// SPDX-License-Identifier: Apache-2.0
#include "storage/leader_epochs.h"

#include <gtest/gtest.h>

namespace cms::storage {
namespace {

class LeaderEpochsTest : public testing::Test {
 protected:
  void SetUp() override {
    epochs_.assign(2, 10);
    epochs_.assign(3, 20);
    epochs_.assign(7, 50);
  }
  void expect_end(records::LeaderEpoch asked, records::LeaderEpoch epoch, records::Offset end) const {
    const auto answer = epochs_.end_of(asked, 80);
    EXPECT_EQ(answer.epoch, epoch) << "asked for " << asked;
    EXPECT_EQ(answer.end_offset, end) << "asked for " << asked;
  }

  LeaderEpochs epochs_;
};

// 97
TEST_F(LeaderEpochsTest, TheEpochOfAnOffsetIsTheOneItWasWrittenIn) {
  EXPECT_EQ(epochs_.at(9), -1);
  EXPECT_EQ(epochs_.at(10), 2);
  EXPECT_EQ(epochs_.at(19), 2);
  EXPECT_EQ(epochs_.at(20), 3);
  EXPECT_EQ(epochs_.at(50), 7);
  EXPECT_EQ(epochs_.at(1000), 7);
  EXPECT_EQ(LeaderEpochs().at(0), -1);
}

// 100
TEST_F(LeaderEpochsTest, ThePresentEpochEndsWithTheLog) { expect_end(7, 7, 80); }

// 100
TEST_F(LeaderEpochsTest, AnOlderEpochEndsWhereTheNextKnownBegins) {
  expect_end(2, 2, 20);
  expect_end(3, 3, 50);
}

// 100
TEST_F(LeaderEpochsTest, AnEpochThatWasSkippedIsAnsweredWithTheLargestBelowIt) { expect_end(5, 3, 50); }

// 100
TEST_F(LeaderEpochsTest, BelowTheOldestIsTheLogStart) {
  expect_end(0, 0, 10);
  expect_end(1, 1, 10);
}

// 100
TEST_F(LeaderEpochsTest, AboveThePresentIsUnknown) {
  expect_end(8, -1, -1);
  expect_end(-1, -1, -1);
  EXPECT_EQ(LeaderEpochs().end_of(0, 80).epoch, -1);
}

TEST_F(LeaderEpochsTest, TheSameEpochAgainChangesNothing) {
  const auto before = epochs_.save();
  epochs_.assign(7, 60);
  EXPECT_EQ(epochs_.save(), before);
}

TEST_F(LeaderEpochsTest, AnEpochWithoutRecordsGivesWayToTheNext) {
  epochs_.assign(8, 80);
  epochs_.assign(9, 80);
  expect_end(7, 7, 80);
  EXPECT_EQ(epochs_.end_of(8, 90).epoch, 7);
  EXPECT_EQ(epochs_.end_of(9, 90).end_offset, 90);
}

TEST_F(LeaderEpochsTest, TruncationForgetsTheEpochsBehindIt) {
  epochs_.truncate_from(50);
  EXPECT_EQ(epochs_.latest(), 3);
  expect_end(3, 3, 80);
  epochs_.truncate_from(11);
  EXPECT_EQ(epochs_.latest(), 2);
  epochs_.truncate_from(0);
  EXPECT_TRUE(epochs_.empty());
  EXPECT_EQ(epochs_.latest(), -1);
}

TEST_F(LeaderEpochsTest, TheEpochThatHoldsTheLogStartBeginsThere) {
  epochs_.truncate_before(5);
  EXPECT_EQ(epochs_.at(10), 2);
  epochs_.truncate_before(25);
  EXPECT_EQ(epochs_.at(24), -1);
  EXPECT_EQ(epochs_.at(25), 3);
  expect_end(2, 2, 25);
  epochs_.truncate_before(50);
  expect_end(3, 3, 50);
  expect_end(7, 7, 80);
}

TEST_F(LeaderEpochsTest, TheHistorySurvivesARestart) {
  LeaderEpochs loaded;
  ASSERT_TRUE(loaded.load(epochs_.save()));
  EXPECT_EQ(loaded.save(), epochs_.save());
  EXPECT_EQ(loaded.end_of(5, 80).end_offset, 50);
  ASSERT_TRUE(loaded.load(LeaderEpochs().save()));
  EXPECT_TRUE(loaded.empty());
}

TEST_F(LeaderEpochsTest, ADamagedHistoryIsCorruptAndChangesNothing) {
  const auto saved = epochs_.save();
  for (std::size_t i = 0; i < saved.size(); ++i) {
    auto damaged = saved;
    damaged[i] ^= std::byte{1};
    EXPECT_EQ(epochs_.load(damaged).error().kind(), base::ErrorKind::corrupt) << i;
    EXPECT_FALSE(epochs_.load(base::ByteSpan(saved).first(i))) << i;
  }
  EXPECT_EQ(epochs_.save(), saved);
}

}  // namespace
}  // namespace cms::storage
