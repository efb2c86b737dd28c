// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/offsets.h"

#include <vector>

#include <gtest/gtest.h>

#include "broker/handlers/test_broker.h"
#include "records/build.h"

namespace cms::broker {
namespace {

using protocol::ListOffsetsRequest;
using protocol::ListOffsetsResponse;
using protocol::OffsetForLeaderEpochRequest;
using protocol::OffsetForLeaderEpochResponse;

constexpr protocol::Version newest = ListOffsetsRequest::versions.last;

void append(storage::Log& log, LeaderEpoch epoch, const std::vector<base::TimestampMs>& times,
            records::Codec codec = records::Codec::none) {
  records::BatchBuilder builder({.codec = codec});
  for (const base::TimestampMs time : times) builder.add({.timestamp = time, .value = base::as_bytes("value")});
  const std::vector<std::byte> batch = builder.finish();
  CHECK(log.append(*records::BatchView::frame(batch), epoch, 0).ok());
}

class OffsetsTest : public ::testing::Test {
 protected:
  ListOffsetsResponse ask(const ListOffsetsRequest& request, protocol::Version version = newest) {
    return broker_.answer<ListOffsetsResponse>(version, [&](const RequestContext& context, auto& response) {
      list_offsets(broker_.topics(), context, request, response);
    });
  }

  static ListOffsetsRequest request(std::vector<ListOffsetsRequest::Partition> partitions) {
    ListOffsetsRequest request;
    request.topics.push_back({.name = "t", .partitions = std::move(partitions)});
    return request;
  }

  ListOffsetsResponse::Partition at(std::int64_t timestamp, protocol::Version version = newest) {
    ListOffsetsRequest::Partition wanted;
    wanted.timestamp = timestamp;
    return ask(request({wanted}), version).topics[0].partitions[0];
  }

  OffsetForLeaderEpochResponse::EpochEndOffset end_of(LeaderEpoch epoch, LeaderEpoch current = -1,
                                                      std::int32_t partition = 0) {
    OffsetForLeaderEpochRequest request;
    request.topics.push_back(
        {.topic = "t",
         .partitions = {{.partition = partition, .current_leader_epoch = current, .leader_epoch = epoch}}});
    return broker_
        .answer<OffsetForLeaderEpochResponse>(4,
                                              [&](const RequestContext& context, auto& response) {
                                                offset_for_leader_epoch(broker_.topics(), context, request, response);
                                              })
        .topics[0]
        .partitions[0];
  }

  // Topic "t" in epoch 3: offsets 0-2 are of epoch 0, 3-5 of epoch 2, compressed, and nothing yet of its own.
  void make_history() {
    broker_.create("t");
    broker_.restart();
    broker_.restart();
    broker_.logs.fill = [](storage::Log& log) {
      append(log, 0, {100, 300, 200});
      append(log, 2, {400, 900, 500}, records::Codec::zstd);
    };
    broker_.restart();
  }

  test::TestBroker broker_;
};

// --- ListOffsets.

TEST_F(OffsetsTest, LatestIsTheHighWatermarkAndEarliestTheLogStart) {
  make_history();
  const auto latest = at(-1);
  EXPECT_EQ(latest.offset, 6);
  EXPECT_EQ(latest.timestamp, -1);
  EXPECT_EQ(latest.leader_epoch, 3);
  broker_.topics().find("t")->partition(0)->delete_records(1);
  const auto earliest = at(-2);
  EXPECT_EQ(earliest.offset, 1);
  EXPECT_EQ(earliest.timestamp, -1);
  EXPECT_EQ(earliest.leader_epoch, 0);
}

TEST_F(OffsetsTest, ReadCommittedLatestIsTheHighWatermarkToo) {
  make_history();
  ListOffsetsRequest::Partition wanted;
  wanted.timestamp = -1;
  ListOffsetsRequest committed = request({wanted});
  committed.isolation_level = protocol::IsolationLevel::read_committed;
  EXPECT_EQ(ask(committed).topics[0].partitions[0].offset, 6);
}

TEST_F(OffsetsTest, TimeFindsTheFirstRecordAtOrAfterIt) {
  make_history();
  EXPECT_EQ(at(0).offset, 0);
  EXPECT_EQ(at(101).offset, 1);
  EXPECT_EQ(at(101).timestamp, 300);
  EXPECT_EQ(at(300).offset, 1);
}

TEST_F(OffsetsTest, TimeIsSearchedInsideCompressedBatches) {
  make_history();
  const auto found = at(401);
  EXPECT_EQ(found.offset, 4);
  EXPECT_EQ(found.timestamp, 900);
  EXPECT_EQ(found.leader_epoch, 2);
}

TEST_F(OffsetsTest, TimeAfterTheNewestRecordFindsNoneWithoutError) {
  make_history();
  const auto none = at(901);
  EXPECT_EQ(none.error_code, ErrorCode::none);
  EXPECT_EQ(none.offset, -1);
  EXPECT_EQ(none.timestamp, -1);
  EXPECT_EQ(none.leader_epoch, -1);
}

TEST_F(OffsetsTest, RecordsBelowTheLogStartDoNotCount) {
  make_history();
  broker_.topics().find("t")->partition(0)->delete_records(2);
  EXPECT_EQ(at(0).offset, 2);
  EXPECT_EQ(at(0).timestamp, 200);
}

TEST_F(OffsetsTest, TimeIsSearchedBehindABatchWhoseLateRecordsAreDeleted) {
  make_history();
  broker_.topics().find("t")->partition(0)->delete_records(2);  // 200 is left of the first batch
  EXPECT_EQ(at(250).offset, 3);
  EXPECT_EQ(at(250).timestamp, 400);
  EXPECT_EQ(at(250).leader_epoch, 2);
  broker_.topics().find("t")->partition(0)->delete_records(5);  // 500 is left of the last one
  EXPECT_EQ(at(501).error_code, ErrorCode::none);
  EXPECT_EQ(at(501).offset, -1);
}

TEST_F(OffsetsTest, MaxTimestampIsFoundBehindABatchWhoseNewestRecordIsDeleted) {
  broker_.create("t");
  broker_.logs.fill = [](storage::Log& log) {
    append(log, 0, {100, 900, 200});
    append(log, 0, {400, 300});
  };
  broker_.restart();
  broker_.topics().find("t")->partition(0)->delete_records(2);  // 200 is left of the first batch
  EXPECT_EQ(at(-3).offset, 3);
  EXPECT_EQ(at(-3).timestamp, 400);
}

TEST_F(OffsetsTest, MaxTimestampMayBeWhatIsLeftOfABatch) {
  broker_.create("t");
  broker_.logs.fill = [](storage::Log& log) {
    append(log, 0, {100, 900, 500});
    append(log, 0, {400, 300});
  };
  broker_.restart();
  broker_.topics().find("t")->partition(0)->delete_records(2);
  EXPECT_EQ(at(-3).offset, 2);
  EXPECT_EQ(at(-3).timestamp, 500);
}

TEST_F(OffsetsTest, MaxTimestampGivesTheOffsetAndTheValueOfTheNewestRecord) {
  make_history();
  const auto newest_record = at(-3);
  EXPECT_EQ(newest_record.offset, 4);
  EXPECT_EQ(newest_record.timestamp, 900);
  EXPECT_EQ(newest_record.leader_epoch, 2);
}

TEST_F(OffsetsTest, EmptyLogHasNoMaxTimestampAndThePresentEpoch) {
  broker_.create("t");
  EXPECT_EQ(at(-3).error_code, ErrorCode::none);
  EXPECT_EQ(at(-3).offset, -1);
  EXPECT_EQ(at(-2).offset, 0);
  EXPECT_EQ(at(-2).leader_epoch, 0);
  EXPECT_EQ(at(5).offset, -1);
}

TEST_F(OffsetsTest, WithoutTieredStorageAllIsLocal) {
  make_history();
  EXPECT_EQ(at(-4).offset, at(-2).offset);
  for (const std::int64_t tiered : {-5, -6}) {
    EXPECT_EQ(at(tiered).error_code, ErrorCode::none);
    EXPECT_EQ(at(tiered).offset, -1);
  }
}

TEST_F(OffsetsTest, SpecialTimestampBeforeItsVersionIsUnsupported) {
  make_history();
  EXPECT_EQ(at(-3, 6).error_code, ErrorCode::unsupported_version);
  EXPECT_EQ(at(-3, 7).error_code, ErrorCode::none);
  EXPECT_EQ(at(-4, 7).error_code, ErrorCode::unsupported_version);
  EXPECT_EQ(at(-5, 8).error_code, ErrorCode::unsupported_version);
  EXPECT_EQ(at(-6, 10).error_code, ErrorCode::unsupported_version);
  EXPECT_EQ(at(-7).error_code, ErrorCode::unsupported_version);
}

TEST_F(OffsetsTest, PartitionListedTwiceIsInvalidAndTheOthersAreAnswered) {
  broker_.create("t", 2);
  ListOffsetsRequest::Partition twice;
  twice.timestamp = -1;
  ListOffsetsRequest::Partition other = twice;
  other.partition_index = 1;
  const ListOffsetsResponse response = ask(request({twice, other, twice}));
  ASSERT_EQ(response.topics[0].partitions.size(), 2u);
  EXPECT_EQ(response.topics[0].partitions[0].error_code, ErrorCode::invalid_request);
  EXPECT_EQ(response.topics[0].partitions[1].error_code, ErrorCode::none);
}

TEST_F(OffsetsTest, LeaderEpochOfTheClientIsChecked) {
  make_history();
  ListOffsetsRequest::Partition wanted;
  wanted.timestamp = -1;
  const auto error = [&](LeaderEpoch epoch) {
    wanted.current_leader_epoch = epoch;
    return ask(request({wanted})).topics[0].partitions[0].error_code;
  };
  EXPECT_EQ(error(2), ErrorCode::fenced_leader_epoch);
  EXPECT_EQ(error(3), ErrorCode::none);
  EXPECT_EQ(error(4), ErrorCode::unknown_leader_epoch);
}

TEST_F(OffsetsTest, UnknownTopicsAndPartitionsFailAlone) {
  broker_.create("t");
  ListOffsetsRequest wanted =
      request({{.partition_index = 0, .timestamp = -1}, {.partition_index = 9, .timestamp = -1}});
  wanted.topics.push_back({.name = "nope", .partitions = {{.partition_index = 0, .timestamp = -1}}});
  const ListOffsetsResponse response = ask(wanted);
  EXPECT_EQ(response.topics[0].partitions[0].error_code, ErrorCode::none);
  EXPECT_EQ(response.topics[0].partitions[1].error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(response.topics[1].partitions[0].error_code, ErrorCode::unknown_topic_or_partition);
}

// --- OffsetForLeaderEpoch.

TEST_F(OffsetsTest, PresentEpochEndsAtTheLogEnd) {
  make_history();
  EXPECT_EQ(end_of(3).leader_epoch, 3);
  EXPECT_EQ(end_of(3).end_offset, 6);
}

TEST_F(OffsetsTest, OlderEpochEndsWhereTheNextOneBegins) {
  make_history();
  EXPECT_EQ(end_of(0).leader_epoch, 0);
  EXPECT_EQ(end_of(0).end_offset, 3);
  EXPECT_EQ(end_of(2).end_offset, 6);
}

TEST_F(OffsetsTest, UnknownEpochIsAnsweredWithTheLargestOneBelow) {
  make_history();
  EXPECT_EQ(end_of(1).leader_epoch, 0);
  EXPECT_EQ(end_of(1).end_offset, 3);
}

TEST_F(OffsetsTest, EpochBelowTheOldestEndsAtTheLogStart) {
  make_history();
  broker_.topics().find("t")->partition(0)->delete_records(4);
  EXPECT_EQ(end_of(0).leader_epoch, 0);
  EXPECT_EQ(end_of(0).end_offset, 4);
}

TEST_F(OffsetsTest, EpochAboveThePresentIsNotKnown) {
  make_history();
  EXPECT_EQ(end_of(4).error_code, ErrorCode::none);
  EXPECT_EQ(end_of(4).leader_epoch, -1);
  EXPECT_EQ(end_of(4).end_offset, -1);
}

TEST_F(OffsetsTest, EpochRequestsAreFencedToo) {
  make_history();
  EXPECT_EQ(end_of(0, 1).error_code, ErrorCode::fenced_leader_epoch);
  EXPECT_EQ(end_of(0, 9).error_code, ErrorCode::unknown_leader_epoch);
  EXPECT_EQ(end_of(0, -1, 5).error_code, ErrorCode::unknown_topic_or_partition);
}

}  // namespace
}  // namespace cms::broker
