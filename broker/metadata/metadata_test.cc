// SPDX-License-Identifier: Apache-2.0
#include "broker/metadata/metadata.h"

#include <chrono>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "broker/metadata/local_store.h"
#include "broker/metadata/record_text.h"
#include "broker/metadata/topic_name.h"
#include "storage/simulated_disk.h"

namespace cms::broker {
namespace {

using base::ErrorKind;

// One node whose process is started again and again on the same disk.
class MetadataTest : public testing::Test {
 protected:
  MetadataTest() { restart(); }

  void restart() {
    metadata_.reset();
    store_.reset();
    auto store = LocalStore::open(disk_, clock_, "/data");
    ASSERT_TRUE(store) << store.error().message();
    store_ = std::move(*store);
    auto metadata = Metadata::open(*store_, 1, random_);
    ASSERT_TRUE(metadata) << metadata.error().message();
    metadata_ = std::move(*metadata);
  }
  TopicPointer create(const std::string& name, std::int32_t partitions = 1) {
    TopicRecord topic;
    topic.name = name;
    topic.id = base::Uuid::random(random_);
    topic.partition_count = partitions;
    auto created = metadata_->create_topic(std::move(topic));
    EXPECT_TRUE(created) << created.error().message();
    return created ? *created : nullptr;
  }
  base::Result<void> reserve(const OffsetReservation& reservation) {
    return metadata_->reserve_offsets({&reservation, 1});
  }
  ErrorKind creation_error(const std::string& name, std::int32_t partitions = 1) {
    const auto created = metadata_->create_topic({name, base::Uuid::random(random_), partitions, {}, {}, 0});
    return created ? ErrorKind::busy : created.error().kind();
  }

  storage::SimulatedDisk disk_;
  base::ManualClock clock_;
  base::Random random_{42};
  std::unique_ptr<LocalStore> store_;
  std::unique_ptr<Metadata> metadata_;
};

TEST_F(MetadataTest, TheClusterIdIsMadeOnceAndStays) {
  const std::string id = metadata_->cluster_id();
  EXPECT_EQ(id.size(), 22u);
  restart();
  EXPECT_EQ(metadata_->cluster_id(), id);
}

TEST_F(MetadataTest, LeaderEpochsRiseWithEveryRestartAndBeginAtZero) {
  const TopicPointer old = create("old");
  EXPECT_EQ(metadata_->leader_epoch(*old), 0);
  restart();
  restart();
  EXPECT_EQ(metadata_->boots(), 3);
  EXPECT_EQ(metadata_->leader_epoch(*metadata_->topic("old")), 2);
  EXPECT_EQ(metadata_->leader_epoch(*create("new")), 0);
}

TEST_F(MetadataTest, ATopicIsFoundByNameAndIdAfterARestart) {
  TopicRecord topic{"a.b", base::Uuid::random(random_), 3, Durability::volatile_memory, {{"retention.ms", "1 %\n"}}, 0};
  const auto created = metadata_->create_topic(topic);
  ASSERT_TRUE(created);
  restart();
  const TopicPointer found = metadata_->topic("a.b");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(*found, **created);
  EXPECT_EQ(metadata_->topic(topic.id), found);
  EXPECT_EQ(metadata_->topic("none"), nullptr);
  EXPECT_EQ(metadata_->topics().size(), 1u);
}

TEST_F(MetadataTest, TakenCollidingAndIllegalNamesAreRefused) {
  create("a.b");
  EXPECT_EQ(creation_error("a.b"), ErrorKind::exists);
  EXPECT_EQ(creation_error("a_b"), ErrorKind::exists);
  EXPECT_EQ(metadata_->colliding_topic("a_b"), "a.b");
  EXPECT_EQ(metadata_->colliding_topic("a.b"), "");
  EXPECT_EQ(creation_error("a b"), ErrorKind::invalid);
  EXPECT_EQ(creation_error("ok", 0), ErrorKind::invalid);
  EXPECT_EQ(creation_error("ok", 1'000'000), ErrorKind::invalid);
}

TEST_F(MetadataTest, OfTwoRacingCreationsOneWins) {
  std::atomic<int> created{0};
  std::atomic<int> taken{0};
  std::vector<TopicRecord> topics;
  for (int i = 0; i < 40; ++i)
    topics.push_back({"t" + std::to_string(i / 2), base::Uuid::random(random_), 1, {}, {}, 0});
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 2; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::size_t i = static_cast<std::size_t>(thread); i < topics.size(); i += 2) {
        const auto outcome = metadata_->create_topic(topics[i]);
        if (outcome) ++created;
        if (!outcome && outcome.error().kind() == ErrorKind::exists) ++taken;
        (void)metadata_->topics();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(created, 20);
  EXPECT_EQ(taken, 20);
}

TEST_F(MetadataTest, PartitionsOnlyGrowAndConfigsAreReplaced) {
  const TopicPointer topic = create("t", 2);
  EXPECT_EQ(metadata_->set_partition_count(topic->id, 1).error().kind(), ErrorKind::invalid);
  EXPECT_EQ((*metadata_->set_partition_count(topic->id, 5))->partition_count, 5);
  ASSERT_TRUE(metadata_->set_topic_configs(topic->id, {{"segment.ms", "7"}}, topic->durability));
  EXPECT_EQ(topic->partition_count, 2);  // what a reader holds does not change under it
  restart();
  EXPECT_EQ(metadata_->topic("t")->partition_count, 5);
  EXPECT_EQ(metadata_->topic("t")->configs.at("segment.ms"), "7");
  const base::Uuid unknown = base::Uuid::random(random_);
  EXPECT_EQ(metadata_->set_partition_count(unknown, 9).error().kind(), ErrorKind::not_found);
}

TEST_F(MetadataTest, ADeletedTopicIsGoneAtOnceAndItsDataIsRememberedUntilRemoved) {
  const TopicPointer first = create("t", 300);
  for (std::int32_t partition = 0; partition < 300; ++partition) {
    ASSERT_TRUE(reserve({first->id, partition, 100}));
  }
  ASSERT_TRUE(metadata_->delete_topic(first->id));
  EXPECT_EQ(metadata_->topic("t"), nullptr);
  EXPECT_EQ(metadata_->delete_topic(first->id).error().kind(), ErrorKind::not_found);
  const TopicPointer second = create("t");
  EXPECT_NE(second->id, first->id);
  restart();
  EXPECT_EQ(metadata_->deleted_topics(), (std::vector<DeletedTopic>{{"t", first->id, 300, Durability::persistent}}));
  EXPECT_EQ(metadata_->topic("t")->id, second->id);
  ASSERT_TRUE(metadata_->forget_deleted_topic(first->id));
  restart();
  EXPECT_TRUE(metadata_->deleted_topics().empty());
  EXPECT_TRUE(store_->list("offsets/")->empty());
}

TEST_F(MetadataTest, AProducerIdIsNeverGivenTwice) {
  std::set<std::int64_t> firsts;
  for (int i = 0; i < 20; ++i) {
    const auto block = metadata_->reserve_producer_ids();
    ASSERT_TRUE(block);
    EXPECT_EQ(block->count, Metadata::producer_id_block);
    EXPECT_TRUE(firsts.insert(block->first).second);
    EXPECT_EQ(block->first % Metadata::producer_id_block, 0);
    if (i % 5 == 0) restart();
  }
}

TEST_F(MetadataTest, ReservedOffsetsOutliveACrashAndExactOnesACleanShutdown) {
  const TopicPointer topic = create("v", 2);
  EXPECT_EQ(metadata_->first_usable_offset(topic->id, 0), 0);
  ASSERT_TRUE(reserve({topic->id, 0, 1000}));
  ASSERT_TRUE(reserve({topic->id, 0, 500}));  // never lowers
  restart();
  EXPECT_EQ(metadata_->first_usable_offset(topic->id, 0), 1000);
  EXPECT_EQ(metadata_->first_usable_offset(topic->id, 1), 0);
  ASSERT_TRUE(reserve({topic->id, 0, 2000}));
  const OffsetReservation exact[] = {{topic->id, 0, 1234}, {topic->id, 1, 5}};
  ASSERT_TRUE(metadata_->store_next_offsets(exact));
  restart();
  EXPECT_EQ(metadata_->first_usable_offset(topic->id, 0), 1234);
  EXPECT_EQ(metadata_->first_usable_offset(topic->id, 1), 5);
  const base::Uuid gone = base::Uuid::random(random_);
  EXPECT_TRUE(reserve({gone, 0, 1}));  // a topic deleted a moment ago has no offsets to keep
  EXPECT_EQ(metadata_->first_usable_offset(gone, 0), 0);
}

TEST_F(MetadataTest, BrokerConfigsAreKeptPerBrokerAndForAll) {
  ASSERT_TRUE(metadata_->set_broker_configs(1, {{"log.retention.ms", "1"}}));
  ASSERT_TRUE(metadata_->set_broker_configs(std::nullopt, {{"log.retention.ms", "2"}}));
  restart();
  EXPECT_EQ(metadata_->broker_configs(1).at("log.retention.ms"), "1");
  EXPECT_EQ(metadata_->broker_configs(std::nullopt).at("log.retention.ms"), "2");
  EXPECT_TRUE(metadata_->broker_configs(2).empty());
}

TEST_F(MetadataTest, AnErrorOfTheDiskChangesNothingThatReadersSee) {
  create("a");
  disk_.fail_write(1);
  EXPECT_FALSE(metadata_->create_topic({"b", base::Uuid::random(random_), 1, {}, {}, 0}));
  EXPECT_EQ(metadata_->topic("b"), nullptr);
  EXPECT_EQ(metadata_->colliding_topic("b"), "");
  create("b");
}

TEST_F(MetadataTest, AnEntryThatIsNotOursIsAnErrorThatNamesIt) {
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{{"topics/x", "id none\n"},
                                                                                   {"topics/a b", "id none\n"},
                                                                                   {"deleted/x", ""},
                                                                                   {"offsets/x", "1"},
                                                                                   {"producers/next", "x"}}) {
    const StoreChange change[] = {{key, value, std::nullopt}};
    ASSERT_TRUE(store_->apply(change));
    const auto opened = Metadata::open(*store_, 1, random_);
    ASSERT_FALSE(opened) << key;
    EXPECT_EQ(opened.error().kind(), ErrorKind::corrupt);
    EXPECT_NE(opened.error().message().find(key), std::string::npos) << opened.error().message();
    const StoreChange undo[] = {{key, std::nullopt, std::nullopt}};
    ASSERT_TRUE(store_->apply(undo));
  }
  const StoreChange newer[] = {{"something/newer", "1", std::nullopt}};
  ASSERT_TRUE(store_->apply(newer));
  EXPECT_TRUE(Metadata::open(*store_, 1, random_));
}

TEST_F(MetadataTest, TenThousandTopicsLoad) {
  std::vector<StoreChange> batch;
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = "topic." + std::to_string(i);
    const TopicRecord topic{
        name, base::Uuid::random(random_), 3, {}, {{"retention.ms", "1000"}, {"segment.ms", "1000"}}, 1};
    batch.push_back({"topics/" + name, write_topic(topic), std::nullopt});
    if (batch.size() < 100) continue;
    ASSERT_TRUE(store_->apply(batch));
    batch.clear();
  }
  const auto start = std::chrono::steady_clock::now();
  restart();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  EXPECT_EQ(metadata_->topics().size(), 10'000u);
  RecordProperty("milliseconds", static_cast<int>(took.count()));
}

TEST(TopicNameTest, LegalAndIllegalNamesInKafkasWords) {
  const std::string prefix = "Topic name is invalid: ";
  EXPECT_EQ(why_not_topic_name("aZ09._-"), std::nullopt);
  EXPECT_EQ(why_not_topic_name(std::string(249, 'x')), std::nullopt);
  EXPECT_EQ(why_not_topic_name("."), prefix + "'.' is not allowed");
  EXPECT_EQ(why_not_topic_name(".."), prefix + "'..' is not allowed");
  EXPECT_EQ(why_not_topic_name(std::string(250, 'x')),
            prefix + "the length of '" + std::string(250, 'x') + "' is longer than the max allowed length 249");
  EXPECT_EQ(why_not_topic_name("a/b"),
            prefix + "'a/b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'");
  EXPECT_TRUE(why_not_topic_name(""));
  EXPECT_TRUE(is_internal_topic("__consumer_offsets"));
  EXPECT_FALSE(is_internal_topic("__other"));
}

TEST(RecordTextTest, AnyBytesSurvive) {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every += static_cast<char>(byte);
  const ConfigMap configs = {{every, every}, {"plain.name", " two words "}, {"empty", ""}};
  EXPECT_EQ(read_configs(write_configs(configs)), configs);
  EXPECT_EQ(write_configs({{"a b", "c d%\n"}}), "a%20b c d%25%0A\n");
}

TEST(RecordTextTest, MalformedTextIsRefused) {
  for (const std::string_view text : {"no end", "noblank\n", "a %4\n", "a %zz\n", "a b\nc"}) {
    EXPECT_EQ(read_lines(text), std::nullopt) << text;
  }
  EXPECT_EQ(read_topic("t", "partitions 1\ncreated.boot 1\n"), std::nullopt);  // no id
}

}  // namespace
}  // namespace cms::broker
