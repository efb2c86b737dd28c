// SPDX-License-Identifier: Apache-2.0
#include "broker/handlers/configs.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "broker/handlers/test_broker.h"
#include "records/build.h"
#include "storage/test_batches.h"

namespace cms::broker {
namespace {

using protocol::AlterConfigsRequest;
using protocol::AlterConfigsResponse;
using protocol::ConfigResourceType;
using protocol::DescribeConfigsRequest;
using protocol::DescribeConfigsResponse;
using protocol::IncrementalAlterConfigsRequest;
using protocol::IncrementalAlterConfigsResponse;
using Operation = protocol::ConfigOperation;
using Source = protocol::ConfigSource;
using Keys = std::optional<std::vector<std::string>>;

class ConfigsTest : public ::testing::Test {
 protected:
  ConfigOwners owners() {
    return {broker_.topics(), broker_.group_configs(), broker_.subscriptions(), broker_.options,
            broker_.options.node_id};
  }

  DescribeConfigsResponse describe(const DescribeConfigsRequest& request) {
    return broker_.answer<DescribeConfigsResponse>(4, [&](const RequestContext& context, auto& response) {
      describe_configs(broker_.topics(), broker_.group_configs(), broker_.subscriptions(), broker_.metadata(),
                       broker_.options, context, request, response);
    });
  }

  DescribeConfigsResponse::Result describe(ConfigResourceType type, const std::string& name, Keys keys = std::nullopt) {
    DescribeConfigsRequest request;
    request.resources.push_back({.resource_type = type, .resource_name = name, .configuration_keys = std::move(keys)});
    return describe(request).results[0];
  }

  DescribeConfigsResponse::Config topic_config(const std::string& key) {
    return describe(ConfigResourceType::topic, "t", {{key}}).configs.at(0);
  }

  IncrementalAlterConfigsResponse alter(const IncrementalAlterConfigsRequest& request) {
    return broker_.answer<IncrementalAlterConfigsResponse>(1, [&](const RequestContext& context, auto& response) {
      incremental_alter_configs(owners(), context, request, response);
    });
  }

  IncrementalAlterConfigsResponse::Resource alter(ConfigResourceType type, const std::string& name,
                                                  std::vector<IncrementalAlterConfigsRequest::Config> configs,
                                                  bool validate_only = false) {
    IncrementalAlterConfigsRequest request;
    request.resources.push_back({.resource_type = type, .resource_name = name, .configs = std::move(configs)});
    request.validate_only = validate_only;
    return alter(request).responses[0];
  }

  AlterConfigsResponse::Resource replace(ConfigResourceType type, const std::string& name,
                                         std::vector<AlterConfigsRequest::Config> configs) {
    AlterConfigsRequest request;
    request.resources.push_back({.resource_type = type, .resource_name = name, .configs = std::move(configs)});
    return broker_
        .answer<AlterConfigsResponse>(2, [&](const RequestContext& context,
                                             auto& response) { alter_configs(owners(), context, request, response); })
        .responses[0];
  }

  const EffectiveTopicConfig& in_force() { return *broker_.topics().find("t")->config; }

  test::TestBroker broker_;
  const std::string self_ = std::to_string(broker_.options.node_id);
};

// --- DescribeConfigs.

TEST_F(ConfigsTest, EveryTopicConfigIsShownWithValueSourceAndType) {
  broker_.create("t", 1, {{.name = "retention.ms", .value = "5000"}});
  const auto result = describe(ConfigResourceType::topic, "t");
  EXPECT_EQ(result.error_code, ErrorCode::none);
  EXPECT_EQ(result.error_message, "");
  EXPECT_GE(result.configs.size(), 34u);
  const auto retention = topic_config("retention.ms");
  EXPECT_EQ(retention.value, "5000");
  EXPECT_EQ(retention.config_source, Source::dynamic_topic);
  EXPECT_EQ(retention.config_type, protocol::ConfigType::int64);
  EXPECT_FALSE(retention.read_only);
  const auto bytes = topic_config("retention.bytes");
  EXPECT_EQ(bytes.value, "-1");
  EXPECT_EQ(bytes.config_source, Source::default_value);
  EXPECT_EQ(topic_config("cms.durability").value, "persistent");
}

TEST_F(ConfigsTest, SynonymsAndDocumentationAreToldOnDemand) {
  broker_.create("t", 1, {{.name = "retention.ms", .value = "5000"}});
  EXPECT_TRUE(topic_config("retention.ms").synonyms.empty());
  EXPECT_EQ(topic_config("retention.ms").documentation, std::nullopt);
  DescribeConfigsRequest request;
  request.resources.push_back(
      {.resource_type = ConfigResourceType::topic, .resource_name = "t", .configuration_keys = {{"retention.ms"}}});
  request.include_synonyms = true;
  request.include_documentation = true;
  const auto config = describe(request).results[0].configs.at(0);
  ASSERT_GE(config.synonyms.size(), 1u);
  EXPECT_EQ(config.synonyms[0].name, "retention.ms");
  EXPECT_EQ(config.synonyms[0].source, Source::dynamic_topic);
  ASSERT_TRUE(config.documentation);
  EXPECT_FALSE(config.documentation->empty());
}

TEST_F(ConfigsTest, KeyFilterIsHonouredAndAnEmptyOneMeansAll) {
  broker_.create("t");
  EXPECT_EQ(describe(ConfigResourceType::topic, "t", {{"retention.ms", "nope"}}).configs.size(), 1u);
  EXPECT_GE(describe(ConfigResourceType::topic, "t", Keys(std::in_place)).configs.size(), 34u);
}

TEST_F(ConfigsTest, UnknownTopicIsUnknownAndABadNameInvalid) {
  EXPECT_EQ(describe(ConfigResourceType::topic, "nope").error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(describe(ConfigResourceType::topic, "").error_code, ErrorCode::invalid_topic_exception);
  EXPECT_EQ(describe(ConfigResourceType::topic, "a b").error_code, ErrorCode::invalid_topic_exception);
}

TEST_F(ConfigsTest, BrokerShowsItsOptions) {
  const auto result = describe(ConfigResourceType::broker, self_, {{"num.partitions"}});
  ASSERT_EQ(result.configs.size(), 1u);
  EXPECT_EQ(result.configs[0].value, "1");
  EXPECT_TRUE(result.configs[0].read_only);
}

TEST_F(ConfigsTest, OtherBrokersAreRefused) {
  EXPECT_EQ(describe(ConfigResourceType::broker, "2").error_message,
            "Unexpected broker id, expected 1 or empty string, but received 2");
  EXPECT_EQ(describe(ConfigResourceType::broker, "x").error_message, "Broker id must be an integer, but it is: x");
  EXPECT_EQ(describe(ConfigResourceType::broker, "x").error_code, ErrorCode::invalid_request);
}

TEST_F(ConfigsTest, LoggerOfTheBrokerIsShown) {
  const auto result = describe(ConfigResourceType::broker_logger, self_);
  ASSERT_EQ(result.configs.size(), 1u);
  EXPECT_EQ(result.configs[0].name, "root");
  EXPECT_EQ(result.configs[0].value, "INFO");
  EXPECT_EQ(describe(ConfigResourceType::broker_logger, "").error_code, ErrorCode::invalid_request);
  EXPECT_EQ(describe(ConfigResourceType::broker_logger, "2").error_code, ErrorCode::invalid_request);
}

TEST_F(ConfigsTest, SubscriptionsToClientMetricsAreChangedShownAndKept) {
  const auto type = ConfigResourceType::client_metrics;
  const auto shown = [&](const std::string& key) { return describe(type, "slow", {{key}}).configs.at(0); };
  EXPECT_EQ(shown("interval.ms").value, "300000");
  EXPECT_EQ(shown("interval.ms").config_source, Source::default_value);
  EXPECT_EQ(
      alter(type, "slow", {{"interval.ms", Operation::set, "1000"}, {"metrics", Operation::set, "a, b"}}).error_code,
      ErrorCode::none);
  broker_.restart();
  EXPECT_EQ(shown("interval.ms").value, "1000");
  EXPECT_EQ(shown("interval.ms").config_source, Source::client_metrics);
  EXPECT_EQ(shown("metrics").value, "a,b");
  EXPECT_EQ(describe(type, "slow").configs.size(), 3u);
  EXPECT_EQ(alter(type, "slow", {{"match", Operation::set, "colour=red"}}).error_code, ErrorCode::invalid_config);
  const auto unnamed = alter(type, "", {{"metrics", Operation::set, "a"}});
  EXPECT_EQ(unnamed.error_code, ErrorCode::invalid_request);
  EXPECT_EQ(unnamed.error_message, "Subscription name can't be empty");
}

TEST_F(ConfigsTest, UnnamedGroupsAndSubscriptionsAndUnknownTypesAreInvalid) {
  for (const auto type : {ConfigResourceType::group, ConfigResourceType::client_metrics}) {
    EXPECT_EQ(describe(type, "").error_code, ErrorCode::invalid_request);
  }
  EXPECT_EQ(describe(ConfigResourceType::unknown, "x").error_code, ErrorCode::invalid_request);
  EXPECT_EQ(describe(ConfigResourceType{99}, "x").error_code, ErrorCode::invalid_request);
}

TEST_F(ConfigsTest, AGroupsConfigsAreChangedShownAndKept) {
  const std::string session = "consumer.session.timeout.ms";
  const auto shown = [&] { return describe(ConfigResourceType::group, "g", {{session}}).configs.at(0); };
  EXPECT_EQ(shown().value, "45000");
  EXPECT_EQ(shown().config_source, Source::default_value);
  EXPECT_EQ(alter(ConfigResourceType::group, "g", {{session, Operation::set, "50000"}}, true).error_code,
            ErrorCode::none);
  EXPECT_EQ(shown().value, "45000");
  EXPECT_EQ(alter(ConfigResourceType::group, "g", {{session, Operation::set, "50000"}}).error_code, ErrorCode::none);
  broker_.restart();
  EXPECT_EQ(shown().value, "50000");
  EXPECT_EQ(shown().config_source, Source::group);
  EXPECT_EQ(broker_.group_configs().in_force("g").session_timeout_ms, 50000);
  const auto refused = alter(ConfigResourceType::group, "g", {{session, Operation::set, "1"}});
  EXPECT_EQ(refused.error_code, ErrorCode::invalid_config);
  EXPECT_EQ(refused.error_message, session + " must be greater than or equal to group.consumer.min.session.timeout.ms");
  EXPECT_EQ(replace(ConfigResourceType::group, "g", {}).error_code, ErrorCode::none);
  EXPECT_EQ(shown().value, "45000");
  EXPECT_EQ(alter(ConfigResourceType::group, "", {{session, Operation::set, "50000"}}).error_message,
            "Default group resources are not allowed.");
}

TEST_F(ConfigsTest, ResourceListedTwiceIsShownOnce) {
  broker_.create("t");
  DescribeConfigsRequest request;
  for (int i = 0; i < 2; ++i) {
    request.resources.push_back(
        {.resource_type = ConfigResourceType::topic, .resource_name = "t", .configuration_keys = {}});
  }
  const DescribeConfigsResponse response = describe(request);
  EXPECT_EQ(response.results[0].error_code, ErrorCode::none);
  EXPECT_EQ(response.results[1].error_code, ErrorCode::invalid_request);
  EXPECT_TRUE(response.results[1].configs.empty());
}

// --- IncrementalAlterConfigs.

TEST_F(ConfigsTest, SetAndDeleteChangeATopicAtOnceAndForGood) {
  broker_.create("t");
  const auto answer = alter(ConfigResourceType::topic, "t", {{"retention.ms", Operation::set, "5000"}});
  EXPECT_EQ(answer.error_code, ErrorCode::none);
  EXPECT_EQ(answer.error_message, std::nullopt);
  EXPECT_EQ(in_force().retention_ms, 5000);
  broker_.restart();
  EXPECT_EQ(in_force().retention_ms, 5000);
  alter(ConfigResourceType::topic, "t", {{"retention.ms", Operation::remove, std::nullopt}});
  EXPECT_EQ(in_force().retention_ms, 604'800'000);
  EXPECT_EQ(topic_config("retention.ms").config_source, Source::default_value);
}

TEST_F(ConfigsTest, AppendAndSubtractAreForListsOnly) {
  broker_.create("t");
  EXPECT_EQ(alter(ConfigResourceType::topic, "t", {{"cleanup.policy", Operation::append, "compact"}}).error_code,
            ErrorCode::none);
  EXPECT_TRUE(in_force().cleanup_compact && in_force().cleanup_delete);
  alter(ConfigResourceType::topic, "t", {{"cleanup.policy", Operation::subtract, "delete"}});
  EXPECT_FALSE(in_force().cleanup_delete);
  const auto refused = alter(ConfigResourceType::topic, "t", {{"retention.ms", Operation::append, "1"}});
  EXPECT_EQ(refused.error_code, ErrorCode::invalid_config);
  EXPECT_EQ(refused.error_message, "Can't APPEND to key retention.ms because its type is not LIST.");
}

TEST_F(ConfigsTest, SameKeyTwiceIsInvalid) {
  broker_.create("t");
  const auto answer = alter(ConfigResourceType::topic, "t",
                            {{"retention.ms", Operation::set, "1"}, {"retention.ms", Operation::set, "2"}});
  EXPECT_EQ(answer.error_code, ErrorCode::invalid_request);
  EXPECT_EQ(in_force().retention_ms, 604'800'000);
}

TEST_F(ConfigsTest, BadValueLeavesTheWholeResourceUnchanged) {
  broker_.create("t");
  const auto answer = alter(ConfigResourceType::topic, "t",
                            {{"segment.ms", Operation::set, "7777777"}, {"retention.ms", Operation::set, "x"}});
  EXPECT_EQ(answer.error_code, ErrorCode::invalid_config);
  EXPECT_EQ(answer.error_message, "Invalid value x for configuration retention.ms: Not a number of type LONG");
  EXPECT_EQ(in_force().segment_ms, 604'800'000);
}

TEST_F(ConfigsTest, ValidateOnlyChangesNothing) {
  broker_.create("t");
  EXPECT_EQ(alter(ConfigResourceType::topic, "t", {{"retention.ms", Operation::set, "5"}}, true).error_code,
            ErrorCode::none);
  EXPECT_EQ(in_force().retention_ms, 604'800'000);
  alter(ConfigResourceType::broker, "", {{"log.retention.ms", Operation::set, "5"}}, true);
  EXPECT_EQ(in_force().retention_ms, 604'800'000);
}

TEST_F(ConfigsTest, TopicsThatDoNotExistAreNotChanged) {
  const auto error = [&](const std::string& name) {
    return alter(ConfigResourceType::topic, name, {{"retention.ms", Operation::set, "1"}});
  };
  EXPECT_EQ(error("nope").error_code, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(error("nope").error_message, "The topic 'nope' does not exist.");
  EXPECT_EQ(error("").error_code, ErrorCode::invalid_request);
  EXPECT_EQ(error("a b").error_code, ErrorCode::invalid_topic_exception);
}

TEST_F(ConfigsTest, BrokerConfigsReachTheTopicsWithoutConfigOfTheirOwn) {
  broker_.create("t");
  EXPECT_EQ(alter(ConfigResourceType::broker, "", {{"log.retention.ms", Operation::set, "500"}}).error_code,
            ErrorCode::none);
  EXPECT_EQ(in_force().retention_ms, 500);
  EXPECT_EQ(topic_config("retention.ms").config_source, Source::dynamic_default_broker);
  EXPECT_EQ(alter(ConfigResourceType::broker, self_, {{"log.retention.ms", Operation::set, "600"}}).error_code,
            ErrorCode::none);
  EXPECT_EQ(in_force().retention_ms, 600);
  const auto defaults = describe(ConfigResourceType::broker, "");
  const auto shown = std::ranges::find(defaults.configs, "log.retention.ms", &DescribeConfigsResponse::Config::name);
  ASSERT_NE(shown, defaults.configs.end());
  EXPECT_EQ(shown->value, "500");
  broker_.restart();
  EXPECT_EQ(in_force().retention_ms, 600);
}

TEST_F(ConfigsTest, LimitOfConnectionsIsToldWhenItChangesAndAtTheNextStart) {
  EXPECT_EQ(broker_.in_force.max_connections, 100'000);
  alter(ConfigResourceType::broker, "", {{"max.connections", Operation::set, "7"}}, true);
  EXPECT_EQ(broker_.in_force.max_connections, 100'000);
  alter(ConfigResourceType::broker, "", {{"max.connections", Operation::set, "7"}});
  EXPECT_EQ(broker_.in_force.max_connections, 7);
  broker_.in_force = {};
  broker_.restart();
  EXPECT_EQ(broker_.in_force.max_connections, 7);
  alter(ConfigResourceType::broker, "", {{"max.connections", Operation::remove, std::nullopt}});
  EXPECT_EQ(broker_.in_force.max_connections, 100'000);
}

TEST_F(ConfigsTest, CleanersBuffersRateAndBackoffAreSetWhileItRunsAndItsThreadsAtStart) {
  for (const auto& [name, value] : std::map<std::string, std::string>{
           {"log.cleaner.dedupe.buffer.size", "2097152"},
           {"log.cleaner.io.buffer.size", "262144"},
           {"log.cleaner.io.buffer.load.factor", "0.5"},
           {"log.cleaner.io.max.bytes.per.second", "1000000"},
           {"log.cleaner.backoff.ms", "100"},
       }) {
    alter(ConfigResourceType::broker, "", {{name, Operation::set, value}});
  }
  EXPECT_EQ(broker_.in_force.cleaner_dedupe_buffer_bytes, 2'097'152);
  EXPECT_EQ(broker_.in_force.cleaner_io_buffer_bytes, 262'144);
  EXPECT_EQ(broker_.in_force.cleaner_io_buffer_load_factor, 0.5);
  EXPECT_EQ(broker_.in_force.cleaner_io_bytes_per_second_max, 1e6);
  EXPECT_EQ(broker_.in_force.cleaner_backoff_ms, 100);
  EXPECT_EQ(alter(ConfigResourceType::broker, "", {{"log.cleaner.threads", Operation::set, "2"}}).error_code,
            ErrorCode::invalid_request);
}

TEST_F(ConfigsTest, ProducersExpireByTheTimeInForceAlsoAfterARestart) {
  storage::Log* log = nullptr;
  broker_.logs.fill = [&](storage::Log& made) {
    log = &made;
    records::BatchBuilder builder({.producer_id = 5, .producer_epoch = 0, .base_sequence = 0});
    builder.add({.timestamp = 1, .value = base::as_bytes("value")});
    const std::vector<std::byte> batch = builder.finish();
    CHECK(made.append(*records::BatchView::frame(batch), 0, broker_.clock.now_ms()).ok());
  };
  const auto producers_after = [&](std::chrono::milliseconds time) {
    broker_.clock.advance(time);
    broker_.topics().keep_house();
    return log->producers().size();
  };
  broker_.create("t", 1, {{.name = "retention.ms", .value = "-1"}});
  EXPECT_EQ(producers_after(std::chrono::seconds(2)), 1u);
  alter(ConfigResourceType::broker, "", {{"producer.id.expiration.ms", Operation::set, "1000"}});
  EXPECT_EQ(producers_after(std::chrono::milliseconds(0)), 0u);
  broker_.restart();
  EXPECT_EQ(producers_after(std::chrono::milliseconds(900)), 1u);
  EXPECT_EQ(producers_after(std::chrono::milliseconds(200)), 0u);
}

TEST_F(ConfigsTest, ChangesOfTheBrokerThatRaceAreAllKept) {
  constexpr int changes = 8;
  std::vector<std::thread> threads;
  for (int i = 0; i < changes; ++i) {
    threads.emplace_back([&, i] {
      protocol::RequestHeader header;
      header.api_version = 1;
      Peer peer;
      IncrementalAlterConfigsRequest request;
      request.resources.push_back({.resource_type = ConfigResourceType::broker,
                                   .resource_name = self_,
                                   .configs = {{"plugin." + std::to_string(i), Operation::set, "on"}}});
      IncrementalAlterConfigsResponse response;
      incremental_alter_configs(owners(), {header, peer}, request, response);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(broker_.metadata().broker_configs(broker_.options.node_id).size(), std::size_t{changes});
}

TEST_F(ConfigsTest, OptionThatNeedsARestartIsRefused) {
  const auto answer = alter(ConfigResourceType::broker, self_, {{"num.partitions", Operation::set, "7"}});
  EXPECT_EQ(answer.error_code, ErrorCode::invalid_request);
  EXPECT_EQ(answer.error_message, "Cannot update these configs dynamically: [num.partitions]");
}

TEST_F(ConfigsTest, OtherResourcesAreNotChanged) {
  EXPECT_EQ(alter(ConfigResourceType::broker_logger, self_, {{"root", Operation::set, "DEBUG"}}).error_code,
            ErrorCode::invalid_config);
  for (const auto type : {ConfigResourceType::unknown, ConfigResourceType{99}}) {
    EXPECT_EQ(alter(type, "x", {{"k", Operation::set, "v"}}).error_code, ErrorCode::invalid_request);
  }
  EXPECT_EQ(alter(ConfigResourceType::broker, "2", {{"k", Operation::set, "v"}}).error_code,
            ErrorCode::invalid_request);
}

TEST_F(ConfigsTest, ResourceListedTwiceIsNotChanged) {
  broker_.create("t");
  IncrementalAlterConfigsRequest request;
  for (int i = 0; i < 2; ++i) {
    request.resources.push_back({.resource_type = ConfigResourceType::topic,
                                 .resource_name = "t",
                                 .configs = {{"retention.ms", Operation::set, "5"}}});
  }
  for (const auto& answer : alter(request).responses) {
    EXPECT_EQ(answer.error_code, ErrorCode::invalid_request);
    EXPECT_EQ(answer.error_message, "Each resource must appear at most once.");
  }
  EXPECT_EQ(in_force().retention_ms, 604'800'000);
}

TEST_F(ConfigsTest, DurabilityChangesAsLongAsThereWasNoRecord) {
  const auto set = [&](const std::string& value, bool validate_only = false) {
    return alter(ConfigResourceType::topic, "t", {{"cms.durability", Operation::set, value}}, validate_only);
  };
  broker_.create("t", 2);
  const TopicHandle before = broker_.topics().find("t");
  EXPECT_EQ(set("volatile", true).error_code, ErrorCode::none);
  EXPECT_EQ(in_force().durability, Durability::persistent);
  EXPECT_EQ(before->partition(0)->state(), ErrorCode::none);
  EXPECT_EQ(set("volatile").error_code, ErrorCode::none);
  EXPECT_EQ(in_force().durability, Durability::volatile_memory);
  EXPECT_EQ(topic_config("cms.durability").value, "volatile");
  // Who still holds the old partitions is told to look again; offsets begin at 0 as before.
  EXPECT_EQ(before->partition(1)->state(), ErrorCode::not_leader_or_follower);
  EXPECT_EQ(set("transient").error_code, ErrorCode::none);
  EXPECT_EQ(broker_.topics().find("t")->partition(1)->positions().end, 0);
  broker_.restart();
  EXPECT_EQ(in_force().durability, Durability::transient);
}

TEST_F(ConfigsTest, DurabilityOfATopicThatHadRecordsStays) {
  broker_.logs.fill = [](storage::Log& log) {
    if (log.next_offset() > 0) return;
    const auto batch = storage::test::make_batch({.records = 3});
    CHECK(log.append(storage::test::view_of(batch), 0, 0).ok());
  };
  broker_.create("t");
  const auto answer = alter(ConfigResourceType::topic, "t", {{"cms.durability", Operation::set, "volatile"}});
  EXPECT_EQ(answer.error_code, ErrorCode::invalid_config);
  EXPECT_NE(answer.error_message->find("partition 0 is at offset 3"), std::string::npos) << *answer.error_message;
  EXPECT_EQ(in_force().durability, Durability::persistent);
  EXPECT_EQ(broker_.topics().find("t")->partition(0)->state(), ErrorCode::none);
  EXPECT_EQ(alter(ConfigResourceType::topic, "t", {{"cms.durability", Operation::set, "persistent"}}).error_code,
            ErrorCode::none);
}

// --- AlterConfigs.

TEST_F(ConfigsTest, ReplacingReturnsWhatIsNotNamedToItsDefault) {
  broker_.create("t", 1, {{.name = "retention.ms", .value = "5000"}, {.name = "cms.durability", .value = "volatile"}});
  EXPECT_EQ(replace(ConfigResourceType::topic, "t", {{"segment.ms", "7777777"}}).error_code, ErrorCode::none);
  EXPECT_EQ(in_force().retention_ms, 604'800'000);
  EXPECT_EQ(in_force().segment_ms, 7'777'777);
  EXPECT_EQ(in_force().durability, Durability::volatile_memory);
}

TEST_F(ConfigsTest, ReplacingRefusesRepeatedAndAbsentValues) {
  broker_.create("t");
  EXPECT_EQ(replace(ConfigResourceType::topic, "t", {{"retention.ms", "1"}, {"retention.ms", "2"}}).error_code,
            ErrorCode::invalid_request);
  EXPECT_EQ(replace(ConfigResourceType::topic, "t", {{"retention.ms", std::nullopt}}).error_code,
            ErrorCode::invalid_request);
  EXPECT_EQ(replace(ConfigResourceType::topic, "t", {{"nope", "1"}}).error_code, ErrorCode::invalid_config);
  EXPECT_EQ(replace(ConfigResourceType::broker_logger, self_, {{"root", "INFO"}}).error_message,
            "Unknown resource type 8");
}

}  // namespace
}  // namespace cms::broker
