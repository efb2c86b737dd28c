// SPDX-License-Identifier: Apache-2.0
#include "broker/config/broker_config.h"

#include <gtest/gtest.h>

#include "broker/config/option_table.h"

namespace cms::broker {
namespace {

using Kind = ConfigOperation::Kind;
using Code = ConfigRefusal::Code;

ConfigOutcome set(const std::string& name, const std::string& value, const ConfigMap& current = {}) {
  const ConfigOperation operation{name, Kind::set, value};
  return alter_broker_config(current, {&operation, 1});
}

ConfigEntry described(std::string_view name, const Options& options, const BrokerConfigLayers& layers) {
  for (ConfigEntry& entry : describe_broker_config(options, layers)) {
    if (entry.name == name) return std::move(entry);
  }
  ADD_FAILURE() << "no option " << name;
  return {};
}

TEST(BrokerConfigTest, DefaultsAndStaticValuesHaveTheirSources) {
  Options options;
  ASSERT_EQ(set_option(options, *OptionTable().find("num.partitions"), "5"), "");
  const BrokerConfigLayers layers{{}, {}, options.given};
  const ConfigEntry given = described("num.partitions", options, layers);
  EXPECT_EQ(given.value, "5");
  EXPECT_EQ(given.source, ConfigSource::static_broker);
  EXPECT_TRUE(given.read_only);
  ASSERT_EQ(given.synonyms.size(), 2u);
  EXPECT_EQ(given.synonyms[1].value, "1");
  const ConfigEntry rest = described("message.max.bytes", options, layers);
  EXPECT_EQ(rest.value, "1048588");
  EXPECT_EQ(rest.source, ConfigSource::default_value);
  EXPECT_FALSE(rest.read_only);
  EXPECT_EQ(rest.type, ConfigType::integer);
}

TEST(BrokerConfigTest, DynamicValuesComeBeforeStaticOnes) {
  const Options options;
  const BrokerConfigLayers layers{
      {{"log.retention.ms", "100"}}, {{"log.retention.ms", "200"}}, {{"log.retention.minutes", "9"}}};
  const ConfigEntry entry = described("log.retention.ms", options, layers);
  EXPECT_EQ(entry.value, "100");
  EXPECT_EQ(entry.source, ConfigSource::dynamic_broker);
  ASSERT_EQ(entry.synonyms.size(), 4u);
  EXPECT_EQ(entry.synonyms[2].name, "log.retention.minutes");
  EXPECT_EQ(entry.synonyms[3].name, "log.retention.hours");
}

TEST(BrokerConfigTest, AnUnsetSynonymHasNoValue) {
  EXPECT_EQ(described("log.retention.ms", Options(), {}).value, std::nullopt);
  EXPECT_EQ(described("log.retention.hours", Options(), {}).value, "168");
}

TEST(BrokerConfigTest, OptionsThatNeedARestartAreRefusedInKafkasWords) {
  const ConfigOutcome outcome = set("num.partitions", "3");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.refusal().code, Code::invalid_request);
  EXPECT_EQ(outcome.refusal().message, "Cannot update these configs dynamically: [num.partitions]");
  EXPECT_EQ(set("log.retention.ms", "foo").refusal().message,
            "Invalid value foo for configuration log.retention.ms: Not a number of type LONG");
  EXPECT_EQ(set("log.segment.bytes", "1").refusal().code, Code::invalid_request);
}

TEST(BrokerConfigTest, OlderNamesOfOptionsAreRefusedAsTheOptionsAre) {
  EXPECT_EQ(set("broker.id", "2").refusal().message, "Cannot update these configs dynamically: [broker.id]");
}

TEST(BrokerConfigTest, AppendToANumberIsRefusedInKafkasWords) {
  const ConfigOperation append{"log.retention.ms", Kind::append, "1"};
  EXPECT_EQ(alter_broker_config({}, {&append, 1}).refusal().message,
            "Config value append is not allowed for config key: log.retention.ms");
  const ConfigOperation subtract{"log.retention.ms", Kind::subtract, "1"};
  EXPECT_EQ(alter_broker_config({}, {&subtract, 1}).refusal().code, Code::invalid_config);
  const ConfigOperation unknown{"nonsense", Kind::append, "1"};
  EXPECT_EQ(alter_broker_config({}, {&unknown, 1}).refusal().message, "Unknown config name: nonsense");
}

TEST(BrokerConfigTest, DynamicValuesAreSetAppendedAndRemoved) {
  ConfigMap configs = *set("log.retention.ms", "100");
  EXPECT_EQ(configs.at("log.retention.ms"), "100");
  const ConfigOperation operations[] = {{"log.retention.ms", Kind::remove, std::nullopt},
                                        {"log.cleanup.policy", Kind::append, "compact"}};
  EXPECT_EQ(*alter_broker_config(configs, operations), (ConfigMap{{"log.cleanup.policy", "delete,compact"}}));
}

TEST(BrokerConfigTest, AnUnknownNameIsKeptAndItsValueNotShown) {
  const BrokerConfigLayers layers{*set("leader.replication.throttled.rate", "1000"), {}, {}};
  const ConfigEntry entry = described("leader.replication.throttled.rate", Options(), layers);
  EXPECT_TRUE(entry.sensitive);
  EXPECT_EQ(entry.value, std::nullopt);
}

TEST(BrokerConfigTest, TheDefaultOfAllBrokersListsOnlyWhatIsSet) {
  const auto entries = describe_broker_defaults({{}, {{"log.retention.ms", "200"}}, {}});
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].value, "200");
  EXPECT_EQ(entries[0].source, ConfigSource::dynamic_default_broker);
}

TEST(BrokerConfigTest, DynamicValuesReachTheOptionsAndBadOnesDoNot) {
  const BrokerConfigLayers layers{
      {{"max.connections", "7"}}, {{"max.connections", "3"}, {"producer.id.expiration.ms", "x"}}, {}};
  const Options options = with_dynamic_config({}, layers);
  EXPECT_EQ(options.max_connections, 7);
  EXPECT_EQ(options.producer_id_expiration_ms, 86'400'000);
  EXPECT_TRUE(options.given.empty());
}

}  // namespace
}  // namespace cms::broker
