// SPDX-License-Identifier: Apache-2.0
// Against what Apache Kafka wrote: coordinator/testdata/log.
#include "coordinator/log/records.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "protocol/testing/bytes.h"
#include "protocol/testing/random_message.h"
#include "protocol/versioned_codec.h"

namespace cms::coordinator {
namespace {

using protocol::testing::from_hex;
using protocol::testing::to_hex;

struct Recorded {
  std::vector<std::byte> key;
  std::optional<std::vector<std::byte>> value;
};

std::vector<Recorded> recorded(const std::string& name) {
  std::ifstream file("coordinator/testdata/log/" + name + ".hex");
  std::vector<Recorded> records;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string key;
    std::string value;
    words >> key >> value;
    Recorded& record = records.emplace_back();
    record.key = from_hex(key);
    if (value != "-") record.value = from_hex(value);
  }
  EXPECT_FALSE(records.empty()) << name;
  return records;
}

LogEntry must_parse(const Recorded& record) {
  auto entry = parse_entry(record.key, record.value);
  EXPECT_TRUE(entry) << entry.error().message() << " " << to_hex(record.key);
  return entry ? std::move(*entry) : LogEntry();
}

// All records of one type, in the order of the log.
template <typename Key>
std::vector<Entry<Key>> entries(const std::string& name) {
  std::vector<Entry<Key>> found;
  for (const Recorded& record : recorded(name)) {
    const LogEntry entry = must_parse(record);
    if (const auto* const known = std::get_if<Entry<Key>>(&entry)) found.push_back(*known);
  }
  return found;
}

void expect_written_as(const UnknownEntry&, const Recorded& record) {
  ADD_FAILURE() << "unknown type: " << to_hex(record.key);
}
template <typename Key>
void expect_written_as(const Entry<Key>& entry, const Recorded& record) {
  EXPECT_EQ(to_hex(base::as_bytes(key_bytes(entry.key))), to_hex(record.key));
  ASSERT_EQ(entry.value.has_value(), record.value.has_value());
  if (entry.value) {
    EXPECT_EQ(to_hex(base::as_bytes(value_bytes(*entry.value))), to_hex(*record.value));
  }
}

TEST(LogRecords, WhatKafkaWroteIsWrittenTheSame) {
  for (const char* name : {"classic", "simple", "incremental", "mixed"}) {
    for (const Recorded& record : recorded(name)) {
      const LogEntry entry = must_parse(record);
      SCOPED_TRACE(to_text(entry));
      std::visit([&](const auto& known) { expect_written_as(known, record); }, entry);
    }
  }
}

void expect_written_in_its_version(const UnknownEntry&, base::ByteSpan) { ADD_FAILURE(); }
template <typename Key>
void expect_written_in_its_version(const Entry<Key>& entry, base::ByteSpan value) {
  std::string bytes;
  protocol::append_versioned(*entry.value, base::load_big<protocol::Version>(value.data()), bytes);
  EXPECT_EQ(to_hex(base::as_bytes(bytes)), to_hex(value));
}

TEST(LogRecords, EveryVersionOfAnOffsetAndOfAClassicGroupIsRead) {
  for (const Recorded& record : recorded("old-versions")) {
    const LogEntry entry = must_parse(record);
    SCOPED_TRACE(to_hex(*record.value));
    std::visit([&](const auto& known) { expect_written_in_its_version(known, *record.value); }, entry);
  }
  const auto offsets = entries<OffsetCommitKey>("old-versions");
  ASSERT_EQ(offsets.size(), 6u);  // versions 0 to 4, and the legacy type
  EXPECT_EQ(offsets[1].value->expire_timestamp_ms, 2000);
  EXPECT_EQ(offsets[2].value->leader_epoch, -1);
  EXPECT_EQ(offsets[3].value->leader_epoch, 4);
  EXPECT_EQ(offsets[5].key, offsets[0].key);
  const auto groups = entries<GroupMetadataKey>("old-versions");
  ASSERT_EQ(groups.size(), 5u);
  EXPECT_EQ(groups[0].value->members.at(0).rebalance_timeout_ms, -1);
  EXPECT_EQ(groups[4].value->members, groups[3].value->members);
}

TEST(LogRecords, OffsetsHaveMetadataEpochAndTopicId) {
  const auto offsets = entries<OffsetCommitKey>("classic");
  ASSERT_EQ(offsets.size(), 8u);  // four commits, four tombstones
  EXPECT_EQ(offsets[0].key.group_id, "classic");
  EXPECT_EQ(offsets[0].key.topic, "orders");
  EXPECT_EQ(offsets[0].value->offset, 5);
  EXPECT_EQ(offsets[0].value->leader_epoch, 3);
  EXPECT_EQ(offsets[0].value->metadata,
            "where I am: \xc2\xa7"
            "5");
  EXPECT_FALSE(offsets[0].value->topic_id.is_zero());
  EXPECT_FALSE(offsets[4].value.has_value());
}

TEST(LogRecords, OffsetsThatExpireAreWrittenInTheVersionThatSaysSo) {
  OffsetCommitValue value;
  value.offset = 12;
  value.metadata = "m";
  value.commit_timestamp_ms = 1000;
  value.expire_timestamp_ms = 2000;
  EXPECT_EQ(to_hex(base::as_bytes(value_bytes(value))), "0001000000000000000c00016d00000000000003e800000000000007d0");
}

TEST(LogRecords, ClassicGroupHasItsMembersAndTheirBytes) {
  const auto groups = entries<GroupMetadataKey>("classic");
  const auto settled = std::find_if(groups.begin(), groups.end(),
                                    [](const auto& group) { return group.value && group.value->members.size() == 2; });
  ASSERT_NE(settled, groups.end());
  EXPECT_EQ(settled->value->protocol_type, "consumer");
  EXPECT_EQ(settled->value->protocol_name, "range");
  for (const GroupMetadataValue::Member& member : settled->value->members) {
    EXPECT_EQ(member.client_host, "/127.0.0.1");
    EXPECT_EQ(member.session_timeout_ms, 45000);
    EXPECT_FALSE(member.subscription.empty());
    EXPECT_FALSE(member.assignment.empty());
  }
  EXPECT_FALSE(groups.back().value.has_value());
}

TEST(LogRecords, MembersSayWhetherTheyAreOfTheClassicProtocol) {
  for (const auto& member : entries<ConsumerGroupMemberMetadataKey>("incremental")) {
    if (member.value) {
      EXPECT_FALSE(member.value->classic_member_metadata.has_value());
    }
  }
  const auto mixed = entries<ConsumerGroupMemberMetadataKey>("mixed");
  ASSERT_TRUE(mixed.at(0).value && mixed[0].value->classic_member_metadata);
  EXPECT_EQ(mixed[0].value->classic_member_metadata->session_timeout_ms, 45000);
  EXPECT_EQ(mixed[0].value->classic_member_metadata->supported_protocols.at(0).name, "cooperative-sticky");
}

TEST(LogRecords, RegularExpressionHasTheTopicsItMatched) {
  const auto expressions = entries<ConsumerGroupRegularExpressionKey>("incremental");
  ASSERT_EQ(expressions.size(), 2u);
  EXPECT_EQ(expressions[0].key.regular_expression, "ord.*|pay.*");
  EXPECT_EQ(expressions[0].value->topics, (std::vector<std::string>{"orders", "payments"}));
  EXPECT_FALSE(expressions[1].value.has_value());
}

TEST(LogRecords, TypesThatAreNotKnownAreNoError) {
  for (const char* key : {"000b 000167", "7fff", "ffff 00"}) {
    const auto entry = parse_entry(from_hex(key), from_hex("0000 00"));
    ASSERT_TRUE(entry);
    ASSERT_TRUE(std::holds_alternative<UnknownEntry>(*entry));
    EXPECT_EQ(std::get<UnknownEntry>(*entry).record_type, base::load_big<std::int16_t>(from_hex(key).data()));
  }
}

TEST(LogRecords, KeysAndValuesCutShortOrTooLongAreRefused) {
  const Recorded good = recorded("simple").at(0);
  for (std::size_t size = 0; size < good.key.size(); ++size) {
    EXPECT_EQ(parse_entry(base::ByteSpan(good.key).first(size), good.value).error().kind(), base::ErrorKind::invalid);
  }
  for (std::size_t size = 0; size < good.value->size(); ++size) {
    EXPECT_EQ(parse_entry(good.key, base::ByteSpan(*good.value).first(size)).error().kind(), base::ErrorKind::invalid);
  }
  Recorded longer = good;
  longer.value->emplace_back();
  EXPECT_FALSE(parse_entry(longer.key, longer.value));
  longer = good;
  longer.key.emplace_back();
  EXPECT_FALSE(parse_entry(longer.key, longer.value));
}

TEST(LogRecords, ValueInAVersionThatIsNotKnownSaysSo) {
  const auto entry = parse_entry(recorded("simple").at(0).key, from_hex("0005 00"));
  ASSERT_FALSE(entry);
  EXPECT_EQ(entry.error().kind(), base::ErrorKind::unsupported);
}

template <typename Key>
void comes_back_equal(std::uint64_t seed) {
  base::Random random(seed);
  const auto key = protocol::testing::random_message<Key>(random, 0);
  auto value = typename Key::Value();
  value = protocol::testing::random_message<typename Key::Value>(random, value.version_written());
  if constexpr (std::is_same_v<Key, OffsetCommitKey>) value.expire_timestamp_ms = -1;
  Effects effects;
  append(key, value, effects);
  append_tombstone(key, effects);
  for (const LogRecord& record : effects.records) {
    std::optional<base::ByteSpan> bytes;
    if (record.value) bytes = base::as_bytes(*record.value);
    const auto entry = parse_entry(base::as_bytes(record.key), bytes);
    RC_ASSERT(entry.ok());
    const auto& known = std::get<Entry<Key>>(*entry);
    RC_ASSERT(known.key == key);
    RC_ASSERT(known.value.has_value() == record.value.has_value());
    if (known.value) RC_ASSERT(*known.value == value);
  }
}

TEST(LogRecords, EveryRecordComesBackEqual) {
  EXPECT_TRUE(rc::check("records", [](std::uint64_t seed) {
    comes_back_equal<OffsetCommitKey>(seed);
    comes_back_equal<GroupMetadataKey>(seed);
    comes_back_equal<ConsumerGroupMetadataKey>(seed);
    comes_back_equal<ConsumerGroupPartitionMetadataKey>(seed);
    comes_back_equal<ConsumerGroupMemberMetadataKey>(seed);
    comes_back_equal<ConsumerGroupTargetAssignmentMetadataKey>(seed);
    comes_back_equal<ConsumerGroupTargetAssignmentMemberKey>(seed);
    comes_back_equal<ConsumerGroupCurrentMemberAssignmentKey>(seed);
    comes_back_equal<ConsumerGroupRegularExpressionKey>(seed);
  }));
}

}  // namespace
}  // namespace cms::coordinator
