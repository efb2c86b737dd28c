// SPDX-License-Identifier: Apache-2.0
#include "protocol/header.h"

#include <gtest/gtest.h>

#include "base/endian.h"
#include "protocol/messages.h"
#include "protocol/testing/bytes.h"

namespace cms::protocol {
namespace {

using testing::from_hex;
using testing::on_the_wire;
using testing::to_hex;

TEST(Headers, ClientIdIsNotCompactInFlexibleRequestsEither) {
  FrameBuffer out;
  write_request_header({ApiKey::metadata, 8, 1, "me"}, out);
  EXPECT_EQ(on_the_wire(out), from_hex("0003 0008 00000001 0002 6d65"));
  out.clear();
  write_request_header({ApiKey::metadata, 9, 1, "me"}, out);
  EXPECT_EQ(on_the_wire(out), from_hex("0003 0009 00000001 0002 6d65 00"));
}

TEST(Headers, NullClientIdIsReadAndReplacesTheOneBefore) {
  RequestHeader header{ApiKey::fetch, 1, 1, "someone"};
  const auto frame = from_hex("0012 0000 0000002a ffff");
  const auto body = read_request_header(frame, header);
  ASSERT_TRUE(body);
  EXPECT_TRUE(body->empty());
  EXPECT_EQ(header, (RequestHeader{ApiKey::api_versions, 0, 42, std::nullopt}));
}

TEST(Headers, TagsOfARequestAreSkipped) {
  RequestHeader header;
  const auto frame = from_hex("0003 000d 00000001 ffff 02 0001aa 0502bbcc dddd");
  const auto body = read_request_header(frame, header);
  ASSERT_TRUE(body);
  EXPECT_EQ(to_hex(*body), "dddd");
}

TEST(Headers, RequestThatEndsInItsHeaderIsRefused) {
  const auto frame = from_hex("0003 000d 00000001 0002 6d65 01 0001aa");
  RequestHeader header;
  for (std::size_t size = 0; size < frame.size(); ++size) {
    EXPECT_FALSE(read_request_header(base::ByteSpan(frame).first(size), header)) << size;
  }
  EXPECT_TRUE(read_request_header(frame, header));
}

TEST(Headers, VersionOfApiVersionsThatNobodyKnowsStillHasItsHeader) {
  RequestHeader header;
  const auto frame = from_hex("0012 0063 00000007 0001 78 00 0102");
  ASSERT_TRUE(read_request_header(frame, header));
  EXPECT_EQ(header.api_version, 99);
  EXPECT_EQ(header.correlation_id, 7);
}

TEST(Headers, ApiVersionsResponseNeverHasTags) {
  FrameBuffer out;
  write_response_header(ApiKey::api_versions, 4, 1, out);
  EXPECT_EQ(out.size(), 4u);
  write_response_header(ApiKey::metadata, 9, 1, out);
  EXPECT_EQ(out.size(), 9u);
  write_response_header(ApiKey::metadata, 8, 1, out);
  EXPECT_EQ(out.size(), 13u);
}

TEST(Headers, WholeFramesComeBack) {
  FrameBuffer out;
  FindCoordinatorRequest request;
  request.coordinator_keys = {"g"};
  write_request({ApiKey::find_coordinator, 5, 9, "c"}, request, out);
  FindCoordinatorResponse response;
  response.coordinators.emplace_back().key = "g";
  write_response(5, 9, response, out);

  const std::vector<std::byte> bytes = on_the_wire(out);
  const auto size = static_cast<std::size_t>(base::load_big<std::int32_t>(bytes.data()));
  RequestHeader header;
  const auto request_body = read_request_header(base::ByteSpan(bytes).subspan(4, size), header);
  ASSERT_TRUE(request_body);
  FindCoordinatorRequest request_again;
  ASSERT_TRUE(read(*request_body, header.api_version, request_again));
  EXPECT_EQ(request_again, request);

  std::int32_t correlation_id = 0;
  const auto response_body =
      read_response_header(base::ByteSpan(bytes).subspan(4 + size + 4), header.api_key, 5, correlation_id);
  ASSERT_TRUE(response_body);
  FindCoordinatorResponse response_again;
  ASSERT_TRUE(read(*response_body, 5, response_again));
  EXPECT_EQ(correlation_id, 9);
  EXPECT_EQ(response_again, response);
}

TEST(Errors, NamesMessagesAndRetriesGoWithTheirCodes) {
  EXPECT_EQ(name_of(ErrorCode::unknown_server_error), "UNKNOWN_SERVER_ERROR");
  EXPECT_EQ(name_of(ErrorCode::share_session_limit_reached), "SHARE_SESSION_LIMIT_REACHED");
  EXPECT_EQ(name_of(static_cast<ErrorCode>(9999)), "UNKNOWN");
  EXPECT_TRUE(is_retriable(ErrorCode::not_leader_or_follower));
  EXPECT_FALSE(is_retriable(ErrorCode::message_too_large));
  for (int code = -1; code <= 133; ++code) EXPECT_FALSE(message_of(static_cast<ErrorCode>(code)).empty()) << code;
}

TEST(Apis, NamesGoWithTheirKeys) {
  EXPECT_EQ(name_of(ApiKey::produce), "Produce");
  EXPECT_EQ(name_of(ApiKey::delete_share_group_offsets), "DeleteShareGroupOffsets");
  EXPECT_EQ(name_of(static_cast<ApiKey>(-1)), "unknown");
  EXPECT_FALSE(is_known(static_cast<ApiKey>(93)));
}

}  // namespace
}  // namespace cms::protocol
