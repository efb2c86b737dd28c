// SPDX-License-Identifier: Apache-2.0
#include "client/bench/workload.h"

#include <filesystem>

#include <gtest/gtest.h>

namespace cms::client::bench {
namespace {

std::string error_of(const std::string& text) {
  const auto workload = parse_workload(text);
  return workload ? "none" : workload.error().message();
}

TEST(WorkloadTest, ReadsTheFieldsOfOpenMessagingBenchmark) {
  const auto workload = parse_workload(
      "name: 10 topics\n"
      "topics: 10\n"
      "partitionsPerTopic: 16\n"
      "keyDistributor: KEY_ROUND_ROBIN\n"
      "messageSize: 100\n"
      "useRandomizedPayloads: true\n"
      "randomBytesRatio: 0.25\n"
      "randomizedPayloadPoolSize: 50\n"
      "subscriptionsPerTopic: 2\n"
      "consumerPerSubscription: 3\n"
      "producersPerTopic: 4\n"
      "producerRate: 50000\n"
      "consumerBacklogSizeGB: 5\n"
      "backlogDrainRatio: 0.9\n"
      "testDurationMinutes: 15\n"
      "warmupDurationMinutes: 2\n");
  ASSERT_TRUE(workload) << workload.error().message();
  EXPECT_EQ(workload->name, "10 topics");
  EXPECT_EQ(workload->topics, 10);
  EXPECT_EQ(workload->partitions_per_topic, 16);
  EXPECT_EQ(workload->keys, KeyDistributor::round_robin);
  EXPECT_EQ(workload->message_size, 100u);
  EXPECT_TRUE(workload->randomized_payloads);
  EXPECT_EQ(workload->random_bytes_ratio, 0.25);
  EXPECT_EQ(workload->payload_pool_size, 50);
  EXPECT_EQ(workload->subscriptions_per_topic, 2);
  EXPECT_EQ(workload->consumers_per_subscription, 3);
  EXPECT_EQ(workload->producers(), 40);
  EXPECT_EQ(workload->producer_rate, 50'000);
  EXPECT_EQ(workload->backlog_gb, 5);
  EXPECT_EQ(workload->backlog_drain_ratio, 0.9);
  EXPECT_EQ(workload->test_minutes, 15);
  EXPECT_EQ(workload->warmup_minutes, 2);
}

TEST(WorkloadTest, ReadsOurOwnFields) {
  const auto workload = parse_workload(
      "arrivals: poisson\nrecordsInFlight: 7\nbatchBytes: 1\ntopicConfigs:\n  cms.durability: volatile\n");
  ASSERT_TRUE(workload) << workload.error().message();
  EXPECT_EQ(workload->arrivals, Arrivals::poisson);
  EXPECT_EQ(workload->records_in_flight, 7);
  EXPECT_EQ(workload->batch_bytes, 1);
  ASSERT_EQ(workload->topic_configs.size(), 1u);
  EXPECT_EQ(workload->topic_configs[0].first, "cms.durability");
}

TEST(WorkloadTest, AnUnknownFieldIsNamedWithItsLineAndWhatWasMeant) {
  EXPECT_EQ(error_of("topics: 1\nmesageSize: 100\n"),
            "line 2: there is no field 'mesageSize' (did you mean 'messageSize'?)");
}

TEST(WorkloadTest, AValueOfAnotherKindIsAnError) {
  EXPECT_EQ(error_of("topics: many\n"), "line 1: topics takes a number");
  EXPECT_EQ(error_of("name: x\nkeyDistributor: SOME\n"),
            "line 2: keyDistributor takes NO_KEY, KEY_ROUND_ROBIN or RANDOM_NANO");
  EXPECT_EQ(error_of("topicConfigs: 5\n"), "line 1: topicConfigs takes names with values");
}

TEST(WorkloadTest, WhatIsNoYamlOrNoMapIsAnError) {
  EXPECT_NE(error_of("topics: [1\n").find("line "), std::string::npos);
  EXPECT_NE(error_of("- 1\n- 2\n"), "none");
  EXPECT_NE(error_of(""), "none");
}

TEST(WorkloadTest, WhatMakesNoSenseIsRefused) {
  for (const char* const text :
       {"topics: 0", "messageSize: 23", "messageSize: 100000000", "producerRate: -1", "producerRate: .nan",
        "randomBytesRatio: 2", "testDurationMinutes: 0", "consumerPerSubscription: 0", "partitionsPerTopic: -5",
        "subscriptionsPerTopic: -1", "{topics: 10000, partitionsPerTopic: 10000}"})
    EXPECT_NE(error_of(text), "none") << text;
}

TEST(WorkloadTest, EveryWorkloadOfTheRepositoryIsRead) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("bench/workloads")) {
    const auto workload = read_workload(entry.path());
    EXPECT_TRUE(workload) << workload.error().message();
    ++count;
  }
  EXPECT_GT(count, 0);
}

}  // namespace
}  // namespace cms::client::bench
