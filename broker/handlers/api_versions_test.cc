// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/api_versions.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "broker/handlers/test_broker.h"

namespace cms::broker {
namespace {

using protocol::ApiVersionsRequest;
using protocol::ApiVersionsResponse;

ApiVersionsRequest from(const std::string& name, const std::string& version) {
  ApiVersionsRequest request;
  request.client_software_name = name;
  request.client_software_version = version;
  return request;
}

class ApiVersionsTest : public ::testing::Test {
 protected:
  ApiVersionsResponse ask(protocol::Version version, const ApiVersionsRequest& request) {
    return broker_.answer<ApiVersionsResponse>(version, [&](const RequestContext& context, auto& response) {
      api_versions(handler_table(), broker_.metadata(), context, request, response);
    });
  }

  test::TestBroker broker_;
};

TEST_F(ApiVersionsTest, ListsWhatTheTableServesAndPrivateKeysToOurOwnClientsOnly) {
  const ApiVersionsResponse others = ask(4, from("tool", "1.0"));
  const auto is_private = [](const auto& api) { return protocol::is_private(api.api_key); };
  EXPECT_TRUE(std::ranges::none_of(others.api_keys, is_private));
  const ApiVersionsResponse response = ask(4, from("cms", "1.0"));
  EXPECT_EQ(response.error_code, ErrorCode::none);
  EXPECT_TRUE(std::ranges::any_of(response.api_keys, is_private));
  ASSERT_EQ(response.api_keys.size(), handler_table().size());
  for (const auto& api : response.api_keys) {
    const Handler* const handler = find_handler(api.api_key);
    ASSERT_NE(handler, nullptr);
    EXPECT_EQ(api.min_version, handler->advertised.first);
    EXPECT_EQ(api.max_version, handler->advertised.last);
  }
}

TEST_F(ApiVersionsTest, ProduceIsAdvertisedFromZeroForOldClients) {
  const ApiVersionsResponse response = ask(0, {});
  EXPECT_EQ(response.api_keys[0].api_key, protocol::ApiKey::produce);
  EXPECT_EQ(response.api_keys[0].min_version, 0);
}

TEST_F(ApiVersionsTest, BoundsOfTopicIdsAgree) {
  const auto reaches = [](protocol::ApiKey key, protocol::Version version) {
    return find_handler(key)->advertised.last >= version;
  };
  EXPECT_TRUE(reaches(protocol::ApiKey::metadata, 10));
  EXPECT_EQ(reaches(protocol::ApiKey::produce, 13), reaches(protocol::ApiKey::fetch, 13));
}

TEST_F(ApiVersionsTest, ClientThatNamesItselfWronglyIsAnInvalidRequest) {
  for (const char* const bad : {"", "a b", "-a", "a.", "a\xc3\xa4", "a/b"}) {
    EXPECT_EQ(ask(3, from(bad, "1")).error_code, ErrorCode::invalid_request) << bad;
    EXPECT_EQ(ask(3, from("a", bad)).error_code, ErrorCode::invalid_request) << bad;
    EXPECT_TRUE(ask(3, from("a", bad)).api_keys.empty());
  }
  for (const char* const good : {"a", "1", "apache-kafka-java", "4.3.1", "a..-b"}) {
    EXPECT_EQ(ask(3, from(good, good)).error_code, ErrorCode::none) << good;
  }
  EXPECT_EQ(ask(2, from("", "")).error_code, ErrorCode::none);
}

TEST_F(ApiVersionsTest, FeaturesHaveAnEpochThatRisesWithRestarts) {
  const ApiVersionsResponse before = ask(3, from("tool", "1"));
  broker_.restart();
  EXPECT_GT(ask(3, from("tool", "1")).finalized_features_epoch, before.finalized_features_epoch);
}

TEST_F(ApiVersionsTest, TheConsumerGroupProtocolIsAFinalizedFeature) {
  const ApiVersionsResponse response = ask(4, from("tool", "1"));
  ASSERT_EQ(response.supported_features.size(), 2u);
  EXPECT_EQ(response.supported_features[0].name, "group.version");
  EXPECT_EQ(response.supported_features[0].min_version, 0);
  EXPECT_EQ(response.supported_features[0].max_version, 1);
  ASSERT_EQ(response.finalized_features.size(), 2u);
  EXPECT_EQ(response.finalized_features[0].name, "group.version");
  EXPECT_EQ(response.finalized_features[0].max_version_level, 1);
  EXPECT_EQ(response.finalized_features[1].name, "metadata.version");
}

TEST_F(ApiVersionsTest, AFeatureSupportedFromZeroIsToldToReadersOfVersionThreeAsFinalizedOnly) {
  const ApiVersionsResponse response = ask(3, from("tool", "1"));
  ASSERT_EQ(response.supported_features.size(), 1u);
  EXPECT_EQ(response.supported_features[0].name, "metadata.version");
  ASSERT_EQ(response.finalized_features.size(), 2u);
  EXPECT_EQ(response.finalized_features[0].name, "group.version");
}

TEST_F(ApiVersionsTest, UnservedVersionIsAnsweredInTheLayoutOfVersionZero) {
  EXPECT_TRUE(is_served_api_versions(4));
  EXPECT_FALSE(is_served_api_versions(5));
  EXPECT_FALSE(is_served_api_versions(-1));
  protocol::FrameBuffer out;
  write_unsupported_api_versions(77, out);
  std::vector<std::byte> frame;
  for (const auto& piece : out.gather()) frame.insert(frame.end(), piece.begin(), piece.end());
  std::int32_t correlation_id = 0;
  const auto body = protocol::read_response_header(base::ByteSpan(frame).subspan(4), protocol::ApiKey::api_versions, 0,
                                                   correlation_id);
  ASSERT_TRUE(body);
  EXPECT_EQ(correlation_id, 77);
  ApiVersionsResponse response;
  ASSERT_TRUE(protocol::read(*body, 0, response));
  EXPECT_EQ(response.error_code, ErrorCode::unsupported_version);
  ASSERT_EQ(response.api_keys.size(), 1u);
  EXPECT_EQ(response.api_keys[0].api_key, protocol::ApiKey::api_versions);
  EXPECT_EQ(response.api_keys[0].max_version, 4);
}

}  // namespace
}  // namespace cms::broker
