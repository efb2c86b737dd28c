// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/log_dirs.h"

#include <gtest/gtest.h>

#include "broker/handlers/test_broker.h"
#include "storage/test_batches.h"

namespace cms::broker {
namespace {

using protocol::DescribeLogDirsRequest;
using protocol::DescribeLogDirsResponse;

class LogDirsTest : public ::testing::Test {
 protected:
  LogDirsTest() {
    broker_.logs.fill = [this](storage::Log& log) {
      const auto batch = storage::test::make_batch({.records = 1, .payload_bytes = 100});
      batch_bytes_ = static_cast<std::int64_t>(batch.size());
      CHECK(log.append(storage::test::view_of(batch), 0, 0).ok());
    };
  }

  DescribeLogDirsResponse ask(const DescribeLogDirsRequest& request) {
    return broker_.answer<DescribeLogDirsResponse>(5, [&](const RequestContext& context, auto& response) {
      describe_log_dirs(broker_.topics(), broker_.disk(), broker_.options, context, request, response);
    });
  }

  test::TestBroker broker_;
  std::int64_t batch_bytes_ = 0;
};

TEST_F(LogDirsTest, NullTopicsMeansAllWithTheirSizesAndTheVolumesRoom) {
  broker_.create("a", 2);
  broker_.create("b", 1);
  const DescribeLogDirsResponse response = ask({});
  ASSERT_EQ(response.results.size(), 1u);
  const auto& files = response.results[0];
  EXPECT_EQ(files.error_code, ErrorCode::none);
  EXPECT_EQ(files.log_dir, broker_.options.data_directory);
  EXPECT_GT(files.total_bytes, 0);
  EXPECT_GT(files.usable_bytes, 0);
  EXPECT_LE(files.usable_bytes, files.total_bytes);
  ASSERT_EQ(files.topics.size(), 2u);
  ASSERT_EQ(files.topics[0].partitions.size(), 2u);
  EXPECT_EQ(files.topics[0].partitions[1].partition_index, 1);
  EXPECT_EQ(files.topics[0].partitions[1].partition_size, batch_bytes_);
}

TEST_F(LogDirsTest, OnlyListedPartitionsThatExistAreTold) {
  broker_.create("a", 2);
  DescribeLogDirsRequest request;
  request.topics.emplace();
  EXPECT_TRUE(ask(request).results[0].topics.empty());
  request.topics = {{{.topic = "a", .partitions = {1, 9}}, {.topic = "nope", .partitions = {0}}}};
  const auto topics = ask(request).results[0].topics;
  ASSERT_EQ(topics.size(), 1u);
  ASSERT_EQ(topics[0].partitions.size(), 1u);
  EXPECT_EQ(topics[0].partitions[0].partition_index, 1);
}

TEST_F(LogDirsTest, WhatIsInMemoryHasADirectoryOfItsOwn) {
  broker_.create("kept");
  broker_.create("fleeting", 1, {{.name = "cms.durability", .value = "volatile"}});
  const DescribeLogDirsResponse response = ask({});
  ASSERT_EQ(response.results.size(), 2u);
  const auto& memory = response.results[1];
  EXPECT_EQ(memory.log_dir, "memory");
  ASSERT_EQ(memory.topics.size(), 1u);
  EXPECT_EQ(memory.topics[0].name, "fleeting");
  EXPECT_EQ(memory.total_bytes, broker_.options.log_memory_bytes);
  EXPECT_EQ(memory.usable_bytes, broker_.options.log_memory_bytes - batch_bytes_);
}

TEST_F(LogDirsTest, DirectoryThatCannotBeAskedSaysSo) {
  broker_.options.data_directory = "/nowhere/at/all";
  const auto files = ask({}).results[0];
  EXPECT_EQ(files.error_code, ErrorCode::kafka_storage_error);
  EXPECT_EQ(files.total_bytes, -1);
}

TEST_F(LogDirsTest, PartitionThatCannotBeOpenedIsLeftOut) {
  broker_.create("a", 2);
  broker_.logs.damaged = 0;
  broker_.restart();
  const auto topics = ask({}).results[0].topics;
  ASSERT_EQ(topics.size(), 1u);
  ASSERT_EQ(topics[0].partitions.size(), 1u);
  EXPECT_EQ(topics[0].partitions[0].partition_index, 1);
}

}  // namespace
}  // namespace cms::broker
