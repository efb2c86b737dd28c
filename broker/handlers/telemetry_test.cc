// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/telemetry.h"

#include <gtest/gtest.h>

#include "broker/handlers/api_versions.h"
#include "broker/handlers/test_broker.h"
#include "broker/telemetry/test_otlp.h"

namespace cms::broker {
namespace {

using protocol::ApiVersionsRequest;
using protocol::ApiVersionsResponse;
using protocol::GetTelemetrySubscriptionsResponse;
using protocol::PushTelemetryRequest;

constexpr std::int32_t push_bytes_max = 1000;

class TelemetryTest : public ::testing::Test {
 protected:
  void subscribe(const ConfigMap& configs) {
    const auto changed = broker_.subscriptions().change(
        "s", [&](const ConfigMap&) { return ConfigOutcome(configs); }, false);
    CHECK(changed.ok() && !*changed);
  }

  GetTelemetrySubscriptionsResponse get(const base::Uuid& id = {}) {
    return broker_.answer<GetTelemetrySubscriptionsResponse>(0, [&](const RequestContext& context, auto& response) {
      get_telemetry_subscriptions(clients_, push_bytes_max, context, {.client_instance_id = id}, response);
    });
  }

  ErrorCode push(const PushTelemetryRequest& request) {
    return broker_
        .answer<protocol::PushTelemetryResponse>(0,
                                                 [&](const RequestContext& context, auto& response) {
                                                   response.error_code = push_telemetry(clients_, context, request,
                                                                                        request.metrics.size());
                                                 })
        .error_code;
  }

  test::TestBroker broker_;
  base::Registry metrics_;
  ClientInstances clients_{broker_.clock, broker_.subscriptions(), push_bytes_max, metrics_, 1};
};

TEST_F(TelemetryTest, AClientIsToldWhatToSendHowAndHowOften) {  // [semantics 144]
  subscribe({{"metrics", "*"}, {"interval.ms", "1000"}});
  const auto told = get();
  EXPECT_EQ(told.error_code, ErrorCode::none);
  EXPECT_FALSE(told.client_instance_id.is_zero());
  EXPECT_EQ(told.accepted_compression_types, (std::vector<std::int8_t>{4, 3, 1, 2}));
  EXPECT_EQ(told.push_interval_ms, 1000);
  EXPECT_EQ(told.telemetry_max_bytes, push_bytes_max);
  EXPECT_TRUE(told.delta_temporality);
  EXPECT_EQ(told.requested_metrics, std::vector<std::string>{"*"});
  const auto early = get(told.client_instance_id);
  EXPECT_EQ(early.error_code, ErrorCode::throttling_quota_exceeded);
  EXPECT_TRUE(early.client_instance_id.is_zero());
}

TEST_F(TelemetryTest, WhatAClientPushesIsShown) {
  const auto told = get();
  const std::string metrics = test::otlp_push({test::otlp_gauge("m", test::otlp_fixed(6, 7))});
  PushTelemetryRequest request{.client_instance_id = told.client_instance_id,
                               .subscription_id = told.subscription_id,
                               .metrics = protocol::BytesView(base::as_bytes(metrics))};
  EXPECT_EQ(push(request), ErrorCode::none);
  std::string text;
  clients_.print(text);
  EXPECT_NE(text.find("client_instance_id=\"" + told.client_instance_id.to_string() + "\",name=\"m\"} 7\n"),
            std::string::npos);
  EXPECT_EQ(push(request), ErrorCode::throttling_quota_exceeded);
  request.client_instance_id = {};
  EXPECT_EQ(push(request), ErrorCode::invalid_request);
}

TEST_F(TelemetryTest, WhatTheClientCallsItselfSelectsItsSubscriptions) {
  subscribe({{"metrics", "*"}, {"match", "client_software_name=crate,client_source_port=50000"}});
  EXPECT_TRUE(get().requested_metrics.empty());
  const ApiVersionsRequest hello{.client_software_name = "crate", .client_software_version = "1"};
  broker_.answer<ApiVersionsResponse>(3, [&](const RequestContext& context, auto& response) {
    api_versions(handler_table(), broker_.metadata(), context, hello, response);
  });
  EXPECT_EQ(get().requested_metrics, std::vector<std::string>{"*"});
}

}  // namespace
}  // namespace cms::broker
