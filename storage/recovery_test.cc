// SPDX-License-Identifier: Apache-2.0
#include "storage/recovery.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "storage/checkpoint.h"
#include "storage/log_fixture.h"

namespace cms::storage::test {
namespace {

class RecoveryTest : public SegmentedLogFixture {
 protected:
  void fill(int batches, std::size_t payload_bytes = 939) {
    for (int i = 0; i < batches; ++i) append({.payload_bytes = payload_bytes, .timestamp_ms = 1000 + i});
    ASSERT_TRUE(flush().ok());
  }
  void overwrite(const std::string& file, std::uint64_t position, std::string_view text) {
    auto opened = disk_->open(file, OpenMode::write).value();
    ASSERT_TRUE(opened->write_at(position, base::as_bytes(text)).ok());
    ASSERT_TRUE(opened->sync().ok());
  }
};

TEST_F(RecoveryTest, AfterACleanCloseNothingIsScanned) {
  options_.segment_bytes = 100'000;
  start();
  fill(500);
  ASSERT_TRUE(log_->close().ok());
  kill_and_start();
  EXPECT_EQ(log_->recovered_bytes(), 0u);
  EXPECT_EQ(log_->next_offset(), 500);
  EXPECT_EQ(log_->durable_end(), 500);
  EXPECT_EQ(log_->epochs().latest(), 0);
  EXPECT_EQ(offsets(0, 500), range(0, 500));
  EXPECT_EQ(append(), 500);
  EXPECT_EQ(offsets(495, 501), range(495, 501));
}

TEST_F(RecoveryTest, ACleanCloseIsBelievedOnceOnly) {
  start();
  fill(100);
  ASSERT_TRUE(log_->close().ok());
  kill_and_start();
  append();
  ASSERT_TRUE(flush().ok());
  kill_and_start();
  EXPECT_EQ(log_->next_offset(), 101);
  EXPECT_EQ(offsets(0, 101), range(0, 101));
}

TEST_F(RecoveryTest, ReopeningWithoutWritingStaysClean) {
  start();
  fill(100);
  ASSERT_TRUE(log_->close().ok());
  for (int i = 0; i < 3; ++i) {
    kill_and_start();
    EXPECT_EQ(log_->recovered_bytes(), 0u);
    const std::uint64_t steps = disk_->steps();
    ASSERT_TRUE(log_->close().ok());
    EXPECT_EQ(disk_->steps(), steps);
  }
}

TEST_F(RecoveryTest, AfterAKillOnlyWhatTheIndexDoesNotVouchForIsScanned) {
  start();
  for (int i = 0; i < 20; ++i) fill(50);
  kill_and_start();
  EXPECT_EQ(log_->next_offset(), 1000);
  EXPECT_GT(log_->recovered_bytes(), 0u);
  EXPECT_LT(log_->recovered_bytes(), 300'000u);
  kill_and_start();
  EXPECT_LT(log_->recovered_bytes(), 5'100u);  // the index was brought up to date
  EXPECT_EQ(offsets(0, 1000), range(0, 1000));
}

TEST_F(RecoveryTest, ATornLastBatchIsPutAsideAndCutOff) {
  start();
  fill(10, 139);
  const std::string file = path(0, ".log");
  overwrite(file, 9 * 200 + 100, "torn");
  kill_and_start();
  EXPECT_EQ(log_->next_offset(), 9);
  EXPECT_EQ(log_->put_aside_bytes(), 200u);
  ASSERT_EQ(names(".corrupt-").size(), 1u);
  EXPECT_EQ(content(std::string(directory) + "/" + names(".corrupt-")[0]).size(), 200u);
  EXPECT_EQ(content(file).size(), 1800u);
  EXPECT_EQ(append({.payload_bytes = 139}), 9);
  ASSERT_TRUE(flush().ok());
  kill_and_start();
  EXPECT_EQ(offsets(0, 10), range(0, 10));
}

TEST_F(RecoveryTest, AWholeBatchBehindAGapIsNotResurrected) {
  start();
  fill(10, 139);
  overwrite(path(0, ".log"), 5 * 200 + 30, "damage");
  kill_and_start();
  EXPECT_EQ(log_->next_offset(), 5);
  append({.payload_bytes = 139, .fill = 'n'});
  ASSERT_TRUE(flush().ok());
  kill_and_start();
  EXPECT_EQ(log_->next_offset(), 6);
}

TEST_F(RecoveryTest, ABatchWithAWrongOffsetOrEpochEndsTheLog) {
  for (const std::size_t field : {records::layout::base_offset + 7, records::layout::partition_leader_epoch + 3}) {
    disk_ = std::make_unique<SimulatedDisk>();
    start();
    for (int i = 0; i < 10; ++i) append({.payload_bytes = 139}, 7);
    ASSERT_TRUE(flush().ok());
    overwrite(path(0, ".log"), 6 * 200 + field, std::string(1, '\3'));
    kill_and_start();
    EXPECT_EQ(log_->next_offset(), 6) << field;
    stop();
  }
}

TEST_F(RecoveryTest, AMissingOrDamagedIndexIsRebuilt) {
  for (const int damage : {0, 1, 2, 3}) {
    SCOPED_TRACE(damage);
    disk_ = std::make_unique<SimulatedDisk>();
    options_.segment_bytes = 200'000;
    start();
    for (int i = 0; i < 10; ++i) fill(50);
    const std::string file = path(0, ".cmsindex");
    stop();
    const auto before = content(file);
    if (damage == 0) {
      ASSERT_TRUE(disk_->remove(file).ok());
    } else {
      overwrite(file, damage == 1 ? 3 : damage == 2 ? 32 + 32 * 5 + 9 : before.size() - 3, "#");
    }
    start();
    EXPECT_EQ(log_->next_offset(), 500);
    EXPECT_EQ(offsets(0, 500), range(0, 500));
    if (damage != 2) {  // the last entry, which is valid, was enough
      const auto loaded = decode_index(content(file), 0, 200'000);
      EXPECT_FALSE(loaded.damaged);
      EXPECT_EQ(loaded.entries.back().position, 200'000u);
      EXPECT_EQ(loaded.entries.back().relative_offset, 200u);
    }
    stop();
  }
}

TEST_F(RecoveryTest, ARebuiltIndexSaysTheSameAsTheWrittenOne) {
  options_.segment_bytes = 200'000;
  start();
  for (int i = 0; i < 10; ++i) fill(50);
  stop();
  const auto before = decode_index(content(path(0, ".cmsindex")), 0, 200'000);
  ASSERT_TRUE(disk_->remove(path(0, ".cmsindex")).ok());
  start();
  const auto after = decode_index(content(path(0, ".cmsindex")), 0, 200'000);
  ASSERT_EQ(after.entries.size(), before.entries.size());
  for (std::size_t i = 0; i < after.entries.size(); ++i) {
    EXPECT_EQ(after.entries[i].position, before.entries[i].position);
    EXPECT_EQ(after.entries[i].relative_offset, before.entries[i].relative_offset);
    EXPECT_EQ(after.entries[i].largest_timestamp, before.entries[i].largest_timestamp);
    EXPECT_EQ(after.entries[i].frames_crc, before.entries[i].frames_crc);
  }
}

TEST_F(RecoveryTest, ADamagedFinishedSegmentKeepsThePartitionClosedAndSaysWhere) {
  options_.segment_bytes = 20'000;
  start();
  fill(100);
  stop();
  ASSERT_TRUE(disk_->remove(path(20, ".cmsindex")).ok());
  overwrite(path(20, ".log"), 3 * 1000 + 500, "bit rot");
  const auto opened = try_start();
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().kind(), base::ErrorKind::corrupt);
  for (const std::string& part : {formats::offset_name(20, ".log"), std::string("position 3000"),
                                  std::string("from offset 23 to 39"), std::string("moving this file")}) {
    EXPECT_NE(opened.error().message().find(part), std::string::npos) << opened.error().message();
  }
  EXPECT_EQ(names(".log").size(), 5u);
  // What the message says to do.
  for (const Offset base : {0, 20})
    ASSERT_TRUE(disk_->rename(path(base, ".log"), "data/away" + std::to_string(base)).ok());
  start();
  EXPECT_EQ(log_->first_offset(), 40);
  EXPECT_EQ(offsets(40, 100), range(40, 100));
}

TEST_F(RecoveryTest, AMissingSegmentInTheMiddleIsAnError) {
  options_.segment_bytes = 20'000;
  start();
  fill(100);
  stop();
  ASSERT_TRUE(disk_->remove(path(40, ".log")).ok());
  const auto opened = try_start();
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message().find("from offset 40 to 59"), std::string::npos) << opened.error().message();
}

TEST_F(RecoveryTest, ADamagedCheckpointIsPutAsideAndItsEpochsAreFoundInTheBatches) {
  options_.segment_bytes = 20'000;
  start();
  for (int i = 0; i < 60; ++i) append({.payload_bytes = 939}, i / 20 + 3);
  ASSERT_TRUE(flush().ok());
  ASSERT_TRUE(log_->close().ok());
  stop();
  overwrite(std::string(directory) + "/partition.checkpoint", 20, "###");
  start();
  EXPECT_EQ(names("checkpoint.corrupt-").size(), 1u);
  EXPECT_EQ(log_->next_offset(), 60);
  EXPECT_EQ(log_->epochs().at(5), 3);
  EXPECT_EQ(log_->epochs().at(25), 4);
  EXPECT_EQ(log_->epochs().at(45), 5);
}

TEST_F(RecoveryTest, ProducersSurviveAKillWithAndWithoutTheirSnapshot) {
  for (const int damage : {0, 1, 2}) {
    SCOPED_TRACE(damage);
    disk_ = std::make_unique<SimulatedDisk>();
    options_.segment_bytes = 20'000;
    start();
    BatchSpec spec{.payload_bytes = 939, .producer_id = 7, .producer_epoch = 0, .base_sequence = 0};
    for (int i = 0; i < 50; ++i) {
      append(spec);
      ++spec.base_sequence;
    }
    ASSERT_TRUE(flush().ok());
    run_background();
    stop();
    EXPECT_FALSE(names(".producers").empty());
    for (const auto& name : names(".producers")) {
      const std::string file = std::string(directory) + "/" + name;
      if (damage == 1) {
        ASSERT_TRUE(disk_->remove(file).ok());
      }
      if (damage == 2) overwrite(file, 9, "####");
    }
    start();
    --spec.base_sequence;
    const auto again = make_batch(spec);
    const auto verdict = log_->producers().check(view_of(again));
    ASSERT_TRUE(std::holds_alternative<ProducerStates::Duplicate>(verdict));
    EXPECT_EQ(std::get<ProducerStates::Duplicate>(verdict).base_offset, 49);
    stop();
  }
}

TEST_F(RecoveryTest, ASnapshotBeyondTheEndIsPutAside) {
  options_.segment_bytes = 20'000;
  start();
  fill(10);
  for (int i = 0; i < 40; ++i) append({.payload_bytes = 939});
  run_background();  // snapshots at 20 and 40, nothing of which is flushed
  ASSERT_FALSE(names(".producers").empty());
  kill_and_start();
  EXPECT_EQ(log_->next_offset(), 10);
  EXPECT_FALSE(names(".producers.corrupt-").empty());
}

TEST_F(RecoveryTest, ASegmentShorterThanWhatWasSyncedOpensWithWhatIsThere) {
  start();
  for (int i = 0; i < 10; ++i) fill(50);
  stop();
  ASSERT_TRUE(disk_->open(path(0, ".log"), OpenMode::write).value()->truncate(100'500).ok());
  start();
  EXPECT_EQ(log_->next_offset(), 100);
  EXPECT_EQ(append({.payload_bytes = 939}), 100);
  ASSERT_TRUE(flush().ok());
  kill_and_start();
  EXPECT_EQ(offsets(0, 101), range(0, 101));
}

TEST_F(RecoveryTest, ProgressIsToldOnceASecond) {
  class FastClock final : public base::Clock {
   public:
    base::Nanoseconds steady() const override { return base::Nanoseconds(now_ += 600'000'000); }
    base::TimestampMs now_ms() const override { return 0; }
    mutable std::int64_t now_ = 0;
  };
  start();
  for (int i = 0; i < 4; ++i) append({.payload_bytes = 400'000});
  ASSERT_TRUE(flush().ok());
  stop();
  ASSERT_TRUE(disk_->remove(path(0, ".cmsindex")).ok() || true);
  FastClock clock;
  std::vector<std::uint64_t> seen;
  RecoveryOptions options;
  options.progress = [&](const RecoveryProgress& progress) {
    EXPECT_EQ(progress.directory, directory);
    EXPECT_GT(progress.bytes_total, 1'600'000u);
    seen.push_back(progress.bytes_done);
  };
  ASSERT_TRUE(recover(*disk_, clock, directory, options).ok());
  EXPECT_FALSE(seen.empty());
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST_F(RecoveryTest, AChangedByteAnywhereInTheCheckpointIsNoticed) {
  Checkpoint checkpoint;
  checkpoint.clean = true;
  checkpoint.next_offset = 10;
  checkpoint.segments = {{0, 100, 5}, {5, 100, 6}};
  checkpoint.epochs.assign(3, 0);
  const auto good = checkpoint.encode();
  ASSERT_TRUE(Checkpoint::decode(good).ok());
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] ^= std::byte{1};
    EXPECT_FALSE(Checkpoint::decode(bad).ok()) << i;
    EXPECT_FALSE(Checkpoint::decode(base::ByteSpan(good).first(i)).ok()) << i;
  }
}

TEST_F(RecoveryTest, PowerLossAtAnyMomentKeepsWhatWasSynced) {
  options_.segment_bytes = 30'000;
  open_options_.tail_bytes_max = 64 << 10;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    disk_ = std::make_unique<SimulatedDisk>();
    start();
    base::Random random(seed);
    Offset durable = 0;
    for (int i = 0; i < 60; ++i) {
      for (std::uint64_t n = random.below(5); n > 0; --n) append({.payload_bytes = random.below(3000)});
      if (log_->wants_flush()) {
        ASSERT_TRUE(flush(random.one_in(2)).ok());
      }
      if (random.one_in(3)) run_background();
      durable = log_->durable_end();
      if (!random.one_in(8)) continue;
      lose_power(seed * 1000 + static_cast<std::uint64_t>(i));
      ASSERT_GE(log_->next_offset(), durable) << seed;
      ASSERT_EQ(offsets(0, log_->next_offset()), range(0, log_->next_offset())) << seed;
    }
    stop();
  }
}

}  // namespace
}  // namespace cms::storage::test
