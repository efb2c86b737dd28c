// SPDX-License-Identifier: Apache-2.0
#include "broker/topics/cleaner.h"

#include <gtest/gtest.h>

#include "broker/handlers/test_broker.h"
#include "records/build.h"

namespace cms::broker::test {
namespace {

// Each partition of a topic gets what the next line of `contents` says, in a finished part.
class CleanerTest : public ::testing::Test {
 protected:
  struct Content {
    int batches = 0;
    bool is_damaged = false;
  };

  CleanerTest() {
    broker_.logs.fill = [this](storage::Log& log) {
      if (filled_ == contents_.size()) return;
      fill(log, contents_[filled_++]);
    };
  }

  static void fill(storage::Log& log, const Content& content) {
    for (int i = 0; i < content.batches; ++i) {
      records::BatchBuilder builder;
      builder.add({.timestamp = 1, .key = base::as_bytes("key"), .value = base::as_bytes(std::string(1000, 'v'))});
      std::vector<std::byte> batch = builder.finish();
      if (content.is_damaged) {  // says that it is compressed
        base::store_big(batch.data() + records::layout::attributes, std::int16_t{4});
        records::seal(batch);
      }
      CHECK(log.append(*records::BatchView::frame(batch), 0, 0).ok());
    }
  }

  TopicHandle create(std::vector<Content> contents, std::vector<ConfigSetting> more = {},
                     const std::string& policy = "compact") {
    contents_ = std::move(contents);
    filled_ = 0;
    std::vector<ConfigSetting> configs{{"cleanup.policy", policy}, {"cms.durability", "volatile"}, {"segment.ms", "1"}};
    configs.insert(configs.end(), more.begin(), more.end());
    TopicHandle topic =
        broker_.create("t" + std::to_string(++topics_), static_cast<std::int32_t>(contents_.size()), configs);
    broker_.clock.advance(std::chrono::seconds(1));
    return topic;
  }

  static std::uint64_t size(const TopicHandle& topic, std::size_t partition) {
    return topic->partitions[partition]->positions().size_bytes;
  }

  TestBroker broker_;
  base::Registry metrics_;
  std::vector<Content> contents_;
  std::size_t filled_ = 0;
  int topics_ = 0;
};

TEST_F(CleanerTest, OnePartitionAfterTheOtherUntilNoneIsDirty) {
  const TopicHandle topic = create({{100}, {0}, {200}});
  Cleaner cleaner(broker_.topics(), broker_.options, metrics_, 1);
  EXPECT_TRUE(cleaner.clean_one());
  EXPECT_TRUE(cleaner.clean_one());
  EXPECT_FALSE(cleaner.clean_one());
  EXPECT_LT(size(topic, 0), 2000u);
  EXPECT_LT(size(topic, 2), 2000u);
  EXPECT_NE(metrics_.to_prometheus().find("cms_cleaner_runs_total 2\n"), std::string::npos);
  EXPECT_NE(metrics_.to_prometheus().find("cms_cleaner_removed_records_total 298\n"), std::string::npos);
}

TEST_F(CleanerTest, PartitionThatFailsIsSetAsideAndOthersGoOn) {
  const TopicHandle topic = create({{100, true}, {100}});
  Cleaner cleaner(broker_.topics(), broker_.options, metrics_, 1);
  EXPECT_TRUE(cleaner.clean_one());
  EXPECT_TRUE(cleaner.clean_one());
  EXPECT_FALSE(cleaner.clean_one());
  EXPECT_EQ(cleaner.uncleanable(), 1u);
  EXPECT_GT(size(topic, 0), 100'000u);
  EXPECT_LT(size(topic, 1), 2000u);
  EXPECT_NE(metrics_.to_prometheus().find("cms_cleaner_uncleanable_partitions 1\n"), std::string::npos);
}

TEST_F(CleanerTest, TopicsThatAreNotCompactedAreLeftAlone) {
  const TopicHandle topic = create({{100}}, {}, "delete");
  Cleaner cleaner(broker_.topics(), broker_.options, metrics_, 1);
  EXPECT_FALSE(cleaner.clean_one());
  EXPECT_GT(size(topic, 0), 100'000u);
}

TEST_F(CleanerTest, DirtyRatioMustBeAboveTheLeast) {
  const TopicHandle topic = create({{100}}, {{"min.cleanable.dirty.ratio", "1"}});
  Cleaner cleaner(broker_.topics(), broker_.options, metrics_, 1);
  EXPECT_FALSE(cleaner.clean_one());
}

TEST_F(CleanerTest, ThreadsDoItAndStop) {
  const TopicHandle topic = create({{100}, {100}, {100}});
  broker_.options.cleaner_threads = 2;
  broker_.options.cleaner_backoff_ms = 10;
  Cleaner cleaner(broker_.topics(), broker_.options, metrics_, 1);
  cleaner.start();
  for (int i = 0; i < 1000 && size(topic, 0) + size(topic, 1) + size(topic, 2) > 6000; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  cleaner.stop();
  EXPECT_LT(size(topic, 0) + size(topic, 1) + size(topic, 2), 6000u);
}

TEST_F(CleanerTest, StopDoesNotWaitForTheRateAllowed) {
  create({{2000}});
  broker_.options.cleaner_io_bytes_per_second_max = 1000;  // 2 MB would take half an hour
  Cleaner cleaner(broker_.topics(), broker_.options, metrics_, 1);
  cleaner.start();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto begun = std::chrono::steady_clock::now();
  cleaner.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
  EXPECT_EQ(cleaner.uncleanable(), 0u);
}

TEST_F(CleanerTest, RateThatIsRaisedCountsAtOnce) {
  const TopicHandle topic = create({{2000}});
  broker_.options.cleaner_io_bytes_per_second_max = 1000;
  Cleaner cleaner(broker_.topics(), broker_.options, metrics_, 1);
  cleaner.start();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_GT(size(topic, 0), 1'000'000u);
  broker_.options.cleaner_io_bytes_per_second_max = 1e12;
  cleaner.set_options(broker_.options);
  for (int i = 0; i < 1000 && size(topic, 0) > 2000; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_LT(size(topic, 0), 2000u);
}

TEST_F(CleanerTest, BackoffThatIsShortenedCountsAtOnce) {
  broker_.options.cleaner_backoff_ms = 3'600'000;
  Cleaner cleaner(broker_.topics(), broker_.options, metrics_, 1);
  cleaner.start();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const TopicHandle topic = create({{100}});
  broker_.options.cleaner_backoff_ms = 10;
  cleaner.set_options(broker_.options);
  for (int i = 0; i < 1000 && size(topic, 0) > 2000; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_LT(size(topic, 0), 2000u);
}

}  // namespace
}  // namespace cms::broker::test
