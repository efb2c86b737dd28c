// SPDX-License-Identifier: Apache-2.0
// Batches whose sender can still write to them.
#include "broker/handlers/append.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <span>

#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "broker/handlers/test_broker.h"
#include "records/build.h"
#include "storage/make_io_queue.h"

namespace cms::broker {
namespace {

namespace layout = records::layout;

class AppendSharedTest : public ::testing::Test {
 protected:
  static std::vector<std::byte> batch_of(int count, std::size_t value_bytes = 50, records::BatchOptions options = {}) {
    const std::vector<std::byte> value(value_bytes, std::byte{'v'});
    records::BatchBuilder builder(options);
    for (int i = 0; i < count; ++i) builder.add({.timestamp = 1000 + i, .value = base::ByteSpan(value)});
    return builder.finish();
  }

  TopicHandle volatile_topic(std::vector<ConfigSetting> configs = {}) {
    configs.push_back({"cms.durability", "volatile"});
    return broker_.create("t", 1, std::move(configs));
  }

  AppendOutcome append(const TopicHandle& topic, base::ByteSpan batch) {
    return appender_.append_shared(core_, *topic, 0, batch, {});
  }

  // All that a consumer would get, batch by batch.
  static std::vector<records::BatchView> stored_in(const TopicHandle& topic, protocol::Records& records) {
    EXPECT_EQ(topic->partition(0)->read({.offset = 0, .bytes_max = 64 << 20}, &records).error, ErrorCode::none);
    std::vector<records::BatchView> batches;
    for (const base::Bytes& slice : records.slices()) {
      for (base::ByteSpan rest = slice; !rest.empty(); rest = rest.subspan(batches.back().size())) {
        batches.push_back(records::BatchView::frame(rest).value());
      }
    }
    return batches;
  }

  test::TestBroker broker_;
  base::Counter records_;
  base::Counter bytes_;
  base::Counter refused_;
  BatchAppender appender_{broker_.clock, {records_, bytes_, refused_}};
  Core core_{0, storage::make_io_queue(storage::choose_io_queue_kind()), std::chrono::microseconds(0)};
};

TEST_F(AppendSharedTest, ABatchIsStoredAsItIsAndCounted) {
  const TopicHandle topic = volatile_topic();
  const auto batch = batch_of(3, 3000);
  const AppendOutcome outcome = append(topic, batch);
  EXPECT_EQ(outcome.error, ErrorCode::none) << outcome.message;
  EXPECT_EQ(outcome.base_offset, 0);
  EXPECT_EQ(outcome.end_offset, 3);
  EXPECT_TRUE(outcome.stable);
  EXPECT_EQ(records_.total(), 3u);
  EXPECT_EQ(bytes_.total(), batch.size());
  protocol::Records records;
  const auto stored = stored_in(topic, records);
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_TRUE(std::ranges::equal(stored[0].checksummed(), base::ByteSpan(batch).subspan(layout::checksummed_from)));
}

TEST_F(AppendSharedTest, ARefusedBatchGivesItsRoomBackAndTheNextHasItsOffset) {
  const TopicHandle topic = volatile_topic();
  const auto batch = batch_of(2, 5000);
  ASSERT_EQ(append(topic, batch).base_offset, 0);
  auto damaged = batch_of(5, 3000);
  damaged.back() ^= std::byte{1};
  EXPECT_EQ(append(topic, damaged).error, ErrorCode::corrupt_message);
  const auto late = batch_of(1, 5000, {.producer_id = 7, .producer_epoch = 0, .base_sequence = 9});
  EXPECT_EQ(append(topic, batch_of(1, 50, {.producer_id = 7, .producer_epoch = 0, .base_sequence = 0})).base_offset, 2);
  EXPECT_EQ(append(topic, late).error, ErrorCode::out_of_order_sequence_number);
  EXPECT_EQ(append(topic, batch).base_offset, 3);
  protocol::Records records;
  std::vector<records::Offset> offsets;
  for (const records::BatchView& stored : stored_in(topic, records)) offsets.push_back(stored.base_offset());
  EXPECT_EQ(offsets, (std::vector<records::Offset>{0, 2, 3}));
  EXPECT_EQ(records_.total(), 5u);
}

TEST_F(AppendSharedTest, WhateverTheSizeWhatIsNotABatchIsRefused) {
  const TopicHandle topic = volatile_topic();
  const auto batch = batch_of(1, 5000);
  for (std::size_t size = 0; size < batch.size(); ++size) {
    EXPECT_NE(append(topic, base::ByteSpan(batch).first(size)).error, ErrorCode::none) << size;
  }
  EXPECT_EQ(topic->partition(0)->positions().end, 0);
}

TEST_F(AppendSharedTest, AHeaderThatNamesTheWrongLargestTimestampIsPutRight) {
  const TopicHandle topic = volatile_topic();
  auto batch = batch_of(2, 5000);
  base::store_big<std::int64_t>(batch.data() + layout::max_timestamp, 5);
  records::seal(batch);
  ASSERT_EQ(append(topic, batch).error, ErrorCode::none);
  protocol::Records records;
  const auto stored = stored_in(topic, records);
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_EQ(stored[0].max_timestamp(), 1001);
  EXPECT_EQ(base::crc32c(stored[0].checksummed()), stored[0].crc());
}

TEST_F(AppendSharedTest, CompressedRewrittenSmallAndManyRecordsAreStoredByWayOfACopy) {
  const TopicHandle topic = volatile_topic();
  EXPECT_EQ(append(topic, batch_of(200, 5000, {.codec = records::Codec::lz4})).base_offset, 0);
  EXPECT_EQ(append(topic, batch_of(1000)).base_offset, 200);
  EXPECT_EQ(append(topic, batch_of(1)).base_offset, 1200);
  const TopicHandle stamped =
      broker_.create("stamped", 1, {{"cms.durability", "volatile"}, {"message.timestamp.type", "LogAppendTime"}});
  const AppendOutcome outcome = append(stamped, batch_of(1, 5000));
  EXPECT_EQ(outcome.base_offset, 0);
  EXPECT_GE(outcome.log_append_time_ms, 0);
}

TEST_F(AppendSharedTest, ABatchThatChangesWhileItIsTakenIsStoredWholeOrRefused) {
  const TopicHandle topic = volatile_topic();
  const auto good = batch_of(2, 4000);
  void* const at = ::mmap(nullptr, good.size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(at, MAP_FAILED);
  const std::span<std::byte> shared(static_cast<std::byte*>(at), good.size());
  std::ranges::copy(good, shared.begin());
  // Another process, as a sender is. Every byte in turn is another one for a moment: lengths, counts, the codec, the
  // records.
  const pid_t sender = ::fork();
  if (sender == 0) {
    for (std::size_t i = 0;; i = (i + 1) % shared.size()) {
      volatile std::byte& byte = shared[i];
      byte = good[i] ^ std::byte{0x7};
      byte = good[i];
    }
  }
  int stored = 0;
  for (int i = 0; i < 3000; ++i) stored += append(topic, shared).error == ErrorCode::none ? 1 : 0;
  ::kill(sender, SIGKILL);
  ::waitpid(sender, nullptr, 0);
  ::munmap(at, good.size());
  protocol::Records records;
  const auto batches = stored_in(topic, records);
  EXPECT_EQ(batches.size(), static_cast<std::size_t>(stored));
  records::Offset next = 0;
  for (const records::BatchView& batch : batches) {
    ASSERT_EQ(batch.base_offset(), next);
    ASSERT_EQ(batch.record_count(), 2);
    ASSERT_EQ(base::crc32c(batch.checksummed()), batch.crc());
    next = batch.next_offset();
  }
  EXPECT_EQ(append(topic, good).base_offset, next);
}

}  // namespace
}  // namespace cms::broker
