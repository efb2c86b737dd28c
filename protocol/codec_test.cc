// SPDX-License-Identifier: Apache-2.0
// What the reader refuses and what the writer leaves out, on messages small enough to write their bytes by hand.
#include "protocol/codec.h"

#include <gtest/gtest.h>

#include "protocol/messages.h"
#include "protocol/testing/bytes.h"

namespace cms::protocol {
namespace {

using testing::from_hex;
using testing::to_hex;
using testing::written;

template <Message T>
T must_read(std::string_view hex, Version version) {
  T message;
  const std::vector<std::byte> bytes = from_hex(hex);
  const base::Result<void> outcome = read(bytes, version, message);
  EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().message());
  return message;
}

template <Message T>
std::string refusal(std::string_view hex, Version version) {
  T message;
  const base::Result<void> outcome = read(from_hex(hex), version, message);
  return outcome ? "read" : outcome.error().message();
}

TEST(Codec, ClassicAndCompactFormsOfOneMessage) {
  FindCoordinatorRequest request;
  request.key = "grp";
  request.coordinator_keys = {"a", "bc"};
  EXPECT_EQ(written(request, 0), from_hex("0003677270"));
  EXPECT_EQ(written(request, 2), from_hex("000367727000"));
  EXPECT_EQ(written(request, 3), from_hex("04677270 00 00"));
  EXPECT_EQ(written(request, 4), from_hex("00 03 0261 036263 00"));
}

TEST(Codec, FieldsThatTheVersionLacksAreResetToTheirDefaults) {
  FindCoordinatorRequest request;
  request.key_type = CoordinatorType::transaction;
  request.coordinator_keys = {"left", "over"};
  ASSERT_TRUE(read(from_hex("0003677270"), 0, request));
  EXPECT_EQ(request.key, "grp");
  EXPECT_EQ(request.key_type, CoordinatorType::group);
  EXPECT_TRUE(request.coordinator_keys.empty());
}

TEST(Codec, TaggedFieldsThatAreNotThereAreResetToTheirDefaults) {
  ApiVersionsResponse response;
  response.finalized_features_epoch = 7;
  response.supported_features.emplace_back();
  ASSERT_TRUE(read(from_hex("0000 01 00000000 00"), 3, response));
  EXPECT_EQ(response.finalized_features_epoch, -1);
  EXPECT_TRUE(response.supported_features.empty());
}

TEST(Codec, TaggedFieldsAreWrittenInOrderAndOnlyWhenNotAtTheirDefault) {
  ApiVersionsResponse response;
  EXPECT_EQ(written(response, 3), from_hex("0000 01 00000000 00"));
  response.zk_migration_ready = true;
  response.finalized_features_epoch = 5;
  EXPECT_EQ(written(response, 3), from_hex("0000 01 00000000 02 01080000000000000005 030101"));
}

TEST(Codec, LargeTaggedFieldHasALongerSize) {
  ApiVersionsResponse response;
  response.supported_features.push_back({std::string(300, 'f'), 0, 1});
  const std::vector<std::byte> bytes = written(response, 4);
  ApiVersionsResponse again;
  ASSERT_TRUE(read(bytes, 4, again));
  EXPECT_EQ(again, response);
}

TEST(Codec, UnknownTaggedFieldsAreSkipped) {
  const auto response = must_read<ApiVersionsResponse>("0000 01 00000000 02 01080000000000000005 6303aabbcc", 3);
  EXPECT_EQ(response.finalized_features_epoch, 5);
}

TEST(Codec, TagsThatRepeatOrDescendAreRefused) {
  EXPECT_NE(refusal<ApiVersionsResponse>("0000 01 00000000 02 030101 030101", 3).find("rising"), std::string::npos);
  EXPECT_NE(refusal<ApiVersionsResponse>("0000 01 00000000 02 0900 0800", 3).find("rising"), std::string::npos);
}

TEST(Codec, TaggedFieldMustBeAsLongAsItSays) {
  EXPECT_NE(refusal<ApiVersionsResponse>("0000 01 00000000 01 03020100", 3).find("not as long"), std::string::npos);
  EXPECT_NE(refusal<ApiVersionsResponse>("0000 01 00000000 01 0001 02 01 0000 0000 00", 3), "read");
  EXPECT_NE(refusal<ApiVersionsResponse>("0000 01 00000000 01 037f01", 3).find("longer"), std::string::npos);
}

TEST(Codec, NullWhereThereMustBeAValueIsRefused) {
  EXPECT_NE(refusal<FindCoordinatorRequest>("ffff", 0).find("null"), std::string::npos);
  EXPECT_NE(refusal<FindCoordinatorRequest>("00 00 00", 3).find("null"), std::string::npos);
  EXPECT_NE(refusal<DeleteTopicsRequest>("ffffffff 00000000", 1).find("null"), std::string::npos);
  EXPECT_NE(refusal<MetadataRequest>("ffffffff", 0).find("null"), std::string::npos);
  EXPECT_EQ(must_read<MetadataRequest>("ffffffff", 1).topics, std::nullopt);
}

TEST(Codec, NullWhereTheVersionCannotSayItIsWrittenEmpty) {
  MetadataRequest all_topics;
  all_topics.topics = std::nullopt;
  EXPECT_EQ(written(all_topics, 0), from_hex("00000000"));
  EXPECT_EQ(written(all_topics, 1), from_hex("ffffffff"));
}

TEST(Codec, LengthsBelowMinusOneAreRefused) {
  EXPECT_NE(refusal<FindCoordinatorRequest>("fffe", 0).find("negative"), std::string::npos);
  EXPECT_NE(refusal<MetadataRequest>("fffffffe", 1).find("negative"), std::string::npos);
  EXPECT_NE(refusal<MetadataRequest>("80000000", 1).find("negative"), std::string::npos);
}

TEST(Codec, CountsBeyondTheBytesLeftAreRefusedBeforeAnythingIsMade) {
  MetadataRequest request;
  for (const auto& [hex, version] : {std::pair{"7fffffff", 1}, {"00000002 0000 00", 1}, {"ffffffff0f 000000", 9}}) {
    const base::Result<void> outcome = read(from_hex(hex), static_cast<Version>(version), request);
    ASSERT_FALSE(outcome);
    EXPECT_NE(outcome.error().message().find("more elements"), std::string::npos) << outcome.error().message();
    EXPECT_EQ(request.topics->capacity(), 0u);
  }
}

TEST(Codec, MoreElementsThanAMessageMayHoldAreRefused) {
  FindCoordinatorRequest request;
  std::vector<std::byte> bytes = from_hex("00 c2843d");  // 1 000 001 keys
  bytes.resize(bytes.size() + elements_max + 1, std::byte{1});
  bytes.emplace_back();
  const base::Result<void> outcome = read(bytes, 4, request);
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().message().find("too many"), std::string::npos);
}

TEST(Codec, StringsBeyondTheLimitAreRefusedAndNeverWritten) {
  FindCoordinatorRequest request;
  request.key = std::string(40'000, 'k');
  for (const Version version : {Version{2}, Version{3}}) {
    FindCoordinatorRequest again;
    ASSERT_TRUE(read(written(request, version), version, again));
    EXPECT_EQ(again.key.size(), string_bytes_max);
  }
  std::vector<std::byte> bytes = from_hex("818002");  // 32 768 and one
  bytes.resize(bytes.size() + 32'768 + 2);
  EXPECT_FALSE(read(bytes, 3, request));
}

TEST(Codec, VersionsOutsideTheRangeAreRefused) {
  ProduceRequest request;
  for (const Version version : {Version{-1}, Version{2}, Version{14}}) {
    const base::Result<void> outcome = read({}, version, request);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind(), base::ErrorKind::unsupported);
  }
}

TEST(Codec, ErrorsSayWhatAndWhere) {
  EXPECT_EQ(refusal<FindCoordinatorRequest>("00036772", 2),
            "reading FindCoordinatorRequest version 2: a length is beyond the end (at byte 2)");
  EXPECT_EQ(refusal<DeleteTopicsResponse>("00000000 00000000 01", 1),
            "reading DeleteTopicsResponse version 1: bytes are left over after the last field (at byte 8)");
}

// librdkafka 2.x, Metadata version 13 for all topics: three bytes of its array count are zeros that should not be
// there.
TEST(Codec, MetadataRequestWithALongCountIsReadAsAllTopics) {
  const auto request = must_read<MetadataRequest>("00000000 01 00 00", 13);
  EXPECT_EQ(request.topics, std::nullopt);
}

TEST(Codec, RecordsOfARequestLieInTheFrame) {
  const std::vector<std::byte> bytes = from_hex("ffff ffff 00007530 00000001 000174 00000001 00000005 00000003 aabbcc");
  ProduceRequest request;
  ASSERT_TRUE(read(bytes, 3, request));
  const RecordsView& records = request.topic_data.at(0).partition_data.at(0).records;
  EXPECT_EQ(records.bytes().data(), bytes.data() + bytes.size() - 3);
  EXPECT_EQ(records.size(), 3u);
  EXPECT_EQ(to_hex(written(request, 3)), to_hex(bytes));
}

TEST(Codec, RecordsOfAResponseAreSplicedInTheirOrder) {
  FetchResponse response;
  FetchResponse::Partition& partition = response.responses.emplace_back().partitions.emplace_back();
  std::vector<base::Bytes> slices;
  for (const char* text : {"one", "two", "three"}) {
    slices.push_back(base::Bytes::copy_of(text));
    partition.records.append(slices.back());
  }
  FrameBuffer out;
  write(response, 12, out);
  const std::span<const base::ByteSpan> parts = out.gather();
  ASSERT_EQ(parts.size(), 5u);
  for (std::size_t index = 0; index < slices.size(); ++index) EXPECT_EQ(parts[index + 1].data(), slices[index].data());

  const std::vector<std::byte> bytes = testing::on_the_wire(out);
  FetchResponse again;
  ASSERT_TRUE(read(bytes, 12, again));
  EXPECT_EQ(base::as_text(again.responses[0].partitions[0].records.bytes()), "onetwothree");
}

TEST(Codec, NullAndEmptyRecordsStayApart) {
  for (const bool null : {true, false}) {
    FetchResponse response;
    Records& records = response.responses.emplace_back().partitions.emplace_back().records;
    if (!null) records.make_empty();
    for (const Version version : {Version{4}, Version{18}}) {
      FetchResponse again;
      ASSERT_TRUE(read(written(response, version), version, again));
      EXPECT_EQ(again.responses[0].partitions[0].records.is_null(), null);
    }
  }
}

TEST(Codec, OptionalStructIsOneByteWhenNull) {
  DescribeTopicPartitionsRequest request;
  EXPECT_EQ(written(request, 0), from_hex("01 000007d0 ff 00"));
  request.cursor = {"t", 3};
  EXPECT_EQ(written(request, 0), from_hex("01 000007d0 01 0274 00000003 00 00"));
}

TEST(Codec, TextIsOneLineOfJsonWithTheFieldsOfTheVersion) {
  FindCoordinatorRequest request;
  request.key = "a \"b\"\n";
  EXPECT_EQ(to_text(request, 0), R"({"key":"a \"b\"\u000a"})");
  EXPECT_EQ(to_text(request, 3), R"({"key":"a \"b\"\u000a","key_type":0})");
  ProduceResponse response;
  response.responses.emplace_back().partition_responses.emplace_back().error_code = ErrorCode::message_too_large;
  EXPECT_NE(to_text(response, 3).find(R"("error_code":"MESSAGE_TOO_LARGE")"), std::string::npos);
}

}  // namespace
}  // namespace cms::protocol
