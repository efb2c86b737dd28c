// SPDX-License-Identifier: Apache-2.0
// Compacted topics as their readers see them, on disk and in memory, and over kills.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <thread>

#include "tests/broker_test.h"

namespace cms::tests {
namespace {

using Keyed = std::pair<std::string, std::optional<std::string>>;

Batch keyed_batch(const std::vector<Keyed>& records, records::BatchOptions options = {}) {
  records::BatchBuilder builder(options);
  for (const auto& [key, value] : records) {
    std::optional<ByteSpan> bytes;
    if (value) bytes = base::as_bytes(*value);
    builder.add({now_ms(), base::as_bytes(key), bytes, {}});
  }
  return builder.finish();
}

// The parameter is the durability.
class CompactionTest : public ::testing::TestWithParam<const char*> {
 protected:
  static constexpr milliseconds segment_age{60};

  Configs compacted(const Configs& more = {}, const std::string& policy = "compact") const {
    Configs configs{{"cleanup.policy", policy},
                    {"cms.durability", GetParam()},
                    {"segment.ms", std::to_string(segment_age.count())},
                    {"min.cleanable.dirty.ratio", "0"}};
    configs.insert(configs.end(), more.begin(), more.end());
    return configs;
  }

  // What was appended so far is in finished segments when this returns.
  void roll(const std::string& topic) {
    for (int i = 0; i < 2; ++i) {
      std::this_thread::sleep_for(segment_age * 2);
      append(wire_, topic, keyed_batch({{"roll", std::to_string(i)}}));
    }
  }

  std::vector<ReadRecord> without_rolls(const std::string& topic) {
    std::vector<ReadRecord> all = read_all(wire_, topic);
    std::erase_if(all, [](const ReadRecord& record) { return record.key == "roll"; });
    return all;
  }

  // Rolls until the topic has no more records than this, which must happen soon.
  std::vector<ReadRecord> await_records(const std::string& topic, std::size_t count) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < until) {
      std::vector<ReadRecord> all = without_rolls(topic);
      if (all.size() <= count) return all;
      roll(topic);
    }
    throw std::runtime_error(topic + " is not compacted\n" + broker_.log());
  }

  static std::vector<std::string> settings() { return {"log.cleaner.backoff.ms=50", "core.count=2"}; }

  BrokerProcess broker_{BrokerSetup{.settings = settings()}};
  Wire wire_{broker_.port()};
};

TEST_P(CompactionTest, LastRecordOfEachKeyStaysAtItsOffsetInItsPlace) {
  create_topic(wire_, "t", 1, compacted());
  std::map<std::string, ReadRecord> last;
  for (int i = 0; i < 300; ++i) {
    const std::string key = "key" + std::to_string(i % 7);
    records::BatchOptions options;
    options.codec = static_cast<records::Codec>(i % 5);
    const std::string value = "value" + std::to_string(i);
    const Offset offset = append(wire_, "t", keyed_batch({{key, "replaced"}, {key, value}}, options));
    last[key] = {offset + 1, 0, key, value};
  }
  const Offset end = end_offset(wire_, "t");
  const std::vector<ReadRecord> all = await_records("t", last.size());
  ASSERT_EQ(all.size(), last.size());
  Offset before = -1;
  for (const ReadRecord& record : all) {
    EXPECT_GT(record.offset, before);
    before = record.offset;
    EXPECT_EQ(record.offset, last[record.key].offset);
    EXPECT_EQ(record.value, last[record.key].value);
  }
  EXPECT_EQ(start_offset(wire_, "t"), 0);
  EXPECT_GE(end_offset(wire_, "t"), end);
}

TEST_P(CompactionTest, TombstonesGoAfterDeleteRetention) {
  create_topic(wire_, "t", 1, compacted({{"delete.retention.ms", "200"}}));
  append(wire_, "t", keyed_batch({{"a", "1"}, {"b", "2"}}));
  append(wire_, "t", keyed_batch({{"a", std::nullopt}}));
  const std::vector<ReadRecord> all = await_records("t", 1);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].key, "b");
}

TEST_P(CompactionTest, TombstonesStayUntilThen) {
  create_topic(wire_, "t", 1, compacted({{"delete.retention.ms", "86400000"}}));
  append(wire_, "t", keyed_batch({{"a", "1"}}));
  append(wire_, "t", keyed_batch({{"a", std::nullopt}}));
  const std::vector<ReadRecord> all = await_records("t", 1);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].offset, 1);
  roll("t");
  EXPECT_EQ(without_rolls("t").size(), 1u);
}

TEST_P(CompactionTest, RecordsYoungerThanTheLeastLagStay) {
  create_topic(wire_, "t", 1, compacted({{"min.compaction.lag.ms", "3600000"}}));
  for (int i = 0; i < 20; ++i) append(wire_, "t", keyed_batch({{"a", std::to_string(i)}}));
  for (int i = 0; i < 3; ++i) roll("t");
  EXPECT_EQ(without_rolls("t").size(), 20u);
}

TEST_P(CompactionTest, ThoseOlderThanTheGreatestLagGoWhateverTheDirtyRatio) {
  Configs configs{{"cleanup.policy", "compact"},
                  {"cms.durability", GetParam()},
                  {"min.cleanable.dirty.ratio", "1"},
                  {"max.compaction.lag.ms", std::to_string(segment_age.count())}};
  create_topic(wire_, "t", 1, configs);
  for (int i = 0; i < 20; ++i) append(wire_, "t", keyed_batch({{"a", std::to_string(i)}}));
  EXPECT_EQ(await_records("t", 1).size(), 1u);
}

TEST_P(CompactionTest, InternalTopicsAreCompactedAsOthersAre) {
  create_topic(wire_, "__state", 3, compacted());
  for (int i = 0; i < 50; ++i) append(wire_, "__state", keyed_batch({{"a", std::to_string(i)}}));
  EXPECT_EQ(await_records("__state", 1).at(0).value, "49");
}

TEST_P(CompactionTest, ProducersGoOnAfterTheirRecordsAreGone) {
  create_topic(wire_, "t", 1, compacted());
  const std::int64_t id = new_producer_id(wire_);
  const auto batch = [&](std::int32_t sequence) {
    records::BatchOptions options;
    options.producer_id = id;
    options.producer_epoch = 0;
    options.base_sequence = sequence;
    return keyed_batch({{"a", std::to_string(sequence)}}, options);
  };
  for (std::int32_t i = 0; i < 10; ++i) append(wire_, "t", batch(i));
  append(wire_, "t", keyed_batch({{"a", "last"}}));
  await_records("t", 1);
  EXPECT_EQ(produce(wire_, "t", batch(9)).base_offset, 9);  // known as sent twice
  EXPECT_EQ(produce(wire_, "t", batch(11)).error_code, ErrorCode::out_of_order_sequence_number);
  EXPECT_EQ(produce(wire_, "t", batch(10)).error_code, ErrorCode::none);
}

// Each reading of the whole topic meets every key, at least as new as it was when the reading began.
TEST_P(CompactionTest, ReadersMissNothingWhileItGoesOn) {
  constexpr int keys = 20;
  create_topic(wire_, "t", 1, compacted());
  std::vector<std::atomic<int>> written(keys);
  std::atomic<bool> done{false};
  std::thread producer([&] {
    Wire wire(broker_.port());
    for (int i = 1; i <= 1500; ++i) {
      const auto key = static_cast<std::size_t>(i % keys);
      append(wire, "t", keyed_batch({{std::to_string(key), std::to_string(i)}}));
      written[key] = i;
    }
    done = true;
  });
  std::size_t readings = 0;
  while (!done || readings < 3) {
    std::vector<int> before;
    for (const std::atomic<int>& value : written) before.push_back(value);
    std::vector<int> found(keys, 0);
    Offset last = -1;
    for (const ReadRecord& record : read_all(wire_, "t")) {
      EXPECT_GT(record.offset, last);
      last = record.offset;
      found[std::stoul(record.key)] = std::stoi(record.value);
    }
    for (std::size_t key = 0; key < keys; ++key) EXPECT_GE(found[key], before[key]) << "key " << key;
    ++readings;
  }
  producer.join();
}

INSTANTIATE_TEST_SUITE_P(EachDurability, CompactionTest, ::testing::Values("persistent", "volatile"),
                         [](const auto& suite) { return std::string(suite.param); });

class PersistentCompactionTest : public CompactionTest {};

TEST_P(PersistentCompactionTest, KilledAtAnyTimeItLosesNoLastRecord) {
  create_topic(wire_, "t", 1, compacted());
  std::map<std::string, std::string> last;
  for (int round = 0; round < 6; ++round) {
    {
      Wire wire(broker_.port());
      for (int i = 0; i < 150; ++i) {
        const std::string key = std::to_string(i % 11), value = std::to_string(round * 1000 + i);
        append(wire, "t", keyed_batch({{key, value}}));
        last[key] = value;
      }
    }
    std::this_thread::sleep_for(milliseconds(13 * round));  // in one state or another
    broker_.kill();
    broker_.start();
    Wire wire(broker_.port());
    std::map<std::string, std::string> found;
    for (const ReadRecord& record : read_all(wire, "t")) found[record.key] = record.value;
    EXPECT_EQ(found, last);
  }
}

TEST_P(PersistentCompactionTest, DeleteAndCompactDoBoth) {
  create_topic(wire_, "t", 1, compacted({}, "compact,delete"));
  for (int i = 0; i < 20; ++i) append(wire_, "t", keyed_batch({{"a", std::to_string(i)}}));
  EXPECT_EQ(await_records("t", 1).size(), 1u);
  broker_.settings().push_back("log.retention.check.interval.ms=100");
  broker_.stop();
  broker_.start();
  Wire wire(broker_.port());
  set_config(wire, "t", "retention.ms", "1");
  const auto until = std::chrono::steady_clock::now() + patience;
  while (start_offset(wire, "t") < 20 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(milliseconds(20));
  }
  EXPECT_GE(start_offset(wire, "t"), 20);
}

INSTANTIATE_TEST_SUITE_P(OnDisk, PersistentCompactionTest, ::testing::Values("persistent"),
                         [](const auto& suite) { return std::string(suite.param); });

}  // namespace
}  // namespace cms::tests
