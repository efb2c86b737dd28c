// SPDX-License-Identifier: Apache-2.0
// What Fetch answers, and when.
#include <algorithm>

#include "tests/broker_test.h"

namespace cms::tests {
namespace {

using protocol::FetchResponse;

class FetchTest : public BrokerTest {
 protected:
  void SetUp() override { create_topic(wire_, topic(), 2); }

  // A connection whose fetch has been sent and has no answer yet. That it is parked already cannot be seen from
  // outside; what follows must be right either way.
  Wire parked(const protocol::FetchRequest& request) {
    Wire waiting = connect();
    ask_versions(waiting);
    waiting.send(request, named_fetch);
    ask_versions(wire_);
    EXPECT_TRUE(waiting.is_quiet(milliseconds(20)));
    return waiting;
  }
};

constexpr std::int32_t long_wait_ms = 600'000;

TEST_F(FetchTest, AnswersAtOnceWhenThereIsEnoughOrNothingToWaitFor) {
  append(wire_, topic(), batch_of("x"));
  EXPECT_EQ(values_in(fetch(wire_, topic(), 0, {.max_wait_ms = long_wait_ms}).records), std::vector<std::string>{"x"});
  EXPECT_TRUE(fetch(wire_, topic(), 1, {.max_wait_ms = 0}).records.empty());
  EXPECT_TRUE(fetch(wire_, topic(), 1, {.max_wait_ms = long_wait_ms, .min_bytes = 0}).records.empty());
  protocol::FetchRequest nothing;
  nothing.max_wait_ms = long_wait_ms;
  nothing.min_bytes = 1;
  EXPECT_TRUE(wire_.call(nothing, named_fetch).responses.empty());
  // An error of one partition ends the wait for the other.
  auto request = fetch_request(topic(), 1, {.max_wait_ms = long_wait_ms});
  add_to(request, "unknown", 0, 0);
  const auto answer = wire_.call(request, named_fetch);
  ASSERT_EQ(answer.responses.size(), 2u);
  EXPECT_EQ(answer.responses[1].partitions.at(0).error_code, ErrorCode::unknown_topic_or_partition);
}

TEST_F(FetchTest, WaitsForMinBytesAcrossItsPartitions) {
  const Batch batch = batch_of(std::string(100, 'x'));
  const auto size = static_cast<std::int32_t>(batch.size());
  auto request = fetch_request(topic(), 0, {.max_wait_ms = long_wait_ms, .min_bytes = size * 2 + 1});
  add_to(request, topic(), 1, 0);
  Wire waiting = parked(request);
  append(wire_, topic(), batch, 0);
  EXPECT_TRUE(waiting.is_quiet(milliseconds(20)));
  append(wire_, topic(), batch, 1);
  EXPECT_TRUE(waiting.is_quiet(milliseconds(20)));
  append(wire_, topic(), batch, 1);
  const auto response = waiting.receive<FetchResponse>();
  ASSERT_EQ(response.responses.size(), 1u);
  EXPECT_EQ(response.responses[0].partitions.at(0).records.size(), batch.size());
  EXPECT_EQ(response.responses[0].partitions.at(1).records.size(), batch.size() * 2);
}

TEST_F(FetchTest, WhenItsTimeIsOverReturnsWhatThereIs) {
  append(wire_, topic(), batch_of("little"));
  const Fetched fetched = fetch(wire_, topic(), 0, {.max_wait_ms = 50, .min_bytes = 1'000'000});
  EXPECT_EQ(fetched.error, ErrorCode::none);
  EXPECT_EQ(values_in(fetched.records), std::vector<std::string>{"little"});
}

TEST_F(FetchTest, KeepsMaxWaitAndIsWokenByTheAppendBefore) {
  for (const int wait : {1, 7, 30, 100}) {
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_TRUE(fetch(wire_, topic(), 0, {.max_wait_ms = wait}).records.empty());
    EXPECT_GE(std::chrono::steady_clock::now() - begun, milliseconds(wait));
  }
  Wire waiting = parked(fetch_request(topic(), 0, {.max_wait_ms = long_wait_ms}));
  const Offset offset = append(wire_, topic(), batch_of("wakes"));
  const Fetched fetched = receive_fetched(waiting);  // long before its own time
  EXPECT_EQ(records_in(fetched.records).at(0).offset, offset);
  EXPECT_EQ(fetched.high_watermark, offset + 1);
}

TEST_F(FetchTest, EveryWaitingFetchIsWoken) {
  std::vector<Wire> waiting;
  for (int i = 0; i < 20; ++i) waiting.push_back(parked(fetch_request(topic(), 0, {.max_wait_ms = long_wait_ms})));
  append(wire_, topic(), batch_of("all"));
  for (Wire& wire : waiting) EXPECT_EQ(values_in(receive_fetched(wire).records), std::vector<std::string>{"all"});
}

TEST_F(FetchTest, ReadableIsWhatIsBelowTheHighWatermark) {
  append(wire_, topic(), batch_holding({"a", "b", "c"}));
  const Fetched fetched = fetch(wire_, topic(), 0);
  EXPECT_EQ(fetched.high_watermark, 3);
  EXPECT_EQ(records_in(fetched.records).back().offset, 2);
}

TEST_F(FetchTest, BeginsWithTheBatchThatContainsTheOffsetAndReturnsItUnchanged) {
  const Batch first = batch_holding({"a", "b", "c"});
  const Batch second = batch_holding({"d", "e"}, {.codec = records::Codec::zstd});
  append(wire_, topic(), first);
  append(wire_, topic(), second);
  const Fetched inside = fetch(wire_, topic(), 1);
  EXPECT_EQ(inside.records.size(), first.size() + second.size());
  EXPECT_EQ(records_in(inside.records).at(0).offset, 0);
  const Fetched last = fetch(wire_, topic(), 4);
  EXPECT_EQ(last.records.size(), second.size());
  EXPECT_EQ(records_in(last.records).at(0).offset, 3);
}

TEST_F(FetchTest, LimitsAreSoftForTheFirstBatchOnly) {
  const Batch large = batch_of(std::string(10'000, 'x'));
  append(wire_, topic(), large, 0);
  append(wire_, topic(), large, 0);
  append(wire_, topic(), large, 1);
  EXPECT_EQ(fetch(wire_, topic(), 0, {.partition_max_bytes = 1}).records.size(), large.size());
  EXPECT_EQ(fetch(wire_, topic(), 0, {.max_bytes = 1}).records.size(), large.size());
  // The second partition gets what is left, which is nothing.
  auto request = fetch_request(topic(), 0, {.max_bytes = 1000});
  add_to(request, topic(), 1, 0);
  auto response = wire_.call(request, named_fetch);
  EXPECT_EQ(response.responses.at(0).partitions.at(0).records.size(), large.size());
  EXPECT_EQ(response.responses.at(0).partitions.at(1).records.size(), 0u);
  EXPECT_EQ(response.responses.at(0).partitions.at(1).high_watermark, 1);
  // In the order of the request; and a partition without data does not use up the privilege.
  auto reversed = fetch_request(topic(), 1, {.max_bytes = 1000}, 1);
  add_to(reversed, topic(), 0, 0);
  response = wire_.call(reversed, named_fetch);
  EXPECT_EQ(response.responses.at(0).partitions.at(0).records.size(), 0u);
  EXPECT_EQ(response.responses.at(0).partitions.at(1).records.size(), large.size());
}

TEST_F(FetchTest, TrailingBatchIsWholeOrCutButTheFirstIsWhole) {
  const Batch batch = batch_of(std::string(1000, 'x'));
  for (int i = 0; i < 5; ++i) append(wire_, topic(), batch);
  const auto limit = static_cast<std::int32_t>(batch.size() * 5 / 2);
  const Fetched fetched = fetch(wire_, topic(), 0, {.partition_max_bytes = limit});
  EXPECT_LE(fetched.records.size(), static_cast<std::size_t>(limit));
  EXPECT_GE(fetched.records.size(), batch.size() * 2);
  ASSERT_TRUE(records::BatchView::frame(fetched.records).has_value());
}

TEST_F(FetchTest, OffsetsOutsideTheLogAreOutOfRangeAndItsEndIsNot) {
  for (int i = 0; i < 4; ++i) append(wire_, topic(), batch_of("x"));
  EXPECT_EQ(delete_records(wire_, topic(), 2).low_watermark, 2);
  const Fetched at_end = fetch(wire_, topic(), 4);
  EXPECT_EQ(at_end.error, ErrorCode::none);
  EXPECT_TRUE(at_end.records.empty());
  for (const Offset outside : {Offset{5}, Offset{1}, Offset{0}, Offset{-1}, Offset{1} << 60}) {
    const Fetched fetched = fetch(wire_, topic(), outside, {.max_wait_ms = long_wait_ms});
    EXPECT_EQ(fetched.error, ErrorCode::offset_out_of_range) << outside;
    EXPECT_TRUE(fetched.high_watermark == 4 || fetched.high_watermark == -1);
    EXPECT_TRUE(fetched.log_start_offset == 2 || fetched.log_start_offset == -1);
  }
}

TEST_F(FetchTest, EveryPartitionTellsItsPositionsAlsoWithoutRecords) {
  for (int i = 0; i < 3; ++i) append(wire_, topic(), batch_of("x"));
  delete_records(wire_, topic(), 1);
  const Fetched fetched = fetch(wire_, topic(), 3);
  EXPECT_EQ(fetched.high_watermark, 3);
  EXPECT_EQ(fetched.last_stable_offset, 3);
  EXPECT_EQ(fetched.log_start_offset, 1);
}

TEST_F(FetchTest, ReadCommittedReadsToTheHighWatermarkAndListsNoAbortedTransaction) {
  append(wire_, topic(), batch_of("x"));
  auto request = fetch_request(topic(), 0);
  const auto uncommitted = wire_.call(request, named_fetch);
  EXPECT_FALSE(uncommitted.responses.at(0).partitions.at(0).aborted_transactions.has_value());
  request.isolation_level = protocol::IsolationLevel::read_committed;
  const auto response = wire_.call(request, named_fetch);
  const auto& partition = response.responses.at(0).partitions.at(0);
  EXPECT_EQ(values_in(partition.records.bytes()), std::vector<std::string>{"x"});
  EXPECT_EQ(partition.last_stable_offset, 1);
  ASSERT_TRUE(partition.aborted_transactions.has_value());
  EXPECT_TRUE(partition.aborted_transactions->empty());
}

TEST_F(FetchTest, LeaderEpochOfTheClientIsChecked) {
  append(wire_, topic(), batch_of("x"));
  const std::int32_t epoch = leader_epoch(wire_, topic());
  EXPECT_EQ(fetch(wire_, topic(), 0, {.current_leader_epoch = epoch}).error, ErrorCode::none);
  EXPECT_EQ(fetch(wire_, topic(), 0, {.current_leader_epoch = epoch + 1}).error, ErrorCode::unknown_leader_epoch);
}

TEST_F(FetchTest, TopicIdsAreUsedFromVersionThirteen) {
  append(wire_, topic(), batch_of("by id"));
  auto request = fetch_request("", 0);
  request.topics[0].topic_id = metadata_of(wire_, topic()).topic_id;
  for (Version version = 13; version <= protocol::FetchRequest::versions.last; ++version) {
    const Fetched fetched = only_partition(wire_.call(request, version));
    EXPECT_EQ(fetched.error, ErrorCode::none) << version;
    EXPECT_EQ(values_in(fetched.records), std::vector<std::string>{"by id"}) << version;
  }
  request.topics[0].topic_id.bytes[0] ^= std::byte{0xff};
  EXPECT_EQ(only_partition(wire_.call(request, 13)).error, ErrorCode::unknown_topic_id);
}

TEST_F(FetchTest, ReplicaSelectionIsNotOfferedAndARackChangesNothing) {
  append(wire_, topic(), batch_of("x"));
  auto request = fetch_request(topic(), 0);
  request.rack_id = "here";
  const auto response = wire_.call(request, named_fetch);
  EXPECT_EQ(response.responses.at(0).partitions.at(0).preferred_read_replica, -1);
  EXPECT_GT(response.responses.at(0).partitions.at(0).records.size(), 0u);
}

TEST_F(FetchTest, SessionErrorIsAtTheTopAndNoPartitionIsListed) {
  auto request = fetch_request(topic(), 0);
  request.session_id = 1234567;
  request.session_epoch = 5;
  const auto response = wire_.call(request, named_fetch);
  EXPECT_EQ(response.error_code, ErrorCode::fetch_session_id_not_found);
  EXPECT_TRUE(response.responses.empty());
}

// A partition whose records have left memory: after a restart, everything has.
class FetchFromDiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Wire wire(broker_.port());
    create_topic(wire, "t", 1, {{"segment.bytes", "1048576"}});
    for (int epoch = 0; epoch < 2; ++epoch) {
      Wire writer(broker_.port());
      epochs_.push_back(leader_epoch(writer, "t"));
      for (int i = 0; i < 30; ++i) append(writer, "t", batch_of(std::string(100'000, static_cast<char>('a' + i % 26))));
      EXPECT_EQ(broker_.stop(), 0);
      broker_.start();
    }
  }

  BrokerProcess broker_;
  std::vector<std::int32_t> epochs_;
};

TEST_F(FetchFromDiskTest, OldDataIsReadWholeWhileTheTailIsServed) {
  Wire old(broker_.port());
  Wire tail(broker_.port());
  old.send(fetch_request("t", 0), named_fetch);
  append(tail, "t", batch_of("new"));
  EXPECT_EQ(values_in(fetch(tail, "t", 60).records), std::vector<std::string>{"new"});
  EXPECT_FALSE(receive_fetched(old).records.empty());
  const auto all = read_all(old, "t");
  ASSERT_EQ(all.size(), 61u);
  for (std::size_t i = 0; i < 60; ++i) {
    EXPECT_EQ(all[i].offset, static_cast<Offset>(i));
    EXPECT_EQ(all[i].value, std::string(100'000, static_cast<char>('a' + i % 30 % 26)));
  }
}

TEST_F(FetchFromDiskTest, LimitOfTheResponseHoldsAcrossPartitions) {
  const Batch batch = batch_of(std::string(100'000, 'x'));
  {
    Wire writer(broker_.port());
    create_topic(writer, "wide", 3);
    for (std::int32_t partition = 0; partition < 3; ++partition) {
      for (int i = 0; i < 4; ++i) append(writer, "wide", batch, partition);
    }
  }
  EXPECT_EQ(broker_.stop(), 0);
  broker_.start();
  Wire wire(broker_.port());
  for (const std::size_t whole : {1u, 2u, 5u, 12u}) {
    auto request = fetch_request("wide", 0, {.max_bytes = static_cast<std::int32_t>(whole * batch.size() + 50'000)});
    add_to(request, "wide", 1, 0);
    add_to(request, "wide", 2, 0);
    const auto response = wire.call(request, named_fetch);
    std::size_t bytes = 0;
    for (const auto& partition : response.responses.at(0).partitions) bytes += partition.records.size();
    EXPECT_GE(bytes, batch.size());
    EXPECT_LE(bytes, whole * batch.size());
  }
  // The first batch is sent however large, and only one: others would make it still larger.
  auto request = fetch_request("wide", 0, {.max_bytes = 1});
  add_to(request, "wide", 1, 0);
  const auto response = wire.call(request, named_fetch);
  EXPECT_EQ(response.responses.at(0).partitions.at(0).records.size(), batch.size());
  EXPECT_EQ(response.responses.at(0).partitions.at(1).records.size(), 0u);
}

TEST_F(FetchFromDiskTest, WaitThatEndsWithoutEnoughReturnsWhatTheDiskHas) {
  Wire wire(broker_.port());
  const Fetched fetched = fetch(wire, "t", 59, {.max_wait_ms = 50, .min_bytes = 10'000'000});
  EXPECT_EQ(fetched.error, ErrorCode::none);
  EXPECT_EQ(records_in(fetched.records).size(), 1u);
}

TEST_F(FetchFromDiskTest, AppendDuringAWaitLosesNothingThatIsOnTheDisk) {
  Wire wire(broker_.port());
  Wire waiting(broker_.port());
  waiting.send(fetch_request("t", 59, {.max_wait_ms = long_wait_ms, .min_bytes = 150'000}), named_fetch);
  append(wire, "t", batch_of(std::string(100'000, 'z')));
  const auto records = records_in(receive_fetched(waiting).records);
  ASSERT_FALSE(records.empty());
  EXPECT_EQ(records[0].offset, 59);
  EXPECT_EQ(read_all(wire, "t", 59).size(), 2u);
}

TEST_F(FetchFromDiskTest, FencedEpochAndDivergingHistoryAreTold) {
  Wire wire(broker_.port());
  const std::int32_t present = leader_epoch(wire, "t");
  ASSERT_LT(epochs_[0], epochs_[1]);
  ASSERT_LT(epochs_[1], present);
  EXPECT_EQ(fetch(wire, "t", 0, {.current_leader_epoch = epochs_[1]}).error, ErrorCode::fenced_leader_epoch);
  auto request = fetch_request("t", 0, {.current_leader_epoch = epochs_[0]});
  const auto fenced = wire.call(request, 12);
  EXPECT_EQ(fenced.responses.at(0).partitions.at(0).error_code, ErrorCode::fenced_leader_epoch);
  // On this history: a fetch at 30 by one that has read epoch 0 up to there.
  const Fetched same = fetch(wire, "t", 30, {.last_fetched_epoch = epochs_[0]});
  EXPECT_EQ(same.diverging_epoch, -1);
  EXPECT_FALSE(same.records.empty());
  // Not on it: epoch 0 ended at 30.
  const Fetched apart = fetch(wire, "t", 40, {.max_wait_ms = long_wait_ms, .last_fetched_epoch = epochs_[0]});
  EXPECT_EQ(apart.error, ErrorCode::none);
  EXPECT_EQ(apart.diverging_epoch, epochs_[0]);
  EXPECT_EQ(apart.diverging_end, 30);
  EXPECT_TRUE(apart.records.empty());
}

TEST_F(FetchFromDiskTest, FencedEpochCarriesThePresentLeaderFromVersionSixteen) {
  Wire wire(broker_.port());
  auto request = fetch_request("t", 0, {.current_leader_epoch = epochs_[0]});
  request.topics[0].topic_id = metadata_of(wire, "t").topic_id;
  const auto response = wire.call(request, 16);
  const auto& partition = response.responses.at(0).partitions.at(0);
  EXPECT_EQ(partition.error_code, ErrorCode::fenced_leader_epoch);
  EXPECT_EQ(partition.current_leader.leader_epoch, leader_epoch(wire, "t"));
  ASSERT_EQ(response.node_endpoints.size(), 1u);
  EXPECT_EQ(response.node_endpoints[0].node_id, partition.current_leader.leader_id);
  EXPECT_EQ(response.node_endpoints[0].port, broker_.port());
}

}  // namespace
}  // namespace cms::tests
