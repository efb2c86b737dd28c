// SPDX-License-Identifier: Apache-2.0
// The words are Apache Kafka's.
#include "broker/telemetry/subscription_config.h"

#include <gtest/gtest.h>

namespace cms::broker {
namespace {

using Code = ConfigRefusal::Code;
using Kind = ConfigOperation::Kind;

ConfigOutcome set(const std::string& name, std::optional<std::string> value, Kind kind = Kind::set) {
  const ConfigOperation operation{name, kind, std::move(value)};
  return alter_subscription_config({}, {&operation, 1});
}

void expect_refused(const ConfigOutcome& outcome, Code code, const std::string& message) {
  ASSERT_FALSE(outcome) << message;
  EXPECT_EQ(outcome.refusal().code, code) << message;
  EXPECT_EQ(outcome.refusal().message, message);
}

TEST(SubscriptionConfig, ValuesAreKeptAsKafkaKeepsThem) {
  EXPECT_EQ(set("interval.ms", " 200 ")->at("interval.ms"), "200");
  EXPECT_EQ(set("metrics", " a , b ")->at("metrics"), "a,b");
  EXPECT_EQ(set("metrics", "a,a")->at("metrics"), "a");
  EXPECT_EQ(set("metrics", "")->at("metrics"), "");
  EXPECT_EQ(set("match", "client_id=a,client_source_port=1")->at("match"), "client_id=a,client_source_port=1");
}

TEST(SubscriptionConfig, IntervalIsBetweenATenthOfASecondAndAnHour) {
  EXPECT_TRUE(set("interval.ms", "100"));
  EXPECT_TRUE(set("interval.ms", "3600000"));
  expect_refused(set("interval.ms", "99"), Code::invalid_request,
                 "Invalid value 99 for interval.ms, interval must be between 100 and 3600000 (1 hour)");
  expect_refused(set("interval.ms", "3600001"), Code::invalid_request,
                 "Invalid value 3600001 for interval.ms, interval must be between 100 and 3600000 (1 hour)");
  expect_refused(set("interval.ms", "x"), Code::invalid_config,
                 "Invalid value x for configuration interval.ms: Not a number of type INT");
}

TEST(SubscriptionConfig, WhatIsNoneIsRefused) {
  expect_refused(set("nonsense", "a"), Code::invalid_request, "Unknown client metrics configuration: nonsense");
  expect_refused(set("match", "bad=x"), Code::invalid_config, "Illegal client matching pattern: bad=x");
  expect_refused(set("match", "client_id=a,"), Code::invalid_config, "Configuration 'match' values must not be empty.");
  expect_refused(set("metrics", "a,,b"), Code::invalid_config, "Configuration 'metrics' values must not be empty.");
  expect_refused(set("metrics", std::nullopt), Code::invalid_request, "Null value not supported for : metrics");
}

TEST(SubscriptionConfig, ListsAreSetAsAWhole) {
  expect_refused(set("metrics", "b", Kind::append), Code::invalid_config,
                 "Can't APPEND to key metrics because its type is not LIST.");
  expect_refused(set("match", "b", Kind::subtract), Code::invalid_config,
                 "Can't SUBTRACT to key match because its type is not LIST.");
}

TEST(SubscriptionConfig, AConfigNamedTwiceIsRefused) {
  const std::vector<ConfigOperation> twice(2, {"metrics", Kind::set, "a"});
  expect_refused(alter_subscription_config({}, twice), Code::invalid_request, "Error due to duplicate config keys");
  const std::vector<ConfigSetting> settings(2, {"metrics", "a"});
  expect_refused(replace_subscription_config(settings), Code::invalid_request, "Error due to duplicate config keys");
}

TEST(SubscriptionConfig, ReplacingReturnsTheOthersToTheirDefaults) {
  const std::vector<ConfigSetting> settings = {{"metrics", "z"}};
  EXPECT_EQ(*replace_subscription_config(settings), (ConfigMap{{"metrics", "z"}}));
  const ConfigOperation removal{"metrics", Kind::remove, std::nullopt};
  EXPECT_TRUE(alter_subscription_config({{"metrics", "z"}}, {&removal, 1})->empty());
}

TEST(SubscriptionConfig, AllThreeAreShown) {
  const auto shown = describe_subscription_config({{"metrics", "a"}});
  ASSERT_EQ(shown.size(), 3U);
  EXPECT_EQ(shown[0].name, "interval.ms");
  EXPECT_EQ(shown[0].value, "300000");
  EXPECT_EQ(shown[0].source, ConfigSource::default_value);
  EXPECT_TRUE(shown[0].synonyms.empty());
  EXPECT_EQ(shown[1].value, "");
  EXPECT_EQ(shown[2].value, "a");
  EXPECT_EQ(shown[2].source, ConfigSource::client_metrics);
  EXPECT_EQ(shown[2].type, ConfigType::list);
}

}  // namespace
}  // namespace cms::broker
