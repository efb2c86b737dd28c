// SPDX-License-Identifier: Apache-2.0
// ListOffsets, OffsetForLeaderEpoch, DeleteRecords, and offsets over restarts.
#include "tests/broker_test.h"

namespace cms::tests {
namespace {

using protocol::ListOffsetsRequest;
using protocol::OffsetForLeaderEpochRequest;
using protocol::OffsetForLeaderEpochResponse;

class OffsetsTest : public BrokerTest {
 protected:
  void SetUp() override { create_topic(wire_, topic()); }
};

OffsetForLeaderEpochResponse::EpochEndOffset end_of_epoch(Wire& wire, const std::string& topic, std::int32_t epoch,
                                                          std::int32_t current = -1) {
  OffsetForLeaderEpochRequest request;
  request.replica_id = -1;
  request.topics.push_back({topic, {{.partition = 0, .current_leader_epoch = current, .leader_epoch = epoch}}});
  return wire.call(request).topics.at(0).partitions.at(0);
}

TEST_F(OffsetsTest, LatestIsTheHighWatermarkAndEarliestTheLogStart) {
  for (int i = 0; i < 5; ++i) append(wire_, topic(), batch_of("x"));
  delete_records(wire_, topic(), 2);
  for (Version version = 1; version <= 11; ++version) {
    const auto latest = list_offset(wire_, topic(), -1, version);
    EXPECT_EQ(latest.offset, 5) << version;
    EXPECT_EQ(latest.timestamp, -1) << version;
    const auto earliest = list_offset(wire_, topic(), -2, version);
    EXPECT_EQ(earliest.offset, 2) << version;
    EXPECT_EQ(earliest.timestamp, -1) << version;
  }
}

TEST_F(OffsetsTest, TimeFindsTheFirstRecordAtOrAfterItAlsoInsideCompressedBatches) {
  const std::int64_t base = now_ms() - 100'000;
  append(wire_, topic(), batch_at({base, base + 10, base + 20}));
  append(wire_, topic(), batch_at({base + 30, base + 40, base + 35}, {.codec = records::Codec::zstd}));
  append(wire_, topic(), batch_at({base + 50}, {.codec = records::Codec::gzip}));
  const auto at = [&](std::int64_t time) { return list_offset(wire_, topic(), time); };
  EXPECT_EQ(at(0).offset, 0);
  EXPECT_EQ(at(0).timestamp, base);
  EXPECT_EQ(at(base + 11).offset, 2);
  EXPECT_EQ(at(base + 33).offset, 4);
  EXPECT_EQ(at(base + 33).timestamp, base + 40);
  EXPECT_EQ(at(base + 50).offset, 6);
  const auto none = at(base + 51);
  EXPECT_EQ(none.error_code, ErrorCode::none);
  EXPECT_EQ(none.offset, -1);
  EXPECT_EQ(none.timestamp, -1);
}

TEST_F(OffsetsTest, SpecialTimesAreKnownFromTheirVersionsOn) {
  const auto empty = list_offset(wire_, topic(), -3, 7);
  EXPECT_EQ(empty.error_code, ErrorCode::none);
  EXPECT_EQ(empty.offset, -1);
  const std::int64_t base = now_ms();
  append(wire_, topic(), batch_at({base, base + 9, base + 5}));
  append(wire_, topic(), batch_at({base + 7}));
  const auto largest = list_offset(wire_, topic(), -3, 7);
  EXPECT_EQ(largest.offset, 1);
  EXPECT_EQ(largest.timestamp, base + 9);
  EXPECT_EQ(list_offset(wire_, topic(), -4, 8).offset, 0);
  EXPECT_EQ(list_offset(wire_, topic(), -5, 9).offset, -1);
  EXPECT_EQ(list_offset(wire_, topic(), -6, 11).error_code, ErrorCode::none);
  EXPECT_EQ(list_offset(wire_, topic(), -3, 6).error_code, ErrorCode::unsupported_version);
  EXPECT_EQ(list_offset(wire_, topic(), -4, 7).error_code, ErrorCode::unsupported_version);
  EXPECT_EQ(list_offset(wire_, topic(), -5, 8).error_code, ErrorCode::unsupported_version);
  EXPECT_EQ(list_offset(wire_, topic(), -6, 10).error_code, ErrorCode::unsupported_version);
  EXPECT_EQ(list_offset(wire_, topic(), -7, 11).error_code, ErrorCode::unsupported_version);
}

TEST_F(OffsetsTest, SamePartitionTwiceIsAnInvalidRequestAndEpochsAreChecked) {
  ListOffsetsRequest request;
  request.topics.push_back({topic(), {{0, -1, -1}, {0, -1, -2}}});
  const auto twice = wire_.call(request);
  ASSERT_FALSE(twice.topics.at(0).partitions.empty());
  for (const auto& partition : twice.topics[0].partitions) EXPECT_EQ(partition.error_code, ErrorCode::invalid_request);
  const std::int32_t epoch = leader_epoch(wire_, topic());
  request.topics[0].partitions = {{0, epoch + 1, -1}};
  EXPECT_EQ(wire_.call(request).topics.at(0).partitions.at(0).error_code, ErrorCode::unknown_leader_epoch);
  request.topics[0].partitions = {{0, epoch, -1}, {9, -1, -1}};
  const auto answer = wire_.call(request).topics.at(0);
  EXPECT_EQ(answer.partitions.at(0).error_code, ErrorCode::none);
  EXPECT_EQ(answer.partitions.at(1).error_code, ErrorCode::unknown_topic_or_partition);
}

TEST_F(OffsetsTest, DeleteRecordsRaisesTheLogStart) {
  for (int i = 0; i < 5; ++i) append(wire_, topic(), batch_of(std::to_string(i)));
  const auto three = delete_records(wire_, topic(), 3);
  EXPECT_EQ(three.error_code, ErrorCode::none);
  EXPECT_EQ(three.low_watermark, 3);
  EXPECT_EQ(start_offset(wire_, topic()), 3);
  EXPECT_EQ(read_all(wire_, topic(), 3).size(), 2u);
  EXPECT_EQ(delete_records(wire_, topic(), 6).error_code, ErrorCode::offset_out_of_range);
  EXPECT_EQ(delete_records(wire_, topic(), 1).low_watermark, 3);  // it never falls
  EXPECT_EQ(delete_records(wire_, topic(), -1).low_watermark, 5);
  EXPECT_EQ(start_offset(wire_, topic()), 5);
  EXPECT_EQ(append(wire_, topic(), batch_of("next")), 5);
  EXPECT_EQ(delete_records(wire_, "unknown", 0).error_code, ErrorCode::unknown_topic_or_partition);
  create_topic(wire_, topic() + "Compacted", 1, {{"cleanup.policy", "compact"}});
  EXPECT_EQ(delete_records(wire_, topic() + "Compacted", 0).error_code, ErrorCode::policy_violation);
}

// One partition with three records in each of three leader epochs.
class LeaderEpochsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int round = 0; round < 3; ++round) {
      Wire wire(broker_.port());
      if (round == 0) create_topic(wire, "t");
      epochs_.push_back(leader_epoch(wire, "t"));
      for (int i = 0; i < 3; ++i) append(wire, "t", batch_of("x"));
      if (round == 0) broker_.kill();
      if (round == 1) {
        EXPECT_EQ(broker_.stop(), 0);
      }
      if (round < 2) broker_.start();
    }
  }

  BrokerProcess broker_;
  std::vector<std::int32_t> epochs_;
};

TEST_F(LeaderEpochsTest, AnswersCarryTheEpochOfTheOffsetReturned) {
  Wire wire(broker_.port());
  EXPECT_EQ(list_offset(wire, "t", -2).leader_epoch, epochs_[0]);
  EXPECT_EQ(list_offset(wire, "t", 0).leader_epoch, epochs_[0]);
  EXPECT_EQ(list_offset(wire, "t", -1).leader_epoch, epochs_[2]);
  delete_records(wire, "t", 4);
  EXPECT_EQ(list_offset(wire, "t", -2).leader_epoch, epochs_[1]);
  EXPECT_EQ(list_offset(wire, "t", now_ms() + 1'000'000).leader_epoch, -1);
}

TEST_F(LeaderEpochsTest, EndOfAnEpochIsTheStartOfTheNext) {
  Wire wire(broker_.port());
  const auto present = end_of_epoch(wire, "t", epochs_[2]);
  EXPECT_EQ(present.leader_epoch, epochs_[2]);
  EXPECT_EQ(present.end_offset, 9);
  const auto first = end_of_epoch(wire, "t", epochs_[0]);
  EXPECT_EQ(first.leader_epoch, epochs_[0]);
  EXPECT_EQ(first.end_offset, 3);
  EXPECT_EQ(end_of_epoch(wire, "t", epochs_[1]).end_offset, 6);
  const auto above = end_of_epoch(wire, "t", epochs_[2] + 1);
  EXPECT_EQ(above.error_code, ErrorCode::none);
  EXPECT_EQ(above.leader_epoch, -1);
  EXPECT_EQ(above.end_offset, -1);
  EXPECT_EQ(end_of_epoch(wire, "t", 0, epochs_[1]).error_code, ErrorCode::fenced_leader_epoch);
  EXPECT_EQ(end_of_epoch(wire, "t", 0, epochs_[2] + 1).error_code, ErrorCode::unknown_leader_epoch);
}

TEST(OffsetsRestartTest, LogStartAndEndNeverFall) {
  BrokerProcess broker;
  Offset start = 0;
  Offset end = 0;
  for (int round = 0; round < 4; ++round) {
    Wire wire(broker.port());
    if (round == 0) create_topic(wire, "t");
    EXPECT_EQ(start_offset(wire, "t"), start) << round;
    EXPECT_EQ(end_offset(wire, "t"), end) << round;
    for (int i = 0; i < 3; ++i) append(wire, "t", batch_of("x"));
    end += 3;
    start += 2;
    EXPECT_EQ(delete_records(wire, "t", start).low_watermark, start);
    if (round % 2 == 0) {
      broker.kill();
    } else {
      EXPECT_EQ(broker.stop(), 0);
    }
    broker.start();
  }
}

}  // namespace
}  // namespace cms::tests
