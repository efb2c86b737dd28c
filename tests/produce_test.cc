// SPDX-License-Identifier: Apache-2.0
// What Produce takes, refuses and answers.
#include <thread>

#include "base/crc32c.h"
#include "base/endian.h"
#include "records/test_batches.h"
#include "tests/broker_test.h"

namespace cms::tests {
namespace {

using records::Codec;
namespace layout = records::layout;

class ProduceTest : public BrokerTest {
 protected:
  void SetUp() override { create_topic(wire_, topic()); }

  ErrorCode answer_to(ByteSpan batch, Version version = named_produce) {
    return produce(wire_, topic(), batch, -1, 0, version).error_code;
  }
};

template <typename T>
Batch with(Batch batch, std::size_t at, T value) {
  return records::testing::with_field(std::move(batch), at, value);
}

TEST_F(ProduceTest, AcksOtherThanThreeValuesAreRefusedForEveryPartition) {
  const Batch batch = batch_of("x");
  for (const int acks : {2, -2, 100}) {
    auto request = produce_request(topic(), 0, batch, static_cast<std::int16_t>(acks));
    request.topic_data[0].partition_data.push_back({1, ByteSpan(batch)});
    const auto response = wire_.call(request, named_produce);
    for (const auto& partition : response.responses.at(0).partition_responses) {
      EXPECT_EQ(partition.error_code, ErrorCode::invalid_required_acks);
      EXPECT_EQ(partition.base_offset, -1);
    }
  }
  EXPECT_EQ(end_offset(wire_, topic()), 0);
}

TEST_F(ProduceTest, ExactlyOneBatchOfMagicTwoIsTaken) {
  EXPECT_EQ(answer_to({}), ErrorCode::invalid_record);
  Batch two = batch_of("a");
  const Batch second = batch_of("b");
  two.insert(two.end(), second.begin(), second.end());
  EXPECT_EQ(answer_to(two), ErrorCode::invalid_record);
  EXPECT_EQ(answer_to(with(batch_of("old"), layout::magic, std::int8_t{1})), ErrorCode::invalid_record);
  EXPECT_EQ(answer_to(with(batch_of("old"), layout::magic, std::int8_t{0})), ErrorCode::invalid_record);
  EXPECT_EQ(end_offset(wire_, topic()), 0);
}

TEST_F(ProduceTest, ChecksumIsVerifiedAndOffsetAndEpochAreSetOutsideIt) {
  Batch wrong = batch_of("checked");
  wrong.back() ^= std::byte{1};
  EXPECT_EQ(answer_to(wrong), ErrorCode::corrupt_message);
  append(wire_, topic(), batch_of("before"));
  Batch batch = batch_of("checked");
  records::set_leader_epoch(batch, 77);  // nonsense from the client
  EXPECT_EQ(append(wire_, topic(), batch), 1);
  const Fetched fetched = fetch(wire_, topic(), 1);
  const auto stored = records::BatchView::frame(fetched.records);
  ASSERT_TRUE(stored.has_value());
  EXPECT_EQ(stored->base_offset(), 1);
  EXPECT_EQ(stored->leader_epoch(), leader_epoch(wire_, topic()));
  const ByteSpan sent = ByteSpan(batch).subspan(layout::magic);
  EXPECT_TRUE(std::ranges::equal(sent, stored->bytes().subspan(layout::magic)));
}

TEST_F(ProduceTest, CountsAndLengthsInABatchMustFit) {
  const Batch good = batch_holding({"a", "b", "c"});
  const auto is_refused = [&](ByteSpan batch) {
    const ErrorCode error = answer_to(batch);
    return error == ErrorCode::invalid_record || error == ErrorCode::corrupt_message;
  };
  EXPECT_TRUE(is_refused(with(good, layout::record_count, std::int32_t{2})));
  EXPECT_TRUE(is_refused(with(good, layout::record_count, std::int32_t{4})));
  EXPECT_TRUE(is_refused(with(good, layout::record_count, std::int32_t{-1})));
  EXPECT_TRUE(is_refused(with(good, layout::record_count, std::int32_t{0x7fffffff})));
  EXPECT_TRUE(is_refused(with(good, layout::last_offset_delta, std::int32_t{1})));
  EXPECT_TRUE(is_refused(with(with(good, layout::record_count, std::int32_t{0x7fffffff}), layout::last_offset_delta,
                              std::int32_t{0x7ffffffe})));
  Batch shifted = good;  // the first record's offset delta
  shifted[layout::records + 3] = std::byte{4};
  records::seal(shifted);
  EXPECT_TRUE(is_refused(shifted));
  Batch long_record = good;  // a record longer than the batch
  long_record[layout::records] = std::byte{0x7e};
  records::seal(long_record);
  EXPECT_TRUE(is_refused(long_record));
  Batch left_over = good;
  left_over.push_back(std::byte{0});
  records::seal(left_over);
  EXPECT_TRUE(is_refused(left_over));
  Batch length = good;
  base::store_big(length.data() + layout::batch_length, std::int32_t{0x7ffffff0});
  EXPECT_TRUE(is_refused(length));
  EXPECT_EQ(end_offset(wire_, topic()), 0);
}

TEST_F(ProduceTest, ControlBatchesAndNegativeSequencesOfAProducerAreRefused) {
  records::BatchOptions control;
  control.control = true;
  EXPECT_EQ(answer_to(batch_of("marker", control)), ErrorCode::invalid_record);
  EXPECT_EQ(answer_to(numbered(5, 0, -1)), ErrorCode::invalid_record);
}

TEST_F(ProduceTest, BatchAboveTheTopicsLimitFailsAlone) {
  create_topic(wire_, topic() + "Large", 2, {{"max.message.bytes", "1000"}});
  const Batch large = batch_of(std::string(1000, 'x'));
  const Batch small = batch_of("small");
  auto request = produce_request(topic() + "Large", 0, large);
  request.topic_data[0].partition_data.push_back({1, ByteSpan(small)});
  const auto response = wire_.call(request, named_produce);
  EXPECT_EQ(response.responses.at(0).partition_responses.at(0).error_code, ErrorCode::message_too_large);
  EXPECT_EQ(response.responses.at(0).partition_responses.at(1).error_code, ErrorCode::none);
  // It is the compressed size that counts.
  EXPECT_EQ(append(wire_, topic() + "Large", batch_of(std::string(5000, 'x'), {.codec = Codec::zstd})), 0);
  // The default limit, exactly.
  const std::size_t overhead = batch_of(std::string(1'000'000, 'x')).size() - 1'000'000;
  EXPECT_EQ(answer_to(batch_of(std::string(1'048'588 - overhead, 'x'))), ErrorCode::none);
  EXPECT_EQ(answer_to(batch_of(std::string(1'048'589 - overhead, 'x'))), ErrorCode::message_too_large);
}

TEST_F(ProduceTest, BatchesOfEveryCodecAreStoredAsSent) {
  for (const Codec codec : records::testing::all_codecs) {
    const Batch batch = batch_holding({"one", "two", std::string(3000, 'z')}, {.codec = codec});
    const Offset offset = append(wire_, topic(), batch);
    const Fetched fetched = fetch(wire_, topic(), offset);
    ASSERT_EQ(fetched.records.size(), batch.size()) << static_cast<int>(codec);
    EXPECT_TRUE(
        std::ranges::equal(ByteSpan(batch).subspan(layout::magic), ByteSpan(fetched.records).subspan(layout::magic)));
    EXPECT_EQ(values_in(fetched.records), (std::vector<std::string>{"one", "two", std::string(3000, 'z')}));
  }
}

TEST_F(ProduceTest, TopicMayWantAnotherCodec) {
  for (const auto& [name, codec] : {std::pair{"zstd", Codec::zstd},
                                    {"gzip", Codec::gzip},
                                    {"lz4", Codec::lz4},
                                    {"snappy", Codec::snappy},
                                    {"uncompressed", Codec::none}}) {
    set_config(wire_, topic(), "compression.type", name);
    const Codec sent = codec == Codec::zstd ? Codec::gzip : Codec::zstd;
    const Offset offset = append(wire_, topic(), batch_holding({"one", std::string(3000, 'z')}, {.codec = sent}));
    const Fetched fetched = fetch(wire_, topic(), offset);
    EXPECT_EQ(records::BatchView::frame(fetched.records)->codec(), codec) << name;
    EXPECT_EQ(values_in(fetched.records), (std::vector<std::string>{"one", std::string(3000, 'z')})) << name;
  }
}

TEST_F(ProduceTest, ZstdNeedsVersionSeven) {
  const Batch batch = batch_of("x", {.codec = Codec::zstd});
  EXPECT_EQ(answer_to(batch, 6), ErrorCode::unsupported_compression_type);
  EXPECT_EQ(answer_to(batch, 7), ErrorCode::none);
}

TEST_F(ProduceTest, TimestampsAreKeptAndThoseOutsideTheBoundsRefused) {
  const std::int64_t now = now_ms();
  EXPECT_EQ(answer_to(batch_at({1, now})), ErrorCode::none);
  EXPECT_EQ(answer_to(batch_at({now + 3'500'000})), ErrorCode::none);
  const ProduceAnswer late = produce(wire_, topic(), batch_at({now, now + 3'700'000}));
  EXPECT_EQ(late.error_code, ErrorCode::invalid_timestamp);
  set_config(wire_, topic(), "message.timestamp.before.max.ms", "10000");
  EXPECT_EQ(answer_to(batch_at({now - 100'000})), ErrorCode::invalid_timestamp);
  const ProduceAnswer taken = produce(wire_, topic(), batch_at({now - 5'000}));
  EXPECT_EQ(taken.error_code, ErrorCode::none);
  EXPECT_EQ(taken.log_append_time_ms, -1);
  const auto records = read_all(wire_, topic());
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0].timestamp, 1);
  EXPECT_EQ(records[1].timestamp, now);
}

TEST_F(ProduceTest, LogAppendTimeIsSetByTheBrokerAndReturned) {
  set_config(wire_, topic(), "message.timestamp.type", "LogAppendTime");
  const std::int64_t before = now_ms();
  const ProduceAnswer answer = produce(wire_, topic(), batch_at({1, 2, 3}, {.codec = Codec::lz4}));
  EXPECT_GE(answer.log_append_time_ms, before);
  EXPECT_LE(answer.log_append_time_ms, now_ms());
  const Fetched fetched = fetch(wire_, topic(), 0);
  const auto stored = records::BatchView::frame(fetched.records);
  ASSERT_TRUE(stored.has_value());
  EXPECT_EQ(stored->timestamp_type(), records::TimestampType::log_append_time);
  EXPECT_EQ(stored->max_timestamp(), answer.log_append_time_ms);
  EXPECT_EQ(base::crc32c(stored->checksummed()), stored->crc());
}

TEST_F(ProduceTest, FailingRecordsAreNamedAndTheWholeBatchIsRefused) {
  const std::int64_t now = now_ms();
  const ProduceAnswer answer = produce(wire_, topic(), batch_at({now, now + 4'000'000, now, now + 5'000'000}));
  EXPECT_EQ(answer.error_code, ErrorCode::invalid_timestamp);
  EXPECT_FALSE(answer.error_message.value_or("").empty());
  ASSERT_EQ(answer.record_errors.size(), 2u);
  EXPECT_EQ(answer.record_errors[0].batch_index, 1);
  EXPECT_EQ(answer.record_errors[1].batch_index, 3);
  EXPECT_FALSE(answer.record_errors[0].batch_index_error_message.value_or("").empty());
  EXPECT_EQ(end_offset(wire_, topic()), 0);
}

TEST_F(ProduceTest, CompactedTopicTakesNoRecordWithoutKey) {
  create_topic(wire_, topic() + "Compacted", 1, {{"cleanup.policy", "compact"}});
  EXPECT_EQ(produce(wire_, topic() + "Compacted", batch_of("no key")).error_code, ErrorCode::invalid_record);
  records::BatchBuilder builder;
  builder.add({.timestamp = now_ms(), .key = base::as_bytes("key"), .value = base::as_bytes("value")});
  EXPECT_EQ(append(wire_, topic() + "Compacted", builder.finish()), 0);
}

TEST_F(ProduceTest, TooFewInSyncReplicasRefuseAcksAllAndAppendNothing) {
  create_topic(wire_, topic() + "Two", 1, {{"min.insync.replicas", "2"}});
  const Batch batch = batch_of("x");
  EXPECT_EQ(produce(wire_, topic() + "Two", batch, -1).error_code, ErrorCode::not_enough_replicas);
  EXPECT_EQ(end_offset(wire_, topic() + "Two"), 0);
  EXPECT_EQ(produce(wire_, topic() + "Two", batch, 1).error_code, ErrorCode::none);
}

TEST_F(ProduceTest, PartitionsSucceedAndFailIndependently) {
  create_topic(wire_, topic() + "Many", 3);
  const Batch good = batch_holding({"a", "b"});
  Batch bad = good;
  bad.back() ^= std::byte{1};
  append(wire_, topic() + "Many", good, 2);
  auto request = produce_request(topic() + "Many", 0, good);
  request.topic_data[0].partition_data.push_back({1, ByteSpan(bad)});
  request.topic_data[0].partition_data.push_back({2, ByteSpan(good)});
  const auto answers = wire_.call(request, named_produce).responses.at(0).partition_responses;
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0].error_code, ErrorCode::none);
  EXPECT_EQ(answers[0].base_offset, 0);
  EXPECT_EQ(answers[0].log_start_offset, 0);
  EXPECT_EQ(answers[1].error_code, ErrorCode::corrupt_message);
  EXPECT_EQ(answers[1].base_offset, -1);
  EXPECT_EQ(answers[1].log_start_offset, -1);
  EXPECT_EQ(answers[2].base_offset, 2);
}

TEST_F(ProduceTest, WhatIsNotAcknowledgedAsStableIsNotReadAboveTheHighWatermark) {
  // With acks=1 the answer may come first; the record shows when the high watermark has passed it, and then at once.
  const Batch batch = batch_of("early");
  EXPECT_EQ(produce(wire_, topic(), batch, 1).error_code, ErrorCode::none);
  const Fetched fetched = fetch(wire_, topic(), 0, {.max_wait_ms = 60'000});
  EXPECT_GE(fetched.high_watermark, 1);
  EXPECT_EQ(values_in(fetched.records), std::vector<std::string>{"early"});
}

TEST_F(ProduceTest, UnknownTopicsPartitionsAndIdsFailOnlyThemselves) {
  const Batch batch = batch_of("x");
  auto request = produce_request(topic(), 0, batch);
  request.topic_data[0].partition_data.push_back({7, ByteSpan(batch)});
  request.topic_data[0].partition_data.push_back({-1, ByteSpan(batch)});
  request.topic_data.push_back({.name = "unknown", .topic_id = {}, .partition_data = {{0, ByteSpan(batch)}}});
  request.topic_data.push_back({.name = "", .topic_id = {}, .partition_data = {{0, ByteSpan(batch)}}});
  const auto topics = wire_.call(request, named_produce).responses;
  ASSERT_EQ(topics.size(), 3u);
  EXPECT_EQ(topics[0].partition_responses.at(0).error_code, ErrorCode::none);
  EXPECT_EQ(topics[0].partition_responses.at(1).error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(topics[0].partition_responses.at(2).error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(topics[1].partition_responses.at(0).error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(topics[2].partition_responses.at(0).error_code, ErrorCode::unknown_topic_or_partition);

  auto by_id = produce_request("", 0, batch);
  by_id.topic_data[0].topic_id = metadata_of(wire_, topic()).topic_id;
  by_id.topic_data.push_back(by_id.topic_data[0]);
  by_id.topic_data[1].topic_id.bytes[0] ^= std::byte{0xff};
  const auto answers = wire_.call(by_id, 13).responses;
  EXPECT_EQ(answers.at(0).partition_responses.at(0).error_code, ErrorCode::none);
  EXPECT_EQ(answers.at(1).partition_responses.at(0).error_code, ErrorCode::unknown_topic_id);
}

TEST_F(ProduceTest, TransactionalBatchIsRefusedAsLongAsTransactionsAreNotServed) {
  records::BatchOptions options;
  options.transactional = true;
  options.producer_id = new_producer_id(wire_);
  options.producer_epoch = 0;
  options.base_sequence = 0;
  EXPECT_EQ(answer_to(batch_of("x", options)), ErrorCode::invalid_txn_state);
}

}  // namespace
}  // namespace cms::tests
