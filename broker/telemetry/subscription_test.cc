// SPDX-License-Identifier: Apache-2.0
#include "broker/telemetry/subscription.h"

#include <gtest/gtest.h>

namespace cms::broker {
namespace {

ClientIdentity orders_client() {
  base::Random random(7);
  return {.instance_id = base::Uuid::random(random),
          .client_id = "orders-3",
          .software_name = "apache-kafka-java",
          .software_version = "4.3.1",
          .source_address = "127.0.0.1",
          .source_port = "50123"};
}

bool matches(const std::string& selector, const ClientIdentity& client = orders_client()) {
  const auto parsed = ClientSelector::parse(selector);
  return parsed && parsed->matches(client);
}

TEST(ClientSelector, ComparesAWholeAttributeOfTheClient) {
  EXPECT_TRUE(matches("client_id=orders-.*"));
  EXPECT_FALSE(matches("client_id=orders"));
  EXPECT_FALSE(matches("client_id=ORDERS-3"));
  EXPECT_TRUE(matches(" client_software_name = apache-kafka-java "));
  EXPECT_TRUE(matches("client_software_version=4[.].*"));
  EXPECT_TRUE(matches("client_source_address=127.0.0.1"));
  EXPECT_TRUE(matches("client_source_port=[0-9]+"));
  EXPECT_TRUE(matches("client_instance_id=" + orders_client().instance_id.to_string()));
}

TEST(ClientSelector, AnAttributeThatTheClientDoesNotHaveMatchesNothing) {
  EXPECT_FALSE(matches("client_id=.*", {}));
  EXPECT_TRUE(matches("client_id=.*", {.client_id = ""}));
  EXPECT_FALSE(matches("client_source_port=.*", {}));
  EXPECT_TRUE(matches("client_software_name=unknown", {}));
}

TEST(ClientSelector, WhatIsNoAttributeAndExpressionIsNone) {
  for (const std::string text : {"", "client_id", "client_id=", "=x", "client_id=a=b", "colour=red", "Client_id=a",
                                 "client_id=(", "client_id=(a)\\1"}) {
    EXPECT_FALSE(ClientSelector::parse(text)) << text;
  }
  EXPECT_TRUE(ClientSelector::parse("client_id=a="));  // Kafka forgets empty parts at the end
}

TEST(ClientSelector, AnExpressionMadeToExplodeIsRefused) {
  EXPECT_FALSE(ClientSelector::parse("client_id=((a{100}){100}){100}"));
  EXPECT_FALSE(ClientSelector::parse("client_id=" + std::string(ClientSelector::text_bytes_max, 'a')));
  EXPECT_FALSE(matches("client_id=(a*)*(a*)*b", {.client_id = std::string(30'000, 'a')}));
}

TEST(Subscription, AllSelectorsHaveToMatchAndTheLastOfAnAttributeHolds) {
  const ClientIdentity client = orders_client();
  EXPECT_TRUE(read_subscription({}).matches(client));
  EXPECT_FALSE(read_subscription({{"match", "client_id=orders-3,client_software_name=x"}}).matches(client));
  EXPECT_TRUE(read_subscription({{"match", "client_id=x,client_id=orders-3"}}).matches(client));
  EXPECT_FALSE(read_subscription({{"match", "client_id=orders-3,client_id=x"}}).matches(client));
}

TEST(Subscription, ThoseThatMatchAreAddedUpAndTheShortestIntervalHolds) {
  const std::vector<Subscription> all = {
      read_subscription({{"metrics", "org.x.,org.y."}, {"interval.ms", "2000"}}),
      read_subscription({{"metrics", "org.y.,org.z."}, {"interval.ms", "500"}}),
      read_subscription({{"metrics", "*"}, {"match", "client_id=other"}, {"interval.ms", "100"}})};
  const MergedSubscription mine = merged(all, orders_client());
  EXPECT_EQ(mine.metrics, (std::vector<std::string>{"org.x.", "org.y.", "org.z."}));
  EXPECT_EQ(mine.interval_ms, 500);
  const MergedSubscription other = merged(all, {.client_id = "other"});
  EXPECT_EQ(other.metrics, std::vector<std::string>{"*"});
  EXPECT_EQ(other.interval_ms, 100);
  EXPECT_EQ(merged({}, orders_client()).interval_ms, 300'000);
}

TEST(Subscription, ItsIdDiffersWithMetricsIntervalAndClient) {
  const base::Uuid id = orders_client().instance_id;
  const MergedSubscription one{.metrics = {"a"}, .interval_ms = 1000};
  EXPECT_EQ(one.id_for(id), one.id_for(id));
  EXPECT_NE(one.id_for(id), one.id_for(base::Uuid{}));
  EXPECT_NE(one.id_for(id), (MergedSubscription{.metrics = {"b"}, .interval_ms = 1000}.id_for(id)));
  EXPECT_NE(one.id_for(id), (MergedSubscription{.metrics = {"a"}, .interval_ms = 2000}.id_for(id)));
}

}  // namespace
}  // namespace cms::broker
