// SPDX-License-Identifier: Apache-2.0
// Batches that arrive twice, out of order, or after their producer was forgotten.
#include <set>

#include "tests/broker_test.h"

namespace cms::tests {
namespace {

class IdempotenceTest : public BrokerTest {
 protected:
  void SetUp() override {
    create_topic(wire_, topic());
    id_ = new_producer_id(wire_);
  }

  ProduceAnswer send(std::int32_t sequence, int count = 1, std::int16_t epoch = 0) {
    return produce(wire_, topic(), numbered(id_, epoch, sequence, count));
  }

  std::int64_t id_ = -1;
};

TEST(ProducerIdTest, ProducerIdsAreNeverGivenTwiceAlsoAcrossRestarts) {
  BrokerProcess broker;
  std::set<std::int64_t> given;
  for (int round = 0; round < 4; ++round) {
    Wire wire(broker.port());
    for (int i = 0; i < 20; ++i) {
      const auto response = wire.call(protocol::InitProducerIdRequest{}, static_cast<Version>(i % 6));
      EXPECT_EQ(response.error_code, ErrorCode::none);
      EXPECT_EQ(response.producer_epoch, 0);
      EXPECT_TRUE(given.insert(response.producer_id).second) << response.producer_id;
    }
    if (round % 2 == 0) {
      broker.kill();
    } else {
      EXPECT_EQ(broker.stop(), 0);
    }
    broker.start();
  }
}

TEST_F(IdempotenceTest, OneOfTheLastFiveBatchesIsAnsweredWithItsFirstOffsetAndNotAppended) {
  set_config(wire_, topic(), "message.timestamp.type", "LogAppendTime");
  std::vector<ProduceAnswer> first;
  for (int i = 0; i < 5; ++i) first.push_back(send(i * 3, 3));
  for (int i = 4; i >= 0; --i) {
    const ProduceAnswer again = send(i * 3, 3);
    EXPECT_EQ(again.error_code, ErrorCode::none);
    EXPECT_EQ(again.base_offset, i * 3);
    EXPECT_EQ(again.log_append_time_ms, first[static_cast<std::size_t>(i)].log_append_time_ms);
  }
  EXPECT_EQ(end_offset(wire_, topic()), 15);
}

TEST_F(IdempotenceTest, SequencesWithoutGapOnly) {
  EXPECT_EQ(send(0).error_code, ErrorCode::none);
  EXPECT_EQ(send(2).error_code, ErrorCode::out_of_order_sequence_number);
  EXPECT_EQ(send(0, 2).error_code, ErrorCode::out_of_order_sequence_number);  // overlaps, and is not equal
  for (int i = 1; i <= 6; ++i) EXPECT_EQ(send(i).error_code, ErrorCode::none);
  EXPECT_EQ(send(0).error_code, ErrorCode::out_of_order_sequence_number);  // forgotten by now
  EXPECT_EQ(end_offset(wire_, topic()), 7);
}

TEST_F(IdempotenceTest, SequenceWrapsFromTheLargestToZero) {
  EXPECT_EQ(send(2147483646, 1).error_code, ErrorCode::none);
  EXPECT_EQ(send(2147483647, 2).error_code, ErrorCode::none);  // 2147483647, 0
  EXPECT_EQ(send(1).error_code, ErrorCode::none);
  EXPECT_EQ(send(2147483647, 2).base_offset, 1);
  EXPECT_EQ(end_offset(wire_, topic()), 4);
}

TEST_F(IdempotenceTest, OlderEpochIsRefusedAndANewerOneStartsAtZero) {
  EXPECT_EQ(send(0, 1, 3).error_code, ErrorCode::none);
  EXPECT_EQ(send(1, 1, 2).error_code, ErrorCode::invalid_producer_epoch);
  EXPECT_EQ(send(1, 1, 4).error_code, ErrorCode::out_of_order_sequence_number);
  EXPECT_EQ(send(0, 1, 4).error_code, ErrorCode::none);
  EXPECT_EQ(send(1, 1, 3).error_code, ErrorCode::invalid_producer_epoch);
  EXPECT_EQ(end_offset(wire_, topic()), 2);
}

TEST_F(IdempotenceTest, ProducerUnknownToThePartitionStartsWithAnySequence) {
  EXPECT_EQ(send(12345).error_code, ErrorCode::none);
  EXPECT_EQ(send(12346).error_code, ErrorCode::none);
}

TEST_F(IdempotenceTest, FailedAppendLeavesTheStateAsItWas) {
  EXPECT_EQ(send(0).error_code, ErrorCode::none);
  Batch damaged = numbered(id_, 0, 1);
  damaged.back() ^= std::byte{1};
  EXPECT_EQ(produce(wire_, topic(), damaged).error_code, ErrorCode::corrupt_message);
  set_config(wire_, topic(), "max.message.bytes", "10");
  EXPECT_EQ(send(1).error_code, ErrorCode::message_too_large);
  set_config(wire_, topic(), "max.message.bytes", std::nullopt);
  EXPECT_EQ(send(1).error_code, ErrorCode::none);
  EXPECT_EQ(end_offset(wire_, topic()), 2);
}

TEST(IdempotenceRestartTest, StateSurvivesAKillAndAStop) {
  BrokerProcess broker;
  std::int64_t id = -1;
  for (int round = 0; round < 4; ++round) {
    Wire wire(broker.port());
    if (round == 0) {
      create_topic(wire, "t");
      id = new_producer_id(wire);
    } else {
      const ProduceAnswer again = produce(wire, "t", numbered(id, 0, (round - 1) * 2, 2));
      EXPECT_EQ(again.error_code, ErrorCode::none);
      EXPECT_EQ(again.base_offset, (round - 1) * 2);
      EXPECT_EQ(produce(wire, "t", numbered(id, 0, round * 2 + 1)).error_code, ErrorCode::out_of_order_sequence_number);
    }
    EXPECT_EQ(append(wire, "t", numbered(id, 0, round * 2, 2)), round * 2);
    if (round % 2 == 0) {
      broker.kill();
    } else {
      EXPECT_EQ(broker.stop(), 0);
    }
    broker.start();
  }
  Wire wire(broker.port());
  EXPECT_EQ(end_offset(wire, "t"), 8);
}

TEST(IdempotenceExpiryTest, SilentProducerIsForgotten) {
  BrokerProcess broker({.settings = {"producer.id.expiration.ms=200", "log.retention.check.interval.ms=100"}});
  Wire wire(broker.port());
  create_topic(wire, "t");
  const std::int64_t id = new_producer_id(wire);
  append(wire, "t", numbered(id, 0, 0));
  // A gap is refused as long as it is known.
  const auto deadline = std::chrono::steady_clock::now() + patience;
  ErrorCode error = produce(wire, "t", numbered(id, 0, 5)).error_code;
  EXPECT_EQ(error, ErrorCode::out_of_order_sequence_number);
  while (error != ErrorCode::none && std::chrono::steady_clock::now() < deadline)
    error = produce(wire, "t", numbered(id, 0, 5)).error_code;
  EXPECT_EQ(error, ErrorCode::none);
}

}  // namespace
}  // namespace cms::tests
