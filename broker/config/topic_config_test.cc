// SPDX-License-Identifier: Apache-2.0
#include "broker/config/topic_config.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "broker/config/topic_config_table.h"

namespace cms::broker {
namespace {

using Kind = ConfigOperation::Kind;
using Code = ConfigRefusal::Code;

// A topic without a pool on a broker without a configuration, unless the test says more.
struct Topic {
  ConfigMap own;
  BrokerConfigLayers brokers;
  std::optional<PoolRule> pool;
  std::optional<Durability> durability;

  TopicConfigLayers layers() const { return {own, pool ? &*pool : nullptr, brokers, durability}; }

  ConfigOutcome set(const std::string& name, const std::string& value) const {
    const ConfigOperation operation{name, Kind::set, value};
    return alter_topic_config({&operation, 1}, layers());
  }
  ConfigOutcome change(const std::string& name, Kind kind, const std::string& value) const {
    const ConfigOperation operation{name, kind, value};
    return alter_topic_config({&operation, 1}, layers());
  }
  ConfigEntry described(std::string_view name) const {
    for (ConfigEntry& entry : describe_topic_config(layers())) {
      if (entry.name == name) return std::move(entry);
    }
    ADD_FAILURE() << "no config " << name;
    return {};
  }
};

std::string synonyms_of(const ConfigEntry& entry) {
  std::string text;
  for (const ConfigSynonym& synonym : entry.synonyms) {
    text += synonym.name + "=" + synonym.value.value_or("null") + "/" +
            std::to_string(static_cast<int>(synonym.source)) + " ";
  }
  return text;
}

TEST(TopicConfigTest, TheTableIsSortedAndEveryDefaultPassesItsRule) {
  const auto table = topic_config_table();
  EXPECT_TRUE(std::ranges::is_sorted(table, {}, &TopicConfigSpec::name));
  EXPECT_EQ(table.size(), 34u);  // Kafka 4.3's 33 and cms.durability
  for (const TopicConfigSpec& spec : table) {
    EXPECT_EQ(why_not(spec.rule, spec.name, spec.default_text), std::nullopt) << spec.name;
    EXPECT_FALSE(spec.documentation.empty()) << spec.name;
    EXPECT_EQ(find_topic_config(spec.name), &spec);
  }
}

TEST(TopicConfigTest, TheDefaultsOfTheTableAreThoseOfTheStruct) {
  EXPECT_EQ(effective_topic_config(Topic().layers()), EffectiveTopicConfig{});
}

TEST(TopicConfigTest, BadValuesAreRefusedInKafkasWords) {
  const std::vector<std::array<std::string, 3>> cases = {
      {"cleanup.policy", "foo",
       "Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete"},
      {"cleanup.policy", "compact,", "Configuration 'cleanup.policy' values must not be empty."},
      {"compression.type", "GZIP",
       "Invalid value GZIP for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, "
       "gzip, "
       "producer"},
      {"compression.gzip.level", "0",
       "Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1"},
      {"compression.lz4.level", "18",
       "Invalid value 18 for configuration compression.lz4.level: Value must be no more than 17"},
      {"compression.zstd.level", "-131073",
       "Invalid value -131073 for configuration compression.zstd.level: Value must be at least -131072"},
      {"retention.ms", "foo", "Invalid value foo for configuration retention.ms: Not a number of type LONG"},
      {"retention.ms", "", "Invalid value  for configuration retention.ms: Not a number of type LONG"},
      {"retention.ms", "99999999999999999999",
       "Invalid value 99999999999999999999 for configuration retention.ms: Not a number of type LONG"},
      {"retention.ms", "-5", "Invalid value -5 for configuration retention.ms: Value must be at least -1"},
      {"segment.bytes", "1048575",
       "Invalid value 1048575 for configuration segment.bytes: Value must be at least 1048576"},
      {"segment.bytes", "2147483648",
       "Invalid value 2147483648 for configuration segment.bytes: Not a number of type INT"},
      {"min.insync.replicas", "0", "Invalid value 0 for configuration min.insync.replicas: Value must be at least 1"},
      {"min.cleanable.dirty.ratio", "-5",
       "Invalid value -5.0 for configuration min.cleanable.dirty.ratio: Value must be at least 0"},
      {"min.cleanable.dirty.ratio", "1.5",
       "Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more than 1"},
      {"preallocate", "0", "Invalid value 0 for configuration preallocate: Expected value to be either true or false"},
      {"leader.replication.throttled.replicas", "foo",
       "Invalid value [foo] for configuration leader.replication.throttled.replicas: "
       "leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the following format: "
       "[partitionId]:[brokerId],[partitionId]:[brokerId],..."},
      {"remote.storage.enable", "true",
       "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage."},
      {"foo.bar", "1", "Unknown topic config name: foo.bar"},
      {"cms.durability", "eternal",
       "Invalid value eternal for configuration cms.durability: String must be one of: persistent, volatile, "
       "transient"},
  };
  for (const auto& [name, value, message] : cases) {
    const ConfigOutcome outcome = Topic().set(name, value);
    ASSERT_FALSE(outcome) << name << "=" << value;
    EXPECT_EQ(outcome.refusal().code, Code::invalid_config) << name;
    EXPECT_EQ(outcome.refusal().message, message);
  }
}

TEST(TopicConfigTest, OddButLegalValuesAreTakenAsKafkaTakesThem) {
  EXPECT_EQ(Topic().set("retention.ms", " +1000 ")->at("retention.ms"), "1000");
  EXPECT_EQ(Topic().set("preallocate", "TRUE")->at("preallocate"), "true");
  EXPECT_EQ(Topic().set("cleanup.policy", " compact , delete ")->at("cleanup.policy"), "compact,delete");
  EXPECT_EQ(Topic().set("cleanup.policy", "")->at("cleanup.policy"), "");
  EXPECT_EQ(Topic().set("retention.bytes", "-5")->at("retention.bytes"), "-5");
  EXPECT_EQ(Topic().set("min.cleanable.dirty.ratio", "1e-1")->at("min.cleanable.dirty.ratio"), "1e-1");
  EXPECT_TRUE(Topic().set("leader.replication.throttled.replicas", "1:0,2:1"));
  EXPECT_TRUE(Topic().set("leader.replication.throttled.replicas", "*"));
}

TEST(TopicConfigTest, SetChangesOneConfigAndDeleteReturnsItToTheDefault) {
  Topic topic;
  topic.own = *topic.set("retention.ms", "1000");
  EXPECT_EQ(effective_topic_config(topic.layers()).retention_ms, 1000);
  topic.own = *topic.change("retention.ms", Kind::remove, "");
  EXPECT_TRUE(topic.own.empty());
  EXPECT_TRUE(topic.change("not.set", Kind::remove, ""));
}

TEST(TopicConfigTest, AppendAndSubtractWorkOnTheListInForce) {
  Topic topic;
  topic.own = *topic.change("cleanup.policy", Kind::append, "compact");
  EXPECT_EQ(topic.own.at("cleanup.policy"), "delete,compact");
  topic.own = *topic.change("cleanup.policy", Kind::append, "compact");
  EXPECT_EQ(topic.own.at("cleanup.policy"), "delete,compact");
  topic.own = *topic.change("cleanup.policy", Kind::subtract, "delete");
  EXPECT_EQ(topic.own.at("cleanup.policy"), "compact");
  const EffectiveTopicConfig config = effective_topic_config(topic.layers());
  EXPECT_TRUE(config.cleanup_compact);
  EXPECT_FALSE(config.cleanup_delete);
}

TEST(TopicConfigTest, AppendToANumberIsRefused) {
  EXPECT_EQ(Topic().change("retention.ms", Kind::append, "1").refusal().message,
            "Can't APPEND to key retention.ms because its type is not LIST.");
  EXPECT_EQ(Topic().change("nonsense", Kind::append, "1").refusal().message,
            "Can't APPEND to key nonsense because its type is not LIST.");
  EXPECT_EQ(Topic().change("retention.ms", Kind::subtract, "1").refusal().code, Code::invalid_config);
}

TEST(TopicConfigTest, TheSameKeyTwiceIsAnInvalidRequest) {
  const ConfigOperation twice[] = {{"retention.ms", Kind::set, "1"}, {"retention.ms", Kind::remove, std::nullopt}};
  const ConfigOutcome outcome = alter_topic_config(twice, Topic().layers());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.refusal().code, Code::invalid_request);
  EXPECT_EQ(outcome.refusal().message, "Error due to duplicate config keys");
}

TEST(TopicConfigTest, OneBadValueLeavesTheResourceUnchanged) {
  const ConfigOperation operations[] = {{"retention.ms", Kind::set, "1"}, {"retention.bytes", Kind::set, "foo"}};
  EXPECT_FALSE(alter_topic_config(operations, Topic().layers()));
}

TEST(TopicConfigTest, NullAndUnknownOperationsAreInvalidRequests) {
  const ConfigOperation null{"retention.ms", Kind::set, std::nullopt};
  EXPECT_EQ(alter_topic_config({&null, 1}, Topic().layers()).refusal().message,
            "Null value not supported for : retention.ms");
  EXPECT_EQ(Topic().change("retention.ms", static_cast<Kind>(9), "1").refusal().code, Code::invalid_request);
  EXPECT_EQ(Topic().change("retention.ms", static_cast<Kind>(-1), "1").refusal().code, Code::invalid_request);
}

TEST(TopicConfigTest, CreationRefusesNullWithInvalidConfig) {
  const ConfigSetting null{"retention.ms", std::nullopt};
  const ConfigOutcome outcome = create_topic_config({&null, 1}, Topic().layers());
  EXPECT_EQ(outcome.refusal().code, Code::invalid_config);
  EXPECT_EQ(outcome.refusal().message, "Null value not supported for topic configs: retention.ms");
}

TEST(TopicConfigTest, CompactionLagsMustNotCross) {
  const ConfigSetting settings[] = {{"min.compaction.lag.ms", "100"}, {"max.compaction.lag.ms", "50"}};
  EXPECT_EQ(create_topic_config(settings, Topic().layers()).refusal().message,
            "conflict topic config setting min.compaction.lag.ms (100) > max.compaction.lag.ms (50)");
}

TEST(TopicConfigTest, ReplacingReturnsWhatIsNotNamedToItsDefault) {
  Topic topic;
  topic.own = {{"retention.ms", "1"}, {"cms.durability", "volatile"}};
  topic.durability = Durability::volatile_memory;
  const ConfigSetting setting{"segment.ms", "7"};
  EXPECT_EQ(*replace_topic_config({&setting, 1}, topic.layers()),
            (ConfigMap{{"cms.durability", "volatile"}, {"segment.ms", "7"}}));
}

TEST(TopicConfigTest, DurabilityStaysUnlessItIsNamed) {
  Topic topic;
  topic.durability = Durability::volatile_memory;
  topic.own = {{"cms.durability", "volatile"}};
  EXPECT_EQ(topic.set("cms.durability", "persistent")->at("cms.durability"), "persistent");
  EXPECT_EQ(*topic.change("cms.durability", Kind::remove, ""), topic.own);
  EXPECT_EQ(*replace_topic_config({}, topic.layers()), topic.own);
}

TEST(TopicConfigTest, APoolsRuleGivesTheDurabilityAndIsShownAsTheBrokersFile) {
  Topic topic;
  topic.pool = PoolRule{"/cms/topics/sensors.", {}, {{"cms.durability", "volatile"}, {"retention.ms", "60000"}}};
  EXPECT_EQ(effective_topic_config(topic.layers()).durability, Durability::volatile_memory);
  const ConfigEntry entry = topic.described("cms.durability");
  EXPECT_EQ(entry.value, "volatile");
  EXPECT_EQ(entry.source, ConfigSource::static_broker);
  EXPECT_EQ(synonyms_of(entry), "pool:/cms/topics/sensors.=volatile/4 cms.durability=persistent/5 ");
}

TEST(TopicConfigTest, ATopicKeepsItsDurabilityWhenItsPoolChanges) {
  Topic topic;
  topic.durability = Durability::transient;
  topic.pool = PoolRule{"/cms/topics/", {}, {{"cms.durability", "volatile"}}};
  EXPECT_EQ(effective_topic_config(topic.layers()).durability, Durability::transient);
  EXPECT_EQ(topic.described("cms.durability").value, "transient");
  EXPECT_EQ(topic.described("cms.durability").source, ConfigSource::topic);
}

TEST(TopicConfigTest, EveryLayerHasItsSourceInOrderOfPrecedence) {
  Topic topic;
  topic.own = {{"retention.ms", "1"}};
  topic.brokers.dynamic_broker = {{"log.retention.ms", "100"}};
  topic.brokers.dynamic_default = {{"log.retention.ms", "200"}};
  topic.brokers.static_broker = {{"log.retention.minutes", "10000"}};
  const ConfigEntry entry = topic.described("retention.ms");
  EXPECT_EQ(entry.source, ConfigSource::topic);
  EXPECT_EQ(synonyms_of(entry),
            "retention.ms=1/1 log.retention.ms=100/2 log.retention.ms=200/3 log.retention.minutes=10000/4 ");
  topic.own.clear();
  EXPECT_EQ(effective_topic_config(topic.layers()).retention_ms, 100);
  topic.brokers.dynamic_broker.clear();
  EXPECT_EQ(topic.described("retention.ms").source, ConfigSource::dynamic_default_broker);
  topic.brokers.dynamic_default.clear();
  EXPECT_EQ(topic.described("retention.ms").value, "600000000");
  topic.brokers.static_broker = {{"log.retention.hours", "-1"}};
  EXPECT_EQ(effective_topic_config(topic.layers()).retention_ms, -1);
}

TEST(TopicConfigTest, TheLongestPrefixOfAPoolWins) {
  const PoolRules rules(
      {{"/cms/topics/", 1, {}}, {"/cms/topics/sensors.fast.", 3, {}}, {"/cms/topics/sensors.", 2, {}}});
  EXPECT_EQ(rules.for_topic("sensors.fast.a")->partitions, 3);
  EXPECT_EQ(rules.for_topic("sensors.slow")->partitions, 2);
  EXPECT_EQ(rules.for_topic("orders")->partitions, 1);
  EXPECT_EQ(rules.for_path("/elsewhere"), nullptr);
  EXPECT_EQ(PoolRules().for_topic("orders"), nullptr);
}

}  // namespace
}  // namespace cms::broker
