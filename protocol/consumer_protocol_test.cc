// SPDX-License-Identifier: Apache-2.0
// Bytes by Apache Kafka's own serializer: testdata/consumer_protocol.
#include "protocol/consumer_protocol.h"

#include <fstream>

#include <gtest/gtest.h>

#include "protocol/testing/bytes.h"

namespace cms::protocol {
namespace {

using testing::from_hex;
using testing::to_hex;

// By version.
std::vector<std::string> recorded(const std::string& name) {
  std::ifstream file("protocol/testdata/consumer_protocol/" + name + ".hex");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with('#')) lines.push_back(line);
  }
  return lines;
}

TEST(ConsumerProtocol, SubscriptionsOfEveryVersionAreReadAndWrittenAsKafkaDoes) {
  const std::vector<std::string> lines = recorded("subscription");
  ASSERT_EQ(lines.size(), 4u);
  ConsumerSubscription subscription;  // used again: what a version lacks is reset
  for (Version version = 3; version >= 0; --version) {
    SCOPED_TRACE(version);
    const std::string& hex = lines[static_cast<std::size_t>(version)];
    const auto read_version = read(from_hex(hex), subscription);
    ASSERT_TRUE(read_version) << read_version.error().message();
    EXPECT_EQ(*read_version, version);
    EXPECT_EQ(to_hex(to_bytes(subscription, version)), hex);
    EXPECT_EQ(subscription.topics, (std::vector<std::string>{"orders", "payments"}));
    EXPECT_EQ(subscription.user_data.has_value(), version != 0);
    EXPECT_EQ(subscription.owned_partitions.size(), version >= 1 ? 1u : 0u);
    EXPECT_EQ(subscription.generation_id, version >= 2 ? 6 : -1);
    EXPECT_EQ(subscription.rack_id, version >= 3 ? std::optional<std::string>("rack-b") : std::nullopt);
  }
}

TEST(ConsumerProtocol, AssignmentsOfEveryVersionAreReadAndWrittenAsKafkaDoes) {
  const std::vector<std::string> lines = recorded("assignment");
  ASSERT_EQ(lines.size(), 4u);
  for (Version version = 0; version <= 3; ++version) {
    SCOPED_TRACE(version);
    const std::string& hex = lines[static_cast<std::size_t>(version)];
    ConsumerAssignment assignment;
    const auto read_version = read(from_hex(hex), assignment);
    ASSERT_TRUE(read_version) << read_version.error().message();
    EXPECT_EQ(*read_version, version);
    EXPECT_EQ(to_hex(to_bytes(assignment, version)), hex);
    ASSERT_EQ(assignment.assigned_partitions.size(), 1u);
    EXPECT_EQ(assignment.assigned_partitions[0].partitions, (std::vector<std::int32_t>{1, 3}));
  }
}

TEST(ConsumerProtocol, NewerVersionsAreReadAsTheNewestKnown) {
  const std::string as_version_9 = "0009" + recorded("subscription").at(3).substr(4) + "cafe";
  ConsumerSubscription subscription;
  const auto version = read(from_hex(as_version_9), subscription);
  ASSERT_TRUE(version) << version.error().message();
  EXPECT_EQ(*version, 9);
  EXPECT_EQ(subscription.rack_id, "rack-b");
}

TEST(ConsumerProtocol, VersionsBelowZeroAreRefused) {
  ConsumerSubscription subscription;
  const auto version = read(from_hex("ffff" + recorded("subscription").at(0).substr(4)), subscription);
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().kind(), base::ErrorKind::unsupported);
}

TEST(ConsumerProtocol, BytesCutShortAreRefusedAndNameWhatTheyAre) {
  for (const std::string& hex : recorded("assignment")) {
    std::vector<std::byte> bytes = from_hex(hex);
    while (!bytes.empty()) {
      bytes.pop_back();
      ConsumerAssignment assignment;
      const auto version = read(bytes, assignment);
      ASSERT_FALSE(version);
      EXPECT_EQ(version.error().kind(), base::ErrorKind::invalid);
      EXPECT_NE(version.error().message().find("ConsumerAssignment"), std::string::npos);
    }
  }
}

TEST(ConsumerProtocol, CountsBeyondTheBytesAreRefused) {
  ConsumerSubscription subscription;
  EXPECT_FALSE(read(from_hex("0000 7fffffff 0001 61"), subscription));
  EXPECT_EQ(subscription.topics.capacity(), 0u);
}

}  // namespace
}  // namespace cms::protocol
