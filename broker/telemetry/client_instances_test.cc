// SPDX-License-Identifier: Apache-2.0
// The rules were seen in Apache Kafka 4.3.1.
#include "broker/telemetry/client_instances.h"

#include <gtest/gtest.h>

#include "broker/metadata/local_store.h"
#include "broker/telemetry/subscription_config.h"
#include "broker/telemetry/test_otlp.h"
#include "records/compress.h"
#include "storage/file_system.h"
#include "storage/test_directory.h"

namespace cms::broker {
namespace {

using namespace test;
using protocol::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t push_bytes_max = 100'000;

class ClientInstancesTest : public ::testing::Test {
 protected:
  ClientInstancesTest() {
    open();
    set("s", {{"metrics", "org."}, {"interval.ms", "2000"}});
    clients_ = std::make_unique<ClientInstances>(clock_, *subscriptions_, push_bytes_max, metrics_, 1);
  }

  void open() {
    subscriptions_.reset();
    store_.reset();
    auto store = LocalStore::open(disk_, clock_, directory_ / "metadata");
    CHECK(store.ok());
    store_ = std::move(*store);
    auto subscriptions = Subscriptions::open(*store_);
    CHECK(subscriptions.ok());
    subscriptions_ = std::move(*subscriptions);
  }

  void set(const std::string& name, const ConfigMap& configs) {
    const auto changed = subscriptions_->change(
        name, [&](const ConfigMap&) { return ConfigOutcome(configs); }, false);
    CHECK(changed.ok() && !*changed);
  }

  ClientTask ask(const base::Uuid& id = {}) { return clients_->ask({.instance_id = id, .client_id = "c"}); }

  ErrorCode admit(const ClientTask& task, ClientPush push = {}) {
    push.subscription_id += task.subscription_id;
    return clients_->admit({.instance_id = task.client_instance_id, .client_id = "c"}, push);
  }

  ErrorCode take(const ClientTask& task, const std::string& metrics, records::Codec codec = records::Codec::none) {
    const auto bytes = records::compress(codec, std::nullopt, base::as_bytes(metrics));
    return clients_->take(task.client_instance_id, static_cast<std::int8_t>(codec), bytes);
  }

  std::string shown() {
    std::string text;
    clients_->print(text);
    return text.substr(text.find("gauge\n") + 6);
  }

  storage::TestDirectory directory_;
  storage::FileSystem disk_;
  base::ManualClock clock_;
  base::Registry metrics_;
  std::unique_ptr<LocalStore> store_;
  std::unique_ptr<Subscriptions> subscriptions_;
  std::unique_ptr<ClientInstances> clients_;
};

TEST_F(ClientInstancesTest, AClientWithoutAnIdIsGivenOneAndToldWhatToSend) {  // [semantics 144]
  const ClientTask task = ask();
  EXPECT_EQ(task.error, ErrorCode::none);
  EXPECT_FALSE(task.client_instance_id.is_zero());
  EXPECT_EQ(task.subscription.metrics, std::vector<std::string>{"org."});
  EXPECT_EQ(task.subscription.interval_ms, 2000);
  EXPECT_NE(ask().client_instance_id, task.client_instance_id);
  base::Random random(3);
  const base::Uuid own = base::Uuid::random(random);
  EXPECT_EQ(ask(own).client_instance_id, own);
}

TEST_F(ClientInstancesTest, AskingOrPushingBeforeTheIntervalIsOverIsThrottled) {
  const ClientTask task = ask();
  EXPECT_EQ(ask(task.client_instance_id).error, ErrorCode::throttling_quota_exceeded);
  EXPECT_EQ(admit(task), ErrorCode::none);  // the first push may come at once
  EXPECT_EQ(admit(task), ErrorCode::throttling_quota_exceeded);
  clock_.advance(milliseconds(1999));
  EXPECT_EQ(admit(task), ErrorCode::throttling_quota_exceeded);
  EXPECT_EQ(ask(task.client_instance_id).error, ErrorCode::throttling_quota_exceeded);
  clock_.advance(milliseconds(1));
  EXPECT_EQ(admit(task), ErrorCode::none);
  clock_.advance(milliseconds(2000));
  EXPECT_EQ(ask(task.client_instance_id).error, ErrorCode::none);
}

TEST_F(ClientInstancesTest, AnotherSubscriptionIdIsUnknownAndTheClientMayAskAtOnce) {  // [semantics 144]
  const ClientTask task = ask();
  EXPECT_EQ(admit(task, {.subscription_id = 1}), ErrorCode::unknown_subscription_id);
  EXPECT_EQ(ask(task.client_instance_id).error, ErrorCode::none);
  EXPECT_EQ(ask(task.client_instance_id).error, ErrorCode::throttling_quota_exceeded);
}

TEST_F(ClientInstancesTest, ACodecThatThereIsNotIsRefused) {
  const ClientTask task = ask();
  EXPECT_EQ(admit(task, {.compression = 9}), ErrorCode::unsupported_compression_type);
  EXPECT_EQ(ask(task.client_instance_id).error, ErrorCode::none);
  clock_.advance(seconds(2));
  EXPECT_EQ(admit(task, {.compression = -1}), ErrorCode::unsupported_compression_type);
}

TEST_F(ClientInstancesTest, APushAboveTheLimitIsTooLarge) {  // [semantics 144]
  const ClientTask task = ask();
  EXPECT_EQ(admit(task, {.bytes = push_bytes_max + 1}), ErrorCode::telemetry_too_large);
  clock_.advance(seconds(2));
  EXPECT_EQ(admit(task, {.bytes = push_bytes_max}), ErrorCode::none);
}

TEST_F(ClientInstancesTest, APushThatGrowsTooMuchIsTooLarge) {
  const ClientTask task = ask();
  const std::string zeros(ClientInstances::uncompressed_bytes_max + 1, '\0');
  EXPECT_EQ(take(task, zeros, records::Codec::zstd), ErrorCode::telemetry_too_large);
}

TEST_F(ClientInstancesTest, APushWithoutAnInstanceIdIsInvalid) {
  EXPECT_EQ(admit({}), ErrorCode::invalid_request);
  base::Uuid one;
  one.bytes.back() = std::byte{1};
  EXPECT_EQ(admit({.client_instance_id = one}), ErrorCode::invalid_request);
  EXPECT_EQ(clients_->client_count(), 0U);
}

TEST_F(ClientInstancesTest, TheLastPushMayComeEarlyAndNoneAfterIt) {
  const ClientTask task = ask();
  EXPECT_EQ(admit(task), ErrorCode::none);
  EXPECT_EQ(admit(task, {.terminating = true}), ErrorCode::none);
  EXPECT_EQ(admit(task), ErrorCode::invalid_request);
  EXPECT_EQ(admit(task, {.terminating = true}), ErrorCode::invalid_request);
  clock_.advance(seconds(2));
  EXPECT_EQ(ask(task.client_instance_id).error, ErrorCode::none);  // it has come back
  EXPECT_EQ(admit(task), ErrorCode::none);
}

TEST_F(ClientInstancesTest, AChangeOfSubscriptionsIsToldToWhoAsksAtOnce) {
  const ClientTask task = ask();
  set("t", {{"metrics", "com."}, {"interval.ms", "1000"}});
  EXPECT_EQ(admit(task), ErrorCode::unknown_subscription_id);
  const ClientTask again = ask(task.client_instance_id);
  EXPECT_EQ(again.error, ErrorCode::none);
  EXPECT_EQ(again.subscription.metrics, (std::vector<std::string>{"com.", "org."}));
  EXPECT_EQ(again.subscription.interval_ms, 1000);
  set("s", {});
  set("t", {});
  EXPECT_TRUE(ask(task.client_instance_id).subscription.metrics.empty());
}

TEST_F(ClientInstancesTest, SubscriptionsSurviveARestart) {
  open();
  EXPECT_EQ(subscriptions_->names(), std::vector<std::string>{"s"});
  EXPECT_EQ(subscriptions_->merged_for({}).interval_ms, 2000);
}

TEST_F(ClientInstancesTest, PushesOfEveryCodecAreShown) {
  const ClientTask task = ask();
  const std::string metrics = otlp_push({otlp_gauge("org.lag", otlp_fixed(6, 7))});
  const std::string line = "cms_client_metric{client_id=\"c\",client_instance_id=\"" +
                           task.client_instance_id.to_string() + "\",name=\"org.lag\"} 7\n";
  for (const auto codec : {records::Codec::none, records::Codec::gzip, records::Codec::snappy, records::Codec::lz4,
                           records::Codec::zstd}) {
    EXPECT_EQ(take(task, metrics, codec), ErrorCode::none);
    EXPECT_EQ(shown(), line);
  }
}

TEST_F(ClientInstancesTest, BytesThatAreNoMetricsAreInvalid) {
  const ClientTask task = ask();
  EXPECT_EQ(take(task, "\xff"), ErrorCode::invalid_record);
  EXPECT_EQ(clients_->take(task.client_instance_id, 1, base::as_bytes("xyz")), ErrorCode::invalid_record);
  EXPECT_EQ(shown(), "");
}

TEST_F(ClientInstancesTest, ASilentClientIsForgottenWithItsMetrics) {
  const ClientTask task = ask();
  EXPECT_EQ(take(task, otlp_push({otlp_gauge("m", otlp_fixed(6, 7))})), ErrorCode::none);
  clock_.advance(seconds(59));
  EXPECT_NE(shown(), "");
  clock_.advance(seconds(1));
  EXPECT_EQ(shown(), "");
  EXPECT_EQ(clients_->client_count(), 0U);
  set("s", {{"interval.ms", "60000"}});
  ask();
  clock_.advance(seconds(179));
  shown();
  EXPECT_EQ(clients_->client_count(), 1U);
  clock_.advance(seconds(1));
  shown();
  EXPECT_EQ(clients_->client_count(), 0U);
}

TEST_F(ClientInstancesTest, AClientThatHasPushedItsLastIsForgottenAfterAMinute) {
  set("s", {{"interval.ms", "60000"}});
  const ClientTask task = ask();
  EXPECT_EQ(admit(task, {.terminating = true}), ErrorCode::none);
  clock_.advance(seconds(60));
  shown();
  EXPECT_EQ(clients_->client_count(), 0U);
}

TEST_F(ClientInstancesTest, TooManyClientsDisplaceTheOldest) {
  const ClientTask first = ask();
  EXPECT_EQ(take(first, otlp_push({otlp_gauge("m", otlp_fixed(6, 7))})), ErrorCode::none);
  clock_.advance(milliseconds(1));
  for (std::size_t i = 0; i < ClientInstances::clients_max; ++i) ask();
  EXPECT_EQ(clients_->client_count(), ClientInstances::clients_max);
  EXPECT_EQ(shown(), "");
}

TEST_F(ClientInstancesTest, TheSeriesOfAllClientsTogetherAreBounded) {
  std::vector<std::string> metrics;
  for (std::size_t i = 0; i < ClientSeries::series_max; ++i) {
    metrics.push_back(otlp_gauge("m" + std::to_string(i), otlp_fixed(6, 1)));
  }
  const std::string push = otlp_push(metrics);
  for (std::size_t i = 0; i <= ClientInstances::series_max / ClientSeries::series_max; ++i) {
    const ClientTask task = ask();
    EXPECT_EQ(take(task, push), ErrorCode::none);
    EXPECT_EQ(take(task, push), ErrorCode::none);  // in place of the first
  }
  const std::string text = shown();
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(text, '\n')), ClientInstances::series_max);
  EXPECT_NE(metrics_.to_prometheus().find("cms_client_metrics_left_out_total 2000\n"), std::string::npos);
}

}  // namespace
}  // namespace cms::broker
