// SPDX-License-Identifier: Apache-2.0
// Configurations, descriptions of the cluster, of log directories and of topics page by page.
#include <algorithm>

#include "tests/broker_test.h"

namespace cms::tests {
namespace {

using protocol::ConfigOperation;
using protocol::ConfigResourceType;
using protocol::ConfigSource;
using protocol::DescribeConfigsRequest;
using protocol::DescribeConfigsResponse;

class ConfigsTest : public BrokerTest {};

DescribeConfigsResponse::Result describe(Wire& wire, ConfigResourceType type, const std::string& name,
                                         std::optional<std::vector<std::string>> keys = {}) {
  DescribeConfigsRequest request;
  request.resources.push_back({type, name, std::move(keys)});
  request.include_synonyms = true;
  request.include_documentation = true;
  return wire.call(request).results.at(0);
}

DescribeConfigsResponse::Config config_of(Wire& wire, const std::string& topic, const std::string& name) {
  const auto result = describe(wire, ConfigResourceType::topic, topic, std::vector{name});
  if (result.configs.size() != 1) throw std::runtime_error(topic + " does not have one config " + name);
  return result.configs[0];
}

ErrorCode change(Wire& wire, const std::string& topic,
                 std::vector<protocol::IncrementalAlterConfigsRequest::Config> configs, bool validate_only = false) {
  protocol::IncrementalAlterConfigsRequest request;
  request.resources.push_back({ConfigResourceType::topic, topic, std::move(configs)});
  request.validate_only = validate_only;
  return wire.call(request).responses.at(0).error_code;
}

TEST_F(ConfigsTest, DescribedWithValueSourceSynonymsTypeAndDocumentation) {
  create_topic(wire_, topic(), 1, {{"retention.ms", "5000"}});
  const auto all = describe(wire_, ConfigResourceType::topic, topic());
  EXPECT_EQ(all.error_code, ErrorCode::none);
  EXPECT_GT(all.configs.size(), 25u);
  const auto retention = config_of(wire_, topic(), "retention.ms");
  EXPECT_EQ(retention.value, "5000");
  EXPECT_EQ(retention.config_source, ConfigSource::dynamic_topic);
  EXPECT_EQ(retention.config_type, protocol::ConfigType::int64);
  EXPECT_FALSE(retention.documentation.value_or("").empty());
  EXPECT_FALSE(retention.read_only);
  EXPECT_FALSE(retention.is_sensitive);
  ASSERT_FALSE(retention.synonyms.empty());
  EXPECT_EQ(retention.synonyms[0].name, "retention.ms");
  EXPECT_EQ(retention.synonyms[0].source, ConfigSource::dynamic_topic);
  EXPECT_EQ(config_of(wire_, topic(), "segment.bytes").config_source, ConfigSource::default_value);
  EXPECT_EQ(describe(wire_, ConfigResourceType::topic, "unknown").error_code, ErrorCode::unknown_topic_or_partition);
  const auto node = std::to_string(wire_.call(about({})).brokers.at(0).node_id);
  const auto broker_configs = describe(wire_, ConfigResourceType::broker, node);
  EXPECT_EQ(broker_configs.error_code, ErrorCode::none);
  const auto cores = std::ranges::find(broker_configs.configs, "core.count", &DescribeConfigsResponse::Config::name);
  ASSERT_NE(cores, broker_configs.configs.end());
  EXPECT_EQ(cores->value, "2");
  EXPECT_EQ(cores->config_source, ConfigSource::static_broker);
  EXPECT_TRUE(cores->read_only);
}

TEST_F(ConfigsTest, ConfigsKnownToKafkaAreTakenAndTold) {
  const Configs configs{{"cleanup.policy", "compact,delete"},
                        {"compression.gzip.level", "3"},
                        {"compression.lz4.level", "5"},
                        {"compression.type", "lz4"},
                        {"compression.zstd.level", "7"},
                        {"delete.retention.ms", "1"},
                        {"file.delete.delay.ms", "2"},
                        {"flush.messages", "100"},
                        {"flush.ms", "1000"},
                        {"follower.replication.throttled.replicas", "0:0"},
                        {"index.interval.bytes", "8192"},
                        {"leader.replication.throttled.replicas", "*"},
                        {"max.compaction.lag.ms", "100000"},
                        {"max.message.bytes", "1000000"},
                        {"message.timestamp.after.max.ms", "9"},
                        {"message.timestamp.before.max.ms", "10"},
                        {"message.timestamp.type", "LogAppendTime"},
                        {"min.cleanable.dirty.ratio", "0.3"},
                        {"min.compaction.lag.ms", "11"},
                        {"min.insync.replicas", "1"},
                        {"preallocate", "true"},
                        {"retention.bytes", "12000000"},
                        {"retention.ms", "13000000"},
                        {"segment.bytes", "14000000"},
                        {"segment.index.bytes", "15000"},
                        {"segment.jitter.ms", "16"},
                        {"segment.ms", "17000"},
                        {"unclean.leader.election.enable", "true"}};
  create_topic(wire_, topic(), 1, configs);
  for (const auto& [name, value] : configs) {
    const auto config = config_of(wire_, topic(), name);
    EXPECT_EQ(config.value, value) << name;
    EXPECT_EQ(config.config_source, ConfigSource::dynamic_topic) << name;
  }
}

TEST_F(ConfigsTest, DurabilityIsAConfigOfTheTopicChosenAtCreation) {
  for (const std::string durability : {"persistent", "volatile", "transient"}) {
    create_topic(wire_, topic() + durability, 1, {{"cms.durability", durability}});
    EXPECT_EQ(config_of(wire_, topic() + durability, "cms.durability").value, durability);
  }
  EXPECT_EQ(wire_.call(new_topic(topic(), 1, {{"cms.durability", "eternal"}})).topics.at(0).error_code,
            ErrorCode::invalid_config);
  create_topic(wire_, topic());
  EXPECT_EQ(config_of(wire_, topic(), "cms.durability").value, "persistent");
  EXPECT_EQ(config_of(wire_, topic(), "cms.durability").config_source, ConfigSource::default_value);
}

TEST_F(ConfigsTest, IncrementalChangesSetDeleteAppendAndSubtract) {
  create_topic(wire_, topic());
  EXPECT_EQ(change(wire_, topic(), {{"retention.ms", ConfigOperation::set, "777"}}), ErrorCode::none);
  EXPECT_EQ(config_of(wire_, topic(), "retention.ms").value, "777");
  EXPECT_EQ(change(wire_, topic(), {{"retention.ms", ConfigOperation::remove, {}}}), ErrorCode::none);
  EXPECT_EQ(config_of(wire_, topic(), "retention.ms").value, "604800000");
  EXPECT_EQ(change(wire_, topic(), {{"cleanup.policy", ConfigOperation::append, "compact"}}), ErrorCode::none);
  EXPECT_EQ(config_of(wire_, topic(), "cleanup.policy").value, "delete,compact");
  EXPECT_EQ(change(wire_, topic(), {{"cleanup.policy", ConfigOperation::subtract, "delete"}}), ErrorCode::none);
  EXPECT_EQ(config_of(wire_, topic(), "cleanup.policy").value, "compact");
}

TEST_F(ConfigsTest, BadChangeLeavesTheResourceAsItWas) {
  create_topic(wire_, topic());
  EXPECT_EQ(change(wire_, topic(),
                   {{"segment.ms", ConfigOperation::set, "1000"}, {"retention.ms", ConfigOperation::set, "x"}}),
            ErrorCode::invalid_config);
  EXPECT_EQ(config_of(wire_, topic(), "segment.ms").config_source, ConfigSource::default_value);
  EXPECT_EQ(change(wire_, topic(), {{"no.such", ConfigOperation::set, "1"}}), ErrorCode::invalid_config);
  EXPECT_EQ(change(wire_, topic(),
                   {{"retention.ms", ConfigOperation::set, "1"}, {"retention.ms", ConfigOperation::set, "2"}}),
            ErrorCode::invalid_request);
  EXPECT_NE(change(wire_, topic(), {{"retention.ms", ConfigOperation::append, "1"}}), ErrorCode::none);
  EXPECT_EQ(change(wire_, topic(), {{"retention.ms", ConfigOperation::set, "1"}}, true), ErrorCode::none);
  EXPECT_EQ(config_of(wire_, topic(), "retention.ms").config_source, ConfigSource::default_value);
}

TEST_F(ConfigsTest, AlterConfigsReplacesAll) {
  create_topic(wire_, topic(), 1, {{"retention.ms", "1000"}, {"segment.ms", "2000"}});
  protocol::AlterConfigsRequest request;
  request.resources.push_back({ConfigResourceType::topic, topic(), {{"segment.ms", "3000"}}});
  EXPECT_EQ(wire_.call(request).responses.at(0).error_code, ErrorCode::none);
  EXPECT_EQ(config_of(wire_, topic(), "segment.ms").value, "3000");
  EXPECT_EQ(config_of(wire_, topic(), "retention.ms").config_source, ConfigSource::default_value);
}

TEST(RetentionTest, LowerRetentionRemovesSegmentsWithinTheCheckInterval) {
  BrokerProcess broker({.settings = {"log.retention.check.interval.ms=100"}});
  Wire wire(broker.port());
  create_topic(wire, "t", 1, {{"segment.bytes", "1048576"}});
  const Batch batch = batch_of(std::string(300'000, 'x'));
  for (int i = 0; i < 12; ++i) append(wire, "t", batch);
  EXPECT_EQ(start_offset(wire, "t"), 0);
  set_config(wire, "t", "retention.bytes", "1200000");
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (start_offset(wire, "t") == 0 && std::chrono::steady_clock::now() < deadline) {
  }
  EXPECT_GT(start_offset(wire, "t"), 0);
  EXPECT_LT(start_offset(wire, "t"), 12);
  EXPECT_EQ(end_offset(wire, "t"), 12);
}

TEST(RetentionTest, ChangedConfigsSurviveARestart) {
  BrokerProcess broker;
  {
    Wire wire(broker.port());
    create_topic(wire, "t");
    set_config(wire, "t", "max.message.bytes", "100");
  }
  broker.kill();
  broker.start();
  Wire wire(broker.port());
  EXPECT_EQ(config_of(wire, "t", "max.message.bytes").value, "100");
  EXPECT_EQ(produce(wire, "t", batch_of(std::string(100, 'x'))).error_code, ErrorCode::message_too_large);
}

TEST_F(ConfigsTest, DescribeClusterGivesBrokersClusterAndController) {
  for (Version version = 0; version <= 2; ++version) {
    const auto response = wire_.call(protocol::DescribeClusterRequest{}, version);
    EXPECT_EQ(response.error_code, ErrorCode::none);
    EXPECT_EQ(response.cluster_id, wire_.call(about({})).cluster_id);
    ASSERT_EQ(response.brokers.size(), 1u);
    EXPECT_EQ(response.brokers[0].port, broker().port());
    EXPECT_EQ(response.controller_id, response.brokers[0].broker_id);
    EXPECT_FALSE(response.brokers[0].is_fenced);
  }
  protocol::DescribeClusterRequest controllers;
  controllers.endpoint_type = protocol::EndpointType::controllers;
  EXPECT_NE(wire_.call(controllers).error_code, ErrorCode::none);
}

TEST_F(ConfigsTest, LogDirectoriesTellTheSizesOfPartitionsAndOfTheVolume) {
  create_topic(wire_, topic(), 2);
  const Batch batch = batch_of(std::string(5000, 'x'));
  append(wire_, topic(), batch, 1);
  const auto all = wire_.call(protocol::DescribeLogDirsRequest{});
  ASSERT_FALSE(all.results.empty());
  EXPECT_EQ(all.results[0].log_dir, broker().data());
  EXPECT_GT(all.results[0].total_bytes, all.results[0].usable_bytes);
  EXPECT_GT(all.results[0].usable_bytes, 0);
  protocol::DescribeLogDirsRequest request;
  request.topics.emplace();
  request.topics->push_back({topic(), {1}});
  const auto one = wire_.call(request);
  ASSERT_EQ(one.results.at(0).topics.size(), 1u);
  ASSERT_EQ(one.results[0].topics[0].partitions.size(), 1u);
  EXPECT_EQ(one.results[0].topics[0].partitions[0].partition_index, 1);
  EXPECT_EQ(one.results[0].topics[0].partitions[0].partition_size, static_cast<std::int64_t>(batch.size()));
}

TEST_F(ConfigsTest, TopicPartitionsArePagedByCursor) {
  create_topic(wire_, topic() + "A", 5);
  create_topic(wire_, topic() + "B", 5);
  protocol::DescribeTopicPartitionsRequest request;
  request.topics = {{topic() + "A"}, {topic() + "B"}};
  request.response_partition_limit = 3;
  std::vector<std::string> seen;
  int pages = 0;
  do {
    const auto page = wire_.call(request);
    std::size_t here = 0;
    for (const auto& found : page.topics) {
      EXPECT_EQ(found.error_code, ErrorCode::none);
      for (const auto& partition : found.partitions) {
        seen.push_back(*found.name + std::to_string(partition.partition_index));
        ++here;
      }
    }
    EXPECT_LE(here, 3u);
    request.cursor.reset();
    if (page.next_cursor) request.cursor = {page.next_cursor->topic_name, page.next_cursor->partition_index};
    ASSERT_LT(++pages, 10);
  } while (request.cursor);
  ASSERT_EQ(seen.size(), 10u);
  EXPECT_TRUE(std::ranges::is_sorted(seen));
}

TEST(DynamicOptionsTest, LimitOfConnectionsChangesWhileTheBrokerRunsAndHoldsAfterARestart) {
  BrokerProcess broker;
  for (const bool changed_before : {false, true}) {
    Wire first(broker.port());
    Wire second(broker.port());
    for (Wire* wire : {&first, &second}) wire->call(about({}));
    if (!changed_before) {
      Wire third(broker.port());
      third.call(about({}));
      protocol::IncrementalAlterConfigsRequest request;
      request.resources.push_back({ConfigResourceType::broker, "", {{"max.connections", ConfigOperation::set, "2"}}});
      EXPECT_EQ(first.call(request).responses.at(0).error_code, ErrorCode::none);
    }
    EXPECT_TRUE(Wire(broker.port()).is_closed());
    EXPECT_EQ(broker.stop(), 0);
    broker.start();
  }
}

TEST_F(ConfigsTest, PageOfTopicPartitionsIsBoundedWhateverIsAskedFor) {
  create_topic(wire_, topic(), 2100);
  protocol::DescribeTopicPartitionsRequest request;
  request.topics = {{topic()}};
  request.response_partition_limit = 1'000'000;
  const auto page = wire_.call(request);
  EXPECT_EQ(page.topics.at(0).partitions.size(), 2000u);
  ASSERT_TRUE(page.next_cursor.has_value());
  EXPECT_EQ(page.next_cursor->partition_index, 2000);
  EXPECT_EQ(delete_topic(wire_, topic()), ErrorCode::none);
}

}  // namespace
}  // namespace cms::tests
